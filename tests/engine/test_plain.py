"""The tariff of plain rates against the slow rater, and against the offer that knows everything."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from engine import Derivation, Offer, PlainTariff, Rate, Terms, price
from engine.increments import begun
from hypothesis import given
from hypothesis import strategies as st
from slow_rater import SlowRater
from strategies import charges, decimals, derivations, terms

D = Decimal
NOON = datetime(2026, 5, 4, 12)
SCALE = 6
prices = st.integers(0, 3 * 10**SCALE)
quantities = st.one_of(st.integers(0, 400), st.decimals(0, 400, places=3))
factors = st.sampled_from([D(1), D("1.0837"), D("0.00614")])
plain_terms = terms(rules=("initial_plus", "multiple")).map(
    lambda found: replace(
        found, minimum_charge=D(0), surcharge=D(0), connection_deductible=False, maximum_charge=None, timezone="UTC"
    )
)


@given(plain_terms, derivations, factors, st.sampled_from([1, 60, 1024]), prices, quantities)
def test_as_the_slow_rater_and_the_offer(terms, derivations, factor, per, units_price, quantity):
    rates = (Rate(1, "44", D(units_price).scaleb(-SCALE), per),)
    tariff = PlainTariff.of(terms, derivations, factor, per, SCALE)
    amount, billed = tariff.price(units_price, begun(quantity))
    slow = SlowRater(terms, rates, derivations, factor=factor)
    assert Fraction(amount) == slow.amount(NOON, quantity)
    assert billed == slow.unrounded(NOON, quantity)[0]
    offered = price(NOON, quantity, Offer(terms, rates, derivations, factor=factor))
    # To the last digit as it is written.
    assert (str(amount), billed) == (str(offered.amount), offered.billed)


@given(terms(), charges)
def test_terms_with_more_are_left_to_offers(terms, charge):
    tariff = PlainTariff.of(terms, [Derivation(D(0), charge)])
    has_more = (
        terms.billed_time_rule == "completed"
        or terms.connection_deductible
        or terms.minimum_charge
        or terms.maximum_charge is not None
        or (terms.surcharge and terms.surcharge_after is not None)
    )
    assert (tariff is None) == bool(has_more)


def test_units_that_count_exactly_are_left_to_offers():
    assert PlainTariff.of(Terms(whole_units=False), ()) is None


def test_a_markup_of_the_brand_must_be_known():
    assert PlainTariff.of(Terms(), [Derivation(None)]) is None


@given(decimals(3, 4))
def test_nothing_is_sold_below_zero(fixed):
    tariff = PlainTariff.of(Terms(connection_charge=D("0.05")), [Derivation(D(0), -fixed)], scale=4)
    amount, _billed = tariff.price(10**4, 60)
    exact = max(D(1) - fixed, D(0)) + D("0.05")
    assert amount == exact.quantize(D("0.01"), "ROUND_HALF_UP")
