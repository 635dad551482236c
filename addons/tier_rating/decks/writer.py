"""Write a rate deck, as :mod:`.reader` reads it: row by row, whatever its length."""

import csv
import io

HEADER = (
    "prefix",
    "destination",
    "price",
    "initial",
    "increment",
    "connection_charge",
    "effective_from",
    "valid_to",
    "band",
    "blocked",
)
# A sheet ends there (ECMA-376, part 1, 18.3.1.73).
LARGEST_SHEET = 1_048_576
# A double holds these many digits exactly; a price with more is written as text.
SIGNIFICANT = 15


class TooLong(ValueError):
    """The deck has more rates than a sheet has rows."""


def cells(row):
    """Return a rate as texts, in the order of :data:`HEADER`.

    :param row: :class:`.reader.DeckRow`
    :rtype: list of str
    """

    def text(value):
        return "" if value is None else str(value)

    return [
        row.prefix,
        row.destination,
        format(row.price, "f"),
        text(row.initial),
        text(row.increment),
        "" if row.connection_charge is None else format(row.connection_charge, "f"),
        text(row.date_from),
        text(row.date_to),
        row.band,
        "1" if row.blocked else "",
    ]


def write_csv(stream, rows):
    """Write a CSV file in UTF-8 with commas.

    :param stream: binary file
    :param rows: iterator of :class:`.reader.DeckRow`
    :return: how many
    """
    text = io.TextIOWrapper(stream, "utf-8", newline="")
    writer = csv.writer(text)
    writer.writerow(HEADER)
    count = 0
    for row in rows:
        writer.writerow(cells(row))
        count += 1
    text.flush()
    text.detach()
    return count


def write_xlsx(stream, rows):
    """Write a workbook.

    :param stream: seekable binary file
    :param rows: iterator of :class:`.reader.DeckRow`
    :return: how many
    :raise TooLong: if they do not fit into a sheet
    """
    import xlsxwriter

    book = xlsxwriter.Workbook(stream, {"constant_memory": True, "strings_to_numbers": False})
    sheet = book.add_worksheet("Rates")
    sheet.freeze_panes(1, 0)
    sheet.set_column(1, 1, 30)
    bold = book.add_format({"bold": True})
    sheet.write_row(0, 0, HEADER, bold)
    count = 0
    for count, row in enumerate(rows, 1):
        if count >= LARGEST_SHEET:
            raise TooLong(count)
        for column, text in enumerate(cells(row)):
            if not text:
                continue
            if column in (2, 5) and len(text) <= SIGNIFICANT:
                sheet.write_number(count, column, float(text))
            else:
                # Never a formula, whatever it begins with.
                sheet.write_string(count, column, text)
    book.close()
    return count


WRITERS = {"csv": write_csv, "xlsx": write_xlsx}
