"""Read a rate deck: a CSV file or a workbook with a header line, as carriers send it.

Columns are found by name, in any order and letter case, below any titles; or a person has said
what the sender calls them (:mod:`.columns` has the usual names):

* ``prefix``, or ``country_code`` with or without ``area_code``; ``destination``; ``price``: needed
* ``initial``, ``increment``: seconds; ``connection_charge``; ``date_from``; ``date_to``; ``band``;
  ``blocked``: optional

A cell may have several prefixes and ranges (``4420-4429, 4477``). The separator of a CSV file is
a comma, semicolon, tab or bar; with another than the comma, a decimal comma is understood. UTF-8,
with or without byte order mark, UTF-16 with one, or Latin-1.
"""

import io
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from operator import itemgetter
from typing import NamedTuple

from . import cells, columns
from .errors import CellError, DeckError
from .tables import open_table

LONGEST_NAME = 200
DAY = 86400
TRUE = ("1", "true", "yes", "x", "blocked")
# Texts that repeat are read once; this many of a column are remembered.
REMEMBERED = 100_000
ZERO = Decimal(0)


class DeckRow(NamedTuple):
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


@dataclass
class Layout:
    """How a sender writes its decks.

    :param dict mapping: field to the name of its column, where that is not a usual one, or to "#3"
        for the third; None for a field that no column is
    :param bool has_header: whether a line names the columns; else the mapping numbers them
    :param str decimals: ``comma``, ``point``, or ``auto`` to go by the file's separator
    :param str dates: ``mdy`` for the American order, else ``auto``
    :param str sheet: of a workbook; the first by default
    """

    mapping: dict = field(default_factory=dict)
    decimals: str = "auto"
    dates: str = "auto"
    sheet: str = ""
    has_header: bool = True


class Preview(NamedTuple):
    """The first lines of a file, for a person who says which column is which.

    :param line: of the header, or of what looks like one
    :param names: its cells
    :param samples: lists of cells, of the lines below
    :param positions: dict of field to position; what is known already
    :param fault: :class:`DeckError` where the file cannot be read so, or None
    """

    line: int
    names: list
    samples: list
    positions: dict
    fault: DeckError | None = None


def preview(source, layout=None, lines=3):
    """Return what a person needs to say which column is which.

    :param source: bytes, or a seekable binary file
    :param Layout layout: what is known of the sender
    :param int lines: how many below the header to show
    :rtype: Preview
    :raise DeckError: if the file is no table at all

    >>> preview(b"Zone;Code;Tarif\\n49;1;2").fault.code
    'no_column'
    """
    layout = layout or Layout()
    stream = io.BytesIO(source) if isinstance(source, (bytes, bytearray)) else source
    try:
        table, positions, names = _open(stream, layout)
        samples = _some(table.rows, lines)
        table.rows.close()
        return Preview(table.line, names, samples, positions)
    except DeckError as error:
        if error.code != "no_column":
            raise
        fault = error
    best = (0, 1, [], None)
    for table in open_table(stream, layout.sheet):
        found = columns.guess(table.rows, layout.has_header)
        table.rows.close()
        if found[0] > best[0]:
            best = (*found, table.delimiter)
    _said, line, names, delimiter = best
    if not layout.has_header:
        line, names = 0, [f"#{number}" for number in range(1, len(names) + 1)]
    samples = []
    for table in open_table(stream, layout.sheet, delimiter or ","):
        samples = _some((row for row in table.rows if row[0] > line), lines)
        table.rows.close()
        break
    return Preview(line, names, samples, columns.known(names, layout.mapping), fault)


def _some(rows, lines):
    found = []
    for _line, row in rows:
        if any(map(str.strip, row)):
            found.append(row)
        if len(found) == lines:
            break
    return found


def header(source, layout=None):
    """Return the cells of a deck's header and which field is which.

    :param source: bytes, or a seekable binary file
    :param Layout layout: how the sender writes
    :return: (dict of field to position, list of texts)
    :raise DeckError: if no line is a header
    """
    table, positions, names = _open(source, layout or Layout())
    table.rows.close()
    return positions, names


def read(source, layout=None):
    """Yield the rates of a deck in their order, and its faults.

    :param source: bytes, or a seekable binary file
    :param Layout layout: how the sender writes
    :return: iterator of :class:`DeckRow` and, for lines that cannot be used, :class:`DeckError`
    :raise DeckError: when the file as a whole is not a deck

    >>> list(read(b"prefix;destination;price\\n49;Germany;0,0043\\n"))[0].price
    Decimal('0.0043')
    """
    layout = layout or Layout()
    table, positions, _names = _open(source, layout)
    comma = table.delimiter != "," if layout.decimals == "auto" else layout.decimals == "comma"
    convert = _Line(positions, comma, layout.dates)
    for line, row in table.rows:
        try:
            yield from convert(line, row)
        except DeckError as error:
            yield error


def _open(source, layout):
    stream = io.BytesIO(source) if isinstance(source, (bytes, bytearray)) else source
    failure = None
    for table in open_table(stream, layout.sheet):
        try:
            if not layout.has_header:
                return table, *columns.numbered(table, layout.mapping)
            positions, names, table.line = columns.find(table.rows, layout.mapping)
            return table, positions, names
        except DeckError as error:
            table.rows.close()
            failure = failure or error
    raise failure


class _Line:
    """Turns the cells of a line into rates."""

    # All but the prefix, the destination and the price: the same over most of a deck.
    TAIL = ("initial", "increment", "connection_charge", "date_from", "date_to", "band", "blocked")

    def __init__(self, positions, decimal_comma, dates):
        self._needed = max(positions.values()) + 1
        self._prefix, self._country, self._area = (
            positions.get(name) for name in ("prefix", "country_code", "area_code")
        )
        self._destination, self._price = positions["destination"], positions["price"]
        self._tail = [(name, positions[name]) for name in self.TAIL if name in positions]
        self._tail_cells = itemgetter(*[position for _name, position in self._tail]) if self._tail else bool
        self._readers = {
            "price": lambda text: cells.number(text, decimal_comma),
            "connection_charge": lambda text: cells.number(text, decimal_comma),
            "initial": lambda text: _seconds(text, decimal_comma),
            "increment": lambda text: _seconds(text, decimal_comma),
            "date_from": lambda text: cells.day(text, dates),
            "date_to": lambda text: cells.day(text, dates),
            "band": str,
            "blocked": lambda text: text.lower() in TRUE,
        }
        self._prices, self._tails = {}, {}

    def __call__(self, line, row):
        """Return the rates of a line.

        :param int line: from 1
        :param list row: its cells
        :raise DeckError: if it cannot be used
        """
        if len(row) < self._needed:
            row = [*row, *[""] * (self._needed - len(row))]
        text = row[self._price]
        price = self._prices.get(text)
        if price is None:
            if not any(map(str.strip, row)):
                return ()
            price = self._remember(self._prices, text, self._read(line, "price", text))
        key = self._tail_cells(row)
        tail = self._tails.get(key)
        if tail is None:
            tail = self._remember(self._tails, key, self._read_tail(line, row))
        if price is None:
            if not tail[-1]:
                raise DeckError(line, "no_price")
            price = ZERO
        destination = row[self._destination].strip()
        if len(destination) > LONGEST_NAME:
            raise DeckError(line, "long_name", longest=LONGEST_NAME, text=repr(destination[:40]))
        rest = (destination, price, *tail)
        return [DeckRow._make((line, prefix, *rest)) for prefix in self._prefixes(line, row)]

    @staticmethod
    def _remember(known, key, value):
        if len(known) > REMEMBERED:
            known.clear()
        known[key] = value
        return value

    def _read(self, line, name, text):
        """Return what a cell says, None where it is empty."""
        text = text.strip()
        if not text:
            return None
        try:
            return self._readers[name](text)
        except CellError as error:
            # The columns of days are told by what is in them.
            column = "" if name.startswith("date") else name
            raise DeckError(line, error.code, **{**error.values, "column": column}) from error

    def _read_tail(self, line, row):
        """Return what a line says besides its prefix, destination and price, in the order of :data:`TAIL`."""
        values = {name: self._read(line, name, row[position]) for name, position in self._tail}
        date_from, date_to = values.get("date_from"), values.get("date_to")
        if date_from and date_to and date_to < date_from:
            raise DeckError(line, "ends_first", end=date_to, begin=date_from)
        *others, band, blocked = (values.get(name) for name in self.TAIL)
        return (*others, band or "", bool(blocked))

    def _prefixes(self, line, row):
        text = row[self._prefix].strip() if self._prefix is not None else ""
        if self._country is None and self._area is None and cells.DIGITS.fullmatch(text):  # the usual case
            return (text,)
        country = row[self._country].strip() if self._country is not None else ""
        try:
            if self._area is None:
                return cells.prefixes(text or country)
            if country or not text:
                return cells.prefixes(row[self._area].strip(), country)
            return cells.prefixes(text)
        except CellError as error:
            raise DeckError(line, error.code, **error.values) from error


def _seconds(text, decimal_comma):
    value = cells.number(text, decimal_comma)
    if value != int(value) or value > DAY:
        raise CellError("seconds", text=value)
    return int(value)


__all__ = ["DeckError", "DeckRow", "Layout", "Preview", "header", "preview", "read"]
