# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the lines of private exchanges (SMDR) share: an extension that called out.

Incoming and internal calls are no usage of anybody's credit and are left out. A line has
no name of its own: its fields are its identity, so a line that arrives again is known.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from . import _values as values
from .base import RecordError, UsageRecord

#: A call of more than so many seconds is a misread line: 30 days.
LONGEST_S = 30 * 86400


def outgoing(
    record_id: str,
    extension: str,
    callee: str,
    start: datetime,
    seconds: Decimal,
    line: int,
    raw: str,
    rang: Decimal = Decimal(0),
    code: str = "",
    source_ip: str = "",
    session_id: str = "",
) -> UsageRecord:
    """A call from an extension to the outside.

    :param seconds: connected
    :param rang: seconds from the start to the answer
    :param code: account code that the caller entered
    :raise RecordError: if it cannot be trusted
    """
    for field, value in (("duration", seconds), ("ring time", rang)):
        if value > LONGEST_S:
            raise RecordError("bad_number", field=field, value=str(value))
    extension = values.required(extension, "extension", 64)
    answer = start + timedelta(seconds=float(rang))
    return UsageRecord(
        record_id=record_id,
        session_id=session_id,
        accounts=values.identities(
            ("pin", values.text(code, "account code", 64)),
            ("room", extension),
            ("number", extension),
            ("sip_user", extension),
        ),
        caller=extension,
        callee=values.required(callee, "dialled number", 128),
        start=start,
        answer=answer if seconds else None,
        end=answer + timedelta(seconds=float(seconds)),
        quantity=seconds,
        disposition="answered" if seconds else "no_answer",
        source_ip=source_ip,
        line=line,
        raw=raw,
    )
