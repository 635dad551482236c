"""Read a list of wallets and amounts that somebody made in a spreadsheet. No Odoo here."""

import csv
import io
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

# More than that is no file that a person made.
ROWS = 50_000
HEADERS = {"wallet", "name", "customer", "amount"}


@dataclass(slots=True)
class Row:
    """One line of the file.

    :param number: of the line, as a text editor counts
    :param wallet: what it is called
    :param amount: Decimal, or None if it cannot be read
    :param text: the amount as it stands there
    """

    number: int
    wallet: str
    amount: Decimal | None
    text: str


def parse(content):
    """Return the lines of a file, two columns each: wallet and amount.

    Comma, semicolon or tabulator between them; a decimal comma where it is not the
    separator; a first line with headers is left out.

    >>> [(row.number, row.wallet, str(row.amount)) for row in parse(b"wallet,amount\\nAda,10.50\\n\\nBo,1\\n")]
    [(2, 'Ada', '10.50'), (4, 'Bo', '1')]
    >>> str(parse("Ada;10,50".encode())[0].amount)
    '10.50'
    >>> parse(b"Ada,much")[0].amount

    :param bytes content: of the file
    :return: list of :class:`Row`
    :raise ValueError: when it is no such file
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", "replace")
    if "\0" in text:
        raise ValueError("no text")
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = next((sign for sign in "\t;," if sign in first), ",")
    rows = []
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    try:
        for cells in reader:
            cells = [cell.strip() for cell in cells]
            if not any(cells) or (not rows and {cell.lower() for cell in cells[:2]} <= HEADERS):
                continue
            if len(rows) == ROWS:
                raise ValueError("too long")
            amount = cells[1] if len(cells) > 1 else ""
            rows.append(Row(reader.line_num, cells[0], _amount(amount, delimiter), amount))
    except csv.Error as error:
        raise ValueError(str(error)) from error
    return rows


def _amount(text, delimiter):
    """Return an amount as an exact number, or None."""
    text = text.replace(" ", "").replace("\N{NO-BREAK SPACE}", "")
    if delimiter != "," and "," in text and "." not in text:
        text = text.replace(",", ".")
    try:
        return Decimal(text)
    except InvalidOperation:
        return None
