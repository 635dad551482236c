"""An independent rater for the tests: second by second, with fractions, in no hurry.

It shares the data classes with the engine (Terms, Rate, Band) and none of its arithmetic.
"""

from datetime import timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo


def slow_round(value, digits, method):
    """Round a fraction; return a fraction."""
    scale = Fraction(10) ** digits
    size = abs(value) * scale
    whole = size.numerator // size.denominator
    rest = size - whole
    half = Fraction(1, 2)
    if method == "up":
        whole += rest > 0
    elif method == "half_up":
        whole += rest >= half
    elif method == "half_even":
        whole += rest > half or (rest == half and whole % 2 == 1)
    else:
        assert method == "down"
    return (whole if value >= 0 else -whole) / scale


def slow_begun(quantity):
    value = Fraction(quantity)
    return -(-value.numerator // value.denominator)


def slow_billed(quantity, initial, increment, rule, steps=()):
    begun = slow_begun(quantity)
    if begun == 0:
        return 0
    if rule == "multiple":
        billed = 0
        while billed < max(begun, initial):
            billed += increment
        return billed
    billed = first = initial or increment
    while billed < begun:
        size = increment
        for step in steps:
            if first <= step[0] <= billed:
                size = step[3]
        cuts = [step[0] for step in steps if billed < step[0] < billed + size]
        billed = min([billed + size, *cuts])
    return billed


def in_window(local, window):
    weekdays, start, end = window[:3]
    clock = local.hour * 3600 + local.minute * 60 + local.second
    today = local.isoweekday() in weekdays
    if start < end:
        return today and start <= clock < end
    yesterday = (local.date() - timedelta(days=1)).isoweekday() in weekdays
    return (today and clock >= start) or (yesterday and clock < end)


def slow_band(start, second, zone, bands):
    """Return the index of the first band that holds a second of a session, or None."""
    utc = start.replace(tzinfo=timezone.utc) + timedelta(seconds=second)
    local = utc.astimezone(zone)
    for index, band in enumerate(bands):
        if any(in_window(local, window) for window in band.windows):
            return index
    return None


class NoRateError(Exception):
    pass


class SlowRater:
    """Prices what an Offer prices, from the same arguments."""

    def __init__(self, terms, rates, derivations=(), bands=(), factor=Decimal(1)):
        self.terms, self.rates, self.bands = terms, rates, bands
        self.derivations, self.factor = derivations, factor
        self.zone = ZoneInfo(terms.timezone)

    def derived(self, price):
        price = Fraction(price)
        for markup, fixed in self.derivations:
            price = price * (1 + Fraction(markup)) + Fraction(fixed)
        return max(Fraction(0), price)

    def rate_at(self, start, second):
        ids = {rate.band_id for rate in self.rates}
        bands = [band for band in self.bands if band.id in ids]
        index = slow_band(start, second, self.zone, bands) if bands else None
        band_id = None if index is None else bands[index].id
        for rate in self.rates:
            if rate.band_id == band_id:
                return rate
        raise NoRateError

    def unrounded(self, start, quantity):
        """Return (billed, price as a fraction)."""
        terms = self.terms
        begun = slow_begun(quantity)
        if begun == 0:
            return 0, Fraction(0)
        first = self.rate_at(start, 0)
        if begun <= terms.grace_seconds:
            return 0, Fraction(0)
        initial = first.initial_increment
        increment = first.increment
        billed = slow_billed(
            quantity,
            terms.initial_increment if initial is None else initial,
            terms.increment if increment is None else increment,
            terms.billed_time_rule,
            first.steps,
        )
        total = Fraction(0)
        for second in range(billed):
            rate = self.rate_at(start, second) if self.bands else first
            price, per = rate.price, rate.per
            for step in rate.steps:
                if step[0] <= second:
                    price, per = step[1], step[2]
            total += self.derived(price) / per
        charge = terms.connection_charge
        if first.connection_charge is not None:
            charge = Fraction(first.connection_charge)
            for markup, _fixed in self.derivations:
                charge *= 1 + Fraction(markup)
            charge = max(Fraction(0), charge)
        total += Fraction(charge)
        if terms.surcharge_after is not None and begun > terms.surcharge_after:
            total += Fraction(terms.surcharge)
        if total > 0:
            total = max(total, Fraction(terms.minimum_charge))
        return billed, total * Fraction(self.factor)

    def amount(self, start, quantity):
        exact = self.unrounded(start, quantity)[1]
        return slow_round(exact, self.terms.rounding_digits, self.terms.rounding_method)
