# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""FreeSWITCH's Master.csv, as ``mod_cdr_csv`` writes it by its template ``example``.

Fifteen fields, each in quotation marks: name, number, dialled number, context, start, answer, end,
duration, billsec, cause, uuid, uuid of the other leg, account code, codecs. Three more in a template
that ends with ``"${sip_network_ip}","${sip_network_port}","${sip_user_agent}"``. A quotation mark
within a field is not escaped, so that the fields are cut at ``","`` rather than read as CSV.

The module must write the first leg only (``legs=a``, its default): the second leg's lines look the
same, and would be charged too. Stamps are local times of whole seconds. For exact seconds let
FreeSWITCH write JSON, see :mod:`~.freeswitch_json`.
"""

from __future__ import annotations

from . import _values as values
from ._by_line import LineAdapter, LineReader
from ._freeswitch import disposition
from .base import RecordError, UsageRecord
from .registry import register

COLUMNS = (
    "caller_id_name",
    "caller_id_number",
    "destination_number",
    "context",
    "start_stamp",
    "answer_stamp",
    "end_stamp",
    "duration",
    "billsec",
    "hangup_cause",
    "uuid",
    "bleg_uuid",
    "accountcode",
    "read_codec",
    "write_codec",
)
MORE_COLUMNS = ("sip_network_ip", "sip_network_port", "sip_user_agent")


@register
class FreeswitchCsv(LineAdapter):
    code = "freeswitch_csv"
    name = "FreeSWITCH Master.csv"
    description = (
        "The lines that FreeSWITCH's mod_cdr_csv writes by its template “example”, first legs only, with or without"
        " IP address, port and user agent at the end. Times are in the switch's time zone."
    )

    def reader(self, options):
        return FreeswitchCsvReader(options)


class FreeswitchCsvReader(LineReader):
    def record(self, said, number):
        said = said.strip("\ufeff \t")
        if len(said) < 2 or not (said.startswith('"') and said.endswith('"')):
            raise RecordError("not_csv", detail="a field is not in quotation marks")
        fields = said[1:-1].split('","')
        names = COLUMNS + MORE_COLUMNS
        if len(fields) not in (len(COLUMNS), len(names)):
            raise RecordError("wrong_columns", count=len(fields), expected=f"{len(COLUMNS)}, {len(names)}")
        return self._usage_record(dict(zip(names, fields, strict=False)), said, number)

    def _usage_record(self, cdr: dict[str, str], said: str, number: int) -> UsageRecord:
        uuid = values.required(cdr["uuid"], "uuid", 128)
        billsec = values.number(cdr["billsec"], "billsec")
        start = values.local_time(values.required(cdr["start_stamp"], "start_stamp", 40), "start_stamp", self.zone)
        answer = None
        if answered := values.text(cdr["answer_stamp"], "answer_stamp", 40):
            answer = values.local_time(answered, "answer_stamp", self.zone, start)
        end = values.local_time(
            values.required(cdr["end_stamp"], "end_stamp", 40), "end_stamp", self.zone, answer or start
        )
        values.check_order(start, answer, end)
        cause = values.loose(cdr["hangup_cause"])
        if answer:
            values.check_duration(billsec, answer, end)
        elif billsec:
            raise RecordError("contradiction", value=cause, billed=str(billsec))
        account = values.text(cdr["accountcode"], "accountcode", 128)
        caller = values.loose(cdr["caller_id_number"])
        source_ip = values.ip_address(cdr.get("sip_network_ip", ""))
        return UsageRecord(
            record_id=uuid,
            session_id=uuid,
            accounts=values.identities(
                ("sip_user", account), ("pin", account), ("sip_user", caller), ("number", caller), ("ip", source_ip)
            ),
            caller=caller,
            callee=values.required(cdr["destination_number"], "destination_number", 128),
            start=start,
            answer=answer,
            end=end,
            quantity=billsec,
            disposition="answered" if answer else disposition(cause),
            cause=cause,
            source_ip=source_ip,
            source_port=values.small_int(cdr.get("sip_network_port", ""), 65535),
            user_agent=values.loose(cdr.get("sip_user_agent", ""), 255),
            line=number,
            raw=said,
        )
