"""Numbers and prefixes: which rate belongs to a number."""

from typing import NamedTuple

# Longest short code kept as it is: 112, 1571, 116117, 118500.
SHORT = 6
# Numbers of E.164 have 15 digits at most. Callers dial digits too many, which networks
# ignore; what is longer than this was not dialled by a telephone.
LONGEST = 32
_SEPARATORS = dict.fromkeys(map(ord, " \t\u00a0-./()"))


def normalise(number, country_prefix, international_prefix="00", national_prefix="0", national_length=0):
    """Return a dialled number as the digits of E.164 without the plus, "" if it is none.

    In this order:

    1. Spaces, ``-./()`` are dropped. Anything else but ASCII digits and one plus in front
       makes it no number: letters, ``*``, ``#``, digits of other scripts.
    2. ``+`` or the international prefix in front: the rest is the number. Behind a plus,
       ``(0)`` is dropped, as in +44 (0)20 …
    3. Up to six digits are a short number and stay as they are, even with a 0 in front.
    4. The national prefix in front: the country's prefix replaces it.
    5. As many digits as a national number has, if that is told: likewise.
    6. A 0 in front, which no country code has: the country's prefix comes before it.
    7. Else it is taken for E.164 without its plus.

    :param str number: as the switch reports it; None counts as empty
    :param str country_prefix: of the switch, such as 44
    :param str international_prefix: such as 00 or 011; empty = only the plus
    :param str national_prefix: such as 0, or 1 in North America; empty = none
    :param int national_length: digits of a national number where they are always dialled
        without a prefix (10 in North America, 9 in Spain); 0 = unknown

    >>> normalise("+44 (0)20 7946 0000", "44"), normalise("020 7946 0000", "44")
    ('442079460000', '442079460000')
    >>> normalise("0033 1 2345 6789", "44"), normalise("112", "44"), normalise("alice", "44")
    ('33123456789', '112', '')
    """
    if not number or len(number) > 2 * LONGEST:
        return ""
    plus = number.lstrip().startswith("+") or number.lstrip().startswith("(+")
    if plus and national_prefix:
        number = number.replace(f"({national_prefix})", "", 1)
    digits = number.translate(_SEPARATORS)
    if plus:
        digits = digits[1:]
    if not (digits.isascii() and digits.isdigit()) or len(digits) > LONGEST:
        return ""
    if plus:
        return "" if digits[0] == "0" else digits
    if len(digits) <= SHORT:
        return digits
    if international_prefix and digits.startswith(international_prefix):
        digits = digits[len(international_prefix) :]
        return "" if digits[:1] in ("", "0") else digits
    if national_prefix and digits.startswith(national_prefix):
        digits = digits[len(national_prefix) :]
        return "" if digits[:1] in ("", "0") else country_prefix + digits
    if len(digits) == national_length or digits[0] == "0":
        return country_prefix + digits if digits.strip("0") else ""
    return digits


def candidates(number):
    """Return the prefixes that may price a number, the longest first, "" (any) last.

    >>> candidates("447")
    ['447', '44', '4', '']
    """
    return [number[:length] for length in range(len(number), -1, -1)]


class Match(NamedTuple):
    """The rates of the longest prefix.

    :param str prefix: that matched
    :param int depth: level where it was found: 0 = the customer's own list, 1 = its base …
    :param tuple rates: all bands of that prefix at that level, one rate per band
    :param tuple deeper: pairs (depth, rates) of the same prefix in the bases, for the hours
        in which ``rates`` has no band. Empty if ``rates`` cover the whole day.
    """

    prefix: str
    depth: int
    rates: tuple
    deeper: tuple = ()

    @property
    def blocked(self):
        """True if the destination is barred all day."""
        return all(rate.blocked for rate in self.rates) and not self.deeper


def longest_match(number, levels, day):
    """Find the rates for a number in a price list and its bases.

    The longest prefix of all levels wins, whatever level it stands in; at the same prefix
    the level nearest to the customer. A rate that is not in force counts as absent; of two
    in force for the same band, the one that came into force last counts.

    :param str number: normalised, or a service code
    :param levels: sequence of mappings prefix → sequence of rates, own list first
    :param day: date of the event on the brand's calendar
    :return: :class:`Match`, or None if there is no rate: never free, always refused

    >>> from datetime import date
    >>> from decimal import Decimal
    >>> from .tariff import Rate
    >>> own = {"44": [Rate(1, "44", Decimal("0.01"))]}
    >>> base = {"447": [Rate(2, "447", Decimal("0.05"))]}
    >>> longest_match("447911000000", [own, base], date(2026, 1, 1)).rates[0].id
    2
    """
    for length in range(len(number), -1, -1):
        prefix = number[:length]
        found = []
        for depth, level in enumerate(levels):
            rates = level.get(prefix)
            if rates:
                rates = _in_force(rates, day)
                if rates:
                    found.append((depth, rates))
                    if any(rate.band_id is None for rate in rates):
                        break
        if found:
            (depth, rates), *deeper = found
            return Match(prefix, depth, rates, tuple(deeper))
    return None


def _in_force(rates, day):
    """Return one rate per band, the last to come into force of those valid on a day."""
    if len(rates) == 1:
        return tuple(rates) if rates[0].valid_on(day) else ()
    latest = {}
    for rate in rates:
        if rate.valid_on(day):
            other = latest.get(rate.band_id)
            if other is None or _newer(rate, other):
                latest[rate.band_id] = rate
    return tuple(latest.values())


def _newer(rate, other):
    if rate.date_from == other.date_from:
        return rate.id > other.id
    return other.date_from is None or (rate.date_from is not None and rate.date_from > other.date_from)
