# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The call list of an AVM FRITZ!Box, saved as CSV from its pages or mailed by it.

Fields, separated by semicolons: type, date ``dd.mm.yy hh:mm``, name, number, (area, in newer releases),
extension, own number, duration ``h:mm``. Types: 1 came in, 2 was missed, 4 went out; 3 went out in older
releases and was refused in newer ones, where it then lasted 0:00. The box counts begun minutes: for
seconds let its call monitor be recorded, see :mod:`~.fritzbox_monitor`.
"""

from __future__ import annotations

import re
from decimal import Decimal

from . import _values as values
from ._by_line import LineAdapter, LineReader
from ._smdr import outgoing
from .base import RecordError
from .registry import register

_DURATION = re.compile(r"(\d{1,4}):([0-5]\d)", re.ASCII)
_HEADER = ("typ", "type")
# The box writes by which way the number is reached, as in Internet: 97911585.
_KIND_OF_LINE = re.compile(r"[^\W\d]{1,20}: ?")


@register
class FritzboxCsv(LineAdapter):
    code = "fritzbox_csv"
    name = "FRITZ!Box call list"
    description = (
        "The call list of a FRITZ!Box as CSV: outgoing calls by extension and own number, in begun minutes;"
        " others are left out. Times are in the box's time zone."
    )

    def reader(self, options):
        return FritzboxReader(options)


class FritzboxReader(LineReader):
    def record(self, said, number):
        fields = [field.strip() for field in said.strip("\ufeff").split(";")]
        if fields[0].lower() in _HEADER or fields[0].lower() == "sep=":
            return None
        if len(fields) not in (7, 8):
            raise RecordError("wrong_columns", count=len(fields), expected="7, 8")
        kind, date, _name, callee, *_area, extension, own, duration = fields
        start = values.formatted_time(date, "%d.%m.%y %H:%M", "date", self.zone)
        match = _DURATION.fullmatch(duration)
        if not match:
            raise RecordError("bad_number", field="duration", value=duration)
        seconds = Decimal(int(match[1]) * 3600 + int(match[2]) * 60)
        if kind not in ("1", "2", "3", "4"):
            raise RecordError("bad_disposition", value=values.text(kind, "type"))
        if kind in ("1", "2") or (kind == "3" and not seconds):
            return None
        return line_call(
            record_id=f"line:{values.fingerprint(*fields)}",
            extension=extension,
            own=_KIND_OF_LINE.sub("", own, count=1),
            callee=callee,
            start=start,
            seconds=seconds,
            line=number,
            raw=said,
        )


def line_call(extension: str, own: str, **call):
    """A call from a FRITZ!Box: known by its extension, else by the own number that it used.

    :param extension: name or number of the telephone
    :param own: number of the line
    :param call: more parameters of :func:`~._smdr.outgoing`
    """
    record = outgoing(extension=extension or own, **call)
    own = values.text(own, "own number", 64)
    record.accounts = values.identities(*record.accounts, ("number", own), ("sip_user", own))
    return record
