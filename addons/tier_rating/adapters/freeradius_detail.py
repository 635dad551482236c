# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The detail file of FreeRADIUS (``rlm_detail``, RFC 2866 accounting).

A record is a line with the server's local time, one indented line for each attribute,
and a blank line::

    Fri Nov 20 10:02:00 2026
            Acct-Status-Type = Stop
            User-Name = "1001"
            Acct-Session-Time = 120
            Timestamp = 1795168920

A ``Stop`` record is the usage of its session; ``Start``, ``Interim-Update``, ``Accounting-On``
and ``-Off`` are no usage and are left out. A session is

* a **call** if it has attributes of VoIP (``h323-…``) or neither octets nor a ``Service-Type`` of
  ``Framed-User``: seconds of ``Acct-Session-Time`` to ``Called-Station-Id``;
* **data** otherwise: both directions with their gigawords (RFC 2869), in MB of 1,000,000
  octets, under the resource code ``data``.

A session ends at ``Timestamp`` (seconds since 1970, when FreeRADIUS wrote it) less
``Acct-Delay-Time``. A gateway of Cisco's kind reports both legs of a call: the one that it
placed itself (``h323-call-origin=originate``) is refused as a second leg.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from typing import BinaryIO

from . import _values as values
from ._lines import Line, read_lines
from .base import UNFORESEEN, Adapter, BadRecord, ReadOptions, RecordError, Records, UsageRecord, decode
from .registry import register

#: A record of more lines than this is none: the largest real ones have about 80.
MAX_LINES = 400

_ATTRIBUTE = re.compile(r"\s+([A-Za-z0-9][\w.:-]{0,99}) (?:\+|:)?= ?(.*)", re.ASCII | re.DOTALL)
_ESCAPED = re.compile(r'\\(["\\])')
_SIP_URI = re.compile(r"(?:sips?|tel):([^@;>]+)", re.IGNORECASE)
_HEADER = "%a %b %d %H:%M:%S %Y"
_WITHOUT_USAGE = {"start", "interim-update", "alive", "accounting-on", "accounting-off"}
# Q.850 causes, which h323-disconnect-cause has in hexadecimal, by disposition.
_BUSY, _NO_ANSWER, _CONGESTION = {17}, {16, 18, 19}, {34, 38, 41, 42, 44, 47}
_OCTETS = ("Acct-Input-Octets", "Acct-Output-Octets")
_GIGAWORDS = ("Acct-Input-Gigawords", "Acct-Output-Gigawords")


@register
class FreeradiusDetail(Adapter):
    code = "freeradius_detail"
    name = "FreeRADIUS accounting detail"
    description = (
        "The detail file of FreeRADIUS: calls by Acct-Session-Time, data sessions by their octets in MB."
        " Only Stop records are usage. The time zone matters only for records without Timestamp."
    )

    # pylint: disable-next=method-required-super
    def read(self, stream: BinaryIO, options: ReadOptions | None = None) -> Records:
        options = options or ReadOptions()
        zone = options.tzinfo
        for lines in _blocks(read_lines(stream, options.max_line)):
            record = _convert(lines, zone, options.max_line)
            if record:
                yield record


def _blocks(lines: Iterator[Line]) -> Iterator[list[Line]]:
    """Group lines into records: a blank line ends one, a line that is not indented begins one."""
    block: list[Line] = []
    for line in lines:
        is_blank = not line.data.strip(b"\xef\xbb\xbf \t\r\n")
        begins = not line.data.startswith((b"\t", b" "))
        if block and (is_blank or begins or len(block) >= MAX_LINES):
            yield block
            block = []
        if not is_blank:
            block.append(line)
    if block:
        yield block


def _convert(lines: list[Line], zone: tzinfo, max_line: int) -> UsageRecord | BadRecord | None:
    raw = b"".join(line.data for line in lines).rstrip()
    try:
        if any(line.too_large for line in lines):
            raise RecordError("too_large", limit=max_line)
        if b"\0" in raw:
            raise RecordError("nul_byte")
        header, attributes = _attributes(lines)
        status = values.required(attributes.get("Acct-Status-Type"), "Acct-Status-Type", 40)
        if status.lower() in _WITHOUT_USAGE:
            return None
        if status.lower() != "stop":
            raise RecordError("bad_disposition", value=status)
        return _usage_record(attributes, header, zone, lines[0].number, decode(raw))
    except RecordError as refused:
        return refused.bad_record(lines[0].number, raw)
    except UNFORESEEN as error:
        # a gap in the checks costs one record, not the rest of the file
        problem = RecordError("unreadable", detail=type(error).__name__)
        return problem.bad_record(lines[0].number, raw)


def _attributes(lines: list[Line]) -> tuple[str, dict[str, str]]:
    """The time in a record's first line and its attributes; of a repeated one, the first.

    :raise RecordError: if a line is no attribute
    """
    header = ""
    attributes: dict[str, str] = {}
    for line in lines:
        said = decode(line.data).rstrip()
        match = _ATTRIBUTE.fullmatch(said)
        if not match:
            if line is lines[0] and not said[:1].isspace():
                header = said
                continue
            raise RecordError("not_an_attribute", detail=said[:40])
        name, value = match[1], match[2].strip()
        if len(value) > 1 and value[0] == value[-1] == '"':
            value = _ESCAPED.sub(r"\1", value[1:-1])
        # "h323-call-origin=answer" stands in the attribute of that name
        attributes.setdefault(name, value.removeprefix(f"{name}="))
    if not attributes:
        raise RecordError("not_a_record_text", field="Acct-Status-Type")
    return header, attributes


def _usage_record(radius: dict[str, str], header: str, zone: tzinfo, line: int, raw: str) -> UsageRecord:
    """Check and convert one Stop record.

    :raise RecordError: if it cannot be trusted
    """
    if radius.get("h323-call-origin", "").lower() == "originate":
        raise RecordError("second_leg", first=radius.get("h323-conf-id", "?"))
    seconds = values.number(radius.get("Acct-Session-Time") or "0", "Acct-Session-Time")
    if seconds > 10**8:
        raise RecordError("bad_number", field="Acct-Session-Time", value=str(seconds))
    end = _end(radius, header, zone)
    start = end - timedelta(seconds=int(seconds))
    session_id = values.required(radius.get("Acct-Session-Id"), "Acct-Session-Id", 100)
    name = values.loose(radius.get("User-Name"))
    caller = _number(radius.get("Calling-Station-Id"))
    source_ip = values.ip_address(values.loose(radius.get("NAS-IP-Address") or radius.get("NAS-IPv6-Address")))
    framed_ip = values.ip_address(values.loose(radius.get("Framed-IP-Address")))
    common = {
        "record_id": _record_id(radius, session_id),
        "session_id": session_id,
        "caller": caller or name,
        "start": start,
        "end": end,
        "cause": values.loose(radius.get("Acct-Terminate-Cause")),
        "source_ip": framed_ip or source_ip,
        "source_port": values.small_int(radius.get("NAS-Port"), 65535),
        "line": line,
        "raw": raw,
    }
    named = [("sip_user", name), ("sip_user", name.split("@")[0]), ("pin", name)]
    if _is_data(radius):
        megabytes = sum(map(_octets, _OCTETS, _GIGAWORDS, (radius, radius))).scaleb(-6)
        return UsageRecord(
            service="data",
            resource="data",
            callee="data",
            accounts=values.identities(*named, ("host", caller), ("ip", framed_ip)),
            answer=start,
            quantity=megabytes,
            disposition="answered",
            **common,
        )
    cause = _q850(radius)
    return UsageRecord(
        accounts=values.identities(*named, ("number", caller), ("ip", source_ip)),
        callee=values.required(_number(radius.get("Called-Station-Id")), "Called-Station-Id", 128),
        answer=start if seconds else None,
        quantity=seconds,
        disposition="answered" if seconds else _disposition(cause),
        q850=cause,
        **common,
    )


def _is_data(radius: dict[str, str]) -> bool:
    if any(name.startswith("h323-") for name in radius):
        return False
    return radius.get("Service-Type") in ("Framed-User", "2") or any(name in radius for name in _OCTETS)


def _octets(low: str, high: str, radius: dict[str, str]) -> Decimal:
    """Octets of one direction: 32 bits and how often they ran over."""
    octets = values.number(radius.get(low) or "0", low)
    return octets + values.number(radius.get(high) or "0", high) * 2**32


def _end(radius: dict[str, str], header: str, zone: tzinfo) -> datetime:
    delay = values.number(radius.get("Acct-Delay-Time") or "0", "Acct-Delay-Time")
    if delay > 10**7:
        raise RecordError("bad_number", field="Acct-Delay-Time", value=str(delay))
    if radius.get("Timestamp"):
        written = values.epoch_time(values.number(radius["Timestamp"], "Timestamp"), "Timestamp")
    else:
        written = values.formatted_time(header, _HEADER, "Timestamp", zone)
    return written - timedelta(seconds=int(delay))


def _record_id(radius: dict[str, str], session_id: str) -> str:
    """Identity of a session: RFC 2866 wants Acct-Session-Id unique within one NAS only.

    FreeRADIUS makes of it, the user, the NAS and the port a key of its own where ``acct_unique`` is on.
    """
    unique = values.text(radius.get("Acct-Unique-Session-Id"), "Acct-Unique-Session-Id", 100)
    if unique:
        return unique
    nas = radius.get("NAS-IP-Address") or radius.get("NAS-Identifier") or ""
    return f"{session_id}/{values.fingerprint(nas, radius.get('User-Name', ''), digits=16)}"


def _number(value: str | None) -> str:
    """The number in ``sip:49301@example.net`` or ``tel:+49301``; else the value itself."""
    value = values.loose(value)
    match = _SIP_URI.match(value)
    return match[1] if match else value


def _q850(radius: dict[str, str]) -> int | None:
    cause = radius.get("h323-disconnect-cause", "")
    return int(cause, 16) if re.fullmatch(r"[0-7]?[0-9A-Fa-f]", cause, re.ASCII) and int(cause, 16) else None


def _disposition(cause: int | None) -> str:
    if cause in _BUSY:
        return "busy"
    if cause in _NO_ANSWER:
        return "no_answer"
    return "congestion" if cause in _CONGESTION else "failed"
