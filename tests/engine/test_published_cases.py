"""Cases that other billing systems, manuals and bug reports publish, with their sources.

``published_cases.json`` has one case a line: the facts of a published example and, in
``source``, where it stands. Amounts are decimals or quotients, times are seconds.
"""

import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from engine import (
    Band,
    Offer,
    Rate,
    Terms,
    billed_seconds,
    grantable,
    longest_match,
    price,
    round_amount,
)

CASES = json.loads(Path(__file__).with_name("published_cases.json").read_text())
METHODS = {"middle": "half_up", "half_away": "half_up", "up": "up", "down": "down"}
TODAY = date(2026, 5, 4)


def cases(*models):
    chosen = [case for case in CASES if case["tariff"]["model"] in models]
    return pytest.mark.parametrize("case", chosen, ids=[case["id"] for case in chosen])


def per_second(text):
    """Return (price, per) of a rate a second, such as "4" or "0.0001/60"."""
    amount, _slash, per = text.partition("/")
    return Decimal(amount), int(per or 1)


def terms_of(tariff, **fields):
    rounding = tariff.get("rounding") or {"method": "middle", "decimals": 12}
    return Terms(rounding_method=METHODS[rounding["method"]], rounding_digits=rounding["decimals"], **fields)


def seconds_of_day(text):
    hours, minutes, seconds = map(int, text.split(":"))
    return hours * 3600 + minutes * 60 + seconds


def slots(tariff):
    """Bands that begin at some hour of some days, each with slots of elapsed seconds."""
    bands, rates = [], []
    for number, band in enumerate(tariff["bands"]):
        start = seconds_of_day(band["start"])
        windows = []
        for day in band["days"]:
            others = (seconds_of_day(b["start"]) for b in tariff["bands"] if day in b["days"])
            windows.append(((day,), start, min((s for s in others if s > start), default=86400)))
        first, *later = band["slots"]
        bands.append(Band(number, windows))
        rates.append(
            Rate(
                number,
                "",
                Decimal(first["rate"]),
                per=first["per_s"],
                band_id=number,
                connection_charge=Decimal(band["connect"]),
                initial_increment=first["increment_s"],
                increment=first["increment_s"],
                steps=tuple((s["from_s"], Decimal(s["rate"]), s["per_s"], s["increment_s"]) for s in later),
            )
        )
    return Offer(terms_of(tariff), tuple(rates), bands=tuple(bands))


def initial_then_increments(tariff):
    amount, per = per_second(tariff["initial_rate_per_s"])
    next_amount, next_per = per_second(tariff["next_rate_per_s"])
    terms = terms_of(
        tariff,
        initial_increment=tariff["initial_s"],
        increment=tariff["next_s"],
        connection_charge=Decimal(tariff["connect"]),
        surcharge=Decimal(tariff.get("surcharge") or 0),
        surcharge_after=tariff.get("surcharge_after_s"),
    )
    step = (tariff["initial_s"], next_amount, next_per, tariff["next_s"])
    return Offer(terms, (Rate(1, "", amount, per=per, steps=(step,)),))


def multiples(tariff):
    terms = terms_of(tariff, increment=tariff["increment_s"], billed_time_rule="multiple")
    rate = Rate(1, "", Decimal(tariff.get("rate", 0)), per=tariff.get("per_s", 1))
    return Offer(terms, (rate,))


MODELS = {"slots": slots, "initinc": initial_then_increments, "multiple": multiples}


@cases(*MODELS)
def test_tariff(case):
    offer = MODELS[case["tariff"]["model"]](case["tariff"])
    call, expected = case["call"], case["expected"]
    start = datetime.fromisoformat(call.get("start", "2026-05-04T12:00:00Z").replace("Z", "+00:00"))
    checked = 0
    if "requested_s" in call:
        granted = grantable(offer, start, Decimal(call["balance"]), call["requested_s"])
        if "max_session_s" in expected:
            assert granted == expected["max_session_s"]
        else:
            assert granted > expected["max_session_s_gt"]
        return
    charged = price(start, call["duration_s"], offer)
    if "cost" in expected:
        checked += 1
        assert charged.amount == Decimal(expected["cost"])
    if "billed_s" in expected:
        checked += 1
        assert charged.billed == expected["billed_s"]
    if "connect_fee" in expected:
        assert charged.connection == Decimal(expected["connect_fee"])
    if "segments" in expected:
        assert len(charged.parts) == expected["segments"]
    if "balance_after" in expected:
        checked += 1
        unit = 100 if case["tariff"]["currency"] == "cent" else 1
        cost = charged.amount / unit * call.get("repeat", 1)
        assert Decimal(call["balance"]) - cost == Decimal(expected["balance_after"])
    assert checked


@cases("round")
def test_rounding(case):
    tariff = case["tariff"]
    method = METHODS[tariff["method"]]
    rounded = round_amount(Decimal(case["call"]["value"]), tariff["decimals"], method)
    assert rounded == Decimal(case["expected"]["value"])


@cases("prefix")
def test_prefix(case):
    level = {prefix: [Rate(prefix, prefix, Decimal(1))] for prefix in case["tariff"]["prefixes"]}
    match = longest_match(case["call"]["number"], [level], TODAY)
    assert match.prefix == case["expected"]["prefix"]


@cases("multiple")
def test_billed_seconds(case):
    if "billed_s" in case["expected"]:
        duration, increment = case["call"]["duration_s"], case["tariff"]["increment_s"]
        assert billed_seconds(duration, 0, increment) == case["expected"]["billed_s"]
