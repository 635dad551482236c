"""Included units, used before money."""

from datetime import datetime
from decimal import Decimal

import pytest
import strategies
from engine import (
    NO_RATE,
    Band,
    Invalid,
    Offer,
    Package,
    Rate,
    Refused,
    Terms,
    grantable,
    grantable_beyond,
    price,
    price_beyond,
    shares,
)
from hypothesis import given
from hypothesis import strategies as st
from slow_rater import SlowRater

D = Decimal
NOON = datetime(2026, 5, 4, 12)


def offer(price="0.60", **terms):
    return Offer(Terms(**terms), (Rate(1, "44", D(price)),))


def test_the_part_beyond_is_charged_and_no_more():
    priced = price_beyond(NOON, 100, offer(), Package(40))
    assert (priced.used, priced.price.amount, priced.price.parts) == (40, D("0.60"), ((None, 60, D("0.60")),))


def test_a_session_within_the_package_costs_its_own_connection_charge_only():
    package = Package(40, increment=20, connection_charge=D("0.01"))
    within = price_beyond(NOON, 10, offer(connection_charge=D(1), increment=60), package)
    assert (within.used, within.price.amount, within.price.connection) == (20, D("0.01"), D("0.01"))
    beyond = price_beyond(NOON, 41, offer(connection_charge=D(1)), package)
    assert (beyond.used, beyond.price.amount) == (40, D("0.02"))
    spent = Package(0, increment=20, connection_charge=D("0.01"))
    assert price_beyond(NOON, 10, offer(connection_charge=D(1)), spent).price.amount == D("1.10")


def test_free_seconds_of_each_call_come_before_its_blocks():
    free = Package(10, apart=True)
    amounts = [price_beyond(NOON, s, offer("60", increment=60), free).price.amount for s in (10, 11, 61, 71)]
    assert amounts == [0, 60, 60, 120]
    # Without `apart` the package takes the first ten seconds of the two billed minutes.
    assert price_beyond(NOON, 61, offer("60", increment=60), Package(10)).price.amount == 110


def test_without_money_a_package_is_all_there_is():
    package = Package(10)
    assert grantable_beyond(None, NOON, D(0), package, 30) == 10
    assert price_beyond(NOON, 10, None, package).used == 10
    with pytest.raises(Refused) as refused:
        price_beyond(NOON, 11, None, package)
    assert refused.value.reason == NO_RATE
    fee = Package(10, connection_charge=D("0.01"))
    assert grantable_beyond(None, NOON, D(0), fee, 30) == 0
    assert price_beyond(NOON, 3, None, fee).price.amount == D("0.01")
    assert price_beyond(NOON, 0, None, fee).price.amount == 0


def test_a_package_opens_no_hour_without_a_rate():
    evening = Band("evening", [((1, 2, 3, 4, 5), 18 * 3600, 86400)])
    late = Offer(Terms(), (Rate(1, "44", D(1), band_id="evening"),), bands=(evening,))
    with pytest.raises(Refused):
        price_beyond(NOON, 60, late, Package(600))


def test_what_makes_no_sense_is_refused():
    with pytest.raises(Invalid):
        Package(-1)
    with pytest.raises(ValueError):
        Package(1, connection_charge=D(-1))
    with pytest.raises(ValueError):
        shares(10, [4, 5])


@given(st.data(), strategies.packages, strategies.starts, st.integers(0, 700))
def test_as_the_slow_rater(data, package, start, quantity):
    terms = data.draw(strategies.terms())
    bands = data.draw(st.just(()) | strategies.bands())
    rates = data.draw(strategies.rates(bands))
    derivations = data.draw(strategies.derivations)
    priced = price_beyond(start, quantity, Offer(terms, rates, derivations, bands), package)
    slow = SlowRater(terms, rates, derivations, bands)
    billed, exact, used = slow.unrounded(start, quantity, package)
    numerator, denominator = priced.price.fraction
    assert (priced.price.billed, priced.used) == (billed, used)
    assert exact == slow.unrounded(start, quantity, package)[1]
    assert numerator * exact.denominator == exact.numerator * denominator


@given(st.data(), strategies.starts, st.integers(0, 700))
def test_an_empty_package_changes_nothing(data, start, quantity):
    terms = data.draw(strategies.terms())
    bands = data.draw(st.just(()) | strategies.bands()) if terms.billed_time_rule != "completed" else ()
    sold = Offer(terms, data.draw(strategies.rates(bands)), bands=bands)
    priced, plain = price_beyond(start, quantity, sold, Package(0)), price(start, quantity, sold)
    assert (priced.price, priced.used) == (plain, 0)
    assert grantable_beyond(sold, start, D(3), Package(0), 900) == grantable(sold, start, D(3), 900)


@given(st.data(), strategies.packages, strategies.starts, strategies.decimals(5, 2), st.integers(1, 900))
def test_every_length_up_to_the_grant_can_be_paid(data, package, start, available, cap):
    terms = data.draw(strategies.terms())
    sold = Offer(terms, data.draw(strategies.rates()))
    granted = grantable_beyond(sold, start, available, package, cap)
    assert granted <= cap
    for seconds in {1, granted // 2, granted - 1, granted} & set(range(1, granted + 1)):
        assert price_beyond(start, seconds, sold, package).price.amount <= available
    if granted < cap and not terms.max_session:
        costs = [price_beyond(start, s, sold, package).price.amount for s in range(granted + 1, cap + 1)]
        blocks = [cost for cost in costs if cost > available]
        assert blocks, "all that was asked for could have been paid"


@given(st.lists(st.integers(0, 90), max_size=5), st.data())
def test_shares_add_up(lefts, data):
    used = data.draw(st.integers(0, sum(lefts)))
    taken = shares(used, lefts)
    assert sum(taken) == used
    assert all(0 <= part <= left for part, left in zip(taken, lefts, strict=True))
