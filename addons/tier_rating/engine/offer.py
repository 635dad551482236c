"""An offer: all that prices one session of one customer, made ready for fast arithmetic.

All amounts of an offer get one common denominator when it is made, so a price is then a few
multiplications of integers and one division. Making an offer costs some 20 µs, a price
under 5: keep the offer for the next session to the same prefix.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from math import gcd, lcm
from typing import NamedTuple

from .bands import calendar
from .errors import BAD_RATE, BLOCKED, NO_RATE, Invalid, Refused
from .increments import COMPLETED, Blocks, ExactBlocks
from .rounding import EXACT, as_amount, divide, ratio
from .tariff import ONE, ZERO, Derivation, Step, Terms, derive, ladder


class Receipt(NamedTuple):
    """How the payee books a payment in another currency than the payer's.

    :param Decimal factor: from the payer's currency to the payee's, of the event's day
    :param int digits, str method: rounding in the payee's currency
    """

    factor: Decimal
    digits: int
    method: str = "half_up"


class Coins:
    """Turns an exact price into whole smallest coins, rounding once."""

    __slots__ = ("denominator", "digits", "is_half_up", "method", "numerator")

    def __init__(self, denominator, digits, method, factor=(1, 1)):
        numerator = factor[0] * 10 ** max(digits, 0)
        denominator *= factor[1] * 10 ** max(-digits, 0)
        shared = gcd(numerator, denominator)
        self.numerator = numerator // shared
        self.denominator = denominator // shared
        self.digits, self.method = digits, method
        self.is_half_up = method == "half_up" and digits > 0

    def units(self, exact):
        return divide(exact * self.numerator, self.denominator, self.method)

    def amount(self, exact):
        if self.is_half_up and exact >= 0:
            # What most brands do, without the calls.
            denominator = self.denominator
            return EXACT.scaleb(Decimal((2 * exact * self.numerator + denominator) // (2 * denominator)), -self.digits)
        units = divide(exact * self.numerator, self.denominator, self.method)
        return as_amount(units, self.digits)


class Tariff:
    """One rate of an offer, its amounts as integers over the offer's denominator."""

    __slots__ = (
        "band_id",
        "blocked",
        "blocks",
        "charge",
        "connection",
        "derivations",
        "fine",
        "price",
        "prices",
        "rate",
        "starts",
        "steps",
        "sums",
        "unit",
        "units",
    )

    def __init__(self, rate, terms, derivations):
        self.rate, self.band_id, self.blocked = rate, rate.band_id, rate.blocked
        self.derivations = derivations
        steps = tuple(Step(*step) for step in rate.steps)
        _check(rate, steps)
        self.price = _sold(rate.price, derivations)
        self.steps = tuple(s._replace(price=_sold(s.price, derivations)) for s in steps)
        self.charge = terms.connection_charge
        if rate.connection_charge is not None:
            # It belongs to the rate, so a mark-up applies; a fixed part is per price block.
            self.charge = _sold(rate.connection_charge, [Derivation(markup) for markup, _fixed in derivations])
        first, further = rate.initial_increment, rate.increment
        self.fine = not terms.whole_units and further is None and all(step.increment == 1 for step in self.steps)
        if self.fine:
            self.blocks = ExactBlocks(first or 1, 1)
            return
        self.blocks = Blocks.of(
            terms.initial_increment if first is None else first,
            terms.increment if further is None else further,
            terms.billed_time_rule,
            tuple((step.from_second, step.increment) for step in self.steps),
        )

    def denominators(self):
        yield ratio(self.charge)[1]
        for price, per in ((self.price, self.rate.per), *(s[1:3] for s in self.steps)):
            yield ratio(price)[1] * per

    def scale(self, denominator):
        """Set the integers, once the denominator of the whole offer is known."""
        self.connection = _scaled(self.charge, 1, denominator)
        self.unit = _scaled(self.price, self.rate.per, denominator)
        self.starts = None
        if self.steps:
            steps = self.steps
            if steps[0].from_second:
                steps = (Step(0, self.price, self.rate.per, 1), *steps)
            self.starts = [step.from_second for step in steps]
            self.prices = [step.price for step in steps]
            self.units = [_scaled(step.price, step.per, denominator) for step in steps]
            self.sums = [0]
            for (here, there), unit in zip(pairwise(self.starts), self.units, strict=False):
                self.sums.append(self.sums[-1] + (there - here) * unit)

    def upto(self, elapsed):
        """Return the price of the first ``elapsed`` units, without any charge."""
        if self.starts is None:
            return self.unit * elapsed
        step = bisect_right(self.starts, elapsed) - 1
        return self.sums[step] + self.units[step] * (elapsed - self.starts[step])

    def pieces(self, start, end):
        """Cut the elapsed units from start to end where a step begins.

        :return: list of (start, end, price of the block, integer price of a unit)
        """
        if self.starts is None:
            return [(start, end, self.price, self.unit)]
        edges = [start, *(step for step in self.starts if start < step < end), end]
        pieces = []
        for edge, after in pairwise(edges):
            step = bisect_right(self.starts, edge) - 1
            pieces.append((edge, after, self.prices[step], self.units[step]))
        return pieces


class Meter:
    """The ready-made figures of an offer. Private to the engine."""

    __slots__ = (
        "calendar",
        "coins",
        "completed",
        "deductible",
        "default",
        "denominator",
        "flat",
        "grace",
        "maximum",
        "minimum",
        "quick",
        "surcharge",
        "surcharge_after",
        "tariffs",
        "zero",
    )

    def __init__(self, offer):
        terms = offer.terms
        banded, self.default = _arrange(offer)
        everything = [tariff for _band, tariff in banded]
        if self.default:
            everything.append(self.default)
        if not everything:
            raise Refused(NO_RATE)
        above, below = ratio(offer.factor)
        if above <= 0:
            raise ValueError("a conversion factor must be greater than zero")
        charges = (terms.minimum_charge, terms.surcharge, terms.maximum_charge or ZERO)
        common = lcm(
            *(ratio(charge)[1] for charge in charges),
            *(number for tariff in everything for number in tariff.denominators()),
        )
        # Integers over `denominator` are in the payer's currency: the factor is in them.
        self.denominator = common * below
        scaled = common * above
        for tariff in everything:
            tariff.scale(scaled)
        self.minimum = _scaled(terms.minimum_charge, 1, scaled)
        self.maximum = None if terms.maximum_charge is None else _scaled(terms.maximum_charge, 1, scaled)
        self.deductible = terms.connection_deductible
        self.completed = terms.billed_time_rule == COMPLETED
        self.surcharge = _scaled(terms.surcharge, 1, scaled)
        self.surcharge_after = terms.surcharge_after
        if self.surcharge_after is None:
            self.surcharge, self.surcharge_after = 0, 0
        self.grace = terms.grace_seconds
        self.coins = Coins(self.denominator, terms.rounding_digits, terms.rounding_method)
        self.zero = as_amount(0, terms.rounding_digits)
        self.tariffs = tuple(tariff for _band, tariff in banded)
        bands = tuple(band for band, _tariff in banded)
        self.calendar = calendar(bands, terms.timezone) if bands else None
        self.flat = None if bands else self.default
        self.quick = self._quick()

    def _quick(self):
        """Return what prices a session at once, for offers that have nothing but a price.

        :return: (tariff, initial increment, increment, integer price of a unit, integer
            connection charge), None for all others
        """
        tariff = self.flat
        if (
            tariff is None
            or tariff.blocked
            or tariff.fine
            or tariff.starts is not None
            or type(tariff.blocks) is not Blocks
            or tariff.blocks.steps
            or self.deductible
            or self.surcharge
            or self.minimum
            or self.maximum is not None
        ):
            return None
        return tariff, tariff.blocks.first, tariff.blocks.increment, tariff.unit, tariff.connection

    def tariff(self, index):
        """Return the tariff of a band, or raise why there is none."""
        tariff = self.default if index is None else self.tariffs[index]
        if tariff is None:
            raise Refused(NO_RATE)
        if tariff.blocked:
            raise Refused(BLOCKED)
        return tariff

    def plain(self, tariff, time, begun):
        """Add the charges of a session to the price of its time; all are integers."""
        sum_ = max(time, tariff.connection) if self.deductible else time + tariff.connection
        if self.surcharge and begun > self.surcharge_after:
            return sum_ + self.surcharge
        return sum_

    def total(self, plain):
        """Raise a sum to the minimum charge, cut it at the maximum. What is free stays free."""
        if 0 < plain < self.minimum:
            plain = self.minimum
        return plain if self.maximum is None or plain < self.maximum else self.maximum


@dataclass(frozen=True, slots=True)
class Offer:
    """What one customer pays for one prefix.

    :param Terms terms: of the brand that sells
    :param tuple rates: of the matched prefix, one per band
    :param tuple derivations: how these rates become the customer's, base first
    :param tuple bands: every :class:`Band` the rates refer to, in order of precedence
    :param Decimal factor: from the currency of the price list to the customer's
    :param bool timed: the quantity is seconds, so bands cut it; else the band at the start
        prices it all (messages, bytes)
    :param tuple fallback: pairs (rates, derivations) for hours without a rate
    :raise Refused: if there is no rate at all, or one that makes no sense

    >>> from .tariff import Rate
    >>> offer = Offer(Terms(), (Rate(1, "44", Decimal("0.012")),))
    >>> offer.meter.flat.rate.id
    1
    """

    terms: Terms
    rates: tuple
    derivations: tuple = ()
    bands: tuple = ()
    factor: Decimal = ONE
    timed: bool = True
    fallback: tuple = ()
    meter: Meter = field(init=False, repr=False, compare=False)

    def __post_init__(self):
        object.__setattr__(self, "meter", Meter(self))

    @classmethod
    def of(cls, match, terms, derivations=(), bands=(), factor=ONE, timed=True):
        """Make the offer of a match.

        :param Match match: of ``longest_match``
        :param derivations: how each list derives from its base, the customer's own first
        """
        return cls(
            terms,
            match.rates,
            ladder(match.depth, derivations, terms),
            tuple(bands),
            factor,
            timed,
            tuple((rates, ladder(depth, derivations, terms)) for depth, rates in match.deeper),
        )


def _check(rate, steps):
    for price, per in ((rate.price, rate.per), *(step[1:3] for step in steps)):
        if per < 1 or ratio(price)[0] < 0:
            raise Invalid(BAD_RATE, f"rate {rate.id}: a price is not negative, and per 1 unit or more")
    froms = [step.from_second for step in steps]
    if froms != sorted(set(froms)) or any(step.increment < 1 for step in steps):
        raise Invalid(BAD_RATE, f"rate {rate.id}: steps ascend and have an increment")


def _sold(price, derivations):
    """Return a derived price. Nothing is sold below zero: that would pay for the calling."""
    return max(ZERO, derive(price, derivations))


def _scaled(value, per, denominator):
    above, below = ratio(value)
    return above * denominator // (below * per)


def _arrange(offer):
    """Return [(band, tariff)] in order of precedence, and the all-day tariff or None."""
    order = {band.id: position for position, band in enumerate(offer.bands)}
    banded = []
    for rates, derivations in ((offer.rates, offer.derivations), *offer.fallback):
        default, layer = None, []
        for rate in rates:
            tariff = Tariff(rate, offer.terms, derivations)
            if rate.band_id is None:
                default = tariff
            elif rate.band_id in order:
                layer.append((order[rate.band_id], tariff))
            else:
                raise Invalid(BAD_RATE, f"rate {rate.id}: unknown time band {rate.band_id}")
        layer.sort(key=lambda item: item[0])
        banded += [(offer.bands[position], tariff) for position, tariff in layer]
        if default:
            return banded, default
    return banded, None
