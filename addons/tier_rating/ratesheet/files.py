"""A rate sheet as rows for spreadsheets, with the column names that deck import knows.

Written row by row into a file: memory does not grow with the list.
"""

import csv
import io
from decimal import Decimal
from itertools import chain, islice

import xlsxwriter

from odoo.addons.tier_billing.statements.files import _plain

from . import layout

MIMES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
# Rows that one sheet of a workbook holds (ECMA-376, part 1, 18.3.1.73).
LARGEST_SHEET = 1_048_576
HEAD = (
    "prefix",
    "destination",
    "country",
    "band",
    "price",
    "currency",
    "unit",
    "connection_charge",
    "initial",
    "increment",
    "steps",
    "valid_from",
    "valid_to",
    "blocked",
)
# Prices that are remembered while a file is written.
PRICES_KEPT = 20_000
_NUMBERS = frozenset({"price", "connection_charge", "initial", "increment", "price_before"})


def rows(sheet, entries):
    """Yield the header and the rows: one for each prefix and time band.

    :param sheet: :class:`.effective.Sheet`
    :param entries: iterable of :class:`.effective.Row`, or of :class:`.changes.Change`
    :return: tuples of str, ``Decimal``, ``int``, ``date`` or None
    """
    entries = iter(entries)
    first = next(entries, None)
    changed = hasattr(first, "before")
    yield (*HEAD, *(("change", "price_before") if changed else ()))
    bands = {band.id: band.code for band in sheet.env["tier.time.band"].sudo().search([])}
    names, shown = _Names(sheet.env), _Shown()
    currency, unit = sheet.currency.name, layout.unit(sheet.service) or ""
    for entry in chain([first] if first else [], entries):
        row = entry.row if changed else entry
        destination, country = names[row.destination_id]
        extra = ()
        if changed:
            before = entry.before.first_price if entry.before else None
            extra = (entry.kind, None if before is None else shown[before])
        for price in row.prices:
            yield (
                row.prefix,
                destination,
                country,
                bands.get(price.band_id, ""),
                shown[row.first_price if row.volume else price.price],
                currency,
                unit,
                shown[price.connection],
                price.initial,
                price.increment,
                _steps(row, price),
                price.date_from,
                price.date_to,
                "yes" if price.blocked else "",
                *extra,
            )
        if not row.prices:
            # A rate that makes no sense prices nothing.
            yield (
                row.prefix,
                destination,
                country,
                "",
                None,
                currency,
                unit,
                *[None] * 3,
                "",
                None,
                None,
                "yes",
                *extra,
            )


class _Shown(dict):
    """Prices as they are shown, by exact price; many prefixes have the same."""

    def __missing__(self, price):
        if len(self) >= PRICES_KEPT:
            self.clear()
        self[price] = layout.shown(price)
        return self[price]


def _steps(row, price):
    """Return the prices of a call's later parts, or those by volume: from:price/increment, upto:price."""
    if row.volume:
        tiers = (
            f"{'' if upto is None else f'{layout.shown(Decimal(upto)):f}'}:{layout.shown(value):f}"
            for upto, value, _flat in row.volume.tiers
        )
        return f"{row.volume.period} {row.volume.kind} {' '.join(tiers)}"
    return " ".join(f"{start}:{layout.shown(value):f}/{size}" for start, value, size in price.steps)


class _Names(dict):
    """Names of destinations and of their countries by id, read as they come up."""

    def __init__(self, env):
        super().__init__({None: ("", "")})
        self._destinations = env["tier.destination"].sudo()

    def __missing__(self, destination_id):
        destination = self._destinations.browse(destination_id)
        self[destination_id] = destination.name or "", destination.country_id.name or ""
        return self[destination_id]


def write_csv(stream, table):
    """Write a sheet as CSV: UTF-8 with a byte order mark, commas, ISO days.

    :param stream: binary file
    :param table: what :func:`rows` yields
    """
    text = io.TextIOWrapper(stream, "utf-8-sig", newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerows(map(_cell, row) for row in table)
    text.flush()
    text.detach()


def _cell(value):
    kind = type(value)
    if kind is str:
        return _plain(value) if value else value
    if value is None:
        return ""
    return f"{value:f}" if kind is Decimal else str(value)


def write_xlsx(stream, table, env, title, notes=(), largest=LARGEST_SHEET):
    """Write a sheet as a workbook; what one sheet of it has no room for goes on in the next.

    :param stream: seekable binary file
    :param table: what :func:`rows` yields
    :param env: environment of the reader
    :param str title: first line of each sheet
    :param notes: lines below the title
    :param int largest: rows of a sheet at most
    """
    book = xlsxwriter.Workbook(stream, {"constant_memory": True, "strings_to_formulas": False})
    bold, head = book.add_format({"bold": True}), book.add_format({"bold": True, "bottom": 1})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    names, top = next(table), 1 + len(notes)
    number, following = 1, next(table, None)
    while number == 1 or following is not None:
        name = env._("Rates") if number == 1 else env._("Rates %s", number)
        sheet = book.add_worksheet(name[:31])
        for columns, width in (("A:A", 14), ("B:B", 36), ("C:C", 20), ("D:D", 10), ("E:N", 12)):
            sheet.set_column(columns, width)
        sheet.write_string(0, 0, title, bold)
        for line, note in enumerate(notes, start=1):
            sheet.write_string(line, 0, note)
        for column, name in enumerate(names):
            sheet.write_string(top, column, name, head)
        sheet.freeze_panes(top + 1, 0)
        if following is not None:
            part = chain([following], islice(table, largest - top - 2))
            for line, row in enumerate(part, start=top + 1):
                _write_row(sheet, line, names, row, day)
            following = next(table, None)
        number += 1
    book.close()


def _write_row(sheet, line, names, row, day):
    for column, value in enumerate(row):
        if value is None or value == "":
            continue
        if names[column] in _NUMBERS:
            sheet.write_number(line, column, value)
        elif hasattr(value, "isoformat"):
            sheet.write_datetime(line, column, value, day)
        else:
            sheet.write_string(line, column, value)
