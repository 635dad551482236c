"""Whatever the bytes are, read() yields and never raises, in bounded memory."""

import json
import os
import time
import tracemalloc
from dataclasses import fields
from datetime import timezone
from decimal import Decimal
from html import escape
from io import BufferedReader, BytesIO, RawIOBase

import adapters
import pytest
from adapters import REASONS, BadRecord, ReadOptions, UsageRecord
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

CODES = [adapter.code for adapter in adapters.all_adapters()]
SAMPLES = {
    "asterisk_csv": "asterisk22_cdr_csv_Master.csv",
    "asterisk_custom": "asterisk22_cdr_custom_Billing.csv",
    "avaya_smdr": "avaya_ipoffice_smdr.csv",
    "esi_smdr": "esi_ivx_smdr.csv",
    "freeradius_detail": "freeradius3_detail.txt",
    "freeswitch_csv": "freeswitch1.10.12_cdr_csv_Master_lab.csv",
    "freeswitch_json": "freeswitch1.10.12_json_cdr_lab_answered.json",
    "freeswitch_xml": "freeswitch1.10.12_xml_cdr_lab.xml",
    "fritzbox_csv": "fritzbox_calls.csv",
    "fritzbox_monitor": "fritzbox_monitor.txt",
    "hipath_smdr": "hipath3000_compressed.txt",
    "mapped_csv": "asterisk22_cdr_custom_Billing.csv",
    "mapped_json": "freeswitch1.10.12_json_cdr_lab_answered.json",
    "panasonic_smdr": "panasonic_smdr.txt",
    "panasonic_smdr_dmy": "panasonic_smdr.txt",
}


def check(record):
    """What the layer above may rely on, whatever was read."""
    assert record.line >= 1
    # a database takes every text
    for value in (getattr(record, field.name) for field in fields(record)):
        if isinstance(value, str):
            assert "\0" not in value
            value.encode()
    if isinstance(record, BadRecord):
        assert record.message == REASONS[record.reason] % record.values
        assert len(record.raw) < 5000
        return
    assert record.record_id
    assert len(record.record_id) <= 200
    assert record.callee
    assert isinstance(record.quantity, Decimal)
    assert record.quantity.is_finite()
    assert record.quantity >= 0
    assert record.answer or not record.quantity
    moments = [m for m in (record.start, record.answer, record.end) if m]
    assert moments == sorted(moments)
    assert all(moment.tzinfo is timezone.utc for moment in moments)


@pytest.mark.parametrize("code", CODES)
@settings(max_examples=150, deadline=None)
@given(data=st.binary(max_size=400))
def test_any_bytes(code, data):
    for record in adapters.get(code).read(BytesIO(data), None):
        check(record)


@pytest.mark.parametrize("code", CODES)
@settings(max_examples=150, deadline=None)
@given(text=st.text(alphabet="{}[]<>/?!\"',:\\ \n\r\t%eE1-.#\0é\ud800nulltrue", max_size=200))
def test_any_punctuation(code, text):
    data = text.encode("utf-8", "surrogatepass")
    for record in adapters.get(code).read(BytesIO(data)):
        check(record)


@pytest.mark.parametrize("code", CODES)
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(edits=st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=4)), max_size=8))
def test_damaged_records(code, edits, sample):
    data = bytearray(sample(SAMPLES[code]))
    for share, piece in edits:
        at = int(share * (len(data) - 1))
        data[at : at + len(piece)] = piece
    for record in adapters.get(code).read(BytesIO(bytes(data)), None):
        check(record)


@pytest.mark.parametrize("code", CODES)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_any_field_values(code, data):
    """The right shape with anything in the fields."""
    value = st.one_of(
        st.text(max_size=30),
        st.sampled_from(
            [
                "",
                "0",
                "-1",
                "NaN",
                "1e99",
                "9999-12-31 23:59:59",
                "ANSWERED",
                "1795386389.0",
                "2026/11/20 10:00:00",
                "00:01:05",
                "O",
            ]
        ),
    )
    names = ("uuid", "start_uepoch", "answer_uepoch", "end_uepoch", "sip_req_user")
    if code == "freeswitch_json":
        variables = {name: data.draw(value) for name in names}
        content = json.dumps({"variables": variables}).encode()
    elif code == "freeswitch_xml":
        inner = "".join(f"<{name}>{escape(data.draw(value))}</{name}>" for name in names)
        content = f"<cdr><variables>{inner}</variables></cdr>".encode("utf-8", "surrogatepass")
    elif code == "freeradius_detail":
        names = ("User-Name", "Acct-Session-Id", "Acct-Session-Time", "Acct-Input-Octets", "Timestamp")
        lines = [f"\t{name} = {data.draw(value)}\n" for name in names]
        content = "".join(["\tAcct-Status-Type = Stop\n", *lines]).encode("utf-8", "surrogatepass")
    else:
        row = [data.draw(value) for _ in range({"esi_smdr": 8, "avaya_smdr": 30, "freeswitch_csv": 18}.get(code, 16))]
        quoted = ('"' + field.replace('"', '""') + '"' for field in row)
        content = ",".join(quoted).encode("utf-8", "surrogatepass")
    for record in adapters.get(code).read(BytesIO(content)):
        check(record)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize(
    "content",
    [
        b"x" * 10_000_000,
        b'"' + b"x" * 10_000_000,
        b'{"a":"' + b"x" * 10_000_000,
        b"\0" * 3_000_000,
        b'"' * 3_000_001,
        b'{"a":"' + b"\\" * 3_000_000,
        b"[" * 3_000_000,
    ],
    ids=["text", "quoted", "json", "nul", "quotes", "backslashes", "brackets"],
)
def test_ten_megabytes_in_one_line(code, content, sample):
    good = sample(SAMPLES[code])
    stream = BytesIO(good + b"\n" + content + b"\n" + good)
    tracemalloc.start()
    try:
        records = list(adapters.get(code).read(stream))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    for record in records:
        check(record)
    bad = [record for record in records if isinstance(record, BadRecord)]
    expected = 2 * sum(isinstance(record, UsageRecord) for record in adapters.get(code).read(BytesIO(good)))
    assert len(records) - len(bad) == expected
    if not (code in ("freeswitch_json", "mapped_json") and content.startswith(b"[")):
        already = 2 * sum(isinstance(record, BadRecord) for record in adapters.get(code).read(BytesIO(good)))
        assert len(bad) - already == 1  # nested lists are no error in JSON, they are empty
    assert peak < 15_000_000


@pytest.mark.parametrize("code", CODES)
def test_binary_garbage(code):
    data = os.urandom(300_000)
    records = list(adapters.get(code).read(BytesIO(data)))
    assert records
    for record in records:
        check(record)
        assert isinstance(record, BadRecord)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("other", CODES)
def test_wrong_format(code, other, sample):
    if SAMPLES[code] == SAMPLES[other]:
        return
    records = list(adapters.get(code).read(BytesIO(sample(SAMPLES[other]))))
    assert records
    assert {type(record) for record in records} == {BadRecord}


@pytest.mark.parametrize(
    ("code", "unit"),
    [
        ("freeswitch_json", b'{"a":\n'),
        ("freeswitch_json", b'{"a":[\n{},\n'),
        ("freeswitch_json", b'{"a":"\n'),
        ("freeswitch_json", b'{"a":"'),
        ("freeswitch_json", b"{\n"),
        ("freeswitch_json", b"x{"),
        ("freeswitch_json", b"cdr=%7B\n"),
        ("freeswitch_xml", b"<cdr>"),
        ("freeswitch_xml", b"<cdr "),
        ("freeswitch_xml", b"<cdr><a>\n"),
        ("freeswitch_xml", b"<!--"),
        ("freeswitch_xml", b"<?xml "),
        ("freeswitch_xml", b"cdr=%3Ccdr%3E\n"),
        ("freeswitch_xml", b"</cdr>"),
        ("freeradius_detail", b"a\n"),
        ("freeradius_detail", b"\ta = 1\n"),
        ("freeradius_detail", b"\ta = 1\n\n"),
        ("panasonic_smdr", b"- = "),
        ("panasonic_smdr", b"01/02/02 10:15AM 1 1 <I>"),
        ("panasonic_smdr", b"01/02/02 10:15AM 1 1 1 00:00'01 \n"),
        ("asterisk_csv", b'"\n'),
        ("asterisk_csv", b'"x\n\n\n'),
        ("asterisk_csv", b'"""\n'),
    ],
)
def test_no_input_takes_long(code, unit):
    """The time grows with the size, not with its square."""
    count = 300_000 // len(unit)
    begin = time.process_time()
    records = sum(1 for _ in adapters.get(code).read(BytesIO(unit * count)))
    assert records
    assert time.process_time() - begin < 20


class _Endless(RawIOBase):
    """So many copies of a piece, never all in memory."""

    def __init__(self, piece, copies, before=b"", after=b""):
        self.parts = (part for part in [before, *[piece] * copies, after])
        self.rest = b""

    def readable(self):
        return True

    def readinto(self, buffer):
        while not self.rest:
            self.rest = next(self.parts, None)
            if self.rest is None:
                self.rest = b""
                return 0
        size = min(len(buffer), len(self.rest))
        buffer[:size], self.rest = self.rest[:size], self.rest[size:]
        return size


@pytest.mark.parametrize(
    ("code", "frame", "copies"),
    [
        ("asterisk_csv", (b"", b"", b""), 4_000),
        ("avaya_smdr", (b"", b"", b""), 4_000),
        ("freeradius_detail", (b"", b"\n", b""), 4_000),
        ("freeswitch_xml", (b"", b"\n", b""), 1_000),
        ("freeswitch_json", (b"", b"\n", b""), 1_000),
        ("freeswitch_json", (b"[", b",", b"{}]"), 1_000),
    ],
    ids=["csv", "avaya", "detail", "xml", "lines", "array"],
)
def test_streaming(code, frame, copies, sample):
    """Tens of megabytes pass through a few."""
    piece = sample(SAMPLES[code])
    if code == "freeswitch_json":
        piece = json.dumps(json.loads(piece)).encode()
    before, separator, after = frame
    stream = BufferedReader(_Endless(piece + separator, copies, before, after))
    tracemalloc.start()
    try:
        found = sum(isinstance(record, UsageRecord) for record in adapters.get(code).read(stream, ReadOptions()))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found == copies * sum(
        isinstance(record, UsageRecord) for record in adapters.get(code).read(BytesIO(sample(SAMPLES[code])))
    )
    assert peak < 2_000_000


def test_records_come_while_the_file_is_still_read(sample):
    """The first record does not wait for the last."""
    for code in CODES:
        piece = sample(SAMPLES[code]) + b"\n"
        stream = BytesIO(piece * 200)
        next(iter(adapters.get(code).read(stream)))
        assert stream.tell() < len(piece) * 200
