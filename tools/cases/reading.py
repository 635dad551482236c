"""Reads the fields of a case: exact numbers, one clear word for what makes no sense."""

import json
import re
import sys
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from zoneinfo import ZoneInfo

MISSING = object()
# What is said for people and changes no price.
REMARKS = frozenset({"account", "comment", "currency", "description", "name", "note", "source", "subject", "title"})
_MOST_DIGITS = 60
_FRACTION = re.compile(r"\s*([+-]?[\d.]{1,60})\s*/\s*([\d.]{1,60})\s*")


class Malformed(Exception):
    """The case contradicts itself or lacks what it needs."""


class Unsupported(Exception):
    """The product has no equivalent for what the case is about."""


def load(file):
    """Return the cases of a file.

    :param Path file: a JSON array, or an object with the array in ``cases``
    :return: list
    :raise Malformed: if it is neither
    :raise OSError: if it cannot be read
    """
    text = file.read_text(encoding="utf-8-sig", errors="strict")
    try:
        # Floats become Decimals as they were typed. Python refuses integers of 4,300 digits.
        found = json.loads(text, parse_float=_decimal, parse_constant=_no_constant)
    except RecursionError:
        raise Malformed("it is nested too deeply") from None
    except ValueError as error:
        raise Malformed(f"it is no JSON: {error}") from None
    if isinstance(found, dict):
        found = found.get("cases")
    if not isinstance(found, list):
        raise Malformed("it holds no list of cases")
    return found


def _no_constant(name):
    raise ValueError(f"{name} is no number")


def _decimal(text):
    value = Decimal(text)
    if not text.isascii() or not value.is_finite():
        raise ValueError(f"{text[:40]} is no number")
    if abs(value.adjusted()) > _MOST_DIGITS or abs(value.as_tuple().exponent) > _MOST_DIGITS:
        raise ValueError(f"{text[:40]} has too many digits")
    return value


def exact(value, where):
    """Return a number as a Fraction: "0.0043", "1/3", 7, 2.5.

    :raise Malformed: for anything else
    """
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        raise Malformed(f"{where}: {quote(value)} is no number")
    if isinstance(value, str):
        match = _FRACTION.fullmatch(value)
        if match:
            above, below = (exact(part, where) for part in match.groups())
            if not below:
                raise Malformed(f"{where}: {value} divides by zero")
            return above / below
        try:
            value = _decimal(value.strip())
        except (InvalidOperation, ValueError, OverflowError):
            raise Malformed(f"{where}: {quote(value)} is no number") from None
    if isinstance(value, int) and value.bit_length() > 4 * _MOST_DIGITS:
        raise Malformed(f"{where}: the number has too many digits")
    return Fraction(value)


def decimal(value, where):
    """Return a Fraction as an exact Decimal, such as charges are.

    :raise Unsupported: for a third
    """
    denominator, powers = value.denominator, {2: 0, 5: 0}
    for prime in powers:
        while denominator % prime == 0:
            denominator //= prime
            powers[prime] += 1
    if denominator != 1:
        raise Unsupported(f"{where}: {value} has no end as a decimal, which charges of the product have")
    digits = max(powers.values())
    return Decimal(f"{int(value * 10**digits)}E-{digits}")


def quote(value):
    """Say a value as it stands in the file, cut short."""
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"


def show(value):
    """Say a figure."""
    if isinstance(value, Fraction):
        try:
            return f"{decimal(value, ''):f}"
        except Unsupported:
            return str(value)
    return value if isinstance(value, str) and len(value) <= 60 else quote(value)


class Fields:
    """The fields of one object of a case; it remembers which were read.

    :param data: the object; None counts as an empty one
    :param str where: what it is called, for messages
    """

    def __init__(self, data, where):
        if data is not None and not isinstance(data, dict):
            raise Malformed(f"{where} is no object: {quote(data)}")
        self.data, self.where, self.inner = data or {}, where, []
        self.read = set()

    def __contains__(self, name):
        return self.data.get(name) is not None

    def get(self, name, default=None):
        """Return a field as it is; null counts as missing."""
        self.read.add(name)
        value = self.data.get(name)
        if value is None:
            if default is MISSING:
                raise Malformed(f"{self.where}.{name} is missing")
            return default
        return value

    def first(self, *names):
        """Return the name of the first of these fields that is there, else the first name."""
        return next((name for name in names if name in self), names[0])

    def amount(self, name, default=MISSING):
        """Return a Fraction."""
        value = self.get(name, default)
        return value if value is default else exact(value, f"{self.where}.{name}")

    def charge(self, name, default=Decimal(0)):
        """Return a Decimal that is not negative."""
        value = self.amount(name, default)
        if value is default:
            return default
        self._not_negative(name, value)
        return decimal(value, f"{self.where}.{name}")

    def price(self, name, per=1, default=MISSING):
        """Return (Decimal, int): a price and the units it is for, from a price per ``per`` units."""
        value = self.amount(name, default)
        self._not_negative(name, value)
        value /= per
        return Decimal(value.numerator), value.denominator

    def count(self, name, default=MISSING, least=0):
        """Return an int."""
        value = self.amount(name, default)
        if value is default:
            return default
        if value < least:
            raise Malformed(f"{self.where}.{name}: {show(value)} is less than {least}")
        if value.denominator != 1:
            raise Unsupported(f"{self.where}.{name}: {quote(value)} is not whole, as blocks and allowances are")
        return int(value)

    def quantity(self, name, default=MISSING):
        """Return seconds or units as a Decimal."""
        value = self.amount(name, default)
        if value is default:
            return default
        return decimal(value, f"{self.where}.{name}")

    def flag(self, name):
        value = self.get(name, False)
        if not isinstance(value, bool):
            raise Malformed(f"{self.where}.{name}: {quote(value)} is neither true nor false")
        return value

    def text(self, name, default=MISSING):
        value = self.get(name, default)
        if value is not default and not isinstance(value, str):
            raise Malformed(f"{self.where}.{name}: {quote(value)} is no text")
        return value

    def sub(self, name, default=MISSING):
        """Return an object within."""
        found = Fields(self.get(name, default), f"{self.where}.{name}")
        self.inner.append(found)
        return found

    def objects(self, name, default=MISSING):
        """Return the objects of a list."""
        found = [Fields(item, f"{self.where}.{name}[{i}]") for i, item in enumerate(self.items(name, default))]
        self.inner += found
        return found

    def items(self, name, default=MISSING):
        """Return a list that is not empty."""
        value = self.get(name, default)
        if value is default:
            return default
        if not isinstance(value, list) or not value:
            raise Malformed(f"{self.where}.{name} is no list, or an empty one")
        return value

    def unread(self):
        """Return the names of fields that nothing has read, remarks apart."""
        names = [
            f"{self.where}.{name}"
            for name, value in self.data.items()
            if value is not None and name not in self.read and name not in REMARKS
        ]
        return names + [name for fields in self.inner for name in fields.unread()]

    def _not_negative(self, name, value):
        if value < 0:
            raise Unsupported(f"{self.where}.{name}: {show(value)}; the product sells nothing below zero")


def moment(fields, name, zone, default=MISSING):
    """Return a field as an aware datetime; without an offset it is on the tariff's clock."""
    value = fields.text(name, default)
    if value is default:
        return default
    if value[-1:] in ("Z", "z"):
        value = f"{value[:-1]}+00:00"
    try:
        found = datetime.fromisoformat(value.strip())
    except ValueError:
        raise Malformed(f"{fields.where}.{name}: {quote(value)} is no moment") from None
    if not 1900 <= found.year <= 2999:
        raise Malformed(f"{fields.where}.{name}: the year {found.year} is out of reach")
    return found.astimezone(timezone.utc) if found.tzinfo else found.replace(tzinfo=zone).astimezone(timezone.utc)


def second_of_day(value, where):
    """Return "18:00" or "18:00:30" as seconds; "24:00" is the end of the day."""
    match = re.fullmatch(r"(\d{1,2}):(\d{2})(?::(\d{2}))?", value) if isinstance(value, str) else None
    if match:
        hours, minutes, seconds = (int(part or 0) for part in match.groups())
        if minutes < 60 and seconds < 60 and (hours < 24 or (hours, minutes, seconds) == (24, 0, 0)):
            return hours * 3600 + minutes * 60 + seconds
    raise Malformed(f"{where}: {quote(value)} is no time of the day")


def zone_of(fields, name="timezone"):
    """Return (name, tzinfo)."""
    found = fields.text(name, "UTC")
    try:
        return found, ZoneInfo(found)
    except (KeyError, ValueError, OSError):
        raise Malformed(f"{fields.where}.{name}: {quote(found)} is no time zone") from None


def monday_noon(zone):
    """Return a moment for tariffs that do not ask for the time."""
    return datetime.combine(date(2026, 5, 4), time(12), zone).astimezone(timezone.utc)


def seconds_between(start, end):
    """Return the whole seconds from a moment to another."""
    seconds = (end - start) // timedelta(seconds=1)
    if seconds < 0:
        raise Malformed("the call ends before it starts")
    return seconds


def engine_path(root):
    """Make the engine importable as ``engine``, without the add-on around it."""
    path = str(root / "addons" / "tier_rating")
    if path not in sys.path:
        sys.path.insert(0, path)
