# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The call monitor of an AVM FRITZ!Box (TCP port 1012, switched on by dialling #96*5*), written to a file.

A line for each thing that happens, with the number of its connection::

    16.06.20 15:04:02;CALL;1;13;97911585;0301234567;SIP1;
    16.06.20 15:04:10;CONNECT;1;13;0301234567;
    16.06.20 15:05:15;DISCONNECT;1;65;

A call is charged at its end; ``RING`` begins one that came in, which is left out.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from . import _values as values
from ._by_line import LineAdapter, LineReader
from .base import RecordError
from .fritzbox_csv import line_call
from .registry import register

_WORDS = {"CALL": 7, "RING": 6, "CONNECT": 5, "DISCONNECT": 4}


class _Open(NamedTuple):
    """A call that has not ended.

    :ivar answer: None as long as it rings
    :ivar is_ours: it went out
    """

    said: str
    line: int
    start: datetime
    fields: list[str]
    answer: datetime | None = None
    is_ours: bool = True


@register
class FritzboxMonitor(LineAdapter):
    code = "fritzbox_monitor"
    name = "FRITZ!Box call monitor"
    description = (
        "What the call monitor of a FRITZ!Box reports, recorded line by line: outgoing calls by extension and own"
        " number, to the second; others are left out. Times are in the box's time zone."
    )

    def reader(self, options):
        return FritzboxMonitorReader(options)


class FritzboxMonitorReader(LineReader):
    def __init__(self, options):
        super().__init__(options)
        self._open: dict[str, _Open] = {}
        self._lost: list[_Open] = []

    def record(self, said, number):
        fields = [field.strip() for field in said.strip("\ufeff").split(";")]
        word = fields[1] if len(fields) > 2 else ""
        if word not in _WORDS or len(fields) < _WORDS[word]:
            raise RecordError("not_smdr", detail=said[:40])
        moment = values.formatted_time(fields[0], "%d.%m.%y %H:%M:%S", "date", self.zone)
        connection = fields[2]
        if not (connection.isascii() and connection.isdigit() and len(connection) < 4):
            raise RecordError("bad_number", field="connection", value=connection)
        known = self._open.get(connection)
        if word in ("CALL", "RING"):
            if known and known.is_ours:
                # Its end was never written: it waits for a person, and this line is the next call.
                self._lost.append(known)
            self._open[connection] = _Open(said, number, moment, fields, is_ours=word == "CALL")
            return None
        if word == "CONNECT":
            if known:
                self._open[connection] = known._replace(answer=moment)
            return None
        return self._ended(self._open.pop(connection, None), fields, said, moment)

    def _ended(self, call, fields, said, moment):
        seconds = values.number(fields[3], "duration")
        if call is None:
            if not seconds:
                return None
            raise RecordError("not_a_record_text", field="CALL")
        if not call.is_ours:
            return None
        values.check_order(call.start, call.answer, moment)
        _date, _word, _connection, extension, own, callee = call.fields[:6]
        answer = call.answer or call.start
        return line_call(
            record_id=f"line:{values.fingerprint(call.said)}",
            extension=extension,
            own=own,
            callee=callee,
            start=call.start,
            seconds=seconds,
            rang=values.number(str(int((answer - call.start).total_seconds())), "ring time"),
            line=call.line,
            raw=f"{call.said}\n{said}",
        )

    def rest(self):
        """Yield the calls whose end was never written: nobody knows how long they lasted."""
        for call in (*self._lost, *self._open.values()):
            if call.is_ours:
                yield RecordError("not_a_record_text", field="DISCONNECT").bad_record(call.line, call.said)
