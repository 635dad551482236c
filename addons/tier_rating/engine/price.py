"""The price of a session: exact until the end, rounded once.

>>> from datetime import datetime
>>> from .offer import Offer
>>> from .tariff import Rate, Terms
>>> offer = Offer(
...     Terms(initial_increment=30, increment=6, connection_charge=Decimal("0.05")),
...     (Rate(7, "44", Decimal("0.12")),),
... )
>>> charged = price(datetime(2026, 1, 1), 40, offer)
>>> charged.amount, charged.billed, charged.exact
(Decimal('0.13'), 42, (67, 500))
"""

from decimal import Decimal
from math import gcd
from typing import NamedTuple

from .bands import epoch
from .increments import begun, exactly, plain
from .rounding import ratio, round_quotient
from .tariff import ZERO

UNANSWERED = "unanswered"
GRACE = "grace"
FREE = "free"
MINIMUM = "minimum"
MAXIMUM = "maximum"


class Price(NamedTuple):
    """What a session costs, and how that came about.

    :param Decimal amount: in the payer's currency, rounded once
    :param tuple fraction: numerator and denominator of the price before the rounding, in
        the payer's currency
    :param billed: billed seconds or units, ``int``, or ``Decimal`` where parts of a unit are billed
    :param Decimal connection: connection charge within, in the price list's currency
    :param tuple parts: (band id or None, seconds, price of the block of the rate,
        or of its step, after derivation) of each part, in order
    :param rate_id: of the rate at the start; None if unanswered
    :param reason: None, or why the amount is not the plain sum: ``unanswered``, ``grace``,
        ``free`` (the rate is zero), ``minimum`` (raised to the minimum charge) or
        ``maximum`` (cut at the maximum charge)
    """

    amount: Decimal
    fraction: tuple
    billed: int
    connection: Decimal = ZERO
    parts: tuple = ()
    rate_id: object = None
    reason: str | None = None

    @property
    def exact(self):
        """The price before the rounding as (numerator, denominator) in lowest terms."""
        numerator, denominator = self.fraction
        shared = gcd(numerator, denominator)
        return numerator // shared, denominator // shared


def price(start, quantity, offer, units=None):
    """Price one session.

    :param datetime start: of the answer, aware or naive UTC
    :param quantity: seconds or units, ``int`` or ``Decimal``; a fraction counts as begun
        unless the offer bills parts of a unit
    :param Offer offer: what the payer pays
    :param units: :func:`.increments.begun` of the quantity, where that is known: all tiers
        of a session share it
    :return: :class:`Price`
    :raise Refused: if some part of the session has no rate or a blocked one, or if the
        quantity makes no sense
    """
    if units is None:
        units = begun(quantity)
    meter = offer.meter
    if meter.quick and units > meter.grace:
        return _quick(meter, units)
    if not units:
        return Price(meter.zero, (0, 1), 0, reason=UNANSWERED)
    tariff = meter.flat
    if tariff is None or tariff.blocked:
        moment = epoch(start)
        tariff = meter.tariff(meter.calendar.at(moment) if meter.calendar else None)
    if units <= meter.grace:
        return Price(meter.zero, (0, 1), 0, rate_id=tariff.rate.id, reason=GRACE)
    if tariff.fine:
        units = exactly(quantity)
    billed = tariff.blocks.end(units)
    if meter.calendar is None or not offer.timed:
        time = tariff.upto(billed)
        parts = _parts(tariff, 0, billed)
    elif meter.completed:
        time, parts = _completed(meter, moment, units)
        billed = sum(part[1] for part in parts)
    else:
        time, parts = _banded(meter, moment, billed)
    return charged(meter, tariff, time, units, billed, parts)


def _quick(meter, units):
    """The same as below for most calls: one price, one pair of increments, no other charges."""
    tariff, first, size, unit, plain = meter.quick
    billed = first if units <= first else first - (first - units) // size * size
    total = unit * billed + plain
    amount = meter.coins.amount(total)
    return Price(
        amount,
        (total, meter.denominator),
        billed,
        tariff.charge,
        ((None, billed, tariff.price),),
        tariff.rate.id,
        None if total else FREE,
    )


def charged(meter, tariff, time, units, billed, parts):
    """Return the price of a session whose time has been priced.

    :param time: price of the time over ``meter.denominator``
    :param units: begun; exact where the tariff bills parts of a unit
    :param billed, parts: see :class:`Price`
    """
    sum_ = meter.plain(tariff, time, units)
    total = meter.total(sum_)
    reason = None if total == sum_ else MINIMUM if total > sum_ else MAXIMUM
    fraction = (total, meter.denominator)
    if tariff.fine:
        fraction = (total.numerator, meter.denominator * total.denominator)
        billed = plain(billed)
        parts = tuple((band, plain(length), price) for band, length, price in parts)
    return Price(
        meter.coins.amount(total), fraction, billed, tariff.charge, parts, tariff.rate.id, reason if total else FREE
    )


def _parts(tariff, start, end):
    if start == end:
        # Nothing billed, as of a call shorter than a completed increment, is no part.
        return ()
    if tariff.starts is None:
        return ((tariff.band_id, end - start, tariff.price),)
    return tuple((tariff.band_id, after - before, price) for before, after, price, _unit in tariff.pieces(start, end))


def _banded(meter, moment, billed):
    """Return the price of the time and the parts of a session that bands may cut."""
    time, elapsed, parts = 0, 0, ()
    for index, seconds in meter.calendar.split(moment, billed):
        tariff = meter.tariff(index)
        end = elapsed + seconds
        time += tariff.upto(end) - tariff.upto(elapsed)
        parts += _parts(tariff, elapsed, end)
        elapsed = end
    return time, parts


def _completed(meter, moment, units):
    """As ``_banded``, with the completed increments of each band."""
    time, elapsed, parts = 0, 0, ()
    for index, seconds in meter.calendar.split(moment, units):
        tariff = meter.tariff(index)
        end = elapsed + tariff.blocks.end(seconds)
        time += tariff.upto(end) - tariff.upto(elapsed)
        parts += _parts(tariff, elapsed, end)
        elapsed += seconds
    return time, parts


def amount_in(charged, factor, digits, method):
    """Return a price in another currency, from the exact price with one rounding.

    Within one currency the payee receives ``charged.amount``, to the last coin.

    :param Price charged: what the payer pays
    :param Decimal factor: from the payer's currency to the other
    :param int digits, str method: rounding in the other currency

    >>> amount_in(Price(Decimal("0.33"), (1, 3), 1), Decimal("3"), 2, "half_up")
    Decimal('1.00')
    """
    numerator, denominator = charged.fraction
    above, below = ratio(factor)
    return round_quotient(numerator * above, denominator * below, digits, method)
