"""The rows of a deck, from CSV in any usual form or from an XLSX workbook.

Both are read as a stream: memory does not grow with the number of rows. (Only the table of
texts that a workbook shares between its cells is held, and limited.)
"""

import codecs
import csv
import io
import zipfile
import zlib
from datetime import date, datetime

from .errors import DeckError

CHUNK = 1 << 20
DELIMITERS = ",;\t|"
# A workbook of 1,000,000 rows has some 150 MB of XML; a bomb has more.
LARGEST_PART = 1 << 30
LARGEST_TEXTS = 100 << 20
# Numbers are kept as doubles in a workbook; more digits than these are noise of the conversion.
SIGNIFICANT = 15


class Table:
    """The rows of a file.

    :param rows: iterator of (line, list of texts); lines from 1
    :param str delimiter: of a CSV file; empty for a workbook
    :ivar int line: of the header, once it is found
    """

    def __init__(self, rows, delimiter=""):
        self.rows, self.delimiter, self.line = rows, delimiter, 1


def open_table(stream, sheet=None, delimiters=DELIMITERS):
    """Return the rows of a deck, once for each way to read it.

    A CSV file does not say what separates its cells: whoever knows the columns decides.

    :param stream: seekable binary file
    :param str sheet: of a workbook; the first by default
    :return: iterator of :class:`Table`, likeliest first; each reads the file from its beginning
    :raise DeckError: if it is neither text nor a workbook
    """
    stream.seek(0)
    start = stream.read(4096)
    if start.startswith(b"PK\x03\x04") and zipfile.is_zipfile(stream):
        yield Table(_workbook_rows(stream, sheet))
        return
    encoding = _encoding(stream)
    first = start.decode(encoding, "replace").split("\n", 1)[0]
    for delimiter in sorted(delimiters, key=first.count, reverse=True):
        yield Table(_csv_rows(stream, encoding, delimiter), delimiter)


def _encoding(stream):
    """Return the encoding of a text: UTF-8, UTF-16 if it is marked so, or Latin-1."""
    stream.seek(0)
    start = stream.read(3)
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    stream.seek(0)
    encoding = "utf-8-sig"
    while chunk := stream.read(CHUNK):
        if b"\0" in chunk:
            raise DeckError(1, "not_text")
        if encoding == "utf-8-sig":
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError:
                encoding = "latin-1"
    if encoding == "utf-8-sig":
        try:
            decoder.decode(b"", True)
        except UnicodeDecodeError:
            encoding = "latin-1"
    return encoding


def _csv_rows(stream, encoding, delimiter):
    stream.seek(0)
    text = io.TextIOWrapper(stream, encoding, newline="")
    rows = csv.reader(text, delimiter=delimiter)
    try:
        for cells in rows:
            yield rows.line_num, cells
    except (csv.Error, UnicodeError) as error:
        raise DeckError(rows.line_num, "bad_csv", why=error) from error
    finally:
        text.detach()


def _workbook_rows(stream, sheet):
    from openpyxl import load_workbook

    _check_workbook(stream)
    stream.seek(0)
    try:
        book = load_workbook(stream, read_only=True, data_only=True, keep_links=False)
    except Exception as error:  # whatever a broken file makes the library raise
        raise DeckError(1, "bad_workbook") from error
    try:
        if sheet and sheet not in book.sheetnames:
            raise DeckError(1, "no_sheet", sheet=repr(sheet), sheets=", ".join(book.sheetnames))
        if not book.worksheets:
            raise DeckError(1, "no_sheets")
        page = book[sheet] if sheet else book.worksheets[0]
        # What a workbook says of its size is often wrong.
        page.reset_dimensions()
        line = 0
        rows = page.iter_rows(values_only=True)
        while True:
            line += 1
            try:
                row = next(rows, None)
            except Exception as error:  # as above, but in the middle of the sheet
                raise DeckError(line, "broken_workbook") from error
            if row is None:
                return
            yield line, [_text(value) for value in row]
    finally:
        book.close()


def _check_workbook(stream):
    """Refuse what would fill the memory, and what no spreadsheet program writes."""
    try:
        with zipfile.ZipFile(stream) as archive:
            parts = archive.infolist()
            if "[Content_Types].xml" not in archive.namelist():
                raise DeckError(1, "not_text")
            for part in parts:
                limit = LARGEST_TEXTS if part.filename.endswith("sharedStrings.xml") else LARGEST_PART
                if part.file_size > limit:
                    raise DeckError(1, "large_workbook")
                if part.filename.endswith((".xml", ".rels")):
                    with archive.open(part) as file:
                        if b"<!DOCTYPE" in file.read(4096):
                            raise DeckError(1, "odd_workbook")
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, zlib.error) as error:
        raise DeckError(1, "bad_workbook") from error


def _text(value):
    """Return a cell of a workbook as a CSV file would have it."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "1" if value else ""
    if isinstance(value, float):
        return format(value, f".{SIGNIFICANT}g")
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return str(value)
