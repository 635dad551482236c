"""Formats whose columns a person has named."""

import json
from dataclasses import replace
from datetime import datetime, timezone
from decimal import Decimal
from io import BytesIO

import adapters
import pytest
from adapters import REASONS, BadRecord, FieldMap, ReadOptions, UsageRecord
from hypothesis import given, settings
from hypothesis import strategies as st

CALL = FieldMap(
    (
        ("record_id", "Id"),
        ("sip_user", "User"),
        ("ip", "From IP"),
        ("callee", "Number"),
        ("start", "Begin"),
        ("quantity", "Seconds"),
        ("disposition", "Result"),
    )
)
HEADER = "Number;Seconds;Begin;Id;User;From IP;Result\n"


def utc(*parts):
    return datetime(*parts, tzinfo=timezone.utc)


def csv(read, content, fields=CALL, **options):
    return read("mapped_csv", content, mapping=fields, **options)


def test_columns_by_their_headings_in_any_order(read):
    fields = replace(CALL, delimiter=";", decimal_comma=True)
    (record,) = csv(
        read,
        "\ufeff" + HEADER + "030123;61,5;2026-11-20 11:00:00;a1;1001;192.0.2.1;ANSWERED\n",
        fields,
        timezone="Europe/Berlin",
    )
    assert isinstance(record, UsageRecord)
    assert (record.record_id, record.callee, record.quantity) == ("a1", "030123", Decimal("61.5"))
    assert record.accounts == (("sip_user", "1001"), ("ip", "192.0.2.1"))
    assert record.start == record.answer == utc(2026, 11, 20, 10)
    assert record.end == utc(2026, 11, 20, 10, 1, 1, 500000)
    assert record.line == 2


def test_columns_by_their_position(read):
    fields = FieldMap((("callee", "2"), ("number", "1"), ("start", "3"), ("quantity", "4")), has_header=False)
    (record,) = csv(read, "1001,49301,2026-11-20T10:00:00Z,00:01:05\n", fields)
    assert (record.callee, record.quantity, record.accounts) == ("49301", 65, (("number", "1001"),))
    assert record.record_id.startswith("line:")


def test_a_file_without_the_headings_is_not_lost(read):
    found = csv(read, "1001,49301,2026-11-20\n1002,49302,2026-11-20\n")
    assert [(type(record), record.reason, record.line) for record in found] == [
        (BadRecord, "no_header", 1),
        (BadRecord, "no_header", 2),
    ]


def test_other_services(read):
    fields = FieldMap(
        (("host", "vm"), ("resource", "flavor"), ("start", "day"), ("quantity", "bytes"), ("service", "what")),
        service="hosting",
        factor=Decimal("0.000001"),
        times="%d.%m.%Y",
    )
    lines = "vm,flavor,day,bytes,what\nweb1,m1.small,20.11.2026,1500000,data\nweb2,,20.11.2026,2000000,\n"
    data, hosting = csv(read, lines, fields)
    assert (data.service, data.resource, data.quantity) == ("data", "m1.small", Decimal("1.5"))
    assert data.accounts == (("host", "web1"),)
    assert (hosting.service, hosting.resource, hosting.quantity) == ("hosting", "hosting", 2)


@pytest.mark.parametrize(
    ("times", "written"),
    [
        ("iso", "2026-11-20T11:00:00+01:00"),
        ("iso", "2026-11-20 10:00:00"),
        ("epoch", "1795168800"),
        ("epoch_ms", "1795168800000"),
        ("%m/%d/%Y %I:%M %p", "11/20/2026 10:00 AM"),
    ],
)
def test_times(read, times, written):
    fields = FieldMap((("callee", "n"), ("start", "t"), ("quantity", "q")), times=times)
    (record,) = csv(read, f"n,t,q\n49301,{written},5\n", fields)
    assert record.start == utc(2026, 11, 20, 10)


def test_seconds_from_answer_to_end(read):
    fields = FieldMap((("callee", "n"), ("answer", "a"), ("end", "e")))
    (record,) = csv(read, "n,a,e\n49301,2026-11-20T10:00:00Z,2026-11-20T10:01:05.250Z\n", fields)
    assert (record.quantity, record.start) == (Decimal("65.25"), utc(2026, 11, 20, 10))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("a,1001,,49301,2026-11-20 10:00:00,-5,", "negative"),
        ("a,1001,,49301,2026-11-20 10:00:00,NaN,", "bad_number"),
        ("a,1001,,49301,2026-11-20 10:00:00,,", "missing"),
        ("a,1001,,49301,,5,", "missing"),
        ("a,1001,,,2026-11-20 10:00:00,5,", "missing"),
        ("a,1001,,49301,yesterday,5,", "bad_time"),
        ("a,1001,,49301,0001-01-01 00:00:00,5,", "bad_time"),
        ("a,1001,,49301,2026-11-20 10:00:00,5,busy", "contradiction"),
        ("a,1001,,49301,2026-11-20 10:00:00,0,danced", "bad_disposition"),
        (f"{'a' * 200},1001,,49301,2026-11-20 10:00:00,5,", "too_long"),
        ('a,"1001', "not_csv"),
        ("a,1001", "missing"),
    ],
)
def test_what_cannot_be_trusted(read, line, reason):
    bad, good = csv(read, f"Id,User,From IP,Number,Begin,Seconds,Result\n{line}\nb,1,,49301,2026-11-20 10:00:00,5,\n")
    assert (bad.reason, bad.line) == (reason, 2)
    assert good.quantity == 5


def test_json_by_path(read):
    fields = FieldMap(
        (("record_id", "id"), ("sip_user", "from.user"), ("callee", "to.0.number"), ("start", "at"), ("quantity", "s")),
        times="epoch",
    )
    record = {"id": 17, "from": {"user": "1001"}, "to": [{"number": "49301"}], "at": 1795168800.5, "s": 65}
    content = json.dumps([record, {**record, "to": {}}, {**record, "from": ["x"]}, {**record, "id": {"a": 1}}])
    good, lost, nobody, odd = read("mapped_json", content, mapping=fields)
    assert (good.record_id, good.callee, good.quantity) == ("17", "49301", 65)
    assert good.accounts == (("sip_user", "1001"),)
    assert lost.reason == "missing"
    assert nobody.accounts == ()
    assert odd.reason == "bad_text"


def test_nobody_has_made_a_mapping(read):
    assert [record.reason for record in read("mapped_csv", "a,b\nc,d\n")] == ["no_mapping"] * 2
    assert [record.reason for record in read("mapped_json", "{}")] == ["no_mapping"]


VALUES = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["", "0", "-1", "NaN", "1e99", "99:59:59", "9" * 18, "2026-11-20 10:00:00", "1795168800", "busy"]),
)
MAPS = st.builds(
    FieldMap,
    st.just(CALL.columns),
    times=st.sampled_from(["iso", "epoch", "epoch_ms", "%d.%m.%Y", "%Q", "%", "%z", "(", "%H%H"]),
    factor=st.sampled_from([Decimal(1), Decimal("0.000001"), Decimal(10) ** 9]),
    decimal_comma=st.booleans(),
    service=st.sampled_from(["voice", "data"]),
)


@settings(max_examples=300, deadline=None)
@given(row=st.lists(VALUES, min_size=7, max_size=7), fields=MAPS)
def test_anything_in_the_fields(row, fields):
    names = [name for _target, name in fields.columns]
    contents = {
        "mapped_csv": ",".join(names) + "\n" + ",".join('"' + value.replace('"', '""') + '"' for value in row),
        "mapped_json": json.dumps(dict(zip(names, row, strict=True))),
    }
    for code, content in contents.items():
        stream = BytesIO(content.encode("utf-8", "surrogatepass"))
        found = list(adapters.get(code).read(stream, ReadOptions(mapping=fields)))
        assert found
        for record in found:
            if isinstance(record, BadRecord):
                assert record.message == REASONS[record.reason] % record.values
                continue
            assert record.record_id
            assert record.callee
            assert record.quantity.is_finite()
            assert record.quantity >= 0
            assert record.start <= record.end
            assert "\0" not in record.caller + record.callee + record.record_id
