from decimal import Decimal

import pytest
from engine.increments import Blocks, begun, billed_seconds
from hypothesis import assume, given
from hypothesis import strategies as st
from slow_rater import slow_billed
from strategies import increments

D = Decimal
rules = st.sampled_from(["initial_plus", "multiple"])


@pytest.mark.parametrize(
    ("duration", "initial", "increment", "rule", "billed"),
    [
        (0, 60, 60, "initial_plus", 0),
        (0, 60, 60, "multiple", 0),
        (120, 30, 20, "initial_plus", 130),
        (120, 30, 20, "multiple", 120),
        (5, 30, 20, "multiple", 40),
        (1, 60, 1, "initial_plus", 60),
        (60, 60, 1, "initial_plus", 60),
        (61, 60, 1, "initial_plus", 61),
        (5, 0, 6, "initial_plus", 6),
        (D("0.001"), 1, 1, "initial_plus", 1),
        (D("60.000"), 60, 60, "initial_plus", 60),
        (D("60.001"), 60, 60, "initial_plus", 120),
        # yeti-switch/yeti-web spec/sql/switch/writecdr_spec.rb
        (560, 12, 13, "initial_plus", 571),
        # Kolmisoft MOR wiki, Wholesale_Tariff: minimum time 10 s, then per second
        (1, 10, 1, "initial_plus", 10),
        (9, 10, 1, "initial_plus", 10),
        (10, 10, 1, "initial_plus", 10),
        # 6/6 billing
        (8, 6, 6, "initial_plus", 12),
        # sipwise/rate-o-mat t/rateomat-33-freetime.t
        (671, 50, 20, "initial_plus", 690),
    ],
)
def test_known(duration, initial, increment, rule, billed):
    assert billed_seconds(duration, initial, increment, rule) == billed


@given(st.decimals(0, 5000, places=3), st.integers(0, 200), st.integers(1, 200), rules)
def test_as_counted_by_hand(duration, initial, increment, rule):
    billed = billed_seconds(duration, initial, increment, rule)
    assert billed == slow_billed(duration, initial, increment, rule)


step_lists = st.dictionaries(st.integers(0, 400), increments, max_size=3).map(
    lambda steps: tuple(sorted(steps.items()))
)


@given(st.integers(1, 1000), st.integers(0, 100), increments, rules, step_lists)
def test_blocks(quantity, initial, increment, rule, steps):
    blocks = Blocks.of(initial, increment, rule, steps)
    end, floor = blocks.end(quantity), blocks.floor(quantity)
    assert floor <= quantity <= end
    assert blocks.end(end) == end == blocks.floor(end)
    assert floor == 0 or blocks.end(floor) == floor
    assert floor == end or blocks.end(floor + 1) == end, "one block, not two"
    if rule == "initial_plus":
        slow_steps = tuple((start, None, None, size) for start, size in steps)
        assert end == slow_billed(quantity, initial, increment, rule, slow_steps)


@given(st.integers(1, 60), increments, st.integers(1, 60), increments)
def test_contain(first, increment, other_first, other_increment):
    coarse, fine = Blocks(first, increment), Blocks(other_first, other_increment)
    assume(coarse.contain(fine))
    for quantity in range(1, 300):
        assert coarse.end(quantity) >= fine.end(quantity)


@pytest.mark.parametrize("quantity", [-1, D("-0.5"), D("NaN"), D("Infinity"), D("1E+50"), 10**18])
def test_no_quantity(quantity):
    with pytest.raises(ValueError, match="quantity"):
        begun(quantity)


def test_floats_are_refused():
    with pytest.raises(TypeError):
        begun(1.5)


def test_bad_increments():
    with pytest.raises(ValueError, match="increment"):
        billed_seconds(1, 1, 0)
    with pytest.raises(ValueError, match="increment"):
        billed_seconds(1, -1, 1)
    with pytest.raises(ValueError, match="rule"):
        billed_seconds(1, 1, 1, "whole")
