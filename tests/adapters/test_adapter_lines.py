"""Formats of one line a record: FreeSWITCH's CSV, HiPath, FRITZ!Box."""

from datetime import datetime, timezone

import pytest
from adapters import BadRecord


def utc(*parts):
    return datetime(*parts, tzinfo=timezone.utc)


FREESWITCH = (
    '"1001","1001","4930123456","public","2026-11-22 22:56:38","2026-11-22 22:56:39","2026-11-22 22:56:42","4","3",'
    '"NORMAL_CLEARING","b3f47b91","","acct","PCMU","PCMU"'
)
OUTGOING = f"22.02.1922:58:40  2   05800:0600:02:05{'00441632960123':<25}{'12':>11} 24711"


def test_freeswitch_csv(read, sample):
    records = read("freeswitch_csv", sample("freeswitch1.10.12_cdr_csv_Master_lab.csv"))
    assert not [record for record in records if isinstance(record, BadRecord)]
    first, refused = records[:2]
    assert (first.record_id, first.callee, first.quantity) == ("b3f47b91-5069-45ff-bba5-5d6a9a3aee9e", "4930123456", 3)
    assert (first.start, first.disposition) == (utc(2026, 11, 22, 22, 56, 38), "answered")
    assert (first.source_ip, first.source_port) == ("127.0.0.1", 5080)
    assert first.user_agent == 'LabPhone/1.0 (sipp "q")'
    assert (refused.answer, refused.disposition, refused.cause) == (None, "failed", "CALL_REJECTED")


def test_freeswitch_csv_of_the_usual_template(read):
    (record,) = read("freeswitch_csv", FREESWITCH.replace("acct", "2001"), timezone="Europe/Berlin")
    assert record.accounts[:2] == (("sip_user", "2001"), ("pin", "2001"))
    assert (record.start, record.source_ip) == (utc(2026, 11, 22, 21, 56, 38), "")
    (named,) = read("freeswitch_csv", FREESWITCH.replace('"1001"', '"Meyer, "Ada""', 1))
    assert named.record_id == record.record_id


def test_hipath(read, sample):
    unanswered, charged = read("hipath_smdr", sample("hipath3000_compressed.txt"), timezone="Europe/Berlin")
    assert (unanswered.caller, unanswered.quantity, unanswered.disposition) == ("058", 0, "no_answer")
    assert (charged.callee, charged.quantity) == ("00441632960123", 125)
    assert charged.accounts[:2] == (("pin", "4711"), ("room", "058"))
    # The line has the time of the end.
    assert (charged.start, charged.answer, charged.end) == (
        utc(2019, 2, 22, 21, 56, 29), utc(2019, 2, 22, 21, 56, 35), utc(2019, 2, 22, 21, 58, 40)
    )  # fmt: skip


def test_fritzbox_call_list(read, sample):
    first, second = read("fritzbox_csv", sample("fritzbox_calls.csv"), timezone="Europe/Berlin")
    assert (first.callee, first.quantity, first.start) == ("0305550103", 240, utc(2026, 7, 21, 7, 8))
    assert (("sip_user", "ISDN Gerät") in first.accounts, ("number", "97911585") in first.accounts) == (True, True)
    assert (second.caller, second.quantity) == ("Empfang", 3720)


def test_fritzbox_call_list_of_an_older_release(read):
    line = "3;21.07.12 11:20;;00441632960123;;97911585;0:02"
    (record,) = read("fritzbox_csv", line)
    assert (record.caller, record.quantity) == ("97911585", 120)
    assert read("fritzbox_csv", line.replace("0:02", "0:00")) == []


def test_fritzbox_monitor(read, sample):
    unanswered, answered = read("fritzbox_monitor", sample("fritzbox_monitor.txt"))
    assert (unanswered.callee, unanswered.quantity, unanswered.disposition) == ("00441632960123", 0, "no_answer")
    assert (answered.quantity, answered.answer) == (65, utc(2020, 6, 16, 15, 4, 10))
    assert answered.accounts[0] == ("room", "13")
    assert ("number", "97911585") in answered.accounts


def test_fritzbox_monitor_keeps_what_has_no_end_or_no_beginning(read):
    call = "16.06.20 15:04:02;CALL;1;13;97911585;0305550103;SIP1;"
    end = "16.06.20 15:05:15;DISCONNECT;1;65;"
    (open_call,) = read("fritzbox_monitor", call)
    assert (open_call.reason, open_call.line) == ("not_a_record_text", 1)
    (orphan,) = read("fritzbox_monitor", end)
    assert (type(orphan), orphan.line) == (BadRecord, 1)
    charged, lost = read("fritzbox_monitor", f"{call}\n{call.replace('5550103', '5550104')}\n{end}")
    assert (charged.callee, lost.line) == ("0305550104", 1)


@pytest.mark.parametrize(
    ("code", "line", "reason"),
    [
        ("freeswitch_csv", FREESWITCH.replace('"', ""), "not_csv"),
        ("freeswitch_csv", FREESWITCH + ',"more"', "wrong_columns"),
        ("freeswitch_csv", FREESWITCH.replace("b3f47b91", ""), "missing"),
        ("freeswitch_csv", FREESWITCH.replace('"3"', '"30"'), "duration_mismatch"),
        ("freeswitch_csv", FREESWITCH.replace("2026-11-22 22:56:39", ""), "contradiction"),
        ("freeswitch_csv", FREESWITCH.replace("22:56:42", "22:56:12"), "time_order"),
        ("hipath_smdr", OUTGOING.replace("22.02.19", "22.13.19"), "bad_time"),
        ("hipath_smdr", OUTGOING.replace("00:02:05", "00:99:05"), "bad_number"),
        ("hipath_smdr", OUTGOING.replace(" 24711", " 94711"), "bad_disposition"),
        ("hipath_smdr", OUTGOING.replace("00441632960123", " " * 14), "missing"),
        ("hipath_smdr", "22.02.19 22:58:40 2 058", "not_smdr"),
        ("fritzbox_csv", "4;21.07.26 09:08;;030;;Telefon;97911585;4 min", "bad_number"),
        ("fritzbox_csv", "4;31.02.26 09:08;;030;;Telefon;97911585;0:04", "bad_time"),
        ("fritzbox_csv", "7;21.07.26 09:08;;030;;Telefon;97911585;0:04", "bad_disposition"),
        ("fritzbox_csv", "4;21.07.26 09:08;;;;Telefon;97911585;0:04", "missing"),
        ("fritzbox_csv", "4;21.07.26 09:08", "wrong_columns"),
        ("fritzbox_monitor", "16.06.20 15:04:02;HUM;1;13;1;2;SIP1;", "not_smdr"),
        ("fritzbox_monitor", "16.06.20 15:04:02;CALL;x;13;1;2;SIP1;", "bad_number"),
    ],
)
def test_what_cannot_be_read_waits(read, code, line, reason):
    (record,) = read(code, line)
    assert (type(record), record.reason) == (BadRecord, reason)
