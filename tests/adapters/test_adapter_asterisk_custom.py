"""Asterisk's cdr_custom billing line: address and user agent come along."""

from decimal import Decimal

import pytest
from adapters import BadRecord, UsageRecord

CODE = "asterisk_custom"
# the columns in their order
CALL = {
    "uniqueid": "1795161600.7",
    "linkedid": "1795161600.7",
    "sipcallid": "abc@10.0.0.1",
    "accountcode": "",
    "src": "1001",
    "dst": "4930123456",
    "start": "2026-11-20 08:00:00",
    "answer": "2026-11-20 08:00:05",
    "end": "2026-11-20 08:01:35",
    "duration": "95",
    "billsec": "90",
    "disposition": "ANSWERED",
    "hangupcause": "16",
    "remote_addr": "10.0.0.1:5080",
    "useragent": 'Phone/1.0 ""quoted""',
}


def line(extra="", **changes):
    fields = CALL | changes
    return ",".join(f'"{value}"' for value in fields.values()) + extra + "\n"


def test_lab_file(read, sample):
    records = read(CODE, sample("asterisk22_cdr_custom_Billing.csv"))
    assert [type(record) for record in records] == [UsageRecord] * 5
    assert [record.quantity for record in records] == [2, 0, 0, 0, 5]
    assert [record.q850 for record in records] == [16, 21, 17, 41, 16]
    first = records[0]
    assert (first.source_ip, first.source_port) == ("127.0.0.1", 5080)
    assert first.user_agent == 'LabPhone/1.0 (sipp "q")'
    assert first.accounts == (
        ("sip_user", "1001"),
        ("number", "1001"),
        ("ip", "127.0.0.1"),
    )


@pytest.mark.parametrize(
    ("text", "address", "port"),
    [
        ("10.0.0.1:5080", "10.0.0.1", 5080),
        ("10.0.0.1", "10.0.0.1", None),
        ("[2001:db8::1]:5061", "2001:db8::1", 5061),
        ("2001:db8::1", "2001:db8::1", None),
        ("10.0.0.1:99999", "10.0.0.1", None),
        ("10.0.0.1:x", "10.0.0.1", None),
        ("phone.example.com:5060", "", None),
        ("", "", None),
        (":::::", "", None),
    ],
)
def test_addresses(read, text, address, port):
    [record] = read(CODE, line(remote_addr=text))
    assert (record.source_ip, record.source_port) == (address, port)
    assert (("ip", address) in record.accounts) == bool(address)


def test_seconds_with_fraction(read):
    """As ${CDR(start,u)} and ${CDR(billsec,f)} write them."""
    [record] = read(
        CODE,
        line(
            start="1795161600.125000",
            answer="1795161605.500000",
            end="1795161608.060000",
            billsec="2.560000",
        ),
    )
    assert record.quantity == Decimal("2.56")
    assert record.answer.microsecond == 500000


def test_a_sequence_may_follow(read):
    records = read(CODE, line(',"31"') + line(',"32"'))
    assert [record.record_id for record in records] == [
        "1795161600.7/31",
        "1795161600.7/32",
    ]


def test_without_a_sequence_duplicates_agree_and_second_records_differ(read):
    second = {"answer": "", "billsec": "0", "disposition": "NO ANSWER"}
    records = read(CODE, line() + line() + line(**second))
    first, again, other = (record.record_id for record in records)
    assert first == again != other


def test_a_strange_cause_or_user_agent_does_not_stop_the_charge(read):
    [record] = read(CODE, line(hangupcause="many", useragent="x" * 9000))
    assert record.q850 is None
    assert len(record.user_agent) == 255


def test_wrong_format(read, sample):
    for name in (
        "asterisk22_cdr_csv_Master.csv",
        "freeswitch1.10.12_cdr_csv_Master_lab.csv",
    ):
        records = read(CODE, sample(name))
        assert len(records) >= 5
        assert {type(record) for record in records} == {BadRecord}
