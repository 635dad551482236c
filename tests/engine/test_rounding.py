from decimal import Decimal
from fractions import Fraction

import pytest
from engine.rounding import as_amount, divide, ratio, round_amount, round_quotient
from hypothesis import given
from hypothesis import strategies as st
from slow_rater import slow_round
from strategies import METHODS

D = Decimal


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=8, min_value=-(10**12), max_value=10**12),
    st.integers(1, 10**9),
    st.integers(-3, 12),
    st.sampled_from(METHODS),
)
def test_quotient_as_with_fractions(numerator, denominator, digits, method):
    rounded = round_quotient(numerator, denominator, digits, method)
    assert Fraction(rounded) == slow_round(Fraction(numerator) / denominator, digits, method)
    assert rounded.as_tuple().exponent == min(0, -digits)


@given(st.integers(-200, 200), st.sampled_from(METHODS))
def test_ties_are_exact(halves, method):
    value = D(halves) / 2
    assert Fraction(round_amount(value, 0, method)) == slow_round(Fraction(halves, 2), 0, method)


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("up", ["1", "-1", "3", "-3"]),
        ("down", ["0", "0", "2", "-2"]),
        ("half_up", ["1", "-1", "3", "-3"]),
        ("half_even", ["0", "0", "2", "-2"]),
    ],
)
def test_signs(method, expected):
    values = [D("0.5"), D("-0.5"), D("2.5"), D("-2.5")]
    assert [str(round_amount(value, 0, method)) for value in values] == expected


def test_a_quotient_just_above_a_half_is_not_taken_for_one():
    """50 digits of precision would round 0.5000…01 to 0.5 first."""
    above = 10**80 // 2 + 1
    assert divide(above, 10**80, "half_even") == 1
    assert round_quotient(D(above), 10**80, 0, "half_even") == 1


def test_a_quotient_of_two_rates_of_exchange():
    assert str(round_quotient(D("1.0837"), D("0.8571"), 12, "half_even")) == "1.264379885661"
    assert str(round_quotient(D(1), D("0.3"), 6, "down")) == "3.333333"


def test_more_digits_than_the_decimal_context_has():
    assert str(as_amount(10**40 + 1, 10)) == "1" + "0" * 30 + ".0000000001"


@pytest.mark.parametrize("value", [D("NaN"), D("Infinity"), D("1E+1000"), D("1E-1000")])
def test_no_amount(value):
    with pytest.raises(ValueError, match="not an amount"):
        ratio(value)


def test_floats_are_refused():
    with pytest.raises(TypeError):
        round_amount(0.1, 2, "up")


def test_bad_arguments():
    with pytest.raises(ValueError, match="method"):
        divide(1, 3, "ceiling")
    with pytest.raises(ValueError, match="denominator"):
        round_quotient(D(1), 0, 2, "up")
