from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest
from engine import Offer, Rate, Receipt, Terms, shortfall
from engine.session import Session
from engine.shortfall import Shortfall, always_covered
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import METHODS, bands, rates, starts, steps, terms

D = Decimal
NOON = datetime(2026, 5, 4, 12)
LIMIT = 300
receipts = st.none() | st.builds(
    Receipt, st.sampled_from([D("1.37"), D(1)]), st.integers(0, 4), st.sampled_from(METHODS)
)


@st.composite
def sessions(draw, start, zone=None):
    cut = draw(st.just(()) | bands())
    found = draw(rates(cut))
    if not cut and draw(st.booleans()):
        found = (Rate(1, "44", D("0.4"), steps=draw(steps())),)
    return Session(Offer(draw(terms(zone)), found, bands=cut), start, LIMIT)


@settings(max_examples=200)
@given(st.data(), starts, receipts, st.integers(0, 500))
def test_as_by_looking_at_every_second(data, start, receipt, allowed):
    sale, cost = data.draw(sessions(start)), data.draw(sessions(start))
    found = Shortfall(sale, cost, receipt)
    every = [found.at(seconds) for seconds in range(1, LIMIT + 1)]
    assert found.peak(LIMIT) == max(0, *every)
    reach = next((n for n, value in enumerate(every) if value > allowed), LIMIT)
    assert found.reach(LIMIT, allowed) == reach


@settings(max_examples=300)
@given(st.data(), starts, st.sampled_from([D(1), D("1.1")]))
def test_always_covered_is_never_wrong(data, start, more):
    """Two alike tariffs, so that the answer is often yes."""
    sale = data.draw(sessions(start, "UTC"))
    if data.draw(st.booleans()):
        old = sale.offer
        new = Offer(data.draw(terms("UTC")), old.rates, bands=old.bands, factor=more)
        cost = Session(new, start, LIMIT)
    else:
        cost = Session(Offer(sale.offer.terms, sale.offer.rates, (), sale.offer.bands), start, LIMIT)
    found = Shortfall(sale, cost)
    if always_covered(sale, cost, sale.meter.coins):
        assert all(found.at(seconds) <= 0 for seconds in range(1, LIMIT + 1))


@settings(max_examples=300)
@given(st.data(), terms("UTC"))
def test_always_covered_is_never_wrong_for_like_terms(data, sold):
    """The cost differs from the sale in one or two of its terms only."""
    other = data.draw(terms("UTC"))
    names = data.draw(st.lists(st.sampled_from(sorted(Terms.__dataclass_fields__)), max_size=2))
    bought = replace(sold, **{name: getattr(other, name) for name in names})
    rates_of = (Rate(1, "44", data.draw(st.sampled_from([D(0), D("0.37"), D(6)]))),)
    sale, cost = (Session(Offer(t, rates_of), NOON, LIMIT) for t in (sold, bought))
    found = Shortfall(sale, cost)
    if always_covered(sale, cost, sale.meter.coins):
        assert all(found.at(seconds) <= 0 for seconds in range(1, LIMIT + 1))


USUAL = Terms(
    increment=6,
    connection_charge=D("0.10"),
    minimum_charge=D("0.20"),
    grace_seconds=5,
    surcharge=D("0.30"),
    surcharge_after=100,
    rounding_digits=3,
)


@pytest.mark.parametrize(
    ("change", "covered"),
    [
        ({}, True),
        ({"increment": 3}, True),
        ({"increment": 4}, False),
        ({"increment": 12}, False),
        ({"connection_charge": D("0.09")}, True),
        ({"connection_charge": D("0.11")}, False),
        ({"minimum_charge": D("0.19")}, True),
        ({"minimum_charge": D("0.21")}, False),
        ({"grace_seconds": 6}, True),
        ({"grace_seconds": 4}, False),
        ({"surcharge": D("0.29")}, True),
        ({"surcharge": D("0.31")}, False),
        ({"surcharge_after": None}, True),
        ({"surcharge_after": 101}, True),
        ({"surcharge_after": 99}, False),
        ({"rounding_method": "up"}, False),
        ({"rounding_method": "down"}, True),
        ({"rounding_method": "down", "rounding_digits": 2}, True),
        ({"rounding_method": "down", "rounding_digits": 4}, False),
        ({"rounding_digits": 4}, False),
    ],
)
def test_what_covers_what(change, covered):
    rate = (Rate(1, "44", D("0.05")),)
    sale, cost = (Session(Offer(t, rate), NOON, LIMIT) for t in (USUAL, replace(USUAL, **change)))
    assert always_covered(sale, cost, sale.meter.coins) is covered


def test_rounding_up_to_coarser_coins_covers():
    rate = (Rate(1, "44", D("0.05")),)
    up = replace(USUAL, rounding_method="up")
    for digits, covered in ((2, True), (3, True), (4, False)):
        sale = Session(Offer(replace(up, rounding_digits=digits), rate), NOON, LIMIT)
        cost = Session(Offer(USUAL, rate), NOON, LIMIT)
        assert always_covered(sale, cost, sale.meter.coins) is covered


def session(price, limit=86400, **fields):
    return Session(Offer(Terms(**fields), (Rate(1, "44", D(price)),)), NOON, limit)


def test_usual_tariffs_need_no_search():
    retail, wholesale = session("0.05", increment=60), session("0.04", rounding_digits=2)
    assert always_covered(retail, wholesale, retail.meter.coins)
    assert always_covered(retail, retail, retail.meter.coins), "no margin is no loss"
    assert not always_covered(wholesale, retail, wholesale.meter.coins)


def test_a_search_that_gives_up_is_on_the_safe_side(monkeypatch):
    monkeypatch.setattr(shortfall, "MAX_LOOKS", 20)
    sale, cost = session("0.0600"), session("0.0601")
    found = Shortfall(sale, cost)
    exact = max(found.at(seconds) for seconds in range(1, 3000))
    assert found.peak(3000) >= exact
    reach = found.reach(86400, 4)
    assert all(found.at(seconds) <= 4 for seconds in range(1, reach + 1))
