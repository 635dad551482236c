"""The tariff models of the cases: what the engine makes of each.

Every model is a function of a case that returns its figures: a dict of the names that a case
may expect to functions that work them out. What cannot be priced raises the engine's Refused.
"""

from datetime import datetime, timezone
from decimal import Decimal
from fractions import Fraction

from engine import (
    Derivation,
    Link,
    Offer,
    Package,
    Rate,
    Refused,
    Terms,
    VolumeTariff,
    VolumeTier,
    grantable,
    grantable_beyond,
    needs,
    price,
    price_beyond,
    round_amount,
    sized,
)
from engine.errors import NO_RATE

from . import dialects, tariffs
from .bands import bands
from .reading import MISSING, Fields, Malformed, Unsupported, decimal, exact, moment, quote
from .tariffs import UNROUNDED, length
from .wallets import NO_FUNDS

POSTPAID = Decimal(10) ** 15  # what a wallet that may go negative without a limit can pay for
NOON = datetime(2026, 5, 4, 12)
MOST_REPEATS = 10_000


def timed(make):
    """Return the model of a tariff of calls, from the function that makes its :class:`Timed`."""

    def model(case):
        tariff = make(case)
        if "requested_s" in case.call:
            return authorization(case.call, tariff)
        return rating(case.call, tariff)

    model.__doc__ = make.__doc__
    return model


def rating(call, tariff):
    """Return the figures of a call that has ended."""
    start, earlier = tariff.start, call.count("elapsed_s", 0)
    seconds = length(call, tariff.zone, start)
    charged, used = _priced(tariff, start, seconds + earlier)
    cost = _cost(tariff, charged)
    if earlier:
        before, _used = _priced(tariff, start, earlier)
        cost -= _cost(tariff, before)
    package = tariff.package
    apart = used if package and package.apart else 0
    figures = {
        "cost": lambda: cost,
        "billed_s": lambda: Fraction(charged.billed - apart),
        "connect_fee": lambda: exact(charged.connection, "connection"),
        "segments": lambda: len(charged.parts),
        "free_used_s": lambda: Fraction(used),
        "bundle_used_s": lambda: Fraction(used),
        "bundle_after_s": lambda: Fraction(package.left - used),
    }
    return {**figures, **_balances(call, cost, tariff.unit)}


def _priced(tariff, start, seconds):
    if tariff.package:
        return price_beyond(start, seconds, tariff.offer, tariff.package)
    return price(start, seconds, tariff.offer), 0


def _cost(tariff, charged):
    """Return the amount; a tariff that says nothing of rounding has the exact one."""
    return exact(charged.amount, "cost") if tariff.rounded else Fraction(*charged.exact)


def _balances(call, cost, unit):
    """Return what is left of the wallet after each of so many such calls."""
    if "balance" not in call:
        return {}
    balance, repeat = call.amount("balance"), call.count("repeat", 1, 1)
    call.flag("allow_negative")  # what has been used is charged in full, either way
    if repeat > MOST_REPEATS:
        raise Malformed(f"call.repeat: more than {MOST_REPEATS}")
    after = [balance - cost * (n + 1) / unit for n in range(repeat)]
    before = ([balance, *after])[-2]
    return {
        "balance_after": lambda: after[-1],
        "balances_after": lambda: after,
        # What the wallet did not cover remains to be invoiced.
        "cdr_customer_cost": lambda: max(Fraction(0), cost - max(Fraction(0), before) * unit),
    }


def authorization(call, tariff):
    """Return the figures of a session that asks to begin."""
    available = funds(call, tariff.unit)
    if tariff.limit is not None:
        available = min(available, tariff.limit)
    asked = call.count("requested_s")
    if tariff.package:
        granted = grantable_beyond(tariff.offer, tariff.start, available, tariff.package, asked)
    else:
        granted = grantable(tariff.offer, tariff.start, available, asked)
    return granted_figures(call, tariff, granted)


def granted_figures(call, tariff, granted):
    charged, used = _priced(tariff, tariff.start, granted)
    cost = _cost(tariff, charged)
    return {
        "max_session_s": lambda: Fraction(granted),
        "granted_s": lambda: Fraction(granted),
        "cost": lambda: cost,
        "bundle_used_s": lambda: Fraction(used),
        "bundle_after_s": lambda: Fraction(tariff.package.left - used),
        "authorized": lambda: granted > 0,
        "refused": None if granted else NO_FUNDS,
        **{name: figure for name, figure in _balances(call, cost, tariff.unit).items() if name == "balance_after"},
    }


def funds(call, unit=1):
    """Return what a wallet can pay with, in the unit of the tariff."""
    if call.flag("allow_negative") and "credit_limit" not in call:
        return POSTPAID
    if "balance" not in call and "credit_limit" not in call:
        raise Malformed("call.balance is missing: how long a session may last depends on it")
    available = call.amount("balance", Fraction(0)) + call.amount("credit_limit", Fraction(0))
    return decimal((available - call.amount("held", Fraction(0))) * unit, "call.balance")


def bundle(case):
    """Units of a package, and nothing or money beyond it."""
    call, tariff = case.call, case.tariff
    inner = tariff.sub("bundle", None)
    if "volume" in call:
        return _group(case)
    left = call.count("bundle_s", None)
    left = inner.count("seconds") if left is None else left
    inner.get("seconds")
    connect = inner.charge("connect", None)
    package = Package(left, inner.count("block_s", 0), connection_charge=connect)
    overflow = tariff.sub("overflow", None)
    rounded, is_rounded = tariffs.rounding(tariff)
    sold = None
    if overflow.data:
        amount, per = overflow.price("rate", overflow.count("per_s", 1, 1))
        terms = Terms(connection_charge=overflow.charge("connect"), **rounded)
        increment = overflow.count("increment_s", 1, 1)
        rate = Rate(
            1, "", amount, per=per, initial_increment=overflow.count("initial_s", increment), increment=increment
        )
        _check_prefix(tariff, call)
        sold = Offer(terms, (rate,))
    beyond = Beyond(sold, package, is_rounded or sold is None, tariff, moment(call, "start", timezone.utc, None))
    if "requested_s" not in call:
        return rating(call, beyond)
    available = funds(call, beyond.unit) if "balance" in call or sold else Decimal(0)
    granted = grantable_beyond(sold, beyond.start, available, package, call.count("requested_s"))
    return granted_figures(call, beyond, granted)


class Beyond:
    """What :func:`rating` asks of a tariff, for a package with or without money."""

    limit = None
    zone = timezone.utc

    def __init__(self, offer, package, rounded, tariff, start):
        self.start = start or NOON
        self.offer, self.package, self.rounded = offer, package, rounded
        self.unit = tariffs.coins_of(tariff)


def _check_prefix(tariff, call):
    prefixes, number = tariff.get("prefixes"), call.get("number")
    if prefixes is not None and number is not None:
        tariffs.matched(prefixes, number, [Rate(1, "", Decimal(0))], NOON.date())


def _group(case):
    """Return how a quantity divides into what a group of free units holds and what it does not."""
    call = case.call
    quantity = call.count("volume")
    left = call.count("bundle_s", None)
    left = call.count("left", None) if left is None else left
    if left is None:
        # The source tells only what came of it: then the one follows from the other.
        left = Fields(case.expected.data, "expected").count("in_group")
        case.notes.append("what the group had left is taken from in_group")
    used, _end = Package(left).draw(quantity) if quantity else (0, 0)
    return {"in_group": lambda: Fraction(used), "over_group": lambda: Fraction(quantity - used)}


def free_then_markup(case):
    """Included minutes; those beyond at the list price plus a mark-up."""
    tariff, call = case.tariff, case.call
    price_, per = tariff.price("rate_per_min")
    markup = decimal(tariff.amount("markup_pct") / 100, "tariff.markup_pct")
    quantity, rate = call.quantity("minutes"), Rate(1, "", price_, per=per)
    terms = Terms(**UNROUNDED)
    plan = Offer(terms, (rate,), (Derivation(markup),), timed=False)
    package = Package(tariff.count("free_min"))
    with_plan = price_beyond(NOON, quantity, plan, package).price
    without = price(NOON, quantity, Offer(terms, (rate,), timed=False))
    return {
        "cost": lambda: Fraction(*with_plan.exact),
        "cost_without_plan": lambda: Fraction(*without.exact),
    }


def graduated_interval(case):
    """Each part of a quantity at its tier's price for each begun interval; tiers have widths."""
    tariff, reached, found = case.tariff, Fraction(0), []
    for index, tier in enumerate(tariff.objects("tiers")):
        end = tier.get("to")
        beginning = tier.amount("from", reached)
        if end is None or (isinstance(end, str) and end.strip().lower() in ("unlimited", "infinity", "inf", "")):
            reached = None
        elif (width := tier.amount("to") - beginning) < 0:
            raise Malformed(f"tariff.tiers[{index}] ends before it begins")
        else:
            reached += width
        upto = None if reached is None else decimal(reached, "tariff.tiers.to")
        price_, interval = tier.charge("price", MISSING), decimal(tier.amount("interval"), "tariff.tiers.interval")
        found.append(VolumeTier(upto, price_, interval, begun="ceil" not in tier or tier.flag("ceil")))
        if reached is None and index + 1 < len(tariff.get("tiers")):
            raise Malformed("only the last of tariff.tiers has no end")
    volume = case.call.amount("volume")
    connect = tariff.charge("connect")
    priced = VolumeTariff(tuple(found), connection_charge=connect)
    # A quantity given back is the charge backwards.
    sign = -1 if volume < 0 else 1
    cost = sign * (priced.exact(abs(volume)) + exact(connect, "tariff.connect"))
    return {"cost": lambda: cost}


def tiered(kind):
    """Return the model of tiers [from, to, price of a unit, flat amount]."""

    def model(case):
        found = []
        for index, tier in enumerate(case.tariff.items("tiers")):
            where = f"tariff.tiers[{index}]"
            if isinstance(tier, dict):
                fields = Fields(tier, where)
                case.tariff.inner.append(fields)
                names = ("from_value", "to_value", "per_unit_amount", "flat_amount")
                tier = [fields.get(name, fields.get(short)) for name, short in zip(names, SHORT, strict=True)]
            if not isinstance(tier, list) or not 3 <= len(tier) <= 4:
                raise Malformed(f"{where}: {quote(tier)} is not [from, to, price, flat]")
            fields = Fields(dict(zip(SHORT, tier, strict=False)), where)
            upto = fields.amount("to", None)
            found.append(
                VolumeTier(
                    None if upto is None else decimal(upto, where),
                    fields.charge("price", MISSING),
                    flat=fields.charge("flat"),
                )
            )
        cost = VolumeTariff(tuple(found), kind).exact(_units(case))
        return {"cost": lambda: cost}

    return model


SHORT = ("from", "to", "price", "flat")


def package_of_size(case):
    """Packages of a size, each begun one at a price, after free units."""
    tariff = case.tariff
    free = decimal(tariff.amount("free", Fraction(0)), "tariff.free")
    size = decimal(tariff.amount("size"), "tariff.size")
    cost = sized(tariff.charge("price", MISSING), size, free).exact(_units(case))
    return {"cost": lambda: cost}


def _units(case):
    units = case.call.amount("units")
    if units < 0:
        raise Unsupported("a quantity below zero waits in suspense: it is priced by nothing")
    return units


def parties(case):
    """What each of several parties pays for one call, by its own prices a second."""
    tariff, costs = case.tariff, {}
    found = tariff.sub("parties", MISSING)
    for name in found.data:
        rates = found.items(name)
        if len(rates) != 2:
            raise Malformed(f"tariff.parties.{name} is not [initial price, price]")
        own = {"initial_rate_per_s": rates[0], "next_rate_per_s": rates[1]}
        fields = Fields({**{key: item for key, item in tariff.data.items() if key != "parties"}, **own}, "tariff")
        sold = tariffs.initial_then_increments(case.with_tariff(fields))
        costs[name] = rating(case.call, sold)["cost"]()
        tariff.read |= fields.read
    return {"costs": lambda: costs}


def margin_guard(case):
    """May a route be used: does what the customer pays cover what the route costs."""
    sell, buy = case.tariff.charge("sell", MISSING), case.tariff.charge("buy", MISSING)
    chain = [Link("customer", inside=True), Link("tier", inside=True)]
    return {"route_used": lambda: needs(chain, [sell, buy])[1] == 0}


def rounded(case):
    """One amount, rounded."""
    value = decimal(case.call.amount("value"), "call.value")
    found = tariffs.rounding_of(case.tariff)
    return {"value": lambda: exact(round_amount(value, found["rounding_digits"], found["rounding_method"]), "value")}


def deductible_connect(case):
    """A connection charge that the price of the time is set off against."""
    connect = case.tariff.charge("connect", MISSING)
    offer = tariffs.deductible_connection(connect, case.call.amount("total"))
    return {"cost": lambda: Fraction(*price(NOON, 1, offer).exact)}


def prefix(case):
    """The longest prefix of a number."""
    prefixes = case.tariff.get("prefixes", MISSING)
    number = case.call.get("number", MISSING)
    try:
        match = tariffs.matched(prefixes, number, [Rate(1, "", Decimal(0))], NOON.date())
    except Refused:
        return {"prefix": lambda: None, "destination": lambda: None, "refused": NO_RATE}
    text = next(text for text in prefixes if tariffs.prefix_digits(text) == match.prefix)
    return {"prefix": lambda: text, "destination": lambda: prefixes[text] if isinstance(prefixes, dict) else None}


def fee(case):
    """A lump for each event, whatever was used."""
    tariff, call = case.tariff, case.call
    lump, per = tariff.price(tariff.first("fee", "fixed", "flat", "price"))
    quantity = call.quantity(call.first("count", "units", "quantity"), Decimal(1))
    rounding, is_rounded = tariffs.rounding(tariff)
    charged = price(NOON, quantity, Offer(Terms(**rounding), (Rate(1, "", lump, per=per),), timed=False))
    cost = exact(charged.amount, "cost") if is_rounded else Fraction(*charged.exact)
    return {"cost": lambda: cost, "fee": lambda: cost, **_balances(call, cost, 1)}


MODELS = {
    "slots": timed(tariffs.slots),
    "initinc": timed(tariffs.initial_then_increments),
    "multiple": timed(tariffs.multiples),
    "completed_minutes": timed(tariffs.completed_minutes),
    "bands": bands,
    "bundle": bundle,
    "bundle_then_money": bundle,
    "free_then_markup": free_then_markup,
    "graduated_interval": graduated_interval,
    "lago_graduated": tiered("graduated"),
    "lago_volume": tiered("volume"),
    "lago_package": package_of_size,
    "tiers": parties,
    "margin_guard": margin_guard,
    "round": rounded,
    "deductible_connect": deductible_connect,
    "prefix": prefix,
    "fee": fee,
    "stripe_tiers": dialects.stripe_tiers,
    "openmeter_tiered": dialects.openmeter_tiered,
    "killbill_tiers": dialects.ranges,
    "a2billing": timed(dialects.a2billing),
    "nibblebill": dialects.nibblebill,
}
