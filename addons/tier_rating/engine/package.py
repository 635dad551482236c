"""Packages: units that are included, used before money; what goes beyond is charged.

>>> from datetime import datetime
>>> from .offer import Offer
>>> from .tariff import Rate, Terms
>>> offer = Offer(Terms(initial_increment=50, increment=20), (Rate(1, "44", Decimal("1.80")),))
>>> priced = price_beyond(datetime(2026, 1, 1), 671, offer, Package(650))
>>> priced.price.billed, priced.used, priced.price.amount
(690, 650, Decimal('1.20'))
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import NamedTuple

from .errors import BAD_QUANTITY, NO_RATE, Invalid, Refused
from .grant import coins, longest
from .increments import begun, exactly, plain
from .price import FREE, GRACE, UNANSWERED, Price, _parts, charged
from .rounding import ratio
from .session import Session
from .tariff import ZERO


@dataclass(frozen=True, slots=True)
class Package:
    """What is left of the included units when a session begins.

    :param int left: seconds or units
    :param int increment: seconds (or units) in which it is used; 0 = it takes the first part
        of what the rate bills
    :param bool apart: the rate's blocks begin only where the package ends, as with free
        seconds at the start of every call
    :param connection_charge: of a session that begins in the package, Decimal, in the
        currency of the price list; None = as without a package. There is no second one
        where the package ends.

    >>> Package(40, increment=20).connection_charge is None
    True
    """

    left: int
    increment: int = 0
    apart: bool = False
    connection_charge: Decimal | None = None

    def __post_init__(self):
        if self.left < 0 or self.increment < 0:
            raise Invalid(BAD_QUANTITY, "a package has no units below zero")
        if self.connection_charge is not None and ratio(self.connection_charge)[0] < 0:
            raise ValueError("a charge cannot be negative")

    def draw(self, quantity, blocks=None):
        """Return (units used of the package, end of what is billed) of a session.

        :param quantity: units begun, 1 or more; exact where parts of a unit are billed
        :param Blocks blocks: of the rate; None = there is none

        >>> Package(40, increment=20).draw(10), Package(40, increment=20).draw(41)
        ((20, 20), (40, 41))
        """
        if not self.left:
            return 0, quantity if blocks is None else blocks.end(quantity)
        if self.increment or self.apart or blocks is None:
            size = self.increment or 1
            used = min(self.left, -(-quantity // size) * size)
            if quantity <= used:
                return used, used
            if self.apart:
                return used, used + (quantity - used if blocks is None else blocks.end(quantity - used))
            return used, quantity if blocks is None else max(used, blocks.end(quantity))
        billed = blocks.end(quantity)
        return min(self.left, billed), billed

    def offer(self, offer):
        """Return the offer with the connection charge of the package."""
        if self.connection_charge is None or not self.left:
            return offer
        return replace(
            offer,
            terms=replace(offer.terms, connection_charge=self.connection_charge),
            rates=tuple(replace(rate, connection_charge=None) for rate in offer.rates),
            fallback=tuple(
                (tuple(replace(rate, connection_charge=None) for rate in rates), derivations)
                for rates, derivations in offer.fallback
            ),
        )


class Beyond(NamedTuple):
    """A session that was paid from a package first.

    :param Price price: of what went beyond; ``billed`` counts the package's units too
    :param int used: units of the package
    """

    price: Price
    used: int


def price_beyond(start, quantity, offer, package):
    """Price one session that uses a package first.

    :param datetime start, quantity: see ``price``
    :param offer: :class:`Offer` for what goes beyond; None = nothing may
    :param Package package: what is left of it
    :return: :class:`Beyond`
    :raise Refused: as ``price``, or if the package is used up and there is no offer
    """
    units = begun(quantity)
    if offer is None:
        return _only(units, package)
    offer = package.offer(offer)
    meter = offer.meter
    if not units:
        return Beyond(Price(meter.zero, (0, 1), 0, reason=UNANSWERED), 0)
    session = PackagedSession(offer, start, units, package)
    if units > session.limit:
        raise Refused(NO_RATE)
    tariff = session.tariff
    if units <= meter.grace:
        return Beyond(Price(meter.zero, (0, 1), 0, rate_id=tariff.rate.id, reason=GRACE), 0)
    if tariff.fine:
        units = exactly(quantity)
    used, billed = package.draw(units, session.blocks)
    time = session.time(billed) - session.time(used)
    return Beyond(charged(meter, tariff, time, units, billed, session.parts(used, billed)), plain(used))


def grantable_beyond(offer, start, available, package, cap=None):
    """Return the most that a package and the money beyond it can pay for.

    As ``grantable``, and within the package to the second.

    :param offer, package: see :func:`price_beyond`
    :param Decimal available: in the payer's currency

    >>> from datetime import datetime
    >>> from .offer import Offer
    >>> from .tariff import Rate, Terms
    >>> offer = Offer(Terms(), (Rate(1, "44", Decimal("0.10"), per=1),))
    >>> package = Package(40, 20, connection_charge=Decimal("0.01"))
    >>> grantable_beyond(offer, datetime(2026, 1, 1), Decimal(1), package, 60)
    49
    """
    if offer is None:
        if (package.connection_charge or ZERO) > available:
            return 0
        return package.left if cap is None else max(0, min(package.left, int(cap)))
    offer = package.offer(offer)
    limit = longest([offer], cap)
    if limit < 1:
        return 0
    session = PackagedSession(offer, start, limit, package)
    reached = session.affordable(coins(available, offer.terms.rounding_digits), session.limit)
    if reached == session.limit:
        return reached
    return session.floor(reached)


def shares(used, lefts):
    """Return what is taken from each of several packages that are used one after the other.

    :param int used: units in all
    :param lefts: what is left of each, in their order

    >>> shares(70, [40, 20, 60])
    [40, 20, 10]
    """
    taken = []
    for left in lefts:
        taken.append(min(used, left))
        used -= taken[-1]
    if used:
        raise ValueError("more was used than the packages had")
    return taken


class PackagedSession(Session):
    """The price of one session beyond a package, as a function of its length.

    Completed increments are those of the whole session here, whatever its time bands.
    """

    packaged = True
    __slots__ = ("package",)

    def __init__(self, offer, start, limit, package):
        self.package = package
        super().__init__(offer, start, limit)

    def _horizon(self, limit):
        return max(limit, self.package.draw(limit, self.blocks)[1])

    def _counted(self, tariff, seconds):
        return seconds

    def exact(self, quantity):
        if quantity <= self.meter.grace:
            return 0
        used, billed = self.package.draw(quantity, self.blocks)
        time = self.time(billed) - self.time(used)
        return self.meter.total(self.meter.plain(self.tariff, time, quantity))

    def floor(self, quantity):
        """Return the end of the last whole block within a length, any second within the package."""
        left = self.package.left
        if not self.package.apart:
            return max(min(quantity, left), self.blocks.floor(quantity))
        return quantity if quantity <= left else left + self.blocks.floor(quantity - left)

    def parts(self, start, end):
        """Return the parts of a price, see :class:`Price`, of the billed units in between."""
        parts, segment_start = (), 0
        for segment_end, tariff in zip(self.ends, self.tariffs, strict=True):
            here, there = max(start, segment_start), min(end, segment_end)
            if here < there:
                parts += _parts(tariff, here, there)
            segment_start = segment_end
        return parts


def _only(units, package):
    """Price a session that nothing but a package may pay for."""
    charge = package.connection_charge or ZERO
    if not units:
        return Beyond(Price(ZERO, (0, 1), 0, reason=UNANSWERED), 0)
    used, billed = package.draw(units)
    if billed > used:
        raise Refused(NO_RATE)
    return Beyond(Price(charge, ratio(charge), billed, charge, reason=None if charge else FREE), used)
