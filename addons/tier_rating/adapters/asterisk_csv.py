# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Asterisk's Master.csv, as ``cdr_csv`` writes it.

Columns, in the order of Asterisk's ``cdr/cdr_csv.c``: the sixteen of
:data:`COLUMNS`, then, each by a setting of its own in ``cdr.conf``, uniqueid
(``loguniqueid``), userfield (``loguserfield``) and the three of
``newcdrcolumns``. That makes 16 to 21 columns.

Times are local unless ``usegmtime`` is set: say so by
:attr:`~.base.ReadOptions.timezone`. There is neither an IP address nor a user
agent in it: for those, see :mod:`~.asterisk_custom`.
"""

from __future__ import annotations

from ._asterisk import UNIQUEID, AsteriskAdapter
from .registry import register

COLUMNS = (
    "accountcode",
    "src",
    "dst",
    "dcontext",
    "clid",
    "channel",
    "dstchannel",
    "lastapp",
    "lastdata",
    "start",
    "answer",
    "end",
    "duration",
    "billsec",
    "disposition",
    "amaflags",
)
NEW_COLUMNS = ("peeraccount", "linkedid", "sequence")


@register
class AsteriskCsv(AsteriskAdapter):
    code = "asterisk_csv"
    name = "Asterisk Master.csv"
    description = (
        "The file that Asterisk's cdr_csv writes, with or without uniqueid,"
        " userfield and the new CDR columns. Times are in the switch's time"
        " zone, or UTC with usegmtime."
    )
    widths = frozenset(range(16, 22))

    def columns(self, row):
        rest = row[len(COLUMNS) :]
        tail = ()
        if len(rest) >= len(NEW_COLUMNS):
            tail = NEW_COLUMNS
        optional = len(rest) - len(tail)
        if optional == 2:
            names = ("uniqueid", "userfield")
        elif optional == 1:
            # either setting adds one column; only a uniqueid looks like one
            names = ("uniqueid" if UNIQUEID.fullmatch(rest[0]) else "userfield",)
        else:
            names = ()
        return dict(zip(COLUMNS + names + tail, row, strict=True))
