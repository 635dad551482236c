"""Lines of private exchanges: Avaya, Panasonic, ESI."""

from datetime import datetime, timezone

import pytest
from adapters import BadRecord


def utc(*parts):
    return datetime(*parts, tzinfo=timezone.utc)


def test_avaya(read, sample):
    first, coded, transferred = read("avaya_smdr", sample("avaya_ipoffice_smdr.csv"))
    assert (first.caller, first.callee, first.quantity) == ("12", "00540299040", 38)
    assert (first.start, first.answer) == (utc(2017, 11, 9, 16, 28, 27), utc(2017, 11, 9, 16, 28, 36))
    assert coded.accounts[:2] == (("pin", "ACCT001"), ("room", "201"))
    # one call, two segments: two records
    assert coded.record_id.split("/")[0] == transferred.record_id.split("/")[0]
    assert coded.record_id != transferred.record_id


def test_avaya_knows_a_line_that_comes_again_and_a_call_id_that_begins_anew(read, sample):
    line = sample("avaya_ipoffice_smdr.csv").splitlines()[0]
    first, again, later = read("avaya_smdr", b"\n".join([line, line, line.replace(b"2017", b"2018")]))
    assert first.record_id == again.record_id != later.record_id


def test_avaya_leaves_out_what_nobody_pays_for(read, sample):
    line = sample("avaya_ipoffice_smdr.csv").splitlines()[0]
    assert read("avaya_smdr", line.replace(b",O,", b",I,")) == []
    assert read("avaya_smdr", line.replace(b",,0,1009687", b",,1,1009687")) == []


def test_panasonic(read, sample):
    short, long = read("panasonic_smdr", sample("panasonic_smdr.txt"), timezone="Europe/Berlin")
    assert (short.caller, short.callee, short.quantity) == ("1200", "1234567890123456", 65)
    assert (short.start, short.answer) == (utc(2002, 1, 2, 9, 15), utc(2002, 1, 2, 9, 15, 5))
    assert short.accounts[0] == ("pin", "9876543210")
    assert (long.caller, long.quantity, long.start) == ("103", 16, utc(2008, 12, 31, 11, 52))


def test_panasonic_day_first(read):
    line = "31/12/08 23:52  103 05 0301234567 00:00'16"
    (record,) = read("panasonic_smdr_dmy", line)
    assert record.start == utc(2008, 12, 31, 23, 52)
    (refused,) = read("panasonic_smdr", line)
    assert refused.reason == "bad_time"


def test_esi(read, sample):
    (record,) = read("esi_smdr", sample("esi_ivx_smdr.csv"))
    assert (record.caller, record.callee, record.quantity) == ("190", "12125551212", 7512)
    assert record.start == utc(2003, 10, 31, 22, 15, 2)


@pytest.mark.parametrize(
    ("code", "line", "reason"),
    [
        ("panasonic_smdr", "01/02/02 10:15AM  1200 01 1234 00:61'05", "bad_number"),
        ("panasonic_smdr", "01/02/02 25:15  1200 01 1234 00:01'05", "bad_time"),
        ("panasonic_smdr", "01/02/02 10:15AM  1200 1234", "not_smdr"),
        ("panasonic_smdr", "a\0b", "nul_byte"),
        ("esi_smdr", "O,10312003,221502,020512,,12125551212,,11", "missing"),
        ("esi_smdr", "O,10312003,221502,020512,190,,,11", "missing"),
        ("esi_smdr", "X,10312003,221502,020512,190,1,,11", "bad_disposition"),
        ("esi_smdr", "O,13312003,221502,020512,190,1,,11", "bad_time"),
        ("esi_smdr", "O,10312003,221502,-20512,190,1,,11", "bad_number"),
        ("esi_smdr", "O,10312003,221502", "wrong_columns"),
        ("avaya_smdr", "2024/02/10 14:30:00,99:99:99,7,201,O,1,1,,0,1,0" + "," * 24, "bad_number"),
        ("avaya_smdr", "2024/02/10 14:30:00,9999:00:00,7,201,O,1,1,,0,1,0" + "," * 24, "bad_number"),
        ("avaya_smdr", "2024/02/10 14:30:00,00:00:05,7,201,Q,1,1,,0,1,0" + "," * 24, "bad_disposition"),
        ("avaya_smdr", "2024/02/10 14:30:00,00:00:05,7,201,O,1,1,,0,,0" + "," * 24, "missing"),
    ],
)
def test_what_cannot_be_read_waits(read, code, line, reason):
    (record,) = read(code, line)
    assert (type(record), record.reason) == (BadRecord, reason)
