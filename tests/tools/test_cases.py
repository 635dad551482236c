"""Rating cases of other systems: each model through the engine, and clear words for the rest."""

import copy
import json
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest

from tools import paths
from tools.cases import reading, running

reading.engine_path(paths.ROOT)

from tools.cases.judging import judge  # noqa: E402 - it needs the engine on the path

FILE = paths.ROOT / "tests" / "engine" / "published_cases.json"
MORE = FILE.with_name("more_cases.json")
CASES = {case["id"]: case for file in (FILE, MORE) for case in reading.load(file)}
SLOTS = {
    "model": "slots",
    "bands": [
        {
            "days": [1, 2, 3, 4, 5, 6, 7],
            "start": "00:00",
            "connect": "0.10",
            "slots": [{"from_s": 0, "rate": "0.60", "per_s": 60, "increment_s": 1}],
        }
    ],
    "rounding": {"method": "up", "decimals": 2},
}
STAIRS = {"model": "lago_graduated", "tiers": [["0", "10", "10", "2"], ["11", None, "5", "3"]]}
WIDTHS = {
    "model": "graduated_interval",
    "connect": "1000",
    "tiers": [{"from": 0, "to": 9, "price": 1, "interval": 1}, {"from": 0, "to": 1, "price": 100, "interval": 1}],
}
BILL = {"model": "completed_minutes", "connect": "0.36", "rate_per_min": "0.09", "peak": ["06:00:00", "22:00:00"]}
INITIAL = {
    "model": "initinc",
    "currency": "cent",
    "initial_s": 60,
    "initial_rate_per_s": "6",
    "next_s": 30,
    "next_rate_per_s": "1",
    "connect": "0",
    "surcharge": "100",
}
STRIPE = {
    "model": "stripe_tiers",
    "tiers": [{"up_to": 5, "unit_amount": 4, "flat_amount": 10}, {"up_to": None, "unit_amount": 3, "flat_amount": 2}],
}
BLOCKS = {
    "model": "killbill_tiers",
    "tiers": [{"size": 10, "max": 1, "price": 10}, {"size": 10, "max": 1, "price": 10}, {"size": 10, "price": 5}],
}
A2BILLING = {
    "model": "a2billing",
    "rateinitial": "0.06",
    "initblock": 30,
    "billingblock": 30,
    "connectcharge": "0.05",
    "disconnectcharge": "0.03",
}
NIBBLE = {
    "model": "nibblebill",
    "nibble_rate": "1.0666",
    "nibble_increment": 60,
    "nibble_minimum": "0.11",
    "nibble_rounding": 1,
}


def verdict(tariff, call, expected):
    return judge({"id": "T", "tariff": tariff, "call": call, "expected": expected}, 1)


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_published(case):
    found = judge(case, 1)
    if found.operation:  # of wallets: the ledger is asked, in a database
        assert found.model == "ledger"
    else:
        assert found.status == "pass", found.reason


@pytest.mark.parametrize(
    ("tariff", "call", "expected"),
    [
        (SLOTS, {"duration_s": 61}, {"cost": "0.71", "connect_fee": "0.1", "billed_s": 61}),
        (SLOTS, {"duration_s": 61, "continuation": True}, {"cost": "0.61", "connect_fee": "0"}),
        (SLOTS, {"duration_s": 60, "elapsed_s": 60, "continuation": True}, {"cost": "0.6"}),
        (SLOTS, {"requested_s": 600, "balance": "0.40"}, {"max_session_s": 30, "max_session_s_lt": 31}),
        (SLOTS, {"requested_s": 600, "balance": "0.05"}, {"error": "INSUFFICIENT_CREDIT"}),
        (SLOTS, {"requested_s": 600, "balance": "0", "allow_negative": True}, {"granted_s": 600}),
        (SLOTS, {"requested_s": 600, "balance": "0", "credit_limit": "0.40"}, {"granted_s": 30}),
        ({**SLOTS, "currency": "EUR"}, {"duration_s": 60}, {"cost": "0.7", "currency": "EUR"}),
        ({**SLOTS, "prefixes": ["44", "+49"]}, {"number": "+4930", "duration_s": 0}, {"cost": "0"}),
        ({**SLOTS, "prefixes": ["44"]}, {"number": "4930", "duration_s": 9}, {"error": "UNAUTHORIZED_DESTINATION"}),
        ({**SLOTS, "prefixes": ["44"]}, {"number": "49", "requested_s": 9, "balance": 1}, {"max_session_s": 0}),
        ({**SLOTS, "max_cost": "5", "max_cost_strategy": "*free"}, {"duration_s": 3600}, {"cost": "5"}),
        (
            {**SLOTS, "max_cost": "5", "max_cost_strategy": "disconnect"},
            {"requested_s": 3600, "balance": "99"},
            {"max_session_s": 490, "cost": "5"},
        ),
        ({**SLOTS, "max_cost": "5", "max_cost_strategy": "disconnect"}, {"duration_s": 3600}, {"cost": "36.1"}),
        ({**SLOTS, "free_s": 10}, {"duration_s": 70}, {"cost": "0.7", "free_used_s": 10, "billed_s": 60}),
        (SLOTS, {"duration_s": 70, "bundle_s": 100}, {"cost": "0.1", "bundle_after_s": 30}),
        ({**SLOTS, "rounding": None}, {"duration_s": 1}, {"cost": "11/100"}),
        (INITIAL, {"duration_s": 90}, {"cost": "390"}),
        ({**INITIAL, "surcharge_after_s": 89}, {"duration_s": 90}, {"cost": "490"}),
        ({**INITIAL, "surcharge_after_s": 90}, {"duration_s": 90}, {"cost": "390"}),
        ({**INITIAL, "currency": None, "initial_rate_per_s": "1/3"}, {"duration_s": 1}, {"cost": "20"}),
        ({**INITIAL, "initial_s": 1, "initial_rate_per_s": "1/3"}, {"duration_s": 1}, {"cost": "1/3"}),
        (INITIAL, {"duration_s": 90, "balance": "10", "repeat": 3}, {"balances_after": ["6.1", "2.2", "-1.7"]}),
        ({"model": "multiple", "increment_s": 60, "rate": 60, "free_s": 10}, {"duration_s": 61}, {"cost": "60"}),
        ({"model": "multiple", "increment_s": 30, "rate": 72}, {"duration_s": 61}, {"cost": "108"}),
        (STAIRS, {"units": "10"}, {"cost": "102"}),
        (STAIRS, {"units": "12"}, {"cost": "115"}),
        ({**STAIRS, "model": "lago_volume"}, {"units": "10.5"}, {"cost": "55.5"}),
        ({"model": "lago_package", "price": 100, "size": 10, "free": 10}, {"units": 121}, {"cost": 1200}),
        (WIDTHS, {"volume": 10}, {"cost": 1109}),
        (WIDTHS, {"volume": -10}, {"cost": -1109}),
        (WIDTHS, {"volume": 0}, {"cost": 1000}),
        (BILL, {"start_time": "21:57:13", "duration_s": 823}, {"cost": "0.54"}),
        (BILL, {"start_time": "15:00:00", "duration_s": 310}, {"cost": "0.81"}),
        ({"model": "deductible_connect", "connect": "0.01"}, {"total": "0.21"}, {"cost": "0.20"}),
        ({"model": "margin_guard", "sell": "0.0035", "buy": "0.0035"}, {}, {"route_used": True}),
        ({"model": "round", "method": "*middle", "decimals": -1}, {"value": "-15"}, {"value": "-20"}),
        ({"model": "round", "method": "half_even", "decimals": 0}, {"value": "2.5"}, {"value": "2"}),
        ({"model": "prefix", "prefixes": {"78": "A", "7": "B"}}, {"number": "71"}, {"prefix": "7", "destination": "B"}),
        ({"model": "prefix", "prefixes": ["78"]}, {"number": "6"}, {"prefix": None}),
        ({"model": "bundle"}, {"requested_s": 5, "bundle_s": 10}, {"max_session_s": 5}),
        ({"model": "fee", "fee": "0.05"}, {"count": 3, "balance": "1"}, {"cost": "0.15", "balance_after": "0.85"}),
        (STRIPE, {"quantity": 7}, {"cost": "38"}),
        ({**STRIPE, "tiers_mode": "volume"}, {"quantity": 7}, {"cost": "23"}),
        (STRIPE, {"quantity": 0}, {"cost": "0"}),
        (BLOCKS, {"units": 25}, {"cost": "25"}),
        ({**BLOCKS, "policy": "TOP_TIER"}, {"units": 25}, {"cost": "15"}),
        (A2BILLING, {"duration_s": 61}, {"cost": "0.17", "billed_s": 90, "connect_fee": "0.08"}),
        (A2BILLING, {"duration_s": 1}, {"billed_s": 30}),
        (A2BILLING, {"requested_s": 600, "balance": "0.11"}, {"granted_s": 30}),
        (NIBBLE, {"duration_s": 0}, {"cost": "0"}),
        (NIBBLE, {"duration_s": 121}, {"cost": "3.31", "billed_s": 180}),
    ],
)
def test_the_model_not_the_case(tariff, call, expected):
    found = verdict(tariff, call, expected)
    assert found.status == "pass", found.reason


def test_bands_are_read_on_the_tariffs_clock():
    night = {"model": "bands", "bands": ["daily 22:00-06:00"], "timezone": "Europe/Madrid"}
    assert verdict(night, {"start": "2026-07-01T21:00:00Z"}, {"in_band": True}).status == "pass"
    assert verdict(night, {"start": "2026-07-01T21:00:00"}, {"in_band": False}).status == "pass"
    # The night on which clocks go forward has an hour less: 22:00 to 06:00 are seven hours.
    call = {"start": "2026-03-28T22:00:00", "end": "2026-03-29T06:00:00"}
    assert verdict(night, call, {"segments": 1, "segment_s": [7 * 3600]}).status == "pass"


def test_a_heavier_band_and_one_of_certain_dates_come_first():
    bands = {"model": "bands", "bands": ["weekdays w10", "weekends w10", "month=5 day=1 w20"]}
    assert verdict(bands, {"start": "2026-05-01T09:00:00Z"}, {"band": "holiday"}).status == "pass"
    assert verdict(bands, {"start": "2026-05-02T09:00:00Z"}, {"band": "weekends"}).status == "pass"


@pytest.mark.parametrize(
    ("tariff", "call", "reason"),
    [
        ({"model": "auction"}, {}, 'tariff model "auction"'),
        ({**SLOTS, "loyalty": 3}, {"duration_s": 1}, "tariff.loyalty"),
        (SLOTS, {"duration_s": 1, "weather": "fair"}, "call.weather"),
        ({**SLOTS, "rounding": {"method": "random", "decimals": 2}}, {"duration_s": 1}, "'random'"),
        ({**SLOTS, "max_cost": 1, "max_cost_strategy": "slow"}, {"duration_s": 1}, "'slow'"),
        ({**INITIAL, "next_rate_per_s": "-1"}, {"duration_s": 1}, "nothing below zero"),
        ({**INITIAL, "connect": "1/3"}, {"duration_s": 1}, "no end as a decimal"),
        ({**SLOTS, "currency": "EUR"}, {"duration_s": 1, "currency": "EUR"}, "rate of exchange"),
        (STAIRS, {"units": -5}, "below zero"),
        ({"model": "bands", "bands": ["full moon"]}, {"start": "2026-05-02"}, "'full'"),
        ({**A2BILLING, "initblock": 40}, {"duration_s": 1}, "no multiple"),
        ({**A2BILLING, "stepchargea": "1"}, {"duration_s": 1}, "tariff.stepchargea"),
        ({**STRIPE, "tiers_mode": "bulk"}, {"quantity": 1}, '"bulk"'),
        (STRIPE, {"quantity": -1}, "below zero"),
    ],
)
def test_unsupported_with_its_reason(tariff, call, reason):
    expected = {"cost": "1", "currency": "USD"}
    found = verdict(tariff, call, expected)
    assert (found.status, reason in found.reason) == ("unsupported", True), found.reason


def test_minus_one_says_that_there_is_no_price():
    called = {"number": "4930", "duration_s": 60}
    assert verdict(None, called, {"cost": "-1"}).status == "pass"
    assert verdict(None, called, {"cost": "0"}).status == "fail"
    assert verdict(SLOTS, called, {"cost": "-1"}).status == "fail"


def test_what_cannot_be_judged_is_no_pass():
    assert verdict(SLOTS, {"duration_s": 60}, {"cost": "0.7", "mood": "good"}).status == "unsupported"
    assert verdict(SLOTS, {"duration_s": 60}, {"vendor_cost": "0.7"}).status == "unsupported"
    assert verdict(SLOTS, {"duration_s": 60}, {"error": "GREMLINS"}).status == "unsupported"
    assert verdict(None, {"account": "1"}, {"error": "NO_RATE"}).status == "unsupported"


@pytest.mark.parametrize(
    ("tariff", "call", "expected", "reason"),
    [
        (SLOTS, {"duration_s": 60}, {"cost": "0.70001"}, "cost: expected 0.70001, is 0.7"),
        (SLOTS, {"duration_s": -1}, {"cost": "0"}, "not negative"),
        (SLOTS, {"duration_s": "soon"}, {"cost": "0"}, '"soon" is no number'),
        (SLOTS, {}, {"cost": "0"}, "call.duration_s is missing"),
        (SLOTS, {"duration_s": 1}, {}, "expects nothing"),
        (SLOTS, {"requested_s": 1}, {"max_session_s": 0}, "call.balance is missing"),
        ({**SLOTS, "timezone": "Mars"}, {"duration_s": 1}, {"cost": "0"}, "no time zone"),
        ({**SLOTS, "bands": []}, {"duration_s": 1}, {"cost": "0"}, "tariff.bands"),
        ({**STAIRS, "tiers": [["0", None, "1"], ["1", None, "1"]]}, {"units": 2}, {"cost": "0"}, "ascend"),
        ("slots", {}, {"cost": "0"}, "tariff is no object"),
        ({}, {"duration_s": 1}, {"cost": "0"}, "tariff.model is missing"),
    ],
)
def test_fails_with_one_clear_word(tariff, call, expected, reason):
    found = verdict(tariff, call, expected)
    assert (found.status, reason in found.reason) == ("fail", True), found.reason


WRONG = (
    None,
    "",
    "x",
    -1,
    0,
    True,
    [],
    {},
    [[]],
    "1/0",
    "1/3",
    "NaN",
    10**30,
    Decimal("0.1"),
    "2026-13-45",
    "٣",
    "gone",
)


def spoiled(case):
    """Yield copies of a case with one field wrong in some way."""

    def places(data, place=()):
        entries = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
        for key, value in entries:
            yield (*place, key)
            yield from places(value, (*place, key))

    for place in list(places(case)):
        if place[0] not in ("tariff", "call", "expected"):
            continue
        for wrong in WRONG:
            copied = copy.deepcopy(case)
            target = copied
            for key in place[:-1]:
                target = target[key]
            if wrong == "gone":
                del target[place[-1]]
            else:
                target[place[-1]] = copy.deepcopy(wrong)
            yield place, wrong, copied


def test_nothing_that_a_case_may_hold_is_an_accident():
    models = {}
    for case in CASES.values():
        models.setdefault((case["tariff"] or {}).get("model") or json.dumps(case["call"]), case)
    for case in models.values():
        for place, wrong, copied in spoiled(case):
            found = judge(copied, 1)
            assert found.status in ("pass", "fail", "unsupported")
            assert "Error" not in found.reason, (place, wrong, found.reason)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no JSON"),
        ("{}", "no list"),
        ("[]", "holds no case"),
        ("[NaN]", "NaN is no number"),
        ("[1e999999]", "too many digits"),
        ("[" * 100_000, "nested"),
        ("\xff", "UTF-8"),
    ],
)
def test_a_file_that_is_none(tmp_path, text, words):
    file = tmp_path / "cases.json"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(running.Failure) as failure:
        running.run(SimpleNamespace(file=str(file), no_database=True), None)
    assert words in failure.value.message


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(running.Failure, match="cannot be read"):
        running.run(SimpleNamespace(file=str(tmp_path / "none.json"), no_database=True), None)


def test_the_exit_code_and_the_last_line(tmp_path, capsys):
    good = {"id": "A", "tariff": SLOTS, "call": {"duration_s": 60}, "expected": {"cost": "0.70"}}
    other = {"tariff": {"model": "auction"}, "call": {}, "expected": {"cost": 1}}
    file = Path(tmp_path / "cases.json")
    for cases, code, line in (
        ([good, other], 0, "2 cases: 1 passed, 0 failed, 1 unsupported."),
        ([good, {**good, "expected": {"cost": "1"}}], 1, "2 cases: 1 passed, 1 failed, 0 unsupported."),
        ([CASES["C191"]], 0, "1 cases: 1 passed (1 with a remark), 0 failed, 0 unsupported."),
        ([good, 7, CASES["C096"]], 1, "3 cases: 1 passed, 1 failed, 1 unsupported."),
    ):
        file.write_text(json.dumps(cases), encoding="utf-8")
        assert running.run(SimpleNamespace(file=str(file), no_database=True), None) == code
        assert capsys.readouterr().out.splitlines()[-1] == line
