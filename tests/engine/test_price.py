from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from engine import Band, Derivation, Offer, Rate, Refused, Terms, amount_in, longest_match, price
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_rater import SlowRater, slow_round
from strategies import (
    METHODS,
    bands,
    clock_changes,
    decimals,
    derivations,
    rates,
    starts,
    steps,
    terms,
)

D = Decimal
NOON = datetime(2026, 5, 4, 12)  # a Monday
HOUR, DAY = 3600, 86400
quantities = st.one_of(st.integers(0, 400), st.decimals(0, 400, places=3))
factors = st.sampled_from([D(1), D("1.0837"), D("0.00614")])


def flat(price="0.60", per=60, **terms):
    return Offer(Terms(**terms), (Rate(1, "44", D(price), per=per),))


def assert_as_slow(slow, start, quantity, offer):
    charged = price(start, quantity, offer)
    billed, exact = slow.unrounded(start, quantity)
    assert Fraction(*charged.exact) == exact
    assert Fraction(charged.amount) == slow.amount(start, quantity)
    assert charged.billed == billed == sum(part[1] for part in charged.parts)


@given(starts, quantities, terms(), rates(), derivations, factors)
def test_flat_as_second_by_second(start, quantity, terms, rates, derivations, factor):
    offer = Offer(terms, rates, derivations, factor=factor)
    slow = SlowRater(terms, rates, derivations, factor=factor)
    assert_as_slow(slow, start, quantity, offer)


@given(st.data(), starts | clock_changes, quantities, terms(), bands(), derivations, factors)
def test_bands_as_second_by_second(data, start, quantity, terms, bands, derivations, factor):
    found = data.draw(rates(bands))
    offer = Offer(terms, found, derivations, bands, factor)
    slow = SlowRater(terms, found, derivations, bands, factor)
    assert_as_slow(slow, start, quantity, offer)


@given(starts, quantities, terms(), rates(), derivations, steps())
def test_steps_as_second_by_second(start, quantity, terms, rates, derivations, steps):
    rate = Rate(1, "44", rates[0].price, steps=steps)
    offer = Offer(terms, (rate,), derivations)
    assert_as_slow(SlowRater(terms, (rate,), derivations), start, quantity, offer)


@settings(max_examples=30)
@given(st.data(), starts, terms(), bands(), derivations)
def test_a_longer_session_never_costs_less(data, start, terms, bands, derivations):
    offer = Offer(terms, data.draw(rates(bands)), derivations, bands)
    amounts = [price(start, quantity, offer).amount for quantity in range(0, 400, 3)]
    assert amounts == sorted(amounts)


def test_zero_seconds_cost_nothing():
    offer = flat(connection_charge=D("1"), minimum_charge=D("2"))
    charged = price(NOON, 0, offer)
    assert (charged.amount, charged.billed, charged.connection) == (0, 0, 0)
    assert (charged.reason, charged.rate_id) == ("unanswered", None)
    assert price(NOON, D("0.000"), offer).amount == 0
    assert str(charged.amount) == "0.00"


def test_grace():
    offer = flat(grace_seconds=5, connection_charge=D("1"))
    assert price(NOON, 5, offer).amount == 0
    assert price(NOON, 5, offer).reason == "grace"
    assert price(NOON, D("5.001"), offer).amount == D("1.06")


def test_surcharge_only_beyond_its_second():
    # sipwise/rate-o-mat: a surcharge when the call lasts longer than so many seconds
    offer = flat(surcharge=D("1"), surcharge_after=60)
    assert price(NOON, 60, offer).amount == D("0.60")
    assert price(NOON, D("60.5"), offer).amount == D("1.61")
    assert price(NOON, 90, flat(surcharge=D("1"))).amount == D("0.90")
    assert price(NOON, 1, flat(surcharge=D("1"), surcharge_after=0)).amount == D("1.01")


def test_minimum_charge_includes_the_connection():
    offer = flat(minimum_charge=D("0.25"), connection_charge=D("0.10"))
    assert price(NOON, 1, offer).amount == D("0.25")
    assert price(NOON, 1, offer).reason == "minimum"
    assert price(NOON, 15, offer).amount == D("0.25")
    assert price(NOON, 15, offer).reason is None
    assert price(NOON, 16, offer).amount == D("0.26")


def test_a_free_destination_stays_free():
    offer = flat("0", minimum_charge=D("0.25"))
    assert price(NOON, 100, offer).amount == 0
    assert price(NOON, 100, offer).reason == "free"


def test_a_small_rate_is_kept():
    assert price(NOON, 60, flat("0.0043", rounding_digits=4)).amount == D("0.0043")
    assert price(NOON, 6, flat("0.0043", rounding_digits=5)).amount == D("0.00043")


def test_rounded_once_at_the_end():
    """Ten increments of 0.00333… each: rounding each first would lose a third of a cent."""
    offer = flat("0.02", increment=6, rounding_digits=2, connection_charge=D("0.005"))
    assert price(NOON, 45, offer).amount == D("0.02")
    assert price(NOON, 45, offer).exact == (21, 1000)


def test_conversion_comes_before_the_rounding():
    offer = Offer(Terms(), (Rate(1, "44", D("0.004")),), factor=D("150"))
    assert price(NOON, 60, offer).amount == D("0.60")


@pytest.mark.parametrize(
    ("method", "amount"),
    [("up", "0.13"), ("down", "0.12"), ("half_up", "0.13"), ("half_even", "0.12")],
)
def test_methods(method, amount):
    assert price(NOON, 60, flat("0.125", rounding_method=method)).amount == D(amount)


def test_connection_charge_of_the_band_where_the_call_starts():
    # cgrates/cgrates engine/calldesc_test.go, tariff EVENING
    weekdays = (1, 2, 3, 4, 5)
    bands = (
        Band("peak", [(weekdays, 0, 18 * HOUR)]),
        Band("evening", [(weekdays, 18 * HOUR, DAY)]),
        Band("weekend", [((6, 7), 0, DAY)]),
    )
    rates = (
        Rate(1, "0256", D("1"), per=1, band_id="peak", connection_charge=D(1)),
        Rate(2, "0256", D("0.5"), per=1, band_id="evening"),
        Rate(3, "0256", D("0.5"), per=1, band_id="weekend"),
    )
    offer = Offer(Terms(rounding_digits=4), rates, bands=bands)
    charged = price(datetime(2012, 2, 2, 17, 30), 3600, offer)
    assert charged.amount == 2701
    assert charged.connection == 1
    assert charged.parts == (("peak", 1800, D(1)), ("evening", 1800, D("0.5")))
    assert charged.rate_id == 1
    assert price(datetime(2012, 2, 7, 23, 50), 2400, offer).amount == 2100
    assert price(datetime(2012, 2, 8, 22, 50), 110, offer).amount == 55


def test_the_band_of_the_brands_clock():
    evening = Band("evening", [((1, 2, 3, 4, 5, 6, 7), 18 * HOUR, DAY)])
    rates = (Rate(1, "44", D(6)), Rate(2, "44", D(3), band_id="evening"))
    offer = Offer(Terms(timezone="Asia/Kathmandu"), rates, bands=(evening,))
    # 12:15 UTC is 18:00 in Kathmandu
    assert price(datetime(2026, 5, 4, 12, 14), 120, offer).amount == D(9)


def test_increments_of_the_band_where_the_call_starts():
    evening = Band("evening", [((1,), 18 * HOUR, DAY)])
    rates = (Rate(1, "44", D(60), increment=60), Rate(2, "44", D(60), band_id="evening"))
    offer = Offer(Terms(), rates, bands=(evening,))
    assert price(datetime(2026, 5, 4, 17, 59), 62, offer).billed == 120
    assert price(datetime(2026, 5, 4, 18), 62, offer).billed == 62


def test_an_hour_without_a_rate_is_refused_not_free():
    evening = Band("evening", [((1,), 18 * HOUR, DAY)])
    offer = Offer(Terms(), (Rate(1, "44", D(1), band_id="evening"),), bands=(evening,))
    assert price(datetime(2026, 5, 4, 18), 60, offer).amount == 1
    for start, seconds in ((NOON, 60), (datetime(2026, 5, 4, 23, 59, 30), 31)):
        with pytest.raises(Refused) as refusal:
            price(start, seconds, offer)
        assert refusal.value.reason == "no_rate"
    assert price(NOON, 0, offer).amount == 0, "it was not answered"


def test_a_record_of_a_million_years_does_not_stop_the_batch():
    evening = Band("evening", [((1,), 18 * HOUR, DAY)])
    offer = Offer(Terms(), (Rate(1, "44", D(1)), Rate(2, "44", D(1), band_id="evening")), bands=(evening,))
    with pytest.raises(Refused, match="ten years"):
        price(NOON, 10**14, offer)


def test_bands_go_by_their_own_order_not_by_that_of_the_rates():
    early = Band("early", [((1,), 10 * HOUR, 13 * HOUR)])
    late = Band("late", [((1,), 11 * HOUR, 14 * HOUR)])
    rates = (Rate(1, "44", D(1), band_id="late"), Rate(2, "44", D(2), band_id="early"))
    assert price(NOON, 60, Offer(Terms(), rates, bands=(early, late))).amount == 2
    assert price(NOON, 60, Offer(Terms(), rates, bands=(late, early))).amount == 1


def test_a_blocked_rate_is_refused():
    with pytest.raises(Refused) as refusal:
        price(NOON, 1, Offer(Terms(), (Rate(1, "44", D(1), blocked=True),)))
    assert refusal.value.reason == "blocked"


def test_the_base_fills_the_hours_without_an_own_rate():
    evening = Band("evening", [((1,), 18 * HOUR, DAY)])
    day = Band("day", [((1,), 8 * HOUR, 20 * HOUR)])
    own = {"44": [Rate(1, "44", D(6), band_id="evening")]}
    base = {"44": [Rate(2, "44", D(12)), Rate(3, "44", D(18), band_id="day")]}
    match = longest_match("4420", [own, base], date(2026, 5, 4))
    offer = Offer.of(match, Terms(), [Derivation(D("0.5"))], (day, evening))
    assert price(datetime(2026, 5, 4, 19), 60, offer).amount == 6
    assert price(NOON, 60, offer).amount == 27
    assert price(datetime(2026, 5, 4, 6), 60, offer).amount == 18


def test_a_markup_reaches_the_connection_charge_of_the_rate_but_not_the_brands():
    rate = Rate(1, "44", D("0.10"), connection_charge=D("0.10"))
    steps = (Derivation(D("0.5"), D("0.05")),)
    assert price(NOON, 60, Offer(Terms(), (rate,), steps)).amount == D("0.35")
    plain = Rate(1, "44", D("0.10"))
    terms = Terms(connection_charge=D("0.10"))
    assert price(NOON, 60, Offer(terms, (plain,), steps)).amount == D("0.30")


def test_messages_and_bytes():
    messages = flat("0.04", per=1)
    assert price(NOON, 3, messages).amount == D("0.12")
    gigabyte = 10**9
    data = flat("2.00", per=gigabyte, increment=10**6)
    charged = price(NOON, 1_500_000_001, data)
    assert (charged.amount, charged.billed) == (D("3.00"), 1_501_000_000)
    assert charged.exact == (1501, 500)


def test_an_untimed_service_is_priced_by_the_band_at_its_start():
    noon = Band("noon", [((1,), 12 * HOUR, 12 * HOUR + 60)])
    rates = (Rate(1, "sms", D(1), per=1), Rate(2, "sms", D(2), per=1, band_id="noon"))
    offer = Offer(Terms(), rates, bands=(noon,), timed=False)
    assert price(NOON, 1000, offer).amount == 2000
    assert price(NOON.replace(hour=13), 1000, offer).amount == 1000


def test_aware_starts():
    offer = flat()
    assert price(NOON.replace(tzinfo=ZoneInfo("Europe/Madrid")), 60, offer).amount == D("0.60")


def test_bad_quantities():
    for quantity in (-1, D("NaN"), 10**30):
        with pytest.raises(Refused, match="quantity") as refusal:
            price(NOON, quantity, flat())
        assert refusal.value.reason == "bad_quantity"
    with pytest.raises(TypeError):
        price(NOON, 1.5, flat())


@given(st.integers(1, 4000), decimals(2, 4), st.integers(0, 4), st.sampled_from(METHODS))
def test_amount_in_another_currency_is_rounded_once(seconds, factor, digits, method):
    charged = price(NOON, seconds, flat("0.0571"))
    expected = slow_round(Fraction(*charged.exact) * Fraction(factor), digits, method)
    assert Fraction(amount_in(charged, factor, digits, method)) == expected


def test_nothing_billed_has_no_part():
    """A call shorter than a completed increment, as a package that is empty has it too."""
    offer = Offer(Terms(increment=6, billed_time_rule="completed"), (Rate(1, "44", Decimal("0.1")),))
    charged = price(datetime(2026, 1, 1), 5, offer)
    assert (charged.billed, charged.amount, charged.parts) == (0, 0, ())
