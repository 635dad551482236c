from datetime import datetime
from decimal import Decimal

from engine import LABELS, Band, Derivation, Offer, Rate, Terms, explain, price
from hypothesis import given
from hypothesis import strategies as st
from strategies import bands, derivations, rates, starts, terms

D = Decimal
NOON = datetime(2026, 5, 4, 12)


@given(st.data(), starts, st.integers(0, 400), terms(), bands(), derivations)
def test_every_explanation_ends_with_the_amount(data, start, quantity, terms, bands, derivations):
    offer = Offer(terms, data.draw(rates(bands)), derivations, bands)
    lines = explain(start, quantity, offer)
    assert {line.label for line in lines} <= set(LABELS)
    assert lines[0] == ("duration", quantity)
    assert lines[-1] == ("amount", price(start, quantity, offer).amount)


def test_all_steps():
    terms = Terms(increment=60, connection_charge=D("0.05"), surcharge=D("0.02"), surcharge_after=60)
    evening = Band("evening", [((1,), 43260, 0)])
    rates = (Rate(1, "44", D("0.10")), Rate(2, "44", D("0.02"), band_id="evening"))
    steps = (Derivation(D("0.5"), D("0.01")),)
    offer = Offer(terms, rates, steps, (evening,), D("1.1"))
    assert explain(NOON, D("61.5"), offer) == [
        ("duration", 62),
        ("list_price", (D("0.10"), 60)),
        ("markup", D("0.5")),
        ("fixed", D("0.01")),
        ("derived_price", (D("0.16"), 60)),
        ("billed", 120),
        ("part", (None, 60, D("0.16"))),
        ("part", ("evening", 60, D("0.04"))),
        ("connection", D("0.05")),
        ("surcharge", D("0.02")),
        ("factor", D("1.1")),
        ("unrounded", D("0.2970000000")),
        ("amount", D("0.30")),
    ]


def labels(quantity, cost="0.10", **terms):
    lines = explain(NOON, quantity, Offer(Terms(**terms), (Rate(1, "44", D(cost)),)))
    return [line.label for line in lines]


def test_reasons():
    assert labels(0) == ["duration", "unanswered", "amount"]
    assert labels(3, grace_seconds=5) == ["duration", "list_price", "grace", "amount"]
    assert "minimum" in labels(3, minimum_charge=D(1))
    assert "free" in labels(3, cost="0")
