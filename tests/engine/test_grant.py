from datetime import datetime
from decimal import Decimal

import pytest
from engine import Band, Derivation, Offer, Rate, Refused, Terms, grantable, price
from engine.grant import USUAL_SECONDS, coins
from engine.session import Session
from hypothesis import given
from hypothesis import strategies as st
from strategies import bands, clock_changes, decimals, derivations, rates, starts, steps, terms

D = Decimal
NOON = datetime(2026, 5, 4, 12)  # a Monday
HOUR, DAY = 3600, 86400
funds = st.one_of(decimals(30, 2), decimals(1, 4), st.integers(-3, 3).map(D))
caps = st.one_of(st.integers(1, 1000), st.none())


def assert_greatest(offer, start, available, cap):
    granted = grantable(offer, start, available, cap)
    limit = USUAL_SECONDS if cap is None else cap
    assert 0 <= granted <= limit
    enough = max(available, 0)
    assert price(start, granted, offer).amount <= enough
    if granted == limit:
        return
    blocks = Session(offer, start, limit).blocks
    if offer.terms.billed_time_rule == "completed":  # the seconds of a block begun are free
        assert price(start, granted + 1, offer).amount > enough
        return
    if granted:
        assert blocks.end(granted) == granted, "whole blocks"
    following = min(blocks.end(granted + 1), limit)
    assert price(start, following, offer).amount > enough


@given(starts, terms(), rates(), derivations, funds, caps)
def test_flat(start, terms, rates, derivations, available, cap):
    assert_greatest(Offer(terms, rates, derivations), start, available, cap)


@given(st.data(), starts | clock_changes, terms(), bands(), derivations, funds, caps)
def test_bands(data, start, terms, bands, derivations, available, cap):
    offer = Offer(terms, data.draw(rates(bands)), derivations, bands)
    assert_greatest(offer, start, available, cap)


@given(starts, terms(), steps(), funds, caps)
def test_steps(start, terms, steps, available, cap):
    offer = Offer(terms, (Rate(1, "44", D("0.3"), steps=steps),))
    assert_greatest(offer, start, available, cap)


@given(st.data(), starts, terms(), bands(), st.lists(st.integers(0, 3000), min_size=1))
def test_a_session_prices_as_price_does(data, start, terms, bands, lengths):
    offer = Offer(terms, data.draw(rates(bands)), bands=bands)
    session = Session(offer, start, 3000)
    for length in lengths:
        scale = D(10) ** -terms.rounding_digits
        assert session.units(length) * scale == price(start, length, offer).amount


def flat(cost="0.60", **terms):
    return Offer(Terms(**terms), (Rate(1, "44", D(cost)),))


@pytest.mark.parametrize(("available", "seconds"), [("1", 1020), ("0", 0), ("0.15", 0), ("0.19", 48), ("100", 1800)])
def test_connection_and_rounding_up(available, seconds):
    # cgrates TestGetMaxSessiontWithBlocker and …BlockerEmpty, 1800 s asked
    offer = flat("0.05", connection_charge=D("0.15"), rounding_method="up")
    assert grantable(offer, datetime(2016, 1, 13, 14), D(available), 1800) == seconds


def test_money_for_less_than_asked():
    # cgrates TestMaxSesionTimeLongerThanMoney: 10000, connect 1 + 1/s, 3 h asked
    offer = flat("60", connection_charge=D(1), rounding_digits=4)
    assert grantable(offer, datetime(2015, 7, 24, 13, 37), D(10000), 10800) == 9999


def test_an_empty_wallet_may_call_what_is_free():
    # cgrates TestMaxSesionTimeEmptyBalanceAndNoCost: 112
    assert grantable(flat("0"), NOON, D(0), 60) == 60
    assert grantable(flat("0"), NOON, D(-5), 60) == 60, "even in debt"
    assert grantable(flat("0"), NOON, D(0)) == USUAL_SECONDS


def test_whole_increments():
    assert grantable(flat(increment=60), NOON, D("1.79")) == 120
    assert grantable(flat(initial_increment=30, increment=20), NOON, D("1.20")) == 110
    assert grantable(flat(increment=60), NOON, D("0.59")) == 0


def test_grace_does_not_open_the_door():
    """Five free seconds are no whole block that the wallet could pay for."""
    offer = flat(increment=60, grace_seconds=5)
    assert grantable(offer, NOON, D(0)) == 0
    assert grantable(flat(increment=60, grace_seconds=90), NOON, D(0)) == 60


def test_limits_within_a_block():
    """What the brand or the switch asks for is granted, if its block can be paid for."""
    assert grantable(flat(increment=60), NOON, D("0.60"), 30) == 30
    assert grantable(flat(increment=60), NOON, D("0.59"), 30) == 0
    assert grantable(flat(increment=60, max_session=100), NOON, D(10)) == 100
    assert grantable(flat(increment=60, max_session=100), NOON, D("1.19")) == 60
    assert grantable(flat(max_session=100), NOON, D(10), 50) == 50
    assert grantable(flat(), NOON, D(10), 0) == 0
    assert grantable(flat("0"), NOON, D(0), 10**18) == 366 * DAY


def test_surcharge_ahead():
    offer = flat(increment=60, surcharge=D(5), surcharge_after=100)
    assert grantable(offer, NOON, D("6.19")) == 60
    assert grantable(offer, NOON, D("6.20")) == 120


def test_minimum_charge():
    assert grantable(flat(minimum_charge=D(1)), NOON, D("0.99")) == 0
    assert grantable(flat(minimum_charge=D(1)), NOON, D("1.00")) == 100


def test_dear_hours_ahead():
    evening = Band("evening", [((1,), 18 * HOUR, DAY)])
    rates = (Rate(1, "44", D("0.06")), Rate(2, "44", D("6"), band_id="evening"))
    offer = Offer(Terms(), rates, bands=(evening,))
    assert grantable(offer, datetime(2026, 5, 4, 17, 50), D("0.70")) == 601


def test_never_into_an_hour_without_a_rate():
    evening = Band("evening", [((1,), 18 * HOUR, DAY)])
    rates = (Rate(1, "44", D("0.06"), band_id="evening"),)
    offer = Offer(Terms(increment=60), rates, bands=(evening,))
    assert grantable(offer, datetime(2026, 5, 4, 23, 57, 30), D(100)) == 120
    for start in (NOON, datetime(2026, 5, 4, 23, 59, 30)):
        with pytest.raises(Refused):
            grantable(offer, start, D(100))


def test_blocked():
    with pytest.raises(Refused) as refusal:
        grantable(Offer(Terms(), (Rate(1, "44", D(1), blocked=True),)), NOON, D(1))
    assert refusal.value.reason == "blocked"


def test_a_price_derived_below_zero_is_free_not_endless_credit():
    offer = Offer(Terms(), (Rate(1, "44", D("0.01")),), (Derivation(D(0), D(-1)),))
    assert grantable(offer, NOON, D(0), 60) == 60


def test_messages():
    offer = Offer(Terms(), (Rate(1, "sms", D("0.04"), per=1),), timed=False)
    assert grantable(offer, NOON, D("1.00")) == 25
    free = Offer(Terms(), (Rate(1, "sms", D(0), per=1),), timed=False)
    assert grantable(free, NOON, D(0)) == 10**15


def test_coins():
    assert [coins(D(value), 2) for value in ("0.999", "1", "-0.01", "1E+3")] == [99, 100, 0, 100000]
    assert coins(D("19"), -1) == 1
