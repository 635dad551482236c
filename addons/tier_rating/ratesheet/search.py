"""What somebody typed or pasted to find a price: a name, a prefix, or a number in any writing."""

import re
import unicodedata
from typing import NamedTuple

from ..engine.prefixes import normalise
from .effective import Wanted, escaped

try:
    import phonenumbers
except ImportError:  # national writings are then read by the rule of one leading zero
    phonenumbers = None

# More is no name and no number.
LONGEST = 64
# With fewer digits it is a prefix, or a short number: nothing to be read in two ways.
NUMBER_FROM = 7
_URI = re.compile(r"^(?:tel|sips?|callto|fax|sms):", re.IGNORECASE)


class Found(NamedTuple):
    """What a search is about.

    :param Wanted wanted: which prefixes to list; None = all
    :param tuple numbers: normalised numbers whose price is asked for, the likeliest first
    """

    wanted: Wanted | None
    numbers: tuple = ()


def read(env, text, service, country=None):
    """Return what a text asks for.

    :param env: environment of the reader, for the names of countries
    :param str text: as typed
    :param service: ``tier.service``; what is no call has resource codes rather than numbers
    :param country: ``res.country`` whose national writing is understood
    :rtype: Found
    """
    text = clean(text)
    if not text:
        return Found(None)
    if service.is_time:
        numbers = readings(text, country)
        if numbers:
            return Found(Wanted(starts=tuple(numbers)), tuple(numbers))
    destinations = _named(env, text)
    if service.is_time:
        return Found(Wanted(destinations=destinations))
    return Found(Wanted(starts=(text,), destinations=destinations), (text,))


def clean(text):
    """Return what was typed, in plain digits, without what no database takes.

    >>> clean("  ＋４４ 20\\u00a07946\\x00 ")
    '+44 20 7946'
    """
    text = unicodedata.normalize("NFKC", (text or "").replace("\x00", "")[: 4 * LONGEST])
    return " ".join(text.split())[:LONGEST]


def readings(text, country=None):
    """Return the numbers that a text may mean, in international form without the plus.

    Digits without any mark may be meant as they stand or as people of a country dial them;
    then both are returned. A text with letters is no number.

    :param str text: of :func:`clean`
    :param country: ``res.country`` whose national writing is understood
    :return: list of str

    >>> readings("+44 (0)20 7946-0000"), readings("tel:0044 20 7946 0000"), readings("4479")
    (['442079460000'], ['442079460000'], ['4479'])
    >>> readings("Germany"), readings("")
    ([], [])
    """
    text = _URI.sub("", text).split("@")[0].split(";")[0].lstrip()
    if text.startswith("00"):
        # As good as a plus nearly everywhere; behind it the (0) of +44 (0)20 is understood.
        text = f"+{text[2:].lstrip()}"
    code = str(country.phone_code or "") if country else ""
    plain = normalise(text, code)
    if not plain or text.lstrip(" (").startswith("+"):
        return [plain] if plain else []
    national = _national(text, country)
    if text.lstrip(" (").startswith("0"):
        # Nowhere does a country code begin with 0: only the country tells what it is.
        return [national or plain] if code else []
    if national and national != plain and len(plain) >= NUMBER_FROM:
        return [plain, national]
    return [plain]


def _national(text, country):
    """Return a number that is valid as a country's people dial it, else None."""
    if phonenumbers is None or not country:
        return None
    try:
        number = phonenumbers.parse(text, country.code)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:]


def _named(env, text):
    """Return the ids of destinations that are called so, or lie in a country that is."""
    literal = escaped(text)
    countries = env["res.country"].sudo().search(["|", ("name", "ilike", literal), ("code", "=ilike", literal)])
    domain = ["|", ("name", "ilike", literal), ("country_id", "in", countries.ids)]
    for name in countries.mapped("name"):
        # Destinations that nobody gave a country carry its name in theirs.
        domain = ["|", ("name", "=ilike", f"{escaped(name)}%"), *domain]
    return tuple(env["tier.destination"].sudo().search(domain).ids)


def with_match(sheet, found):
    """Return which prefixes to list, with those that price the numbers of a search.

    :param sheet: :class:`.effective.Sheet`
    :param Found found: of :func:`read`
    :return: :class:`.effective.Wanted`, None = all
    """
    matches = [sheet.price_of(number) for number in found.numbers]
    if found.wanted is None:
        return None
    return found.wanted._replace(prefixes=tuple(row.prefix for row in matches if row))
