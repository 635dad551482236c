from decimal import Decimal
from fractions import Fraction

import pytest
from engine import Band, Derivation, Offer, Rate, Receipt, Refused, Terms, derive
from hypothesis import given
from strategies import derivations, prices

D = Decimal


@given(prices, derivations)
def test_derive_is_exact(price, steps):
    expected = Fraction(price)
    for markup, fixed in steps:
        expected = expected * (1 + Fraction(markup)) + Fraction(fixed)
    assert Fraction(derive(price, steps)) == expected


def test_derive_at_any_depth():
    """Forty lists deep a price has more digits than the decimal context keeps."""
    step = Derivation(D("0.0123"), D("0.00001"))
    expected = Fraction("0.0043")
    for _depth in range(40):
        expected = expected * (1 + Fraction("0.0123")) + Fraction("0.00001")
    assert Fraction(derive(D("0.0043"), [step] * 40)) == expected


def test_a_markup_of_many_digits_is_kept():
    """As when a base in another currency is converted."""
    markup = D("0.0" + "1" * 40)
    assert Fraction(derive(D(1), [Derivation(markup)])) == 1 + Fraction(markup)


def test_base_first():
    steps = [Derivation(D(1), D(0)), Derivation(D(0), D(3))]
    assert derive(D(10), steps) == 23
    assert derive(D(10), steps[::-1]) == 26


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"increment": 0}, "at least 1"),
        ({"initial_increment": -1}, "not negative"),
        ({"billed_time_rule": "whole"}, "rule of billed time"),
        ({"rounding_method": "half_down"}, "rounding method"),
        ({"connection_charge": D("-0.01")}, "cannot be negative"),
        ({"minimum_charge": D("NaN")}, "not an amount"),
        ({"surcharge": D("-1")}, "cannot be negative"),
    ],
)
def test_bad_terms(wrong, message):
    with pytest.raises(ValueError, match=message):
        Terms(**wrong)


def test_no_floats():
    with pytest.raises(TypeError):
        Terms(connection_charge=0.1)
    with pytest.raises(TypeError):
        Offer(Terms(), (Rate(1, "44", 0.1),))
    with pytest.raises(TypeError):
        Offer(Terms(), (Rate(1, "44", D(1)),), factor=1.5)


@pytest.mark.parametrize(
    "rate",
    [
        Rate(1, "44", D(-1)),
        Rate(1, "44", D(1), per=0),
        Rate(1, "44", D(1), increment=0),
        Rate(1, "44", D(1), band_id="unknown"),
        Rate(1, "44", D(1), steps=((60, D(1), 60, 1), (30, D(1), 60, 1))),
        Rate(1, "44", D(1), steps=((60, D(1), 60, 0),)),
        Rate(1, "44", D(1), steps=((60, D(-1), 60, 1),)),
    ],
)
def test_bad_rates(rate):
    with pytest.raises(ValueError, match=r"price|increment|band") as error:
        Offer(Terms(), (rate,), bands=(Band("day", [((1,), 0, 10)]),))
    if rate.increment is None:
        assert isinstance(error.value, Refused), "one bad rate does not stop a batch"


def test_an_offer_needs_a_rate():
    with pytest.raises(Refused) as refusal:
        Offer(Terms(), ())
    assert refusal.value.reason == "no_rate"


def test_bad_factor():
    with pytest.raises(ValueError, match="factor"):
        Offer(Terms(), (Rate(1, "44", D(1)),), factor=D(0))


def test_nothing_is_sold_below_zero():
    offer = Offer(Terms(), (Rate(1, "44", D("0.01")),), (Derivation(D(0), D("-0.02")),))
    assert offer.meter.flat.price == 0


def test_offers_compare_by_what_they_were_made_of():
    rate = Rate(1, "44", D(1))
    assert Offer(Terms(), (rate,)) == Offer(Terms(), (rate,))
    assert hash(Offer(Terms(), (rate,))) == hash(Offer(Terms(), (rate,)))
    assert Receipt(D(1), 2).method == "half_up"
