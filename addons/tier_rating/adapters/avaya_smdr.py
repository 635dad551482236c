# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""SMDR lines of Avaya IP Office: comma-separated, 30 to 37 fields by release.

Fields in the order of Avaya's "IP Office SMDR" manual: call start, connected time,
ring time, caller, direction (I or O), called number, dialled number, account code,
is internal, call id, continuation, party 1 device and name, party 2 device and name, …

A call that was transferred has several lines of one call id, each with its own
connected time: each is charged to the extension that it names. The call id begins
anew when the exchange restarts, so the whole line makes its identity.
"""

from __future__ import annotations

from datetime import tzinfo
from typing import BinaryIO

from . import _values as values
from ._csv_rows import Row, read_rows
from ._smdr import outgoing
from .base import UNFORESEEN, Adapter, ReadOptions, RecordError, Records, UsageRecord, decode
from .registry import register

WIDTHS = frozenset(range(30, 38))
START, CONNECTED, RING, CALLER, DIRECTION, CALLED, DIALLED, ACCOUNT, INTERNAL, CALL_ID = range(10)
CONTINUATION = 10


@register
class AvayaSmdr(Adapter):
    code = "avaya_smdr"
    name = "Avaya IP Office SMDR"
    description = (
        "The lines that Avaya IP Office sends: outgoing calls by extension and account code; incoming and"
        " internal ones are left out. Times are in the exchange's time zone."
    )

    # pylint: disable-next=method-required-super
    def read(self, stream: BinaryIO, options: ReadOptions | None = None) -> Records:
        options = options or ReadOptions()
        for row in read_rows(stream, WIDTHS, options.max_line):
            if row.raw.lower().startswith((b"call start", b"datetime,")):
                continue  # column names
            try:
                if row.refused:
                    raise row.refused
                record = _usage_record(row, options.tzinfo)
                if record:
                    yield record
            except RecordError as refused:
                yield refused.bad_record(row.line, row.raw)
            except UNFORESEEN as error:
                # a gap in the checks costs one record, not the rest of the file
                yield RecordError("unreadable", detail=type(error).__name__).bad_record(row.line, row.raw)


def _usage_record(row: Row, zone: tzinfo) -> UsageRecord | None:
    fields = [field.strip() for field in row.fields]
    direction = values.required(fields[DIRECTION], "direction", 10).upper()
    if direction not in ("I", "O"):
        raise RecordError("bad_disposition", value=direction)
    start = values.formatted_time(fields[START], "%Y/%m/%d %H:%M:%S", "call start", zone)
    seconds = values.clock(fields[CONNECTED], "connected time")
    if direction == "I" or fields[INTERNAL] == "1":
        return None
    call_id = values.required(fields[CALL_ID], "call id", 40)
    return outgoing(
        record_id=f"{call_id}/{values.fingerprint(*fields[: CONTINUATION + 4], digits=24)}",
        extension=fields[CALLER],
        callee=fields[DIALLED] or fields[CALLED],
        start=start,
        seconds=seconds,
        rang=values.number(fields[RING] or "0", "ring time"),
        code="" if fields[ACCOUNT].lower() == "n/a" else fields[ACCOUNT],
        line=row.line,
        raw=decode(row.raw),
    )
