"""Which column of a deck is which: by its usual names, or as a person has said."""

import re

from .errors import DeckError

ALIASES = {
    "prefix": ("prefix", "code", "dial code", "dialcode", "dial codes", "codes", "prefixes"),
    "country_code": ("country_code", "country code", "cc"),
    "area_code": ("area_code", "area code", "area codes", "city code", "city codes", "npa"),
    "destination": ("destination", "name", "description", "destination name", "zone"),
    "price": ("price", "price_per_minute", "rate", "price per minute", "rate per minute"),
    "initial": ("initial", "initial_increment", "first increment", "initial increment"),
    "increment": ("increment", "next", "next increment"),
    "connection_charge": ("connection_charge", "setup", "connection charge", "connection", "setup fee"),
    "date_from": ("effective_from", "valid_from", "effective", "effective date", "date_from", "valid from"),
    "date_to": ("valid_to", "date_to", "expires", "valid to", "end date", "expiry date"),
    "band": ("band", "time band"),
    "blocked": ("blocked",),
}
NEEDED = ("destination", "price")
# The first line that names these columns is the header; above it stand titles and addresses.
HEADER_WITHIN = 50
NUMBER = re.compile(r"[0-9.,+-]+")


def find(rows, mapping=None):
    """Read up to the header.

    :param rows: iterator of (line, cells)
    :param mapping: dict of field to what the header calls it, for those that it does not
        call by a usual name, or "#3" for the third column; None for a field that no column is,
        whatever its name
    :return: (dict of field to position, the header's cells, its line)
    :raise DeckError: when there is no header, telling what the first line lacks
    """
    first = None
    for count, (line, cells) in enumerate(rows, 1):
        names = [" ".join(cell.split()).lower() for cell in cells]
        if any(names):
            columns, missing = _columns(names, mapping or {})
            if not missing:
                return columns, cells, line
            if first is None:
                first = line, missing
        if count == HEADER_WITHIN:
            break
    if first is None:
        raise DeckError(1, "empty_file")
    line, missing = first
    raise DeckError(line, "no_column", names=", ".join(missing))


def numbered(table, mapping):
    """Return which field is which in a file that has no header.

    :param table: :class:`.tables.Table`; its first row is looked at, not taken
    :param mapping: dict of field to "#3" for the third column
    :return: (dict of field to position, "#1", "#2" and so on)
    :raise DeckError: when the mapping lacks what is needed, or the first row is shorter
    """
    rows = table.rows
    first = next(rows, None)
    if first is None:
        raise DeckError(1, "empty_file")
    table.line = 0
    names = [f"#{number}" for number in range(1, len(first[1]) + 1)]
    columns, missing = _columns(names, mapping)
    if missing:
        raise DeckError(first[0], "no_column", names=", ".join(missing))
    table.rows = _again(first, rows)
    return columns, names


def _again(first, rows):
    yield first
    yield from rows


def known(cells, mapping=None):
    """Return which field is which in a line, whether or not it has all that are needed.

    :param cells: of the line
    :param mapping: see :func:`find`
    :rtype: dict
    """
    return _columns([" ".join(cell.split()).lower() for cell in cells], mapping or {})[0]


def guess(rows, has_header=True):
    """Return the line that looks most like a header, where none is one.

    :param rows: iterator of (line, cells)
    :param bool has_header: whether cells must be words rather than numbers
    :return: (number of cells that say something, line, cells); the first line of the most
    """
    best = (0, 1, [])
    for count, (line, cells) in enumerate(rows, 1):
        said = sum(1 for cell in cells if cell.strip() and not (has_header and NUMBER.fullmatch(cell.strip())))
        if said > best[0]:
            best = (said, line, cells)
        if count == HEADER_WITHIN:
            break
    return best


def _columns(names, mapping):
    columns = {}
    for field, aliases in ALIASES.items():
        if field in mapping and mapping[field] is None:
            continue  # a person says that no column is it
        said = " ".join((mapping.get(field) or "").split()).lower()
        if said.startswith("#"):
            if said[1:].isdigit() and 0 < int(said[1:]) <= len(names):
                columns[field] = int(said[1:]) - 1
            continue
        for alias in (said,) if said else aliases:
            if alias in names:
                columns[field] = names.index(alias)
                break
    # A column that a person gave to one field is not another's by its name.
    for field, said in mapping.items():
        if said and field in columns:
            for other, position in list(columns.items()):
                if other != field and position == columns[field] and not mapping.get(other):
                    del columns[other]
    missing = [field for field in NEEDED if field not in columns]
    if "prefix" not in columns and "country_code" not in columns:
        missing.insert(0, "prefix")
    missing += [field for field, said in mapping.items() if said and field not in columns and field not in missing]
    return columns, missing
