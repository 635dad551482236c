# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the two Asterisk formats share: the same CDR fields, laid out differently.

Source of the fields: Asterisk's ``cdr/cdr_csv.c`` and its CDR specification.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from typing import BinaryIO

from . import _values as values
from ._csv_rows import Row, read_rows
from .base import (
    UNFORESEEN,
    Adapter,
    ReadOptions,
    RecordError,
    Records,
    UsageRecord,
    decode,
)

DISPOSITIONS = {
    "ANSWERED": "answered",
    "NO ANSWER": "no_answer",
    "BUSY": "busy",
    "CONGESTION": "congestion",
    "FAILED": "failed",
}

#: uniqueid is "[system name-]epoch of the channel's creation.counter"
UNIQUEID = re.compile(r"(?:.*-)?(\d{9,11})\.\d{1,12}", re.ASCII)

# "PJSIP/1001-00000000" was placed by the endpoint 1001. This is what Asterisk
# authenticated, whereas src is the caller id, which a caller may choose.
_CHANNEL_ENDPOINT = re.compile(r"(?:PJSIP|SIP|IAX2)/(.+)-[0-9a-f]+", re.ASCII)

_EPOCH = re.compile(r"\d{9,11}(\.\d{1,9})?", re.ASCII)

# Tells apart the records of one uniqueid where there is no sequence.
_IDENTIFYING = (
    "accountcode",
    "src",
    "dst",
    "channel",
    "dstchannel",
    "start",
    "answer",
    "end",
    "duration",
    "billsec",
    "disposition",
)


class AsteriskAdapter(Adapter):
    """Base of the Asterisk formats; a subclass names the columns of a row."""

    #: the numbers of columns a row may have
    widths: frozenset[int]

    def columns(self, row: list[str]) -> Mapping[str, str]:
        """Name the fields of a row as Asterisk's ``CDR()`` function does.

        :param row: fields, their number one of :attr:`widths`
        """
        raise NotImplementedError

    # pylint: disable-next=method-required-super
    def read(self, stream: BinaryIO, options: ReadOptions | None = None) -> Records:
        options = options or ReadOptions()
        zone = options.tzinfo
        for row in read_rows(stream, self.widths, options.max_line):
            if self.is_header(row):
                continue
            try:
                if row.refused:
                    raise row.refused
                yield _usage_record(self.columns(row.fields), row, zone)
            except RecordError as refused:
                yield refused.bad_record(row.line, row.raw)
            except UNFORESEEN as error:
                # a gap in the checks costs one record, not the rest of the file
                problem = RecordError("unreadable", detail=type(error).__name__)
                yield problem.bad_record(row.line, row.raw)

    def is_header(self, row: Row) -> bool:
        """Whether the row is a line of column names.

        Asterisk writes none, but whoever keeps the files may have put one.
        """
        if b"disposition" not in row.raw.lower():
            return False
        names = {name.strip().lower() for name in row.fields}
        return {"src", "dst", "disposition", "billsec"} <= names


def _usage_record(cdr: Mapping[str, str], row: Row, zone: tzinfo) -> UsageRecord:
    """Check and convert one CDR.

    :raise RecordError: if it cannot be trusted
    """
    cause = cdr["disposition"]
    disposition = DISPOSITIONS.get(cause)
    if not disposition:
        cause = values.required(cause, "disposition", 40)
        disposition = DISPOSITIONS.get(cause.upper())
    if not disposition:
        raise RecordError("bad_disposition", value=cause)
    uniqueid = values.text(cdr.get("uniqueid"), "uniqueid", 150)
    billsec = values.number(cdr["billsec"], "billsec")
    start, answer, end = _times(cdr, disposition, uniqueid, billsec, zone)
    quantity = Decimal(0)
    if disposition == "answered":
        values.check_duration(billsec, answer, end)
        quantity = billsec
    elif billsec:
        raise RecordError("contradiction", value=cause, billed=str(billsec))
    accountcode = values.text(cdr.get("accountcode"), "accountcode", 128)
    caller = values.loose(cdr.get("src"))
    channel = _CHANNEL_ENDPOINT.fullmatch(values.loose(cdr.get("channel"), 255))
    source_ip, source_port = _address(cdr.get("remote_addr", ""))
    return UsageRecord(
        record_id=_record_id(cdr, uniqueid),
        session_id=uniqueid,
        accounts=values.identities(
            ("sip_user", accountcode),
            ("pin", accountcode),
            ("sip_user", channel[1] if channel else ""),
            ("sip_user", caller),
            ("number", caller),
            ("ip", source_ip),
        ),
        caller=caller,
        callee=values.required(cdr.get("dst"), "dst", 128),
        start=start,
        answer=answer,
        end=end,
        quantity=quantity,
        disposition=disposition,
        cause=cause,
        q850=values.small_int(cdr.get("hangupcause"), 127),
        source_ip=source_ip,
        source_port=source_port,
        user_agent=values.loose(cdr.get("useragent"), 255),
        line=row.line,
        raw=decode(row.raw),
    )


def _times(
    cdr: Mapping[str, str],
    disposition: str,
    uniqueid: str,
    billsec: Decimal,
    zone: tzinfo,
) -> tuple[datetime, datetime | None, datetime]:
    """Start, answer (None if the call was not answered) and end."""
    # About when it was matters only where a clock shows an hour twice.
    start = values.steady_time(cdr["start"], zone)
    if start is None:
        start = _time(cdr["start"], "start", zone, None if zone is values.UTC else _born(uniqueid))
    answer = None
    if disposition == "answered":
        answer = values.steady_time(cdr["answer"], zone) or _time(cdr["answer"], "answer", zone, start)
    end = values.steady_time(cdr["end"], zone)
    if end is None:
        # billsec is bounded, but 18 digits of seconds are beyond any datetime
        talked = timedelta(seconds=min(int(billsec), 10**8))
        end = _time(cdr["end"], "end", zone, (answer or start) + talked)
    values.check_order(start, answer, end)
    return start, answer, end


def _born(uniqueid: str) -> datetime | None:
    """When the channel was created, if its uniqueid tells."""
    match = UNIQUEID.fullmatch(uniqueid)
    try:
        return values.epoch_time(Decimal(match[1]), "uniqueid") if match else None
    except RecordError:  # some other program's id; only a hint anyway
        return None


def _time(value: str, field: str, zone: tzinfo, near: datetime | None) -> datetime:
    value = values.required(value, field, 40)
    if value[4:5] != "-" and _EPOCH.fullmatch(value):  # cdr_custom with ${CDR(start,u)}
        return values.epoch_time(Decimal(value), field)
    return values.local_time(value, field, zone, near)


def _record_id(cdr: Mapping[str, str], uniqueid: str) -> str:
    """Identity of one CDR within its switch.

    One call may write several CDRs under one uniqueid: ``Dial(…,g)`` writes a
    second one of zero seconds, a second ``Dial`` one more.

    * With a sequence (newcdrcolumns): uniqueid and sequence, which Asterisk
      documents as unique together.
    * Without it: uniqueid and a hash of what the CDR says. The same line again
      is a duplicate; a second CDR of the same call is a record of its own.
      Two CDRs of one call that agree in every field would be taken for one.
    * Without uniqueid: the hash alone; the channel names in it differ between
      calls of the same second.
    """
    sequence = values.text(cdr.get("sequence"), "sequence", 20)
    linkedid = values.text(cdr.get("linkedid"), "linkedid", 150)
    if uniqueid and sequence:
        return f"{uniqueid}/{sequence}"
    if linkedid and sequence:
        return f"linked:{linkedid}/{sequence}"
    said = [cdr.get(name, "").strip() for name in _IDENTIFYING]
    if uniqueid:
        return f"{uniqueid}/{values.fingerprint(*said, digits=16)}"
    return f"line:{values.fingerprint(linkedid, *said)}"


def _address(value: str) -> tuple[str, int | None]:
    """Split ``10.0.0.1:5060`` or ``[::1]:5060``; what is no address is left out."""
    if not value:
        return "", None
    host, colon, port = value.strip().rpartition(":")
    address = values.ip_address(host if colon else port)
    if address and colon:
        return address, values.small_int(port, 65535)
    return values.ip_address(value), None
