"""Prefixes, numbers and dates as people write them into decks."""

import re
from datetime import datetime
from decimal import Decimal, InvalidOperation

from .errors import CellError

DATE_FORMATS = {
    "auto": ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%Y%m%d", "%d-%b-%Y", "%d-%m-%Y"),
    "mdy": ("%m/%d/%Y", "%m-%d-%Y", "%m.%d.%Y", "%Y-%m-%d", "%Y%m%d"),
}
LONGEST_PREFIX = 18
LARGEST_PRICE = Decimal(10) ** 9
# Finer than any carrier's price; what claims more is no number that someone wrote.
MOST_DECIMALS = 12
# A range, or a cell, of more prefixes than a numbering plan has is a mistake.
MOST_PREFIXES = 10_000
SEPARATORS = re.compile(r"[,;/|&\n]+")
DIGITS = re.compile(r"[0-9]{1,18}")
RANGE = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")
TIME_OF_DAY = re.compile(r"[T ][0-9:.]+Z?$")


def prefixes(text, country=""):
    """Return the prefixes that a cell stands for.

    :param str text: one prefix, several, ranges of them
    :param str country: country code before each; alone if the cell is empty
    :rtype: list
    :raise CellError: saying what is wrong

    >>> prefixes("4420-4423"), prefixes("4477-79"), prefixes("20, 7700", "44")
    (['4420', '4421', '4422', '4423'], ['4477', '4478', '4479'], ['4420', '447700'])
    >>> prefixes("", "+44"), prefixes("+49 30")
    (['44'], ['4930'])
    """
    country = _compact(country)
    if country and not DIGITS.fullmatch(country):
        raise CellError("country_code", text=repr(country[:40]))
    compact = _compact(text)
    if DIGITS.fullmatch(compact):  # the usual case
        return [_full(country, compact)]
    if not compact and country:
        return [country]
    found = []
    for part in SEPARATORS.split(compact):
        if part:
            found += [_full(country, prefix) for prefix in _range(part)]
            if len(found) > MOST_PREFIXES:
                raise CellError("many_prefixes", text=repr(text[:40]), most=MOST_PREFIXES)
    if not found:
        raise CellError("prefix", text=repr(text[:40]))
    return found


def _compact(text):
    return text.replace("+", "").replace(" ", "").replace("\u00a0", "").replace("\u2013", "-")


def _full(country, prefix):
    if len(country) + len(prefix) > LONGEST_PREFIX:
        raise CellError("long_prefix", text=repr((country + prefix)[:40]), most=LONGEST_PREFIX)
    return country + prefix


def _range(part):
    if DIGITS.fullmatch(part):
        return [part]
    ends = RANGE.fullmatch(part)
    if not ends:
        raise CellError("prefix", text=repr(part[:40]))
    first, last = ends.groups()
    if len(last) < len(first):  # 4477-79
        last = first[: len(first) - len(last)] + last
    if len(last) != len(first) or last < first:
        raise CellError("range", text=repr(part[:40]))
    count = int(last) - int(first) + 1
    if count > MOST_PREFIXES:
        raise CellError("large_range", text=repr(part[:40]), most=MOST_PREFIXES)
    return [str(number).zfill(len(first)) for number in range(int(first), int(last) + 1)]


def number(text, decimal_comma=False):
    """Return an amount.

    :param str text: as 0.0043, or with a decimal comma where that is the file's way
    :rtype: Decimal
    :raise CellError: saying what is wrong

    >>> number("0,0043", decimal_comma=True)
    Decimal('0.0043')
    """
    plain = text.replace(",", ".") if decimal_comma and "." not in text else text
    try:
        value = Decimal(plain)
    except InvalidOperation as error:
        raise CellError("number", text=repr(text[:40])) from error
    if not value.is_finite() or not 0 <= value < LARGEST_PRICE:
        raise CellError("out_of_range", text=repr(text[:40]))
    if value and value.normalize().as_tuple().exponent < -MOST_DECIMALS:
        raise CellError("decimals", text=repr(text[:40]), most=MOST_DECIMALS)
    # A number like 1E-7 is written out: people and other programs read it.
    return Decimal(format(value, "f")) if value else Decimal(0)


def day(text, order="auto"):
    """Return a date.

    :param str text: as 2026-11-20, 20.11.2026, 20/11/2026 or 20261120; a time of day is cut off
    :param str order: ``mdy`` for the American order
    :rtype: date
    :raise CellError: saying what is wrong

    >>> day("20/11/2026"), day("11/20/2026", "mdy"), day("2026-11-20T00:00:00")
    (datetime.date(2026, 11, 20), datetime.date(2026, 11, 20), datetime.date(2026, 11, 20))
    """
    plain = TIME_OF_DAY.sub("", text)
    for form in DATE_FORMATS[order]:
        try:
            return datetime.strptime(plain, form).date()
        except ValueError:
            continue
    raise CellError("date", text=repr(text[:40]))
