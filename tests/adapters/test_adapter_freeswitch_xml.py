"""FreeSWITCH's mod_xml_cdr: the same call reads the same as in JSON."""

import json
from decimal import Decimal
from urllib.parse import quote

from adapters import BadRecord, UsageRecord

SAMPLE = "freeswitch1.10.12_xml_cdr_lab.xml"


def test_a_real_record(read, sample):
    (record,) = read("freeswitch_xml", sample(SAMPLE))
    assert isinstance(record, UsageRecord)
    assert record.record_id == record.session_id == "6c748b39-df64-413d-ac43-0add7d7a042b"
    assert record.accounts == (("sip_user", "804001"), ("number", "804001"), ("ip", "127.0.0.1"))
    assert record.callee == "4930123456"
    assert record.quantity == Decimal("7.519992")  # 8 s by billsec
    assert (record.disposition, record.cause, record.q850) == ("answered", "ALLOTTED_TIMEOUT", 16)
    assert (record.source_ip, record.source_port) == ("127.0.0.1", 5080)
    assert record.user_agent == 'LabPhone/1.0 (sipp "q")'
    assert record.line == 2


def xml(uuid="a", **variables):
    variables = {
        "uuid": uuid,
        "start_uepoch": "1795388206505168",
        "end_uepoch": "1795388214165157",
        "answer_uepoch": "0",
        **variables,
    }
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in variables.items())
    return (
        f"<cdr><variables>{inner}</variables>"
        "<callflow><caller_profile><destination_number>4930123456</destination_number></caller_profile></callflow></cdr>"
    )


def test_json_and_xml_agree(read):
    variables = {"uuid": "a", "sip_from_user": "1001", "answer_uepoch": "1795388207000000", "hangup_cause": "X"}
    (from_xml,) = read("freeswitch_xml", xml(**variables))
    variables |= {"start_uepoch": "1795388206505168", "end_uepoch": "1795388214165157"}
    profile = {"destination_number": "4930123456"}
    (from_json,) = read(
        "freeswitch_json", json.dumps({"variables": variables, "callflow": [{"caller_profile": profile}]})
    )
    from_json.raw = from_xml.raw
    assert from_xml == from_json


def test_several_one_after_another_in_one_line_and_posted(read):
    found = read("freeswitch_xml", f'<?xml version="1.0"?>\n{xml("a")}{xml("b")}\n\n<cdrs>{xml("c")}</cdrs>')
    assert [record.record_id for record in found] == ["a", "b", "c"]
    assert [record.line for record in found] == [2, 2, 4]
    (posted,) = read("freeswitch_xml", "cdr=" + quote(xml("d")))
    assert posted.record_id == "d"


def test_a_record_that_was_cut_costs_itself_only(read):
    found = read("freeswitch_xml", xml("a") + "\n" + xml("b")[:60] + "\n" + xml("c") + "\n" + xml("d")[:-9])
    assert [getattr(record, "reason", "") for record in found] == ["", "truncated", "", "truncated"]
    assert [record.line for record in found] == [1, 2, 3, 4]


def test_the_second_leg_and_what_is_no_record(read):
    leg = xml("b").replace("<caller_profile>", "<caller_profile><originator><x>1</x></originator>")
    cases = {
        leg: "second_leg",
        "<cdr><variables></variables>": "truncated",
        "<cdr><variables></x></cdr>": "bad_xml",
        "<cdr></cdr>": "not_a_record",
        "<cdr>&lol;</cdr>": "bad_xml",
        "hello": "not_xml",
        "<html></html>": "not_xml",
    }
    for content, reason in cases.items():
        (record,) = read("freeswitch_xml", content)
        assert (type(record), record.reason) == (BadRecord, reason), content


def test_entities_do_not_unfold(read):
    bomb = '<!DOCTYPE cdr [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>\n'
    found = read("freeswitch_xml", bomb + xml("a", sip_from_user="&b;") + xml("b"))
    assert [getattr(record, "reason", "") for record in found] == ["not_xml", "bad_xml", ""]
    inside = xml("a").replace("<variables>", '<!DOCTYPE cdr [<!ENTITY a SYSTEM "file:///etc/passwd">]><variables>')
    assert [record.reason for record in read("freeswitch_xml", inside)] == ["bad_xml"]


def test_deep_nesting(read):
    (record,) = read("freeswitch_xml", "<cdr>" + "<a>" * 200_000 + "</a>" * 200_000 + "</cdr>", max_object=10_000_000)
    assert record.reason == "not_a_record"
