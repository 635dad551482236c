# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A line of Asterisk's ``cdr_custom`` made for billing.

Master.csv has neither IP address nor user agent, so this format carries them.
Asterisk writes it with this in ``cdr_custom.conf``::

    [mappings]
    Billing.csv => ${CSV_QUOTE(${CDR(uniqueid)})},${CSV_QUOTE(${CDR(linkedid)})},…

one ``${CSV_QUOTE(…)}`` for each of :data:`COLUMNS`, in that order, where the
last two and ``sipcallid`` come from ``CHANNEL(pjsip,remote_addr)``,
``PJSIP_HEADER(read,User-Agent)`` and ``CHANNEL(pjsip,call-id)``, kept in CDR
variables by the dialplan. ``${CDR(start,u)}`` (seconds since 1970) and
``${CDR(billsec,f)}`` (with fraction) may stand for the plain forms.

A 16th column, ``${CDR(sequence)}``, is optional; with it, two records of one
call are told apart for certain.
"""

from __future__ import annotations

from ._asterisk import AsteriskAdapter
from .registry import register

COLUMNS = (
    "uniqueid",
    "linkedid",
    "sipcallid",
    "accountcode",
    "src",
    "dst",
    "start",
    "answer",
    "end",
    "duration",
    "billsec",
    "disposition",
    "hangupcause",
    "remote_addr",
    "useragent",
)


@register
class AsteriskCustom(AsteriskAdapter):
    code = "asterisk_custom"
    name = "Asterisk custom billing line"
    description = (
        "A cdr_custom file with IP address, port and user agent: uniqueid,"
        " linkedid, SIP call id, account code, source, destination, start,"
        " answer, end, duration, billed seconds, disposition, hangup cause,"
        " remote address, user agent and, if present, sequence."
    )
    widths = frozenset((15, 16))

    def columns(self, row):
        return dict(zip((*COLUMNS, "sequence"), row, strict=False))
