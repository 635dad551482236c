# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Call charge lines of Siemens HiPath 3000 and Hicom 150, compressed output on V.24 or TCP.

Fixed columns, as in the exchanges' service manuals ("Output Formats for Call Detail Recording"): date of
the end (8, ``dd.mm.yy``), time (8), trunk (3), station (6), ring time (5, ``mm:ss``), duration (8,
``hh:mm:ss``), number (25), charge pulses (11), information element (2), account code (11), MSN (11)
and more. Blank columns at the end may be missing.
"""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

from . import _values as values
from ._by_line import LineAdapter, LineReader
from ._smdr import outgoing
from .base import RecordError
from .registry import register

_LINE = re.compile(
    r"(?P<date>\d\d\.\d\d\.\d\d)(?P<time>\d\d:\d\d:\d\d)(?P<trunk>[ \d]{3})(?P<station>[ \w*#]{6})"
    r"(?P<ring>\d\d:\d\d| {5})(?P<duration>\d\d:\d\d:\d\d| {8})(?P<number>[ \w*#+?]{25})(?P<pulses>[ \d.,]{11})"
    r"(?P<kind>[ \d]{2})(?P<code>.{0,11}).{0,40}",
    re.ASCII,
)
#: Information elements: calls to the outside, of voice and of other services, and those passed on.
_OUTGOING = ("2", "4", "6")
#: Calls from the outside, one that begins to ring (0) included.
_INCOMING = ("0", "1", "3", "5")


@register
class HipathSmdr(LineAdapter):
    code = "hipath_smdr"
    name = "Siemens HiPath SMDR"
    description = (
        "The compressed lines that HiPath 3000 and Hicom 150 exchanges print: outgoing calls by station and"
        " account code; incoming ones are left out. Times are those of the call's end, in the exchange's time zone."
    )

    def reader(self, options):
        return HipathReader(options)


class HipathReader(LineReader):
    def record(self, said, number):
        match = _LINE.fullmatch(said.ljust(76))
        if not match:
            raise RecordError("not_smdr", detail=said[:40])
        end = values.formatted_time(f"{match['date']} {match['time']}", "%d.%m.%y %H:%M:%S", "date", self.zone)
        kind = match["kind"].strip()
        if kind in _INCOMING:
            return None
        if kind not in _OUTGOING:
            raise RecordError("bad_disposition", value=kind or "?")
        seconds = self._seconds(match["duration"].strip())
        rang = self._seconds(f"00:{match['ring']}" if match["ring"].strip() else "")
        return outgoing(
            record_id=f"line:{values.fingerprint(said.rstrip())}",
            extension=match["station"].strip(),
            callee=match["number"].strip(),
            start=end - timedelta(seconds=float(rang + seconds)),
            seconds=seconds,
            rang=rang,
            code=match["code"].strip(),
            line=number,
            raw=said,
        )

    @staticmethod
    def _seconds(text: str) -> Decimal:
        return values.clock(text, "duration") if text else Decimal(0)
