# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What FreeSWITCH's JSON and XML records share: the same channel variables.

Facts from ``mod_json_cdr.c``, ``mod_xml_cdr.c`` and ``switch_ivr.c`` of FreeSWITCH 1.10:

* All values in ``variables`` are strings. With ``encode-values`` (on unless
  switched off) each of them is URL-encoded; nothing else in the record is.
* ``billsec`` is a difference of rounded times (3 for 2,560 ms), so the duration
  comes from ``answer_uepoch`` and ``end_uepoch``, in microseconds. An
  ``answer_uepoch`` of 0 means: not answered.
* The modules also log the leg that FreeSWITCH placed itself (``log-b-leg``).
  Its caller profile names an originator. To charge it too would charge the
  call twice, so it is refused as a second leg.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from . import _values as values
from .base import RecordError, UsageRecord, decode

_BUSY = {"USER_BUSY"}
_NO_ANSWER = {"NO_ANSWER", "NO_USER_RESPONSE", "ORIGINATOR_CANCEL", "PROGRESS_TIMEOUT"}
_CONGESTION = {"NORMAL_CIRCUIT_CONGESTION", "SWITCH_CONGESTION"}

# What switch_url_encode() never lets through (SWITCH_URL_UNSAFE) but "%".
_UNSAFE = re.compile(r'[\r\n #&+:;<=>?@\[\\\]^`{|}"]')
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_SIP_CODE = re.compile(r"(?:sip:)?([1-6]\d\d)", re.ASCII)


def usage_record(cdr: dict[str, Any], data: bytes, line: int) -> UsageRecord:
    """Check and convert one record.

    :raise RecordError: if it cannot be trusted
    """
    variables = cdr.get("variables")
    if not isinstance(variables, dict):
        raise RecordError("not_a_record", field="variables")
    if _is_encoded(variables):
        variables = {name: unquote(value) if isinstance(value, str) else value for name, value in variables.items()}

    def variable(name: str, limit: int = 128) -> str:
        return values.loose(variables.get(name), limit)

    profile = _caller_profile(cdr)
    uuid = values.required(variables.get("uuid") or profile.get("uuid"), "uuid", 128)
    _refuse_second_leg(profile, variables, uuid)
    start, answer, end = _times(variables)
    from_user = variable("sip_from_user")
    caller = values.loose(profile.get("caller_id_number")) or from_user
    callee = profile.get("destination_number") or variables.get("sip_req_user")
    cause = variable("hangup_cause")
    source_ip = values.ip_address(variable("sip_network_ip"))
    return UsageRecord(
        record_id=uuid,
        session_id=uuid,
        accounts=values.identities(
            *_users(variable),
            ("sip_user", from_user),
            ("number", caller),
            ("ip", source_ip),
        ),
        caller=caller,
        callee=values.required(callee, "destination_number", 128),
        start=start,
        answer=answer,
        end=end,
        quantity=_seconds(answer, end, variables) if answer else Decimal(0),
        disposition="answered" if answer else disposition(cause),
        cause=cause,
        q850=values.small_int(variables.get("hangup_cause_q850"), 127),
        sip_code=_sip_code(variables),
        source_ip=source_ip,
        source_port=values.small_int(variables.get("sip_network_port"), 65535),
        user_agent=variable("sip_user_agent", 255),
        line=line,
        raw=decode(data),
    )


def _is_encoded(variables: dict[str, Any]) -> bool:
    """Whether ``encode-values`` was on: some value is escaped, and none has
    what would have been. A plain record has blanks and colons in its stamps.
    """
    texts = [value for value in variables.values() if isinstance(value, str)]
    return any(map(_ESCAPE.search, texts)) and not any(map(_UNSAFE.search, texts))


def _caller_profile(cdr: dict[str, Any]) -> dict[str, Any]:
    """Caller profile of the last step of the call, which has the number dialled."""
    callflow = cdr.get("callflow")
    if isinstance(callflow, dict):  # as older releases wrote it
        callflow = [callflow]
    if isinstance(callflow, list) and callflow and isinstance(callflow[0], dict):
        profile = callflow[0].get("caller_profile")
        if isinstance(profile, dict):
            return profile
    return {}


def _refuse_second_leg(profile: dict[str, Any], variables: dict[str, Any], uuid: str) -> None:
    """Refuse the leg that FreeSWITCH placed: the one with an originator."""
    first = variables.get("originating_leg_uuid")
    # some dialplans set the variable on the first leg too, to its own uuid
    if profile.get("originator") or (first and first != uuid):
        raise RecordError("second_leg", first=values.loose(first) or "?")


def _users(variable: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    """Who the call is for, before what the caller says of itself (From)."""
    yield "sip_user", variable("accountcode")
    yield "pin", variable("accountcode")
    domain = variable("domain_name")
    for name in ("sip_auth_username", "user_name"):
        user = variable(name)
        # one switch may serve the same extension in several domains
        yield "sip_user", f"{user}@{domain}" if user and domain else ""
        yield "sip_user", user


def _times(
    variables: dict[str, Any],
) -> tuple[datetime, datetime | None, datetime]:
    """Start, answer (None if the call was not answered) and end."""

    def moment(event: str) -> datetime | None:
        name = f"{event}_uepoch"
        if variables.get(name) not in (None, ""):
            micro = values.number(variables[name], name)
        else:  # cut to seconds, but better than no record
            micro = 10**6 * values.number(variables.get(f"{event}_epoch"), name)
        return values.epoch_time(micro / 10**6, name) if micro else None

    start, answer, end = moment("start"), moment("answer"), moment("end")
    for name, found in (("start_uepoch", start), ("end_uepoch", end)):
        if not found:
            raise RecordError("missing", field=name)
    values.check_order(start, answer, end)
    return start, answer, end


def _seconds(answer: datetime, end: datetime, variables: dict[str, Any]) -> Decimal:
    elapsed = end - answer
    whole = elapsed.days * 86400 + elapsed.seconds
    if variables.get("billsec") not in (None, ""):
        billsec = values.number(variables["billsec"], "billsec")
        values.check_duration(billsec, answer, end)
    return whole + Decimal(elapsed.microseconds).scaleb(-6)


def disposition(cause: str) -> str:
    """How a call ended that was not answered.

    :param cause: the switch's word, such as ``USER_BUSY``
    """
    if cause in _BUSY:
        return "busy"
    if cause in _NO_ANSWER:
        return "no_answer"
    return "congestion" if cause in _CONGESTION else "failed"


def _sip_code(variables: dict[str, Any]) -> int | None:
    for name in (
        "sip_term_status",
        "proto_specific_hangup_cause",
        "last_bridge_proto_specific_hangup_cause",
    ):
        match = _SIP_CODE.fullmatch(values.loose(variables.get(name)))
        if match:
            return int(match[1])
    return None
