"""The detail file of FreeRADIUS."""

from datetime import datetime, timezone
from decimal import Decimal

import pytest

SAMPLE = "freeradius3_detail.txt"


def stop(**attributes):
    """Return a Stop record of a call."""
    attributes = {
        "Acct-Status-Type": "Stop",
        "User-Name": '"1001"',
        "Acct-Session-Id": '"s1"',
        "Acct-Session-Time": "60",
        "Called-Station-Id": '"030123456"',
        "Timestamp": "1795168920",
        **{name.replace("_", "-"): value for name, value in attributes.items()},
    }
    lines = [f"\t{name} = {value}" for name, value in attributes.items() if value is not None]
    return "\n".join(["Fri Nov 20 10:02:00 2026", *lines]) + "\n\n"


def test_calls_and_data(read, sample):
    call, leg, busy, data = read("freeradius_detail", sample(SAMPLE))
    assert call.record_id == "b5a4b0b1c7f1a6e2"
    assert call.session_id == "5F000001"
    assert call.accounts[0] == ("sip_user", "1001")
    assert call.callee == "030123456"
    assert (call.quantity, call.disposition, call.q850) == (119, "answered", 16)
    assert call.answer == datetime(2026, 11, 20, 10, 0, tzinfo=timezone.utc)
    assert call.end == datetime(2026, 11, 20, 10, 1, 59, tzinfo=timezone.utc)  # it came a second late
    assert call.line == 9
    assert leg.reason == "second_leg"
    assert (busy.quantity, busy.answer, busy.disposition) == (0, None, "busy")
    assert (data.service, data.resource, data.quantity) == ("data", "data", Decimal("5001.5"))
    assert ("sip_user", "room204") in data.accounts
    assert ("host", "00-11-22-33-44-55") in data.accounts
    assert ("ip", "10.0.0.17") in data.accounts


def test_the_same_session_has_the_same_name_and_another_nas_another(read):
    first, again, late, other = read(
        "freeradius_detail",
        stop(NAS_IP_Address="192.0.2.1")
        + stop(NAS_IP_Address="192.0.2.1")
        + stop(NAS_IP_Address="192.0.2.1", Acct_Delay_Time="5")
        + stop(NAS_IP_Address="192.0.2.2"),
    )
    assert first.record_id == again.record_id == late.record_id != other.record_id


@pytest.mark.parametrize("status", ["Start", "Interim-Update", "Alive", "Accounting-On", "Accounting-Off"])
def test_what_is_no_usage_is_left_out(read, status):
    assert read("freeradius_detail", stop(Acct_Status_Type=status)) == []


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"Acct_Status_Type": "Failed"}, "bad_disposition"),
        ({"Acct_Status_Type": None}, "missing"),
        ({"Acct_Session_Id": None}, "missing"),
        ({"Called_Station_Id": None}, "missing"),
        ({"Acct_Session_Time": "-5"}, "negative"),
        ({"Acct_Session_Time": "NaN"}, "bad_number"),
        ({"Acct_Session_Time": "999999999"}, "bad_number"),
        ({"Acct_Delay_Time": "99999999"}, "bad_number"),
        ({"Timestamp": "99"}, "bad_time"),
    ],
)
def test_what_cannot_be_trusted(read, attributes, reason):
    bad, good = read("freeradius_detail", stop(**attributes) + stop())
    assert bad.reason == reason
    assert good.quantity == 60


def test_the_servers_clock_where_there_is_no_timestamp(read):
    (record,) = read("freeradius_detail", stop(Timestamp=None), timezone="Europe/Berlin")
    assert record.end == datetime(2026, 11, 20, 9, 2, tzinfo=timezone.utc)


def test_a_record_that_was_cut_costs_itself_only(read):
    cut = stop().split("\tCalled")[0]
    bad, good = read("freeradius_detail", cut + stop())
    assert (bad.reason, bad.line, good.line) == ("missing", 1, 6)


def test_windows_line_ends_and_escapes(read):
    (record,) = read("freeradius_detail", stop(User_Name='"a \\"b\\" \\\\"').replace("\n", "\r\n"))
    assert record.accounts[0] == ("sip_user", 'a "b" \\')
