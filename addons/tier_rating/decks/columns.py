"""Which column of a deck is which: by its usual names, or as a person has said."""

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
# The first line that names these columns is the header; above it stand titles and addresses.
HEADER_WITHIN = 50


def find(rows, mapping=None):
    """Read up to the header.

    :param rows: iterator of (line, cells)
    :param mapping: dict of field to what the header calls it, for those that it does not
        call by a usual name
    :return: (dict of field to position, the header's cells)
    :raise DeckError: when there is no header, telling what the first line lacks
    """
    first = None
    for count, (line, cells) in enumerate(rows, 1):
        names = [" ".join(cell.split()).lower() for cell in cells]
        if any(names):
            columns, missing = _columns(names, mapping or {})
            if not missing:
                return columns, cells
            if first is None:
                first = line, missing
        if count == HEADER_WITHIN:
            break
    if first is None:
        raise DeckError(1, "empty_file")
    line, missing = first
    raise DeckError(line, "no_column", names=", ".join(missing))


def _columns(names, mapping):
    columns = {}
    for field, aliases in ALIASES.items():
        said = " ".join(mapping.get(field, "").split()).lower()
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
    missing = [field for field in ("destination", "price") if field not in columns]
    if "prefix" not in columns and "country_code" not in columns:
        missing.insert(0, "prefix")
    missing += [field for field, said in mapping.items() if said and field not in columns]
    return columns, missing
