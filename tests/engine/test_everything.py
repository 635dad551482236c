"""All that a price may consist of at once against the slow rater: what a test sees alone must not disturb the rest."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import strategies
from engine import Offer, price, price_beyond
from hypothesis import given
from hypothesis import strategies as st
from slow_rater import SlowRater, slow_round


@given(
    st.data(),
    strategies.starts | strategies.clock_changes,
    st.integers(0, 900),
    strategies.terms(),
    strategies.bands(),
    strategies.derivations,
    st.sampled_from([Decimal(1), Decimal("0.85"), Decimal("1.1733"), Decimal(130)]),
    st.none() | strategies.packages,
)
def test_all_at_once_as_second_by_second(data, start, quantity, terms, bands, derivations, factor, package):
    rates = tuple(
        replace(rate, steps=data.draw(strategies.steps())) if data.draw(st.booleans()) else rate
        for rate in data.draw(strategies.rates(bands))
    )
    offer = Offer(terms, rates, derivations, bands, factor)
    slow = SlowRater(terms, rates, derivations, bands, factor)
    if package is None:
        charged, used = price(start, quantity, offer), 0
        billed, exact = slow.unrounded(start, quantity)
        expected_used = 0
    else:
        charged, used = price_beyond(start, quantity, offer, package)
        billed, exact, expected_used = slow.unrounded(start, quantity, package)
    assert (Fraction(*charged.exact), charged.billed, used) == (exact, billed, expected_used)
    assert Fraction(charged.amount) == slow_round(exact, terms.rounding_digits, terms.rounding_method)
