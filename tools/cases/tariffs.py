"""Which offer of the engine a tariff of a case is."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

from engine import Band, Match, Offer, Package, Rate, Refused, Terms, longest_match
from engine.errors import NO_RATE

from .reading import MISSING, Malformed, Unsupported, moment, monday_noon, second_of_day, seconds_between, zone_of

ROUNDING = {
    "up": "up",
    "down": "down",
    "middle": "half_up",
    "nearest": "half_up",
    "half_up": "half_up",
    "half_away": "half_up",
    "half_even": "half_even",
    "bankers": "half_even",
}
# A tariff that says nothing of rounding is compared exactly; a grant then counts so many digits.
UNROUNDED = {"rounding_method": "up", "rounding_digits": 24}
MOST_DIGITS = 24
# Hundredths and thousandths in which some systems write amounts; balances are in whole units.
SMALL_COINS = {"cent": 100, "cents": 100, "ct": 100, "penny": 100, "pence": 100, "millicent": 100_000}
DAY = 86_400
ANY = ("*", "*any", "any")
EVERY_DAY = range(1, 8)


def rounding(fields, name="rounding"):
    """Return (Terms' fields, whether amounts are rounded at all)."""
    found = fields.sub(name, None)
    if not found.data:
        return UNROUNDED, False
    return rounding_of(found), True


def rounding_of(fields):
    """Return the Terms' fields of a method and a number of decimals."""
    decimals = fields.amount("decimals", Fraction(0))
    if decimals.denominator != 1 or abs(decimals) > MOST_DIGITS:
        raise Malformed(f"{fields.where}.decimals: {decimals} is no number of digits")
    return {"rounding_method": _method(fields), "rounding_digits": int(decimals)}


def _method(fields):
    name = fields.text("method").strip().lstrip("*").lower()
    if name not in ROUNDING:
        raise Unsupported(f"the product rounds up, down, half up or half even, not {name!r}")
    return ROUNDING[name]


def coins_of(tariff):
    """Return how many of the tariff's units make one of the balance's."""
    words = str(tariff.get("currency", "")).lower().split()
    return next((SMALL_COINS[word] for word in words if word in SMALL_COINS), 1)


class Timed:
    """A tariff of calls: the offer for a start, the package before it, how much it is rounded.

    :param make: function(start, Match or None) → Offer
    """

    def __init__(self, case, terms, rates, bands=(), package=None, zone=None):
        tariff, call = case.tariff, case.call
        self.call, self.package, self.rounded = call, package, True
        name, self.zone = zone or zone_of(tariff)
        self.limit = None
        rounded, self.rounded = rounding(tariff)
        common = self._common(tariff)
        if common["maximum_charge"] is not None:
            strategy = tariff.text("max_cost_strategy", "free").lstrip("*").lower()
            if strategy not in ("free", "disconnect"):
                raise Unsupported(f"beyond its maximum charge a session goes on for free or ends, not {strategy!r}")
            if strategy == "disconnect":
                # A session that its switch did not end in time is charged in full.
                self.limit, common["maximum_charge"] = common["maximum_charge"], None
        self.terms = Terms(timezone=name, **rounded, **{**common, **terms})
        self.rates, self.bands = tuple(rates), tuple(bands)
        self.unit = coins_of(tariff)
        self.start = moment(call, "start", self.zone, None) or self._no_start()
        if call.flag("continuation") or tariff.flag("continuation"):
            self._continue()
        self.offer = self._offer(tariff)

    @staticmethod
    def _common(tariff):
        """Read what any tariff of calls may have besides its prices."""
        after = tariff.count("surcharge_after_s", None)
        return {
            "surcharge": tariff.charge("surcharge"),
            "surcharge_after": after,
            "grace_seconds": tariff.count("grace_s", 0),
            "minimum_charge": tariff.charge(tariff.first("min_cost", "minimum_charge")),
            "maximum_charge": tariff.charge(tariff.first("max_cost", "maximum_charge"), None),
            "connection_deductible": tariff.flag("connect_deductible"),
            "max_session": tariff.count("max_session_s", 0),
        }

    def _no_start(self):
        windows = [window for band in self.bands for window in band.windows]
        always = not windows or (
            len(self.bands) == 1
            and all((w.start, w.end) == (0, DAY) and not w.dated for w in windows)
            and {day for w in windows for day in w.weekdays} == set(EVERY_DAY)
        )
        if not always:
            raise Malformed("call.start is missing, and the price depends on it")
        return monday_noon(self.zone)

    def _continue(self):
        """Make a later debit of the same call: no second connection charge."""
        self.terms = replace(self.terms, connection_charge=Decimal(0))
        self.rates = tuple(replace(rate, connection_charge=Decimal(0)) for rate in self.rates)

    def _offer(self, tariff):
        """Return the offer for the number that was called; refused if no prefix is in its front."""
        prefixes, number = tariff.get("prefixes"), self.call.get("number")
        if prefixes is None or number is None:
            match = Match("", 0, self.rates)
        else:
            match = matched(prefixes, number, self.rates, self.start.astimezone(self.zone).date())
        return Offer.of(match, self.terms, bands=self.bands)


def matched(prefixes, number, rates, day):
    """Return the Match of a number in a tariff's prefixes.

    :raise Refused: if it begins with none of them
    """
    if not isinstance(prefixes, (list, dict)):
        raise Malformed("tariff.prefixes is no list")
    levels = [{prefix_digits(prefix): rates for prefix in prefixes}]
    match = longest_match(digits(number, "call.number"), levels, day)
    if match is None:
        raise Refused(NO_RATE)
    return match


def digits(number, where):
    """Return a number or prefix as digits, as ``longest_match`` takes them."""
    text = str(number) if isinstance(number, int) and not isinstance(number, bool) else number
    text = text.strip().removeprefix("+") if isinstance(text, str) else None
    if text is None or not (text.isascii() and (text.isdigit() or not text)):
        raise Malformed(f"{where}: {number!r} are no digits")
    return text


def prefix_digits(prefix):
    """Return a prefix as digits; that of any number is empty."""
    return "" if isinstance(prefix, str) and prefix in ANY else digits(prefix, "tariff.prefixes")


def length(call, zone, start):
    """Return how long the call was: of ``duration_s`` or of start and end."""
    if "duration_s" in call or "end" not in call:
        return call.quantity("duration_s")
    return seconds_between(start, moment(call, "end", zone))


def slots(case):
    """Bands that begin at some hour of some days, each with slots of elapsed seconds."""
    tariff = case.tariff
    zone = zone_of(tariff)
    ranked = []
    for number, band in enumerate(tariff.objects("bands")):
        window = window_of(band)
        ranked.append((precedence(band, window), number, window, rate_of(band, number)))
    ranked.sort(key=lambda item: item[:2])
    bands = tuple(Band(number, (window,)) for _order, number, window, _rate in ranked)
    rates = [rate for *_rest, rate in ranked]
    free = tariff.count("free_s", 0)
    package = Package(free, apart=True) if free else included(case)
    return Timed(case, {}, rates, bands, package, zone)


def precedence(band, window):
    """Return what bands are sorted by: weight, then those of certain dates, then the latest."""
    return -band.amount("weight", Fraction(0)), not any(window[3:]), -window[1]


def window_of(band):
    """Return a Window's fields. The band that began last applies, so an end is seldom given."""
    start = second_of_day(band.text("start", "00:00:00"), f"{band.where}.start")
    end = second_of_day(band.text("end", "24:00:00"), f"{band.where}.end")
    if start == DAY:
        raise Malformed(f"{band.where}.start: a day has no second after its last")
    return (
        numbers(band, band.first("days", "weekdays", "weekday"), 1, 7, EVERY_DAY),
        start,
        end,
        numbers(band, band.first("years", "year"), 1970, 2999, ()),
        numbers(band, band.first("months", "month"), 1, 12, ()),
        numbers(band, band.first("monthdays", "monthday"), 1, 31, ()),
    )


def numbers(fields, name, least, most, default):
    """Return a whole number, or a list of them, as a frozenset."""
    value = fields.get(name)
    if value is None:
        return frozenset(default)
    found = value if isinstance(value, list) else [value]
    if not all(isinstance(item, int) and not isinstance(item, bool) and least <= item <= most for item in found):
        raise Malformed(f"{fields.where}.{name}: numbers from {least} to {most} are needed")
    return frozenset(found)


def rate_of(band, number):
    """Return the rate of a band: its first slot, with a step for each further one."""
    found = []
    for slot in band.objects("slots"):
        price, per = slot.price("rate", slot.count("per_s", MISSING, 1))
        found.append((slot.count("from_s", 0), price, per, slot.count("increment_s", 1, 1)))
    found.sort(key=lambda slot: slot[0])
    if len({slot[0] for slot in found}) < len(found):
        raise Malformed(f"{band.where}: two slots begin at the same second")
    if found[0][0]:
        found.insert(0, (0, Decimal(0), 1, found[0][0]))  # nothing is charged before the first slot
    _zero, price, per, increment = found[0]
    return Rate(
        number,
        "",
        price,
        per=per,
        band_id=number,
        connection_charge=band.charge("connect"),
        initial_increment=increment,
        increment=increment,
        steps=tuple(found[1:]),
    )


def initial_then_increments(case):
    """Return the tariff of an initial block and further blocks, each with a price a second."""
    tariff = case.tariff
    initial, following = tariff.count("initial_s"), tariff.count("next_s", MISSING, 1)
    price, per = tariff.price("initial_rate_per_s")
    later, later_per = tariff.price("next_rate_per_s")
    rate = Rate(1, "", price, per=per, steps=((initial, later, later_per, following),))
    if not initial:
        rate = Rate(1, "", later, per=later_per)
    terms = {
        "initial_increment": initial,
        "increment": following,
        "connection_charge": tariff.charge("connect"),
    }
    free = tariff.count("free_s", 0)
    return Timed(case, terms, [rate], package=Package(free) if free else included(case))


def multiples(case):
    """Return the tariff of whole multiples of an increment."""
    tariff = case.tariff
    price, per = tariff.price("rate", tariff.count("per_s", 60, 1), Fraction(0))
    terms = {
        "increment": tariff.count("increment_s", 1, 1),
        "billed_time_rule": "multiple",
        "connection_charge": tariff.charge("connect"),
    }
    free = tariff.count("free_s", 0)
    timed = Timed(case, terms, [Rate(1, "", price, per=per)], package=Package(free, apart=True) if free else None)
    step = tariff.amount("round_up_to", None)
    if step is not None:
        timed.rounded = True
        timed.offer = replace(
            timed.offer, terms=replace(timed.terms, rounding_method="up", rounding_digits=power_of_ten(step))
        )
    return timed


def power_of_ten(step):
    """Return the digits after the point of a coin such as 100, 1 or 0.01."""
    for found in range(-MOST_DIGITS, MOST_DIGITS + 1):
        if step == Fraction(10) ** -found:
            return found
    raise Unsupported(f"the product rounds to powers of ten, not to {step}")


def completed_minutes(case):
    """Return the tariff of a standing charge and each completed minute at a peak price."""
    tariff = case.tariff
    start, end = peak(tariff)
    price, per = tariff.price("rate_per_min", 60)
    off_peak, off_per = tariff.price("off_peak_rate_per_min", 60, Fraction(0))
    rates = [Rate(1, "", price, per=per, band_id="peak"), Rate(2, "", off_peak, per=off_per)]
    terms = {"billed_time_rule": "completed", "increment": 60, "connection_charge": tariff.charge("connect")}
    case.call.data = {**case.call.data}
    if "start_time" in case.call:
        second_of_day(case.call.text("start_time"), "call.start_time")
        case.call.data["start"] = f"{date(2026, 5, 4)}T{case.call.text('start_time'):0>8}"
    return Timed(case, terms, rates, (Band("peak", ((EVERY_DAY, start, end),)),))


def peak(tariff):
    """Return the seconds of the day between which it is peak time."""
    hours = tariff.items("peak")
    if len(hours) != 2:
        raise Malformed("tariff.peak has a beginning and an end")
    start, end = (second_of_day(hour, "tariff.peak") for hour in hours)
    return start % DAY, end


def included(case):
    """Return the package a call may use first, or None."""
    left = case.call.count("bundle_s", None)
    return None if left is None else Package(left)


def deductible_connection(connect, total):
    """Return the offer of one thing whose price makes such a total with its connection charge."""
    price = total - Fraction(connect)
    if price < 0:
        raise Malformed("call.total is less than the connection charge in it")
    terms = Terms(connection_charge=connect, connection_deductible=True, **UNROUNDED)
    return Offer(terms, (Rate(1, "", Decimal(price.numerator), per=price.denominator),), timed=False)
