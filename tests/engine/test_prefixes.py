from datetime import date
from decimal import Decimal

import pytest
from engine import Derivation, Offer, Rate, Terms, candidates, longest_match, normalise
from hypothesis import given
from hypothesis import strategies as st

D = Decimal
TODAY = date(2026, 5, 4)


def level(*prefixes, **fields):
    return {prefix: [Rate(prefix, prefix, D(1), **fields)] for prefix in prefixes}


def test_candidates():
    assert candidates("4479") == ["4479", "447", "44", "4", ""]
    assert candidates("") == [""]


def test_longest_prefix():
    # facebookarchive/CommunityCellularManager client/core/tests/billing_tests.py
    levels = [level("789", "78", "7", "3")]
    assert longest_match("781235557890", levels, TODAY).prefix == "78"
    assert longest_match("4412345", levels, TODAY) is None


def test_a_cheap_own_rate_at_44_never_undercuts_the_447_of_the_base():
    match = longest_match("447911123456", [level("44"), level("447", "44")], TODAY)
    assert (match.prefix, match.depth) == ("447", 1)


def test_at_the_same_prefix_the_nearest_list_wins():
    match = longest_match("447911123456", [{}, level("447"), level("447", "4")], TODAY)
    assert (match.prefix, match.depth) == ("447", 1)


def test_any_number_matches_the_empty_prefix_last():
    levels = [level(""), level("44")]
    assert longest_match("447911123456", levels, TODAY).prefix == "44"
    assert longest_match("1003", levels, TODAY).prefix == ""
    assert longest_match("", levels, TODAY).prefix == ""


def test_a_rate_out_of_force_is_as_if_absent():
    past = level("447", date_to=date(2026, 5, 3))
    future = level("4479", date_from=date(2026, 5, 5))
    match = longest_match("447911123456", [past, future, level("44")], TODAY)
    assert (match.prefix, match.depth) == ("44", 2)
    assert longest_match("447911123456", [past], date(2026, 5, 3)).prefix == "447"
    assert longest_match("447911123456", [future], date(2026, 5, 5)).prefix == "4479"


def test_the_last_to_come_into_force_wins():
    rates = [
        Rate(1, "44", D(1)),
        Rate(4, "44", D(4), date_from=date(2026, 6, 1)),
        Rate(3, "44", D(3), date_from=date(2026, 5, 1)),
        Rate(2, "44", D(2), date_from=date(2026, 1, 1)),
    ]
    found = longest_match("44", [{"44": rates}], TODAY)
    assert [rate.id for rate in found.rates] == [3]
    found = longest_match("44", [{"44": rates[:2]}], TODAY)
    assert [rate.id for rate in found.rates] == [1]


def test_of_two_from_the_same_day_the_later_record_wins():
    rates = [Rate(2, "44", D(2)), Rate(1, "44", D(1))]
    assert [rate.id for rate in longest_match("44", [{"44": rates}], TODAY).rates] == [2]


def test_all_bands_of_the_prefix():
    own = {"44": [Rate(1, "44", D(1), band_id="day"), Rate(2, "44", D(2), band_id="night")]}
    base = {"44": [Rate(3, "44", D(3)), Rate(4, "44", D(4), band_id="day")]}
    further = level("44")
    match = longest_match("44", [own, base, further], TODAY)
    assert [rate.id for rate in match.rates] == [1, 2]
    ((depth, rates),) = match.deeper
    assert (depth, {rate.id for rate in rates}) == (1, {3, 4})


def test_no_deeper_rates_below_an_all_day_rate():
    match = longest_match("44", [level("44"), level("44")], TODAY)
    assert match.deeper == ()


def test_blocked():
    base = level("4470", blocked=True)
    assert longest_match("447011", [level("44"), base], TODAY).blocked
    assert not longest_match("447011", [level("4470"), base], TODAY).blocked


def test_offer_of_a_match_derives_from_the_level_found():
    own, reseller = Derivation(D("0.1")), Derivation(D("0.5"), D("0.01"))
    levels = [level("1"), level("2"), level("3")]
    prices = []
    for number in "123":
        match = longest_match(number, levels, TODAY)
        prices.append(Offer.of(match, Terms(), [own, reseller]).meter.flat.price)
    assert prices == [D(1), D("1.1"), D("1.51") * D("1.1")]


def test_the_brands_markup_where_the_list_states_none():
    match = longest_match("1", [{}, level("1")], TODAY)
    offer = Offer.of(match, Terms(markup=D("0.25")), [Derivation(None, D("0.05"))])
    assert offer.meter.flat.price == D("1.30")
    own = longest_match("1", [level("1")], TODAY)
    assert Offer.of(own, Terms(markup=D("0.25"))).meter.flat.price == D(1)
    with pytest.raises(ValueError, match="each list above"):
        Offer.of(match, Terms())
    with pytest.raises(ValueError, match="mark-up"):
        Offer(Terms(), match.rates, (Derivation(None),))


digits = st.text("12", min_size=0, max_size=5)


@given(digits, st.lists(st.sets(digits, max_size=6), min_size=1, max_size=3))
def test_as_by_looking_at_all_rates(number, prefixes):
    levels = [level(*found) for found in prefixes]
    fitting = [
        (-len(prefix), depth) for depth, found in enumerate(prefixes) for prefix in found if number.startswith(prefix)
    ]
    match = longest_match(number, levels, TODAY)
    if fitting:
        assert (-len(match.prefix), match.depth) == min(fitting)
    else:
        assert match is None


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("+44 20 7946 0000", "442079460000"),
        ("+44 (0)20 7946-0000", "442079460000"),
        ("(+44) 20.7946.0000", "442079460000"),
        ("0044 20 7946 0000", "442079460000"),
        ("020 7946 0000", "442079460000"),
        ("(020) 7946/0000", "442079460000"),
        ("442079460000", "442079460000"),
        ("00 1 212 555 1234", "12125551234"),
        # short numbers
        ("112", "112"),
        ("000", "000"),
        ("116117", "116117"),
        ("0800", "0800"),
        ("+112", "112"),
        # nothing to dial
        ("", ""),
        (None, ""),
        ("   ", ""),
        ("+", ""),
        ("++44 20 7946 0000", ""),
        ("44+2079460000", ""),
        ("alice", ""),
        ("4420794600o0", ""),
        ("1800FLOWERS", ""),
        ("*31#02079460000", ""),
        ("sip:442079460000@example.com", ""),
        ("٤٤٢٠٧٩٤٦٠٠٠٠", ""),
        ("４４２０７９４６００００", ""),
        ("44²0794600", ""),
        ("44\u200b2079460000", ""),
        ("44\x002079460000", ""),
        ("442079460000\n", ""),
        ("0000000000", ""),
        ("+0442079460000", ""),
        ("0000442079460000", ""),
        ("1" * 33, ""),
        ("1" * 1_000_000, ""),
        ("1" * 20, "1" * 20),
    ],
)
def test_normalise_in_britain(number, expected):
    assert normalise(number, "44") == expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("212 555 1234", "12125551234"),
        ("1 212 555 1234", "12125551234"),
        ("011 44 20 7946 0000", "442079460000"),
        ("911", "911"),
        ("+1 (212) 555-1234", "12125551234"),
    ],
)
def test_normalise_in_north_america(number, expected):
    assert normalise(number, "1", "011", "1", 10) == expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [("06 1234 5678", "390612345678"), ("0044 20 7946 0000", "442079460000"), ("112", "112")],
)
def test_normalise_in_italy_where_the_0_is_kept(number, expected):
    assert normalise(number, "39", "00", "") == expected


def test_normalise_in_spain_where_no_prefix_is_dialled():
    assert normalise("912 345 678", "34", "00", "", 9) == "34912345678"
    assert normalise("34912345678", "34", "00", "", 9) == "34912345678"


@given(st.text(max_size=80))
def test_normalise_gives_digits_or_nothing(text):
    number = normalise(text, "44")
    assert number == "" or (number.isascii() and number.isdigit() and len(number) <= 34)


@given(st.text("0123456789+ -()", max_size=70))
def test_normalise_is_stable(text):
    """What was normalised stays, if it is dialled again with its plus."""
    number = normalise(text, "44")
    if len(number) > 6 and len(number) <= 32:
        assert normalise("+" + number, "44") == number
