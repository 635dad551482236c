"""The chain's arithmetic: the worked examples, conservation, and grants that never exceed."""

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from engine import (
    Band,
    Link,
    Offer,
    Rate,
    Receipt,
    Refused,
    Terms,
    Tier,
    amount_in,
    edges,
    grant_chain,
    grantable,
    needs,
    price,
    price_beyond,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import METHODS, bands, charges, decimals, increments, packages, rates, starts, terms

D = Decimal
NOON = datetime(2026, 5, 4, 12)


def apply(payments):
    """Book payments; return {account: change} of one currency."""
    changes = {}
    for payment in payments:
        payee = (payment.payee_kind, payment.payee)
        for account, amount in (
            (("wallet", payment.payer), -payment.amount),
            (payee, payment.amount_to),
        ):
            changes[account] = changes.get(account, D(0)) + amount
    return changes


def chain(*inside):
    return [Link(name, flag) for name, flag in zip("UDR", inside, strict=True)]


AMOUNTS = [D("1.00"), D("0.80"), D("0.70")]


def test_all_inside():
    links = chain(True, True, True)
    assert apply(edges(links, AMOUNTS)) == {
        ("wallet", "U"): D("-1.00"),
        ("wallet", "D"): D("0.20"),
        ("wallet", "R"): D("0.10"),
        ("earnings", None): D("0.70"),
    }
    assert needs(links, AMOUNTS) == [D("1.00"), 0, 0]


def test_two_outside():
    links = chain(False, False, True)
    assert apply(edges(links, AMOUNTS)) == {
        ("wallet", "U"): D("-1.00"),
        ("outside", "D"): D("1.00"),
        ("wallet", "D"): D("-0.80"),
        ("outside", "R"): D("0.80"),
        ("wallet", "R"): D("-0.70"),
        ("earnings", None): D("0.70"),
    }
    assert needs(links, AMOUNTS) == AMOUNTS


def test_mixed():
    links = chain(False, True, True)
    assert apply(edges(links, AMOUNTS)) == {
        ("wallet", "U"): D("-1.00"),
        ("outside", "D"): D("1.00"),
        ("wallet", "D"): D("-0.80"),
        ("wallet", "R"): D("0.10"),
        ("earnings", None): D("0.70"),
    }
    assert needs(links, AMOUNTS) == [D("1.00"), D("0.80"), 0]


def test_below_cost_the_seller_needs_the_loss():
    links = chain(True, True, True)
    assert needs(links, [D("1.00"), D("1.25"), D("1.30")]) == [D("1.00"), D("0.25"), D("0.05")]


def test_two_currencies():
    links = chain(True, True, True)
    payments = edges(links, [(D("1.00"), D("1.10")), D("0.80"), D("0.70")])
    assert (payments[0].amount, payments[0].amount_to) == (D("1.00"), D("1.10"))
    assert (payments[1].amount, payments[1].amount_to) == (D("0.80"), D("0.80"))
    assert needs(links, [(D("1.00"), D("0.55")), D("0.80"), D("0.70")])[1] == D("0.25")


def test_chains_the_ledger_does_not_know():
    with pytest.raises(ValueError, match="always inside"):
        edges(chain(True, True, False), AMOUNTS)
    with pytest.raises(ValueError, match="below an outside"):
        needs(chain(True, False, True), AMOUNTS)
    with pytest.raises(ValueError, match="zip"):
        edges(chain(True, True, True), AMOUNTS[:2])


def test_the_provider_alone():
    assert edges([], []) == []
    assert needs([], []) == []


@given(st.lists(decimals(5, 2), min_size=1, max_size=6), st.integers(0, 5))
def test_money_is_conserved_in_any_chain(amounts, outside):
    outside = min(outside, len(amounts) - 1)
    links = [Link(n, n >= outside) for n in range(len(amounts))]
    changes = apply(edges(links, amounts))
    assert sum(changes.values()) == 0
    assert changes["earnings", None] == amounts[-1]
    for position, need in enumerate(needs(links, amounts)):
        change = changes.get(("wallet", position), D(0))
        assert need == max(0, -change) or need == amounts[position]


# ------------------------------------------------------------------ grants


@st.composite
def simple_terms(draw):
    return Terms(
        initial_increment=draw(st.sampled_from([0, 0, 30])),
        increment=draw(increments),
        connection_charge=draw(charges),
        rounding_method=draw(st.sampled_from(["up", "down", "half_up", "half_even"])),
        rounding_digits=draw(st.sampled_from([2, 2, 3, 4])),
    )


receipts = st.none() | st.builds(Receipt, st.just(D("1.37")), st.sampled_from([2, 3]), st.sampled_from(METHODS))


@st.composite
def tiers(draw, all_terms, with_bands=False, with_packages=False):
    depth = draw(st.integers(1, 4))
    outside = draw(st.integers(0, depth - 1))
    found = []
    for position in range(depth):
        cut = draw(bands()) if with_bands else ()
        offer = Offer(draw(all_terms), draw(rates(cut)), bands=cut)
        available = draw(decimals(2, 2) | decimals(20, 2))
        link = Link(position, position >= outside)
        package = draw(st.none() | packages) if with_packages else None
        found.append(Tier(link, offer, available, draw(receipts), package=package))
    return found


def needed(tiers, start, seconds):
    """What each tier pays of its own for one length, by the engine's other door."""
    brought, result = D(0), []
    for tier in tiers:
        charged = price(start, seconds, tier.offer)
        if tier.package:
            charged = price_beyond(start, seconds, tier.offer, tier.package).price
        result.append(max(D(0), charged.amount - brought))
        brought = charged.amount
        if tier.receipt:
            brought = amount_in(charged, *tier.receipt)
        if not tier.link.inside:
            brought = D(0)
    return result


def assert_safe_and_greatest(tiers, start, cap):
    grant = grant_chain(tiers, start, cap)
    worst, safe = [D(0)] * len(tiers), 0
    for seconds in range(1, cap + 1):
        now = needed(tiers, start, seconds)
        if any(need > tier.available for need, tier in zip(now, tiers, strict=True)):
            break
        safe = seconds
        if seconds <= grant.quantity:
            worst = [max(pair) for pair in zip(worst, now, strict=True)]
    assert grant.quantity <= safe, "some second before the end of the grant is not covered"
    assert list(grant.holds) == worst, "the holds are what the worst second needs"
    if safe == cap:
        assert (grant.quantity, grant.limited_by) == (cap, None)
    else:
        assert grant.quantity == tiers[0].session(start, cap).floor(safe)
        assert grant.limited_by is not None


@settings(max_examples=300)
@given(tiers(simple_terms()), starts, st.integers(1, 400))
def test_grants_of_simple_chains(tiers, start, cap):
    assert_safe_and_greatest(tiers, start, cap)


@settings(max_examples=150)
@given(tiers(terms()), starts, st.integers(1, 400))
def test_grants_with_all_kinds_of_charges(tiers, start, cap):
    assert_safe_and_greatest(tiers, start, cap)


@settings(max_examples=60)
@given(tiers(terms(), with_bands=True), starts, st.integers(1, 300))
def test_grants_across_bands(tiers, start, cap):
    assert_safe_and_greatest(tiers, start, cap)


@settings(max_examples=150)
@given(tiers(terms(), with_packages=True), starts, st.integers(1, 400))
def test_grants_with_packages(tiers, start, cap):
    assert_safe_and_greatest(tiers, start, cap)


@given(terms(), rates(), starts, decimals(20, 2), st.none() | st.integers(1, 5000))
def test_a_chain_of_one_is_grantable(terms, rates, start, available, cap):
    offer = Offer(terms, rates)
    grant = grant_chain([Tier(Link("R", True), offer, available)], start, cap)
    assert grant.quantity == grantable(offer, start, available, cap)
    assert grant.holds[0] == price(start, grant.quantity, offer).amount


def offer(cost, **terms):
    return Offer(Terms(**terms), (Rate(1, "44", D(cost)),))


def tiers_of(links, offers, available):
    return [Tier(link, offer, D(funds)) for link, offer, funds in zip(links, offers, available, strict=True)]


def test_parents_of_inside_money_need_no_funds():
    offers = [offer("1.00"), offer("0.80"), offer("0.70")]
    found = tiers_of(chain(True, True, True), offers, (2, 0, 0))
    assert grant_chain(found, NOON) == (120, (D("2.00"), 0, 0), 0)


def test_parents_of_outside_money_pay_from_their_own():
    offers = [offer("1.00"), offer("0.80"), offer("0.70")]
    links = chain(False, False, True)
    found = tiers_of(links, offers, (2, 1, "0.5"))
    grant = grant_chain(found, NOON)
    assert (grant.quantity, grant.limited_by) == (43, 2)
    assert grant.holds == (D("0.72"), D("0.57"), D("0.50"))


def test_the_worst_second_counts_not_the_last():
    """The child pays each second, the parent whole minutes: it must advance 0.79."""
    links = chain(True, True, True)[1:]
    offers = [offer("1.00"), offer("0.80", increment=60)]
    poor = tiers_of(links, offers, (10, "0.77"))
    assert grant_chain(poor, NOON, 600).quantity == 0
    rich = tiers_of(links, offers, (10, "0.78"))
    assert grant_chain(rich, NOON, 600) == (600, (D("10.00"), D("0.78")), None)
    assert needs(links, [D("10.00"), D("8.00")]) == [10, 0], "at the end there is no need"


def test_selling_below_cost_until_the_funds_for_the_loss_are_gone():
    links = chain(True, True, True)[1:]
    found = [Tier(links[0], offer("0.50"), D(100)), Tier(links[1], offer("0.80"), D("1.50"))]
    grant = grant_chain(found, NOON)
    assert 298 <= grant.quantity <= 301
    assert grant.limited_by == 1
    assert grant.holds[1] <= D("1.50")


def test_the_least_of_the_brands_limits():
    links = chain(True, True, True)[1:]
    found = [
        Tier(links[0], offer("1.00", max_session=7200), D(1000)),
        Tier(links[1], offer("0.80", max_session=3600), D(0)),
    ]
    assert grant_chain(found, NOON).quantity == 3600
    assert grant_chain(found, NOON, 60).quantity == 60
    assert grant_chain(found, NOON, 0) == (0, (0, 0), None)


def test_a_blocked_tier_above_refuses():
    links = chain(True, True, True)[1:]
    barred = Offer(Terms(), (Rate(1, "44", D(1), blocked=True),))
    with pytest.raises(Refused):
        grant_chain([Tier(links[0], offer("1"), D(9)), Tier(links[1], barred, D(9))], NOON)


def test_time_zones_of_two_brands():
    """Each brand's evening begins on its own clock."""
    evening = Band("evening", [((1, 2, 3, 4, 5, 6, 7), 18 * 3600, 0)])
    both = (Rate(1, "44", D("0.60")), Rate(2, "44", D("0.06"), band_id="evening"))
    madrid = Offer(Terms(timezone="Europe/Madrid"), both, bands=(evening,))
    utc = Offer(Terms(), both, bands=(evening,))
    links = chain(True, True, True)[1:]
    start = datetime(2026, 5, 4, 18, tzinfo=ZoneInfo("Europe/Madrid"))
    found = [Tier(links[0], madrid, D(100)), Tier(links[1], utc, D("0.54"))]
    grant = grant_chain(found, start)
    assert (grant.quantity, grant.limited_by) == (60, 1)
    assert grant.holds == (D("0.06"), D("0.54"))
