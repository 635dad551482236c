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
    if rule == "completed":
        billed = 0
        while billed + increment <= begun:
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


def slow_draw(package, begun, billed):
    """Return (units of a package, end of what is billed), taking block after block of it."""
    if package is None or not package.left:
        return 0, billed(begun)
    if not (package.increment or package.apart):
        return min(package.left, billed(begun)), billed(begun)
    used = 0
    while used < begun and used < package.left:
        used = min(used + (package.increment or 1), package.left)
    if begun <= used:
        return used, used
    if package.apart:
        return used, used + billed(begun - used)
    return used, max(used, billed(begun))


def slow_volume(tiers, kind, quantity):
    """Price a whole number of units of a period unit by unit; blocks begun count whole."""
    if kind == "volume":
        tier = next(tier for tier in tiers if tier.upto is None or quantity <= tier.upto)
        return slow_tier(tier, quantity)
    total, counts = Fraction(0), [0] * len(tiers)
    for unit in range(1, quantity + 1):
        for index, tier in enumerate(tiers):
            if tier.upto is None or unit <= tier.upto:
                counts[index] += 1
                break
    for index, tier in enumerate(tiers):
        below = tiers[index - 1].upto if index else 0
        if index == 0 or quantity > below:
            total += slow_tier(tier, counts[index])
    return total


def slow_tier(tier, units):
    cost, left = Fraction(tier.flat), Fraction(units)
    while left > 0:
        part = min(left, Fraction(tier.per))
        cost += Fraction(tier.price) * (1 if tier.begun else part / Fraction(tier.per))
        left -= part
    return cost


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

    def unrounded(self, start, quantity, package=None):
        """Return (billed, price as a fraction); with a package also the units used of it."""
        terms = self.terms
        begun = slow_begun(quantity)
        nothing = (0, Fraction(0)) if package is None else (0, Fraction(0), 0)
        if begun == 0:
            return nothing
        first = self.rate_at(start, 0)
        if begun <= terms.grace_seconds:
            return nothing
        if terms.billed_time_rule == "completed" and package is None:
            seconds = self.completed(start, begun)
            billed, used = len(seconds), 0
        else:
            used, billed = slow_draw(package, begun, lambda units: self.billed(first, units))
            seconds = range(used, billed)
        total = sum((self.second_price(start, second, first) for second in seconds), Fraction(0))
        charge = Fraction(self.connection(first))
        if used and package.connection_charge is not None:
            charge = Fraction(package.connection_charge)
        total = max(total, charge) if terms.connection_deductible else total + charge
        if terms.surcharge_after is not None and begun > terms.surcharge_after:
            total += Fraction(terms.surcharge)
        if total > 0:
            total = max(total, Fraction(terms.minimum_charge))
        if terms.maximum_charge is not None:
            total = min(total, Fraction(terms.maximum_charge))
        total *= Fraction(self.factor)
        return (billed, total) if package is None else (billed, total, used)

    def billed(self, first, quantity):
        terms = self.terms
        initial, increment = first.initial_increment, first.increment
        return slow_billed(
            quantity,
            terms.initial_increment if initial is None else initial,
            terms.increment if increment is None else increment,
            terms.billed_time_rule,
            first.steps,
        )

    def completed(self, start, begun):
        """Return the seconds that completed increments of each stretch of a band consist of."""
        found, stretch, current = [], [], None
        for second in [*range(begun), None]:
            rate = None if second is None else self.rate_at(start, second)
            if stretch and rate is not current:
                size = current.increment or self.terms.increment
                found += stretch[: len(stretch) - len(stretch) % size]
                stretch = []
            current = rate
            stretch.append(second)
        return found

    def second_price(self, start, second, first):
        rate = self.rate_at(start, second) if self.bands else first
        price, per = rate.price, rate.per
        for step in rate.steps:
            if step[0] <= second:
                price, per = step[1], step[2]
        return self.derived(price) / per

    def connection(self, first):
        if first.connection_charge is None:
            return self.terms.connection_charge
        charge = Fraction(first.connection_charge)
        for markup, _fixed in self.derivations:
            charge *= 1 + Fraction(markup)
        return max(Fraction(0), charge)

    def amount(self, start, quantity):
        exact = self.unrounded(start, quantity)[1]
        return slow_round(exact, self.terms.rounding_digits, self.terms.rounding_method)
