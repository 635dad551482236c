"""Volume tiers: the price depends on how much is used over a period.

Graduated: each part of the quantity at the price of the tier in which it lies. Volume: all
of it at the price of the tier that was reached, so that the first units become cheaper, or
dearer, when the next tier begins.

A package of a size (100 for each 10 begun, the first 200 free) is a graduated tariff of two
tiers, see :func:`sized`.

>>> tariff = VolumeTariff((VolumeTier(10, Decimal(10)), VolumeTier(None, Decimal(5))))
>>> tariff.exact(12), tariff.charge(8, 4, 2)
(Fraction(110, 1), Decimal('30.00'))
"""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from .errors import BAD_QUANTITY, BAD_RATE, NO_RATE, Invalid, Refused
from .increments import MAX_QUANTITY
from .rounding import EXACT, METHODS, ratio, round_quotient
from .search import last_that_fits
from .tariff import ZERO

GRADUATED = "graduated"
VOLUME = "volume"
KINDS = (GRADUATED, VOLUME)


class VolumeTier(NamedTuple):
    """One tier of a period's quantity.

    :param upto: the greatest quantity that belongs to it, ``int`` or ``Decimal``; None = no end
    :param Decimal price: of each block of ``per`` units, not negative
    :param per: units in that block, ``int`` or ``Decimal``, greater than zero
    :param Decimal flat: once, when the tier is entered (volume: when it is the one reached)
    :param bool begun: a block that was begun is paid whole; else what was used of it
    """

    upto: object
    price: Decimal
    per: object = 1
    flat: Decimal = ZERO
    begun: bool = False

    def cost(self, quantity):
        """Return the exact price of a quantity in this tier, a Fraction, without ``flat``."""
        blocks = quantity / _fraction(self.per)
        if self.begun:
            blocks = -(-blocks.numerator // blocks.denominator)
        return _fraction(self.price) * blocks


@dataclass(frozen=True, slots=True)
class VolumeTariff:
    """The tiers of a service over a period, all in one currency.

    :param tuple tiers: of :class:`VolumeTier`, ascending. What lies beyond a last tier with
        an end is free if graduated (a cap), and has no price if not.
    :param str kind: ``graduated`` or ``volume``
    :param Decimal connection_charge: once for each event
    :raise Invalid: for tiers that make no sense
    """

    tiers: tuple
    kind: str = GRADUATED
    connection_charge: Decimal = ZERO

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind of volume tiers: {self.kind!r}")
        if not self.tiers:
            raise Invalid(BAD_RATE, "a volume tariff has a tier at least")
        reached = 0
        for tier in self.tiers:
            if reached is None or (tier.upto is not None and _fraction(tier.upto) < reached):
                raise Invalid(BAD_RATE, "volume tiers ascend, and only the last has no end")
            if _fraction(tier.per) <= 0:
                raise Invalid(BAD_RATE, "a volume tier's price is for more than no unit")
            if _fraction(tier.price) < 0 or _fraction(tier.flat) < 0:
                raise Invalid(BAD_RATE, "a volume tier's price is not negative")
            reached = None if tier.upto is None else _fraction(tier.upto)
        if _fraction(self.connection_charge) < 0:
            raise Invalid(BAD_RATE, "a connection charge is not negative")

    def exact(self, quantity):
        """Return the exact price of a period's whole quantity, without connection charges.

        :param quantity: units, ``int``, ``Decimal`` or ``Fraction``, not negative. A period
            without use costs the flat amount of the first tier.
        :return: Fraction
        :raise Refused: if no tier holds it (kind ``volume``)
        """
        return sum((cost for _tier, _part, cost in self.parts(quantity)), Fraction(0))

    def parts(self, quantity):
        """Return [(index of the tier, quantity in it, exact price with its flat amount)]."""
        quantity = _quantity(quantity)
        return self._whole(quantity) if self.kind == VOLUME else self._graduated(quantity)

    def charge(self, before, quantity, digits, method="half_up"):
        """Return what one event adds to a period, rounded.

        The events of a period always sum up to its rounded price, in whatever portions the
        quantity came: each pays the rounded price after it less that before it. With the
        kind ``volume`` that may be negative, when a cheaper tier is reached.

        :param before: units used earlier in the period; 0 = this event is its first
        :param quantity: units of this event
        :param int digits, str method: rounding, see ``rounding``
        :return: Decimal
        """
        if method not in METHODS:
            raise ValueError(f"unknown rounding method: {method!r}")
        before, quantity = _quantity(before), _quantity(quantity)
        after = _rounded(self.exact(before + quantity), digits, method)
        earlier = _rounded(self.exact(before), digits, method) if before else ZERO
        return EXACT.add(EXACT.subtract(after, earlier), round_quotient(self.connection_charge, 1, digits, method))

    def beyond(self, quantity, digits, method="half_up"):
        """Return what a period costs just beyond a quantity at which a tier ends, rounded (kind ``volume``)."""
        for tier in self.tiers:
            if tier.upto is None or _fraction(tier.upto) > quantity:
                return _rounded(tier.cost(_quantity(quantity)) + _fraction(tier.flat), digits, method)
        raise Refused(NO_RATE)

    def grantable(self, before, available, digits, method="half_up", cap=10**15):
        """Return how many whole units an event may use at most, whenever it ends.

        :param before: units used earlier in the period
        :param Decimal available: in the tariff's currency
        :param int cap: units asked for
        :return: int; 0 = not even the first

        >>> VolumeTariff((VolumeTier(10, Decimal(2)), VolumeTier(None, Decimal(1)))).grantable(
        ...     8, Decimal("5.50"), 2
        ... )
        3
        """

        def affordable(units):
            return self.charge(before, units, digits, method) <= available

        # Within a tier the price never falls, so the ends of the tiers are all that matters.
        before, good = _quantity(before), 0
        for tier in self.tiers:
            if tier.upto is not None and _fraction(tier.upto) <= before:
                continue
            end = cap if tier.upto is None else min(cap, int(_fraction(tier.upto) - before))
            if end > good and not affordable(end):
                return last_that_fits(affordable, good, end)
            good = max(good, end)
            if good >= cap:
                return cap
        return cap if self.kind == GRADUATED and affordable(cap) else good

    def _graduated(self, quantity):
        parts, reached = [], Fraction(0)
        for index, tier in enumerate(self.tiers):
            if index and quantity <= reached:
                break
            end = quantity if tier.upto is None else min(quantity, _fraction(tier.upto))
            parts.append((index, end - reached, tier.cost(end - reached) + _fraction(tier.flat)))
            reached = end if tier.upto is None else _fraction(tier.upto)
        return parts

    def _whole(self, quantity):
        for index, tier in enumerate(self.tiers):
            if tier.upto is None or quantity <= _fraction(tier.upto):
                return [(index, quantity, tier.cost(quantity) + _fraction(tier.flat))]
        raise Refused(NO_RATE)


def sized(price, size, free=0):
    """Return the tariff of packages: each begun ``size`` of units costs ``price``.

    :param Decimal price: of a package
    :param size: units in it
    :param free: units of the period that need none

    >>> sized(Decimal(100), 10, 21).exact(121)
    Fraction(1000, 1)
    """
    paid = VolumeTier(None, price, size, begun=True)
    return VolumeTariff((VolumeTier(free, ZERO), paid) if free else (paid,))


def _fraction(value):
    return value if isinstance(value, Fraction) else _ratio(value)


@lru_cache(maxsize=4096, typed=True)
def _ratio(value):
    # The same few prices and ends of tiers are asked for with every event.
    return Fraction(*ratio(value))


def _quantity(value):
    try:
        quantity = _fraction(value)
    except ValueError:
        raise Invalid(BAD_QUANTITY, f"not a quantity: {value}")
    if not 0 <= quantity < MAX_QUANTITY:
        raise Invalid(BAD_QUANTITY, "a quantity is not negative, and less than 10 ** 18")
    return quantity


def _rounded(exact, digits, method):
    return round_quotient(exact.numerator, exact.denominator, digits, method)
