"""What is not counted in whole units: one and a half megabytes cost one and a half."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from engine import Link, Offer, Package, Rate, Refused, Terms, Tier, grant_chain, price, price_beyond
from hypothesis import given
from hypothesis import strategies as st
from slow_rater import slow_round
from strategies import METHODS, decimals

D = Decimal
NOON = datetime(2026, 5, 4, 12)
EXACT_TERMS = Terms(whole_units=False, rounding_digits=4)


def data(price="2.00", terms=EXACT_TERMS, **values):
    """Return the offer of a gigabyte that is counted in megabytes."""
    return Offer(terms, (Rate(1, "apn", D(price), per=1000, **values),), timed=False)


def test_parts_of_a_unit_are_billed_exactly():
    charged = price(NOON, D("1.5"), data())
    assert (charged.amount, charged.billed, charged.exact) == (D("0.0030"), D("1.5"), (3, 1000))
    assert charged.parts == ((None, D("1.5"), D("2.00")),)
    assert price(NOON, D("3.000"), data()).billed == 3


def test_an_increment_of_the_rate_rounds_up():
    assert [price(NOON, D("1.5"), data(increment=size)).billed for size in (1, 10)] == [2, 10]
    assert [price(NOON, D(used), data(initial_increment=5)).billed for used in ("0.5", "7.25")] == [5, D("7.25")]


def test_exact_units_in_a_package_and_beyond_it():
    beyond = price_beyond(NOON, D("1.5"), data(), Package(1, increment=1))
    assert (beyond.used, beyond.price.billed, beyond.price.amount) == (1, D("1.5"), D("0.0010"))
    assert price_beyond(NOON, D("0.5"), data(), Package(1, increment=1)).used == 1


@given(decimals(5000, 6), decimals(3, 4), st.sampled_from(METHODS), st.integers(0, 6))
def test_exact_units_as_a_fraction(quantity, unit_price, method, digits):
    terms = replace(EXACT_TERMS, rounding_digits=digits, rounding_method=method)
    charged = price(NOON, quantity, data(str(unit_price), terms))
    expected = Fraction(quantity) * Fraction(unit_price) / 1000
    assert Fraction(charged.amount) == slow_round(expected, digits, method)
    if quantity:
        assert Fraction(*charged.exact) == expected


def test_more_digits_than_any_meter_has():
    with pytest.raises(Refused, match="quantity"):
        price(NOON, D("1E-30"), data())
    assert price(NOON, D("1E-30"), Offer(Terms(), (Rate(1, "44", D(1)),))).billed == 1


def test_what_ends_within_a_unit_does_not_yet_pay_the_block_above():
    """A dealer that buys whole units and sells exact ones needs the first one at once."""
    sells, buys = data("1.00"), data("1.00", increment=1)
    tiers = [Tier(Link("U", True), sells, D(3)), Tier(Link("R", True), buys, D(0))]
    assert grant_chain(tiers, NOON, 10).quantity == 0
    tiers[1] = Tier(Link("R", True), buys, D("0.001"))
    assert grant_chain(tiers, NOON, 10).quantity == 10
    assert grant_chain([tiers[0], Tier(Link("R", True), data("1.00"), D(0))], NOON, 10).quantity == 10
