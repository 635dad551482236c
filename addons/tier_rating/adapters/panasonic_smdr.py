# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""SMDR lines of Panasonic exchanges (KX-TA, KX-TDA, KX-NS and their kin).

Columns as in the KX-NS1000 feature guide, pattern A: date, time, extension, trunk,
number, ring time, duration, account code, condition; older models print no ring time::

    01/02/02 10:15AM  1200 01 1234567890123456            0'05 00:01'05 9876543210

Page headers are repeated within the stream and left out, and so are incoming calls
(``<I>``, ``< incoming >``). Whether the month or the day stands first is a setting of
the exchange, and so two formats here. The time is that of the call's beginning or
end, by model, to the minute: it is taken for the beginning.
"""

from __future__ import annotations

import re
from datetime import tzinfo
from decimal import Decimal
from typing import BinaryIO

from . import _values as values
from ._lines import Line, read_lines
from ._smdr import outgoing
from .base import UNFORESEEN, Adapter, ReadOptions, RecordError, Records, UsageRecord, decode
from .registry import register

_LINE = re.compile(
    r"(?P<date>\d\d/\d\d/\d\d)\s+(?P<time>\d\d?:\d\d\s?(?:[AP]M?)?)\s+(?P<extension>\*?\w{1,16})\s+(?P<trunk>\d{1,5})\s+"
    r"(?P<number><[^<>]{1,20}>\S{0,64}|\S{1,64})\s+(?:(?P<ring>\d{1,2}'\d\d)\s+)?(?P<duration>\d\d:\d\d'\d\d)"
    r"(?:\s+(?P<code>[\w*#-]{1,32}))?(?:\s+(?P<condition>\S{1,8}))?[\s.]*",
    re.ASCII,
)
_HEADER = re.compile(r"[-=\s]+|\s*Date\s+Time\s+.*", re.IGNORECASE)


class PanasonicAdapter(Adapter):
    """Base of the two orders of the date."""

    #: date and 24-hour time, in the form of strptime
    form: str

    # pylint: disable-next=method-required-super
    def read(self, stream: BinaryIO, options: ReadOptions | None = None) -> Records:
        options = options or ReadOptions()
        for line in read_lines(stream, options.max_line):
            try:
                record = self._usage_record(line, options)
                if record:
                    yield record
            except RecordError as refused:
                yield refused.bad_record(line.number, line.data.rstrip())
            except UNFORESEEN as error:
                # a gap in the checks costs one record, not the rest of the file
                problem = RecordError("unreadable", detail=type(error).__name__)
                yield problem.bad_record(line.number, line.data.rstrip())

    def _usage_record(self, line: Line, options: ReadOptions) -> UsageRecord | None:
        if line.too_large:
            raise RecordError("too_large", limit=options.max_line)
        if b"\0" in line.data:
            raise RecordError("nul_byte")
        said = decode(line.data).strip()
        if not said or said.startswith("#") or _HEADER.fullmatch(said):
            return None
        match = _LINE.fullmatch(said)
        if not match:
            raise RecordError("not_smdr", detail=said[:40])
        start = self._start(match, options.tzinfo)
        if match["number"].startswith("<"):
            return None
        seconds = values.clock(match["duration"].replace("'", ":"), "duration")
        ring = match["ring"]
        return outgoing(
            record_id=f"line:{values.fingerprint(' '.join(said.split()))}",
            extension=match["extension"],
            callee=match["number"],
            start=start,
            seconds=seconds,
            rang=values.clock("00:" + ring.replace("'", ":").zfill(5), "ring time") if ring else Decimal(0),
            code=match["code"] or "",
            line=line.number,
            raw=said,
        )

    def _start(self, match: re.Match[str], zone: tzinfo):
        clock = match["time"].replace(" ", "").upper()
        form = f"{self.form} %H:%M"
        if clock[-1] in "APM":
            clock = clock.rstrip("M").replace("A", "AM").replace("P", "PM")
            form = f"{self.form} %I:%M%p"
        return values.formatted_time(f"{match['date']} {clock}", form, "date", zone)


@register
class PanasonicMonthFirst(PanasonicAdapter):
    code = "panasonic_smdr"
    name = "Panasonic SMDR, month first"
    description = (
        "The lines that Panasonic exchanges print, with dates as month/day/year: outgoing calls by extension"
        " and account code; incoming ones are left out. Times are in the exchange's time zone."
    )
    form = "%m/%d/%y"


@register
class PanasonicDayFirst(PanasonicAdapter):
    code = "panasonic_smdr_dmy"
    name = "Panasonic SMDR, day first"
    description = (
        "The lines that Panasonic exchanges print, with dates as day/month/year: outgoing calls by extension"
        " and account code; incoming ones are left out. Times are in the exchange's time zone."
    )
    form = "%d/%m/%y"
