# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Records whose fields a person has named: which column is what, and in which form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal

from . import _values as values
from .base import RecordError, UsageRecord

#: Identities by which an endpoint is found; the kinds of ``tier.endpoint``.
KINDS = ("sip_user", "number", "ip", "pin", "room", "host")
#: What a column may be besides an identity.
TARGETS = (
    "record_id",
    "session_id",
    "caller",
    "callee",
    "resource",
    "start",
    "answer",
    "end",
    "quantity",
    "service",
    "disposition",
    "cause",
    "source_ip",
    "source_port",
    "user_agent",
)
DISPOSITIONS = {
    "answered": "answered",
    "answer": "answered",
    "ok": "answered",
    "no answer": "no_answer",
    "noanswer": "no_answer",
    "cancel": "no_answer",
    "busy": "busy",
    "congestion": "congestion",
    "failed": "failed",
}
#: No quantity is longer than a month of seconds where an end is made of it.
LONGEST_S = 31 * 86400


@dataclass(frozen=True)
class FieldMap:
    """How a person says that records are to be read.

    :param columns: pairs (target, name of the column); of several for one target the
        first that is filled counts, of identities each one, the best first. A name is a
        column's heading, its position from 1 where there are no headings, or the path
        to a JSON value: ``call.from.user``
    :param service: code of the service where no column tells it
    :param factor: what a quantity is multiplied with to get the service's units
    :param times: ``iso``, ``epoch`` (seconds), ``epoch_ms``, or a form of strptime
    :param decimal_comma: quantities are written 1,5
    :param delimiter: between the columns of a line
    :param has_header: the first line names the columns
    """

    columns: tuple[tuple[str, str], ...]
    service: str = "voice"
    factor: Decimal = Decimal(1)
    times: str = "iso"
    decimal_comma: bool = False
    delimiter: str = ","
    has_header: bool = True


Get = Callable[[str], object]


def mapped_record(fields: FieldMap, get: Get, zone: tzinfo, line: int, raw: str) -> UsageRecord:
    """Check and convert one record.

    :param get: value of a column by its name; None if there is none
    :param zone: of times that name none
    :raise RecordError: if it cannot be trusted
    """

    def value(target: str) -> object:
        found = (get(name) for known, name in fields.columns if known == target)
        return next((one for one in found if one not in (None, "")), None)

    def moment(target: str) -> datetime | None:
        found = values.text(value(target), target, 60)
        return _moment(found, target, fields.times, zone) if found else None

    service = values.text(value("service"), "service", 64) or fields.service
    start, answer, end = moment("start"), moment("answer"), moment("end")
    quantity = _quantity(values.text(value("quantity"), "quantity", 40), fields, answer, end)
    lasts = timedelta(seconds=float(quantity)) if service == "voice" and quantity <= LONGEST_S else timedelta()
    start = start or answer or (end - lasts if end else None)
    if not start:
        raise RecordError("missing", field="start")
    answer = (answer or start) if quantity else None
    end = end or (answer or start) + lasts
    values.check_order(start, answer, end)
    resource = values.text(value("resource"), "resource", 64)
    callee = values.text(value("callee"), "callee", 128) or resource
    if not callee and service != "voice":
        callee = resource = service
    caller = values.loose(value("caller"))
    cause = values.loose(value("cause"))
    return UsageRecord(
        record_id=values.text(value("record_id"), "record_id", 150) or f"line:{values.fingerprint(raw)}",
        session_id=values.text(value("session_id"), "session_id", 150),
        service=service,
        resource=resource,
        accounts=values.identities(
            *((kind, values.text(get(name), kind, 128)) for kind, name in fields.columns if kind in KINDS),
            ("sip_user", caller),
            ("number", caller),
        ),
        caller=caller,
        callee=values.required(callee, "callee", 128),
        start=start,
        answer=answer,
        end=end,
        quantity=quantity,
        disposition=_disposition(values.text(value("disposition"), "disposition", 60), quantity),
        cause=cause,
        source_ip=values.ip_address(values.loose(value("source_ip"))),
        source_port=values.small_int(value("source_port"), 65535),
        user_agent=values.loose(value("user_agent"), 255),
        line=line,
        raw=raw,
    )


def _moment(value: str, field: str, times: str, zone: tzinfo) -> datetime:
    if times in ("epoch", "epoch_ms"):
        seconds = values.number(value, field)
        return values.epoch_time(seconds / 1000 if times == "epoch_ms" else seconds, field)
    if times != "iso":
        return values.formatted_time(value, times, field, zone)
    return values.iso_time(value, field, zone)


def _quantity(value: str, fields: FieldMap, answer: datetime | None, end: datetime | None) -> Decimal:
    """Units of the service: what the record says, or else the seconds from answer to end."""
    if not value:
        if not (answer and end):
            raise RecordError("missing", field="quantity")
        values.check_order(answer, None, end)
        return Decimal((end - answer) // timedelta(microseconds=1)).scaleb(-6)
    if ":" in value:
        found = values.clock(value if value.count(":") == 2 else f"0:{value}", "quantity")
    else:
        found = values.number(value.replace(",", ".") if fields.decimal_comma else value, "quantity")
    return found * fields.factor


def _disposition(said: str, quantity: Decimal) -> str:
    if not said:
        return "answered" if quantity else "no_answer"
    disposition = DISPOSITIONS.get(said.lower().replace("_", " "))
    if not disposition:
        raise RecordError("bad_disposition", value=said)
    if quantity and disposition != "answered":
        raise RecordError("contradiction", value=said, billed=str(quantity))
    return disposition
