"""FreeSWITCH's mod_json_cdr: fields, file layouts, encodings, broken input."""

import base64
import copy
import json
from datetime import datetime, timezone
from decimal import Decimal
from urllib.parse import quote

import pytest
from adapters import BadRecord, UsageRecord

CODE = "freeswitch_json"
ANSWERED = "freeswitch1.10.12_json_cdr_lab_answered.json"


@pytest.fixture
def cdr(sample):
    """The lab's answered call, as a dict to change."""
    return json.loads(sample(ANSWERED))


def changed(cdr, uuid=None, **variables):
    cdr = copy.deepcopy(cdr)
    cdr["variables"].update(variables)
    if uuid:
        cdr["variables"]["uuid"] = uuid
    return cdr


def compact(cdr):
    return json.dumps(cdr, separators=(",", ":"))


class TestFields:
    def test_answered(self, read, sample):
        [record] = read(CODE, sample(ANSWERED))
        assert record.record_id == "b3f47b91-5069-45ff-bba5-5d6a9a3aee9e"
        assert record.session_id == record.record_id
        assert record.callee == "4930123456"
        assert record.caller == "1001"
        assert record.accounts == (
            ("sip_user", "1001"),
            ("number", "1001"),
            ("ip", "127.0.0.1"),
        )
        assert record.answer == datetime(2026, 11, 22, 22, 56, 38, 745191, tzinfo=timezone.utc)
        # 2,560 ms, which billsec calls 3
        assert record.quantity == Decimal("2.559956")
        assert (record.source_ip, record.source_port) == ("127.0.0.1", 5080)
        assert record.user_agent == 'LabPhone/1.0 (sipp "q")'
        assert (record.cause, record.q850) == ("NORMAL_CLEARING", 16)
        assert record.sip_code == 200
        assert record.disposition == "answered"
        assert json.loads(record.raw)["variables"]["uuid"] == record.record_id

    def test_cut_by_the_credit_limit(self, read, sample):
        name = "freeswitch1.10.12_json_cdr_lab_cut_allotted_timeout.json"
        [record] = read(CODE, sample(name))
        assert record.cause == "ALLOTTED_TIMEOUT"
        assert record.quantity == Decimal("4.520003")

    def test_denied(self, read, sample):
        [record] = read(CODE, sample("freeswitch1.10.12_json_cdr_lab_denied402.json"))
        assert record.answer is None
        assert record.quantity == 0
        assert (record.cause, record.q850) == ("CALL_REJECTED", 21)
        assert record.disposition == "failed"

    def test_who_pays_comes_before_what_the_caller_says(self, read, cdr):
        cdr = changed(
            cdr,
            accountcode="kepler",
            sip_auth_username="1010",
            user_name="1010",
            domain_name="pbx.example.com",
            sip_from_user="4930999",
        )
        [record] = read(CODE, compact(cdr))
        assert record.accounts == (
            ("sip_user", "kepler"),
            ("pin", "kepler"),
            ("sip_user", "1010@pbx.example.com"),
            ("sip_user", "1010"),
            ("sip_user", "4930999"),
            ("number", "1001"),
            ("ip", "127.0.0.1"),
        )

    @pytest.mark.parametrize(
        ("cause", "disposition"),
        [
            ("USER_BUSY", "busy"),
            ("NO_ANSWER", "no_answer"),
            ("ORIGINATOR_CANCEL", "no_answer"),
            ("NORMAL_CIRCUIT_CONGESTION", "congestion"),
            ("CALL_REJECTED", "failed"),
            ("", "failed"),
        ],
    )
    def test_dispositions(self, read, cdr, cause, disposition):
        cdr = changed(cdr, answer_uepoch="0", billsec="0", hangup_cause=cause)
        [record] = read(CODE, compact(cdr))
        assert record.disposition == disposition

    def test_numbers_need_not_be_strings(self, read, cdr):
        answer = int(cdr["variables"]["answer_uepoch"])
        [record] = read(CODE, compact(changed(cdr, answer_uepoch=answer)))
        assert record.quantity == Decimal("2.559956")

    def test_whole_seconds_where_there_is_nothing_better(self, read, cdr):
        for event in ("start", "answer", "end"):
            del cdr["variables"][f"{event}_uepoch"]
        [record] = read(CODE, compact(cdr))
        assert record.quantity == 3

    def test_the_dialled_number_of_a_record_without_callflow(self, read, cdr):
        del cdr["callflow"]
        [record] = read(CODE, compact(cdr))
        assert record.callee == "4930123456"

    def test_the_second_leg_is_not_charged_again(self, read, cdr):
        leg = changed(cdr, uuid="b-leg", originating_leg_uuid="a-leg")
        profile = leg["callflow"][0]["caller_profile"]
        profile["originator"] = {"originator_caller_profiles": [{"uuid": "a-leg"}]}
        first, second = read(CODE, compact(cdr) + compact(leg))
        assert isinstance(first, UsageRecord)
        assert (second.reason, second.values["first"]) == ("second_leg", "a-leg")

    def test_a_first_leg_that_names_itself_is_charged(self, read, cdr):
        cdr = changed(cdr, originating_leg_uuid=cdr["variables"]["uuid"])
        assert isinstance(read(CODE, compact(cdr))[0], UsageRecord)


class TestLayout:
    LAYOUTS = (
        "alone",
        "lines",
        "windows",
        "array",
        "indented",
        "concatenated",
        "pretty",
        "sequence",
    )

    def layout(self, name, cdrs):
        return {
            "alone": lambda: "".join(map(compact, cdrs)),
            "lines": lambda: "\n".join(map(compact, cdrs)) + "\n",
            "windows": lambda: "\r\n".join(map(compact, cdrs)) + "\r\n",
            "array": lambda: json.dumps(cdrs),
            "indented": lambda: json.dumps(cdrs, indent=2),
            "concatenated": lambda: " ".join(json.dumps(cdr) for cdr in cdrs),
            "pretty": lambda: "\n".join(json.dumps(cdr, indent=1) for cdr in cdrs),
            "sequence": lambda: "".join(f"\x1e{compact(cdr)}\n" for cdr in cdrs),
        }[name]()

    @pytest.mark.parametrize("name", LAYOUTS)
    def test_layouts(self, read, cdr, name):
        cdrs = [changed(cdr, uuid=f"call-{number}") for number in range(30)]
        records = read(CODE, self.layout(name, cdrs))
        assert [r.record_id for r in records] == [f"call-{n}" for n in range(30)]
        assert all(json.loads(record.raw) for record in records)

    @pytest.mark.parametrize("name", LAYOUTS)
    @pytest.mark.parametrize("chunk", [1, 2, 7, 4096])
    def test_pieces_of_any_size(self, read, cdr, name, chunk, monkeypatch):
        monkeypatch.setattr("adapters._json_objects.CHUNK", chunk)
        small = changed(cdr)
        small["variables"] = {
            key: value for key, value in cdr["variables"].items() if key == "sip_user_agent" or key.endswith("epoch")
        }
        for extra in ("callflow", "callStats", "app_log", "channel_data"):
            small[extra] = []
        small["variables"]["sip_req_user"] = '\\"é{['
        cdrs = [changed(small, uuid=f"call-{number}") for number in range(3)]
        text = "\ufeff" + self.layout(name, cdrs)
        records = read(CODE, text)
        assert [record.record_id for record in records] == [
            "call-0",
            "call-1",
            "call-2",
        ]
        assert records[0].callee == '\\"é{['

    def test_lines_are_counted(self, read, cdr):
        text = json.dumps(cdr, indent=1)
        records = read(CODE, f"\n{text}\n{text}\n")
        assert [r.line for r in records] == [2, 3 + text.count("\n")]

    def test_an_empty_file_has_no_records(self, read):
        for text in ("", "\n\n", "[]", "[\n]\n", "\ufeff"):
            assert read(CODE, text) == []


class TestEncodings:
    def encoded(self, cdr):
        """As encode-values writes it: only in variables, %XX in capitals."""
        cdr = copy.deepcopy(cdr)
        variables = cdr["variables"]
        for key, value in variables.items():
            variables[key] = quote(value, safe="/.,()*'!$~-_")
        return cdr

    def test_encode_values(self, read, cdr):
        cdr = changed(cdr, accountcode="+49 30")
        [plain] = read(CODE, compact(cdr))
        [record] = read(CODE, compact(self.encoded(cdr)))
        assert record.user_agent == 'LabPhone/1.0 (sipp "q")'
        assert record.accounts == plain.accounts
        assert record.quantity == plain.quantity

    def test_a_per_cent_sign_in_a_plain_record_stays(self, read, cdr):
        [record] = read(CODE, compact(changed(cdr, sip_user_agent="Phone %41")))
        assert record.user_agent == "Phone %41"

    @pytest.mark.parametrize("prefix", ["", "cdr="])
    def test_a_wrapped_record(self, read, cdr, prefix):
        """As posted with encode, and as err-log-dir keeps what was not posted."""
        text = compact(cdr)
        lines = [quote(text, safe=""), base64.b64encode(text.encode()).decode()]
        content = "".join(f"{prefix}{line}\n" for line in lines)
        records = read(CODE, content + text)
        assert [type(record) for record in records] == [UsageRecord] * 3
        assert [record.line for record in records] == [1, 2, 3]

    def test_latin_1(self, read, cdr):
        text = json.dumps(changed(cdr, sip_user_agent="Lumière"), ensure_ascii=False)
        [record] = read(CODE, text.encode("latin-1"))
        assert record.user_agent == "Lumière"


class TestBroken:
    """Broken input costs the broken record and is named; the rest is read."""

    def reasons(self, records):
        return [getattr(record, "reason", "ok") for record in records]

    def test_position(self, read):
        [bad] = read(CODE, '\n{"variables": {"uuid" 5}}')
        assert bad.reason == "bad_json"
        assert (bad.values["at_line"], bad.values["at"]) == (2, 23)
        assert "line 2, character 23" in bad.message

    @pytest.mark.parametrize("indent", [None, 1, 2])
    @pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
    def test_a_record_that_lost_its_end(self, read, cdr, indent, share):
        text = json.dumps(cdr, indent=indent)
        cut = text[: int(len(text) * share)]
        records = read(CODE, f"{text}\n{cut}\n{text}\n{text}\n")
        assert self.reasons(records) == ["ok", "bad_json", "ok", "ok"]
        assert records[1].line == 2 + text.count("\n")

    @pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
    def test_in_an_array(self, read, cdr, share):
        item = json.dumps(cdr, indent=1).replace("\n", "\n ")
        cut = item[: int(len(item) * share)]
        records = read(CODE, f"[\n {item},\n {cut},\n {item},\n {item}\n]")
        assert self.reasons(records) == ["ok", "bad_json", "ok", "ok"]

    @pytest.mark.parametrize("separator", [",", ", ", "", " "])
    def test_in_a_list_on_one_line(self, read, cdr, separator):
        text = compact(cdr)
        cut = text[: len(text) // 2] + "}}}"
        records = read(CODE, separator.join([text, cut, text, text]))
        assert self.reasons(records)[0] == "ok"
        assert self.reasons(records)[-2:] == ["ok", "ok"]
        assert "bad_json" in self.reasons(records)[1:-2]

    def test_a_record_that_lost_its_beginning(self, read, cdr):
        text = compact(cdr)
        records = read(CODE, f'{text}\n"uuid":"x"}}}}\n{text}\n')
        assert self.reasons(records)[0] == self.reasons(records)[-1] == "ok"
        assert set(self.reasons(records)[1:-1]) == {"not_json"}

    def test_the_end_of_the_file_is_missing(self, read, cdr):
        text = compact(cdr)
        assert self.reasons(read(CODE, text + text[:-1])) == ["ok", "truncated"]
        assert self.reasons(read(CODE, f"[{text},")) == ["ok", "truncated"]
        assert self.reasons(read(CODE, f"[{text},{text[:-1]}")) == ["ok", "truncated"]

    @pytest.mark.parametrize("text", ["5", "null", '"text"', "true", "NaN", "<xml/>", "a,b,c", "\0\1\2", "}"])
    def test_not_an_object(self, read, cdr, text):
        records = read(CODE, f"{text}\n{compact(cdr)}")
        assert self.reasons(records) == ["not_json", "ok"]

    @pytest.mark.parametrize(
        "text",
        ["{}", '{"variables": 5}', '{"variables": []}', '{"callflow": []}'],
    )
    def test_not_a_record(self, read, text):
        [bad] = read(CODE, text)
        assert bad.reason == "not_a_record"

    @pytest.mark.parametrize("text", ['{"a": }', "{{}}", '{"a": [}', "{]", '{"a": tru}'])
    def test_not_json(self, read, cdr, text):
        records = read(CODE, f"{text}\n{compact(cdr)}")
        assert self.reasons(records) == ["bad_json", "ok"]

    def test_too_large(self, read, cdr):
        big = compact(changed(cdr, padding="x" * 5000))
        records = read(CODE, f"{big}\n{compact(cdr)}\n{big}", max_object=11_000)
        assert self.reasons(records) == ["too_large", "ok", "too_large"]
        assert len(records[0].raw) < 5000

    def test_too_deep(self, read, cdr):
        for text in ('{"a":' * 100_000, '{"a":[' + "[" * 100_000):
            records = read(CODE, f"{text}\n{compact(cdr)}")
            assert self.reasons(records) == ["bad_json", "ok"]

    @pytest.mark.parametrize(
        ("variables", "reason"),
        [
            ({"answer_uepoch": "-5"}, "negative"),
            ({"answer_uepoch": "NaN"}, "bad_number"),
            ({"answer_uepoch": float("nan")}, "bad_number"),
            ({"answer_uepoch": float("inf")}, "bad_number"),
            ({"answer_uepoch": "9" * 18}, "bad_time"),
            ({"answer_uepoch": 10**4000}, "too_long"),
            ({"answer_uepoch": 1e300}, "bad_number"),
            ({"answer_uepoch": ["1"]}, "bad_text"),
            ({"answer_uepoch": True}, "bad_text"),
            ({"answer_uepoch": "1795388198625180"}, "time_order"),
            ({"end_uepoch": "1795388198745190"}, "time_order"),
            ({"end_uepoch": "0"}, "missing"),
            ({"end_uepoch": "253402300799000000"}, "bad_time"),
            ({"start_uepoch": "0"}, "missing"),
            ({"start_uepoch": "1"}, "bad_time"),
            ({"billsec": "3600"}, "duration_mismatch"),
            ({"billsec": "-1"}, "negative"),
            ({"uuid": "a\0b"}, "bad_text"),
            ({"uuid": "a\ud800b"}, "bad_text"),
            ({"uuid": {"a": 1}}, "bad_text"),
            ({"uuid": "u" * 300}, "too_long"),
        ],
    )
    def test_refused(self, read, cdr, variables, reason):
        bad, good = read(CODE, compact(changed(cdr, **variables)) + "\n" + compact(cdr))
        assert isinstance(bad, BadRecord)
        assert bad.reason == reason
        assert bad.message
        assert isinstance(good, UsageRecord)

    def test_no_number_dialled(self, read, cdr):
        cdr["callflow"][0]["caller_profile"]["destination_number"] = " "
        [bad] = read(CODE, compact(cdr))
        assert (bad.reason, bad.values["field"]) == ("missing", "destination_number")

    @pytest.mark.parametrize("user_agent", ["x" * 5000, "a\0b", "a\ud800b", {"a": 1}, None, 5])
    def test_a_caller_cannot_avoid_the_charge_by_its_user_agent(self, read, cdr, user_agent):
        [record] = read(CODE, compact(changed(cdr, sip_user_agent=user_agent)))
        assert record.quantity == Decimal("2.559956")
        assert "\0" not in record.user_agent
        record.user_agent.encode()

    def test_callflow_of_any_type(self, read, cdr):
        for callflow in (5, "x", [5], [{}], [{"caller_profile": 5}], {}, [None]):
            [record] = read(CODE, compact(cdr | {"callflow": callflow}))
            assert record.callee == "4930123456"
