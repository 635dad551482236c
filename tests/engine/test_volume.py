"""Volume tiers over a period, graduated and volume, and packages of a size."""

from decimal import Decimal
from fractions import Fraction

import pytest
import strategies
from engine import VOLUME, Invalid, Refused, VolumeTariff, VolumeTier, sized
from hypothesis import given
from hypothesis import strategies as st
from slow_rater import slow_round, slow_volume

D = Decimal
STAIRS = VolumeTariff((VolumeTier(10, D(10), flat=D(2)), VolumeTier(20, D(5), flat=D(3)), VolumeTier(None, D(1))))
WHOLE = VolumeTariff((VolumeTier(100, D(2), flat=D(10)), VolumeTier(None, D(1))), VOLUME)


@pytest.mark.parametrize(("quantity", "cost"), [(0, 2), (1, 12), (10, 102), (11, 110), (20, 155), (25, 160)])
def test_graduated_each_part_at_the_price_of_its_tier(quantity, cost):
    assert STAIRS.exact(quantity) == cost


@pytest.mark.parametrize(("quantity", "cost"), [(0, 10), (1, 12), (100, 210), ("100.5", "100.5"), (101, 101)])
def test_volume_all_at_the_price_of_the_tier_reached(quantity, cost):
    assert WHOLE.exact(D(quantity)) == Fraction(cost)


def test_reaching_a_cheaper_tier_gives_back():
    assert WHOLE.charge(0, 100, 2) == 210
    assert WHOLE.charge(100, 1, 2) == -109


def test_blocks_begun_count_whole_in_each_tier():
    tariff = VolumeTariff(
        (VolumeTier(D("0.8"), D("0.3"), 1, begun=True), VolumeTier(D("2.1"), D(1), D("0.1"), begun=True))
    )
    assert tariff.exact(3) == Fraction("13.3")  # and nothing beyond the end of the last tier


def test_packages_of_a_size():
    assert [sized(D(100), 10, free).exact(121) for free in (0, 10, 200)] == [1300, 1200, 0]


def test_a_connection_charge_comes_with_each_event():
    tariff = VolumeTariff((VolumeTier(None, D("0.1")),), connection_charge=D("0.05"))
    assert [tariff.charge(used, 1, 2) for used in (0, 1)] == [D("0.15"), D("0.15")]


@pytest.mark.parametrize(
    "tiers",
    [
        (),
        (VolumeTier(10, D(1)), VolumeTier(5, D(1))),
        (VolumeTier(None, D(1)), VolumeTier(5, D(1))),
        (VolumeTier(None, D(-1)),),
        (VolumeTier(None, D(1), 0),),
    ],
)
def test_tiers_that_make_no_sense(tiers):
    with pytest.raises(Invalid):
        VolumeTariff(tiers)


def test_quantities_that_make_no_sense():
    for quantity in (-1, D("NaN"), D("Infinity"), 10**18):
        with pytest.raises(Invalid):
            STAIRS.exact(quantity)
    with pytest.raises(ValueError):
        VolumeTariff((VolumeTier(None, D(1)),), "stairs")


def test_a_volume_tariff_with_an_end_has_no_price_beyond():
    capped = VolumeTariff((VolumeTier(10, D(1)),), VOLUME)
    with pytest.raises(Refused):
        capped.exact(11)
    assert capped.grantable(0, D(100), 2) == 10


@given(strategies.volume_tiers(), st.sampled_from(["graduated", "volume"]), st.integers(0, 90))
def test_as_the_slow_rater(tiers, kind, quantity):
    assert VolumeTariff(tiers, kind).exact(quantity) == slow_volume(tiers, kind, quantity)


@given(
    strategies.volume_tiers(),
    st.sampled_from(["graduated", "volume"]),
    st.lists(st.integers(1, 30), min_size=1, max_size=8),
    st.sampled_from(strategies.METHODS),
    st.integers(0, 4),
)
def test_portions_sum_up_to_the_period(tiers, kind, portions, method, digits):
    tariff = VolumeTariff(tiers, kind)
    charged = sum(tariff.charge(sum(portions[:n]), part, digits, method) for n, part in enumerate(portions))
    assert charged == slow_round(slow_volume(tiers, kind, sum(portions)), digits, method)


@given(
    strategies.volume_tiers(),
    st.sampled_from(["graduated", "volume"]),
    st.integers(0, 60),
    strategies.decimals(40, 1),
    st.integers(1, 80),
)
def test_every_quantity_up_to_the_grant_can_be_paid_and_the_next_cannot(tiers, kind, before, available, cap):
    tariff = VolumeTariff(tiers, kind)
    granted = tariff.grantable(before, available, 2, cap=cap)
    assert 0 <= granted <= cap
    assert all(tariff.charge(before, units, 2) <= available for units in range(1, granted + 1))
    assert granted == cap or tariff.charge(before, granted + 1, 2) > available
