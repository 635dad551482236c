"""Tariffs in the words of other systems, each told to the engine as what it is."""

from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from engine import Offer, Rate, Terms, VolumeTariff, VolumeTier, price

from . import tariffs
from .reading import MISSING, Malformed, Unsupported, decimal, exact, quote
from .tariffs import Timed

# Seconds that a price of these systems is for.
MINUTE = 60
_NO_END = ("", "inf", "infinity", "unlimited")


def stripe_tiers(case):
    """Return the figures of tiers that name their last unit, as Stripe's prices do."""
    return _tiers(case, "tiers_mode", ("up_to", "to_value", "to"), ("unit_amount", "price"), ("flat_amount", "flat"))


def openmeter_tiered(case):
    """Return the figures of tiers as OpenMeter writes them, amounts in objects of their own."""
    names = ("upToAmount", "up_to_amount"), ("unitPrice", "unit_price"), ("flatPrice", "flat_price")
    return _tiers(case, "mode", *names)


def _tiers(case, mode, ends, units, flats):
    tariff, found = case.tariff, []
    for index, tier in enumerate(tariff.objects("tiers")):
        end = tier.get(tier.first(*ends))
        is_last = end is None or (isinstance(end, str) and end.strip().lower() in _NO_END)
        if is_last and index + 1 < len(tariff.get("tiers")):
            raise Malformed("only the last of tariff.tiers has no end")
        upto = None if is_last else decimal(exact(end, f"{tier.where}.{ends[0]}"), tier.where)
        found.append(VolumeTier(upto, _amount(tier, units), flat=_amount(tier, flats)))
    kind = tariff.text(mode, "graduated").lower()
    if kind not in ("graduated", "volume"):
        raise Unsupported(f"tiers are graduated or by volume, not {quote(kind)}")
    call = case.call
    quantity = call.amount(call.first("quantity", "units", "usage"))
    if quantity < 0:
        raise Unsupported("a quantity below zero waits in suspense: it is priced by nothing")
    # A period without use has nothing to charge for where a tier is entered by its first unit.
    cost = VolumeTariff(tuple(found), kind).exact(quantity) if quantity else Fraction(0)
    return {"cost": lambda: cost}


def _amount(tier, names):
    name = tier.first(*names)
    value = tier.get(name)
    if isinstance(value, dict):
        return tier.sub(name).charge("amount", MISSING)
    return tier.charge(name)


def a2billing(case):
    """Return the tariff of a rate of A2Billing: an initial block, blocks, two charges a call.

    Its blocks are multiples of ``billingblock`` of the whole call. What it charges at the end of an
    answered call is due with it, as the charge at its beginning is.
    """
    tariff = case.tariff
    amount, per = tariff.price("rateinitial", MINUTE)
    initial, block = tariff.count("initblock", 0), tariff.count("billingblock", 1, 1)
    if initial % block:
        raise Unsupported(f"an initial block of {initial} s is no multiple of the blocks of {block} s")
    terms = {
        "initial_increment": initial,
        "increment": block,
        "billed_time_rule": "multiple",
        "connection_charge": tariff.charge("connectcharge") + tariff.charge("disconnectcharge"),
    }
    return Timed(case, terms, [Rate(1, "", amount, per=per)])


def nibblebill(case):
    """Return the figures of an amount for each begun increment, and a fixed one besides.

    The first is rounded before the second is added.
    """
    tariff, call = case.tariff, case.call
    each, per = tariff.price("nibble_rate")
    increment = tariff.count("nibble_increment", 1, 1)
    digits = tariff.count("nibble_rounding", None)
    if digits is not None and digits > tariffs.MOST_DIGITS:
        raise Malformed(f"tariff.nibble_rounding: {digits} is no number of digits")
    rounding = tariffs.UNROUNDED if digits is None else {"rounding_digits": digits, "rounding_method": "half_up"}
    fixed = tariff.charge("nibble_minimum")
    rate = Rate(1, "", each, per=per * increment)
    seconds = call.quantity("duration_s")
    charged = price(datetime(2026, 5, 4, 12), seconds, Offer(Terms(increment=increment, **rounding), (rate,)))
    fixed_once = fixed if charged.billed else Decimal(0)
    rated = Fraction(*charged.exact) if digits is None else exact(charged.amount, "cost")
    cost = rated + exact(fixed_once, "cost")
    return {"cost": lambda: cost, "billed_s": lambda: Fraction(charged.billed)}


def ranges(case):
    """Return the figures of tiers that begin where they say: each its own block (Kill Bill).

    Of a tier's blocks of ``size`` units each begun one is paid, ``max`` of them at most; with the
    policy ``TOP_TIER`` all units are at the price of the tier that was reached.
    """
    tariff, found, reached = case.tariff, [], Fraction(0)
    policy = tariff.text("policy", "ALL_TIERS").upper()
    if policy not in ("ALL_TIERS", "TOP_TIER"):
        raise Unsupported(f"tiers are ALL_TIERS or TOP_TIER, not {quote(policy)}")
    for tier in tariff.objects("tiers"):
        size = tier.amount("size", Fraction(1))
        most = tier.get("max")
        if most is None or exact(most, f"{tier.where}.max") < 0:  # -1: no end
            reached = None
        elif reached is None:
            raise Malformed("only the last of tariff.tiers has no end")
        else:
            reached += size * exact(most, f"{tier.where}.max")
        upto = None if reached is None else decimal(reached, tier.where)
        found.append(VolumeTier(upto, tier.charge("price", MISSING), decimal(size, tier.where), begun=True))
    units = case.call.amount("units")
    if units < 0:
        raise Unsupported("a quantity below zero waits in suspense: it is priced by nothing")
    cost = VolumeTariff(tuple(found), "graduated" if policy == "ALL_TIERS" else "volume").exact(units)
    return {"cost": lambda: cost}
