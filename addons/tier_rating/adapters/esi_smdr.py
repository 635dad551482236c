# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""SMDR lines of ESI IVX exchanges, in their comma-separated form.

Eight fields: type (O or I), date ``mmddyyyy``, time ``hhmmss``, duration ``hhmmss``,
extension, digits dialled or caller id, name, line.
"""

from __future__ import annotations

from datetime import tzinfo
from typing import BinaryIO

from . import _values as values
from ._csv_rows import Row, read_rows
from ._smdr import outgoing
from .base import UNFORESEEN, Adapter, ReadOptions, RecordError, Records, UsageRecord, decode
from .registry import register


@register
class EsiSmdr(Adapter):
    code = "esi_smdr"
    name = "ESI IVX SMDR"
    description = (
        "The comma-separated lines of ESI IVX: outgoing calls by extension; incoming ones are left out."
        " Times are in the exchange's time zone."
    )

    # pylint: disable-next=method-required-super
    def read(self, stream: BinaryIO, options: ReadOptions | None = None) -> Records:
        options = options or ReadOptions()
        for row in read_rows(stream, frozenset((8,)), options.max_line):
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
    kind, date, time, duration, extension, digits, _name, _line = (field.strip() for field in row.fields)
    if kind not in ("I", "O"):
        raise RecordError("bad_disposition", value=values.text(kind, "type"))
    start = values.formatted_time(f"{date} {time}", "%m%d%Y %H%M%S", "date", zone)
    if len(duration) != 6:
        raise RecordError("bad_number", field="duration", value=duration)
    seconds = values.clock(f"{duration[:2]}:{duration[2:4]}:{duration[4:]}", "duration")
    if kind == "I":
        return None
    return outgoing(
        record_id=f"line:{values.fingerprint(*row.fields)}",
        extension=extension,
        callee=digits,
        start=start,
        seconds=seconds,
        line=row.line,
        raw=decode(row.raw),
    )
