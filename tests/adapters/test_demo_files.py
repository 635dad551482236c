"""The demo's call files say what the demo tells of them."""

import sys
from collections import Counter
from pathlib import Path

import adapters
import pytest
from adapters import UsageRecord

ROOT = Path(__file__).parents[2]
FILES = ROOT / "addons" / "tier_rating" / "demo" / "files"
ASTERISK = ("asterisk_csv", "switch_asterisk_Master.csv")
FREESWITCH = ("freeswitch_json", "switch_freeswitch.json")


def records(code, name):
    with (FILES / name).open("rb") as stream:
        return list(adapters.get(code).read(stream))


@pytest.fixture(params=[ASTERISK, FREESWITCH], ids=["asterisk", "freeswitch"])
def calls(request):
    return records(*request.param)


@pytest.mark.parametrize(("file", "lines"), [(ASTERISK, 251), (FREESWITCH, 154)])
def test_all_lines_are_records(file, lines):
    found = records(*file)
    assert len(found) == lines
    assert {type(record) for record in found} == {UsageRecord}


def test_one_record_is_there_twice(calls):
    repeated = [key for key, count in Counter(call.record_id for call in calls).items() if count > 1]
    assert len(repeated) == 1


def test_all_calls_are_of_one_friday(calls):
    assert {(call.start.date().isoformat(), call.end.date().isoformat()) for call in calls} == {
        ("2026-11-20", "2026-11-20")
    }


def test_what_is_to_go_to_suspense(calls):
    strangers = [call for call in calls if call.caller == "9999"]
    nowhere = [call for call in calls if call.callee.lstrip("+") == "9990001234"]
    assert len(strangers) == len(nowhere) == 1
    assert strangers[0].answered
    assert nowhere[0].answered


def test_every_way_to_end_and_to_dial(calls):
    assert {call.disposition for call in calls} == {"answered", "no_answer", "busy", "failed"}
    assert {"+", "0"} <= {call.callee[0] for call in calls}
    assert any(call.callee.startswith("00") for call in calls)
    assert min(call.quantity for call in calls if call.answered) == 1
    assert max(call.quantity for call in calls) == 2700


def test_a_call_goes_on_beyond_the_end_of_the_peak(calls):
    """18:00 in Berlin is 17:00 UTC in November; Germany and the United Kingdom have bands."""
    assert any(
        call.answered and call.answer.hour == 16 and call.end.hour == 17 and call.callee.strip("0+")[:2] in ("49", "44")
        for call in calls
    )


def test_the_files_are_what_the_generator_writes(monkeypatch):
    pytest.importorskip("phonenumbers")
    monkeypatch.setattr(sys, "path", [str(ROOT), *sys.path])
    from tools import demo_calls

    for (_code, name), write in ((ASTERISK, demo_calls.asterisk), (FREESWITCH, demo_calls.freeswitch)):
        assert (FILES / name).read_text(encoding="utf-8") == write()
