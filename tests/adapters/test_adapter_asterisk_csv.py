"""Asterisk's Master.csv: what each column variant yields."""

from datetime import datetime, timezone
from decimal import Decimal

import pytest
from adapters import BadRecord, UsageRecord

CODE = "asterisk_csv"


def utc(*args):
    return datetime(2026, 11, 20, *args, tzinfo=timezone.utc)


def line(extra="", **changes):
    """A line of 16 columns, plus ``extra`` as it stands."""
    fields = {
        "accountcode": '"1001"',
        "src": '"1001"',
        "dst": '"4930123456"',
        "dcontext": '"from-phones"',
        "clid": '"""Ada Meyer"" <1001>"',
        "channel": '"PJSIP/1001-0000000a"',
        "dstchannel": '"PJSIP/carrier-0000000b"',
        "lastapp": '"Dial"',
        "lastdata": '"PJSIP/4930123456@carrier,60"',
        "start": '"2026-11-20 08:00:00"',
        "answer": '"2026-11-20 08:00:05"',
        "end": '"2026-11-20 08:01:35"',
        "duration": "95",
        "billsec": "90",
        "disposition": '"ANSWERED"',
        "amaflags": '"DOCUMENTATION"',
    }
    fields.update(changes)
    return ",".join(fields.values()) + extra + "\n"


UNANSWERED = {"answer": "", "billsec": "0", "disposition": '"NO ANSWER"'}
UNIQUEID = ',"1795161600.7"'
USERFIELD = ',"cash, paid"'
NEW = ',"","1795161600.7",31'


def test_lab_file(read, sample):
    records = read(CODE, sample("asterisk22_cdr_csv_Master.csv"))
    assert [type(record) for record in records] == [UsageRecord] * 5
    assert [record.quantity for record in records] == [2, 0, 0, 0, 5]
    first = records[0]
    assert first.line == 2
    assert first.record_id == "1795386389.0/0"
    assert first.session_id == "1795386389.0"
    assert first.callee == "4930123456"
    assert first.answer == datetime(2026, 11, 22, 22, 26, 30, tzinfo=timezone.utc)
    assert ("sip_user", "1001") in first.accounts
    assert [record.disposition for record in records[1:4]] == ["failed"] * 3
    assert not any(record.answered for record in records[1:4])


def test_all_fields(read):
    [record] = read(CODE, line(UNIQUEID + USERFIELD + NEW))
    assert record.service == "voice"
    assert record.caller == "1001"
    assert (record.start, record.answer, record.end) == (
        utc(8, 0, 0),
        utc(8, 0, 5),
        utc(8, 1, 35),
    )
    assert record.quantity == Decimal(90)
    assert record.disposition == "answered"
    assert record.cause == "ANSWERED"
    assert record.raw == line(UNIQUEID + USERFIELD + NEW).rstrip("\n")


@pytest.mark.parametrize(
    ("extra", "session_id"),
    [
        ("", ""),
        (UNIQUEID, "1795161600.7"),
        (USERFIELD, ""),
        (UNIQUEID + USERFIELD, "1795161600.7"),
        (NEW, ""),
        (UNIQUEID + NEW, "1795161600.7"),
        (USERFIELD + NEW, ""),
        (UNIQUEID + USERFIELD + NEW, "1795161600.7"),
    ],
    ids=["16", "17u", "17f", "18", "19", "20u", "20f", "21"],
)
def test_column_variants(read, extra, session_id):
    [record] = read(CODE, line(extra))
    assert record.session_id == session_id
    assert record.quantity == 90
    assert record.record_id


def test_the_authenticated_endpoint_comes_before_the_caller_id(read):
    [record] = read(CODE, line(accountcode='""', src='"+4930555"'))
    assert record.accounts == (
        ("sip_user", "1001"),
        ("sip_user", "+4930555"),
        ("number", "+4930555"),
    )


def test_the_account_code_comes_first(read):
    [record] = read(CODE, line(accountcode='"hotel"'))
    assert record.accounts[:2] == (("sip_user", "hotel"), ("pin", "hotel"))


def test_not_answered(read):
    [record] = read(CODE, line(**UNANSWERED))
    assert record.answer is None
    assert record.quantity == 0
    assert record.disposition == "no_answer"


@pytest.mark.parametrize(
    ("word", "disposition"),
    [
        ("NO ANSWER", "no_answer"),
        ("BUSY", "busy"),
        ("FAILED", "failed"),
        ("CONGESTION", "congestion"),
    ],
)
def test_dispositions(read, word, disposition):
    [record] = read(CODE, line(**UNANSWERED | {"disposition": f'"{word}"'}))
    assert (record.disposition, record.cause) == (disposition, word)


class TestIdentity:
    """The same record has the same id; two records of a call have two."""

    def ids(self, read, *lines):
        return [record.record_id for record in read(CODE, "".join(lines))]

    def test_duplicate(self, read):
        for extra in ("", UNIQUEID, UNIQUEID + USERFIELD + NEW):
            first, second = self.ids(read, line(extra), line(extra))
            assert first == second

    def test_dial_g_with_sequence(self, read):
        zero = {"duration": "0", "billsec": "0", "start": '"2026-11-20 08:01:35"'}
        zero["answer"] = zero["end"] = zero["start"]
        first, second = self.ids(
            read,
            line(UNIQUEID + USERFIELD + ',"","1795161600.7",31'),
            line(UNIQUEID + USERFIELD + ',"","1795161600.7",32', **zero),
        )
        assert (first, second) == ("1795161600.7/31", "1795161600.7/32")

    def test_dial_g_without_sequence(self, read):
        first, second = self.ids(read, line(UNIQUEID), line(UNIQUEID, **UNANSWERED, dstchannel='""'))
        assert first != second
        assert first.startswith("1795161600.7/")

    def test_calls_of_the_same_second_without_uniqueid(self, read):
        first, second = self.ids(read, line(), line(channel='"PJSIP/1001-0000000c"'))
        assert first != second

    def test_linkedid_and_sequence_stand_in_for_the_uniqueid(self, read):
        assert self.ids(read, line(NEW)) == ["linked:1795161600.7/31"]


class TestText:
    def test_comments_blank_lines_and_a_header_are_no_records(self, read):
        header = (
            "accountcode,src,dst,dcontext,clid,channel,dstchannel,lastapp,lastdata,"
            "start,answer,end,duration,billsec,disposition,amaflags\n"
        )
        [record] = read(CODE, f"# by hand\n\n  \r\n{header}{line()}\n")
        assert record.line == 5

    def test_byte_order_mark(self, read):
        [record] = read(CODE, b"\xef\xbb\xbf" + line().encode())
        assert record.accounts[0] == ("sip_user", "1001")

    def test_each_line_has_its_own_encoding(self, read):
        text = line(src='"Lumière"')
        records = read(CODE, text.encode("latin-1") + text.encode("utf-8"))
        assert [record.caller for record in records] == ["Lumière"] * 2

    def test_windows_line_ends_and_no_last_one(self, read):
        text = (line() + line()).replace("\n", "\r\n").rstrip()
        assert [record.quantity for record in read(CODE, text)] == [90, 90]

    def test_a_quoted_field_may_contain_a_line_break(self, read):
        broken = line(clid='"""Ada\nMeyer"" <1001>"')
        records = read(CODE, broken + line())
        assert [record.line for record in records] == [1, 3]
        assert [record.quantity for record in records] == [90, 90]

    def test_a_stray_quotation_mark_costs_one_line(self, read):
        stray = line().replace('"DOCUMENTATION"', '"DOCUMENTATION')
        for lines in (3, 100):
            records = read(CODE, stray + line() * lines)
            assert [type(record) for record in records[:2]] == [BadRecord, UsageRecord]
            assert records[0].reason == "not_csv"
            assert len(records) == lines + 1

    def test_two_stray_quotation_marks_cost_two_lines(self, read):
        stray = line().replace('"DOCUMENTATION"', '"DOCUMENTATION')
        records = read(CODE, stray + line() * 3 + stray + line())
        assert [type(record) is BadRecord for record in records] == [
            True,
            False,
            False,
            False,
            True,
            False,
        ]


# Berlin, 2026-10-25: at 03:00 summer time the clock shows 02:00 again.
NIGHT = {
    "start": '"2026-10-25 02:50:00"',
    "answer": '"2026-10-25 02:50:00"',
    "end": '"2026-10-25 02:10:00"',
    "duration": "1200",
    "billsec": "1200",
}


class TestTime:
    def test_local_time(self, read):
        [record] = read(CODE, line(), timezone="Europe/Berlin")
        assert record.answer == utc(7, 0, 5)

    def test_a_call_over_the_end_of_summer_time(self, read):
        [record] = read(CODE, line(**NIGHT), timezone="Europe/Berlin")
        assert record.quantity == 1200
        assert record.end - record.start == record.end - record.answer
        assert (record.end - record.start).total_seconds() == 1200

    @pytest.mark.parametrize(("uniqueid", "hour"), [("1792889400.1", 0), ("1792893000.1", 1)])
    def test_the_uniqueid_tells_which_of_the_two_hours(self, read, uniqueid, hour):
        changes = NIGHT | {"end": '"2026-10-25 02:51:00"', "billsec": "60"}
        [record] = read(CODE, line(f',"{uniqueid}"', **changes), timezone="Europe/Berlin")
        assert (record.start.hour, record.start.minute) == (hour, 50)
        assert (record.end.hour, record.end.minute) == (hour, 51)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"billsec": "-90"}, "negative"),
        ({"billsec": "NaN"}, "bad_number"),
        ({"billsec": "Infinity"}, "bad_number"),
        ({"billsec": "1e9"}, "bad_number"),
        ({"billsec": "٩٠"}, "bad_number"),
        ({"billsec": "9" * 30}, "bad_number"),
        ({"billsec": "9" * 18}, "duration_mismatch"),
        ({"billsec": "9" * 5000}, "too_long"),
        ({"billsec": ""}, "missing"),
        ({"billsec": "900"}, "duration_mismatch"),
        ({"billsec": "10"}, "duration_mismatch"),
        ({"answer": ""}, "missing"),
        ({"end": '""'}, "missing"),
        ({"start": '""'}, "missing"),
        ({"dst": '""'}, "missing"),
        ({"dst": '"' + "4" * 200 + '"'}, "too_long"),
        ({"end": '"2026-11-20 08:00:04"'}, "time_order"),
        ({"start": '"2026-11-20 08:00:06"'}, "time_order"),
        ({"end": '"9999-12-31 23:59:59"'}, "bad_time"),
        ({"start": '"0001-01-01 00:00:00"'}, "bad_time"),
        ({"start": '"2026-13-45 99:99:99"'}, "bad_time"),
        ({"start": '"20.11.2026 08:00"'}, "bad_time"),
        ({"start": '"99999999999"'}, "bad_time"),
        ({"disposition": '"MAYBE"'}, "bad_disposition"),
        ({"disposition": '""'}, "missing"),
        ({"disposition": '"NO ANSWER"'}, "contradiction"),
        ({"amaflags": '"x","y","z","a","b","c","d"'}, "wrong_columns"),
        ({"clid": '"Ada" Meyer'}, "not_csv"),
        ({"clid": '"a\0b"'}, "nul_byte"),
    ],
)
def test_refused(read, changes, reason):
    bad, good = read(CODE, line(**changes) + line())
    assert isinstance(bad, BadRecord)
    assert bad.reason == reason
    assert bad.line == 1
    assert bad.message
    assert "%" not in bad.message
    assert good.quantity == 90


def test_year_9999_in_a_far_time_zone(read):
    changes = {"end": '"9999-12-31 23:59:59"', "start": '"0001-01-01 00:00:00"'}
    for zone in ("Pacific/Kiritimati", "America/Anchorage"):
        for field, value in changes.items():
            [bad] = read(CODE, line(**{field: value}), timezone=zone)
            assert bad.reason == "bad_time"


def test_a_long_caller_id_does_not_keep_a_call_from_being_charged(read):
    [record] = read(CODE, line(src='"' + "x" * 5000 + '"'))
    assert record.quantity == 90
    assert len(record.caller) == 128
