"""Sessions by volume: as the period, whatever their portions; searched in by two prices that never fall."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

import strategies
from engine import (
    VOLUME,
    Link,
    Offer,
    Package,
    Rate,
    Standing,
    Terms,
    Tier,
    VolumeTariff,
    VolumeTier,
    grant_chain,
    price,
    price_beyond,
    price_by_volume,
)
from engine.session import Session
from engine.standing import VolumeSession
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_rater import slow_round, slow_volume

D = Decimal
NOON = datetime(2026, 5, 4, 12)
STAIRS = VolumeTariff((VolumeTier(100, D("0.02")), VolumeTier(None, D("0.01"))))
WHOLE = VolumeTariff((VolumeTier(100, D("0.02")), VolumeTier(None, D("0.01"))), VOLUME)


def offer(increment=1, **terms):
    return Offer(Terms(increment=increment, **terms), (Rate(1, "44", D(9), per=1),))


def cost(quantity, sold, standing):
    return price_by_volume(price(NOON, quantity, sold), sold, quantity, standing).amount


def test_the_part_in_each_tier():
    charged = price_by_volume(price(NOON, 30, offer()), offer(), 30, Standing(STAIRS, 90))
    assert (charged.amount, charged.billed) == (D("0.40"), 30)
    assert charged.parts == ((None, 10, D("0.02")), (None, 20, D("0.01")))


def test_all_at_the_tier_reached_gives_back():
    charged = price_by_volume(price(NOON, 30, offer()), offer(), 30, Standing(WHOLE, 90))
    assert (charged.amount, charged.parts) == (D("-0.60"), ((None, 30, D("0.01")),))


def test_increments_and_charges_of_the_rate_hold():
    sold = offer(60, connection_charge=D("0.05"), surcharge=D(1), surcharge_after=100, minimum_charge=D(5))
    assert cost(61, sold, Standing(STAIRS)) == D("0.05") + D("2.20")
    assert cost(1, sold, Standing(STAIRS)) == D("1.25")
    assert cost(120, sold, Standing(STAIRS)) == D("3.25")
    assert cost(0, sold, Standing(STAIRS)) == 0
    assert cost(5, offer(grace_seconds=5), Standing(STAIRS)) == 0
    assert cost(5, offer(connection_charge=D("0.50"), connection_deductible=True), Standing(STAIRS)) == D("0.50")


def test_what_is_owed_comes_with_the_next():
    assert cost(10, offer(), Standing(STAIRS, 0, D("0.07"))) == D("0.27")


def test_a_package_comes_first():
    beyond = price_beyond(NOON, 30, offer(), Package(20, 1))
    charged = price_by_volume(beyond.price, offer(), 30, Standing(STAIRS, 95), beyond.used)
    assert charged.amount == D("0.15")


@given(
    strategies.volume_tiers(),
    st.sampled_from(["graduated", "volume"]),
    st.lists(st.integers(1, 30), min_size=1, max_size=6),
    st.integers(1, 7),
)
def test_a_period_costs_what_its_billed_units_do(tiers, kind, sessions, increment):
    tariff, sold, before, paid = VolumeTariff(tiers, kind), offer(increment, rounding_digits=3), 0, 0
    for seconds in sessions:
        charged = price_by_volume(price(NOON, seconds, sold), sold, seconds, Standing(tariff, before))
        before += charged.billed
        paid += charged.amount
    assert paid == slow_round(slow_volume(tiers, kind, before), 3, "half_up")


@settings(max_examples=40)
@given(
    strategies.volume_tiers(),
    st.sampled_from(["graduated", "volume"]),
    st.integers(0, 40),
    st.integers(1, 7),
    st.sampled_from([D(0), D("-1.5"), D(2)]),
    st.sampled_from([None, Package(7, 2)]),
)
def test_what_a_payer_must_have_and_a_parent_may_count_on(tiers, kind, before, increment, owed, package):
    standing = Standing(VolumeTariff(tiers, kind), before, owed, alone=True)
    sold, limit = offer(increment, connection_charge=D("0.3")), 60
    inner = Tier(Link("U", True), sold, D(0), package=package).session(NOON, limit)
    session = VolumeSession(inner, standing, package)
    costs = []
    for quantity in range(1, limit + 1):
        if package:
            beyond = price_beyond(NOON, quantity, sold, package)
            charged = price_by_volume(beyond.price, sold, quantity, standing, beyond.used)
        else:
            charged = price_by_volume(price(NOON, quantity, sold), sold, quantity, standing)
        costs.append(charged.amount)
    for quantity in range(1, limit + 1):
        highest, least = max([0, *costs[:quantity]]), min(costs[quantity - 1 :])
        assert session.exact(quantity) == Fraction(costs[quantity - 1]) * session.meter.denominator
        assert D(session.units(quantity)).scaleb(-2) >= highest
        if kind == "graduated":
            assert D(session.units(quantity)).scaleb(-2) == highest
        assert session.least(quantity, limit) <= Fraction(least) * session.meter.denominator
    assert [session.units(q) for q in range(1, limit + 1)] == sorted(session.units(q) for q in range(1, limit + 1))


def test_a_grant_ends_where_the_money_does():
    tier = Tier(Link("U", True), offer(), D("2.10"), standing=Standing(STAIRS, 0))
    assert grant_chain([tier], NOON, 600) == (110, (D("2.10"),), 0)
    assert tier.cost(NOON, 110) == D("2.10")


def test_a_parent_keeps_what_a_cheaper_tier_may_give_back():
    """100 units cost 2.00, 101 only 1.01: the parent has to be able to give that back."""
    payer = Tier(Link("U", True), offer(), D(5), standing=Standing(WHOLE, 90))
    dealer = Tier(Link("D", True), Offer(Terms(), (Rate(2, "44", D(0)),)), D("0.78"))
    assert grant_chain([payer, dealer], NOON, 30).quantity == 10
    granted = grant_chain([payer, replace(dealer, available=D("0.79"))], NOON, 30)
    assert (granted.quantity, granted.holds) == (30, (D("0.60"), D("0.79")))


@settings(max_examples=40)
@given(strategies.volume_tiers(), st.sampled_from(["graduated", "volume"]), st.integers(0, 40), st.integers(1, 30))
def test_wherever_the_period_stands_in_the_end_a_payer_has_enough(tiers, kind, before, quantity):
    """But for a coin, which the rounding may make of another place."""
    tariff, sold = VolumeTariff(tiers, kind), offer()
    session = VolumeSession(Session(sold, NOON, 30), Standing(tariff, before))
    held = D(session.units(quantity)).scaleb(-2) + D("0.01")
    for moved in range(before, before + 120):
        assert cost(quantity, sold, Standing(tariff, moved)) <= held


def test_a_dearer_tier_is_held_unless_the_payer_is_alone():
    rising = VolumeTariff((VolumeTier(100, D("0.01")), VolumeTier(None, D("0.05"))))
    for alone, granted in ((True, 100), (False, 20)):
        tier = Tier(Link("U", True), offer(), D("1.00"), standing=Standing(rising, 0, alone=alone))
        assert grant_chain([tier], NOON, 600).quantity == granted


def test_a_session_without_a_standing_stays_what_it_was():
    assert type(Tier(Link("U", True), offer(), D(1)).session(NOON, 5)) is Session
