"""Read a rate deck: a CSV file with a header line, as carriers send it.

Columns are found by name; these are known, in any order and letter case:

* ``prefix`` (or ``code``), ``destination`` (or ``name``), ``price``
  (``price_per_minute``, ``rate``): needed
* ``initial``, ``increment``: seconds; ``connection_charge`` (``setup``);
  ``effective_from`` (``valid_from``); ``valid_to``; ``band``; ``blocked``: optional

The separator is a comma, semicolon or tab; with another than the comma, a
decimal comma is understood. UTF-8, with or without byte order mark, or Latin-1.
"""

import csv
import io
import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

ALIASES = {
    "prefix": ("prefix", "code", "dial code", "dialcode"),
    "destination": ("destination", "name", "description"),
    "price": ("price", "price_per_minute", "rate", "price per minute"),
    "initial": ("initial", "initial_increment", "first increment"),
    "increment": ("increment", "next", "next increment"),
    "connection_charge": ("connection_charge", "setup", "connection charge", "connection"),
    "date_from": ("effective_from", "valid_from", "effective", "effective date", "date_from"),
    "date_to": ("valid_to", "date_to", "expires"),
    "band": ("band", "time band"),
    "blocked": ("blocked",),
}
REQUIRED = ("prefix", "destination", "price")
DATE_FORMATS = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%Y%m%d")
PREFIX = re.compile(r"[0-9]{1,18}")
LARGEST_PRICE = Decimal(10) ** 9
# Finer than any carrier's price; what claims more is no number that someone wrote.
MOST_DECIMALS = 12
LONGEST_NAME = 200
DAY = 86400


class DeckError(ValueError):
    """What is wrong with a deck; ``line`` is the line of the file, from 1."""

    def __init__(self, line, message):
        super().__init__(f"Line {line}: {message}")
        self.line = line


@dataclass(frozen=True, slots=True)
class DeckRow:
    """One rate of a deck.

    :param line: line of the file, from 1
    :param price: per minute (or per the service's unit), not negative
    :param initial, increment: seconds; None where the deck says nothing
    :param band: code of a time band, empty for all day
    """

    line: int
    prefix: str
    destination: str
    price: Decimal
    initial: int | None = None
    increment: int | None = None
    connection_charge: Decimal | None = None
    date_from: date | None = None
    date_to: date | None = None
    band: str = ""
    blocked: bool = False


def read(data):
    """Yield the rates of a deck in their order, and its faults.

    :param bytes data: the file
    :return: iterator of :class:`DeckRow` and, for lines that cannot be used,
        :class:`DeckError`
    :raise DeckError: when the file as a whole is not a deck

    >>> list(read(b"prefix;destination;price\\n49;Germany;0,0043\\n"))[0].price
    Decimal('0.0043')
    """
    text = _decode(data)
    if "\0" in text:
        raise DeckError(1, "this is not a text file; save the deck as CSV.")
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    rows = csv.reader(io.StringIO(text), delimiter=delimiter)
    try:
        header = next(rows, None)
        if not header:
            raise DeckError(1, "the file is empty.")
        columns = _columns(header)
        for cells in rows:
            if any(cell.strip() for cell in cells):
                try:
                    yield _row(rows.line_num, cells, columns, delimiter != ",")
                except DeckError as error:
                    yield error
    except csv.Error as error:
        raise DeckError(rows.line_num, f"the file is not valid CSV: {error}.") from error


def _decode(data):
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _columns(header):
    """Return the position of each known column."""
    names = [cell.strip().lower() for cell in header]
    columns = {}
    for field, aliases in ALIASES.items():
        for alias in aliases:
            if alias in names:
                columns[field] = names.index(alias)
                break
    missing = [field for field in REQUIRED if field not in columns]
    if missing:
        raise DeckError(1, f"no column {' and no column '.join(missing)}; the first line must name the columns.")
    return columns


def _row(line, cells, columns, decimal_comma):
    def cell(name):
        position = columns.get(name)
        return cells[position].strip() if position is not None and position < len(cells) else ""

    def number(name):
        text = cell(name)
        if not text:
            return None
        if decimal_comma and "." not in text:
            text = text.replace(",", ".")
        try:
            value = Decimal(text)
        except InvalidOperation as error:
            raise DeckError(line, f"{name} is not a number: {text[:40]!r}.") from error
        if not value.is_finite() or not 0 <= value < LARGEST_PRICE:
            raise DeckError(line, f"{name} is out of range: {text[:40]!r}.")
        if value and value.normalize().as_tuple().exponent < -MOST_DECIMALS:
            raise DeckError(line, f"{name} has more than {MOST_DECIMALS} decimals: {text[:40]!r}.")
        return value

    def seconds(name):
        value = number(name)
        if value is None:
            return None
        if value != int(value) or value > DAY:
            raise DeckError(line, f"{name} is not a number of seconds up to a day: {value}.")
        return int(value)

    prefix = cell("prefix").lstrip("+").replace(" ", "")
    if not PREFIX.fullmatch(prefix) or not prefix.isascii():
        raise DeckError(line, f"{prefix[:40]!r} is not a prefix; write digits only.")
    price = number("price")
    blocked = cell("blocked").lower() in ("1", "true", "yes", "x")
    if price is None and not blocked:
        raise DeckError(line, "the price is empty.")
    destination = cell("destination")
    if len(destination) > LONGEST_NAME:
        raise DeckError(line, f"the destination is longer than {LONGEST_NAME} characters: {destination[:40]!r}.")
    date_from, date_to = _period(line, cell("date_from"), cell("date_to"))
    return DeckRow(
        line=line,
        prefix=prefix,
        destination=destination,
        price=price or Decimal(0),
        initial=seconds("initial"),
        increment=seconds("increment"),
        connection_charge=number("connection_charge"),
        date_from=date_from,
        date_to=date_to,
        band=cell("band"),
        blocked=blocked,
    )


def _period(line, first, last):
    date_from, date_to = _date(line, first), _date(line, last)
    if date_from and date_to and date_to < date_from:
        raise DeckError(line, f"the rate ends on {date_to}, before it begins on {date_from}.")
    return date_from, date_to


def _date(line, text):
    if not text:
        return None
    for form in DATE_FORMATS:
        try:
            return datetime.strptime(text, form).date()
        except ValueError:
            continue
    raise DeckError(line, f"{text[:40]!r} is not a date; write it as 2026-11-20.")
