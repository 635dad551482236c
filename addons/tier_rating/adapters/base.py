# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What every call-record adapter takes and yields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone, tzinfo
from decimal import Decimal
from typing import TYPE_CHECKING, BinaryIO
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .reasons import REASONS

if TYPE_CHECKING:
    from ._mapping import FieldMap

#: How much of an unreadable record is kept for a person to look at, in
#: characters. A 10 MB line must not become a 10 MB database row.
RAW_LIMIT = 4000

#: What converting a hostile record might raise if a check were missing.
UNFORESEEN = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


# Not frozen, though nobody changes one: that would treble the time to make it.
@dataclass(slots=True)
class UsageRecord:
    """One thing consumed, as the switch reports it and before any pricing.

    :ivar record_id: unique within its switch; the same record read twice has
        the same id, two legs of one call have different ones
    :ivar session_id: what the switch calls the session (FreeSWITCH uuid,
        Asterisk uniqueid) to find the authorization; empty if unknown
    :ivar accounts: identities to find the endpoint by, best first, each
        ``(kind, value)`` with the kinds of ``tier.endpoint``
    :ivar caller: number or name of the caller, as the switch has it
    :ivar callee: number as dialled, not normalized; or the resource
    :ivar resource: code by which rates know what is not a number; empty for calls
    :ivar start: when the call came in, UTC
    :ivar answer: when it was answered, UTC; None if it was not
    :ivar end: when it ended, UTC
    :ivar quantity: seconds from answer to end, with fraction if the switch
        gives one; 0 if not answered. Not yet rounded to any increment. Units
        of the service where that is not counted in seconds
    :ivar disposition: ``answered``, ``no_answer``, ``busy``, ``congestion`` or
        ``failed``
    :ivar cause: the switch's own word for how the call ended
    :ivar q850: ITU-T Q.850 cause, e.g. 16 for normal clearing
    :ivar sip_code: final SIP status, e.g. 486
    :ivar line: line of the file on which the record begins, from 1
    :ivar raw: the record's own text
    """

    record_id: str
    callee: str
    start: datetime
    line: int
    raw: str
    service: str = "voice"
    resource: str = ""
    session_id: str = ""
    accounts: tuple[tuple[str, str], ...] = ()
    caller: str = ""
    answer: datetime | None = None
    end: datetime | None = None
    quantity: Decimal = Decimal(0)
    disposition: str = "failed"
    cause: str = ""
    q850: int | None = None
    sip_code: int | None = None
    source_ip: str = ""
    source_port: int | None = None
    user_agent: str = ""

    @property
    def answered(self) -> bool:
        """Whether the call was answered, be it for less than a second."""
        return self.answer is not None


@dataclass(frozen=True)
class BadRecord:
    """A part of the file that yields no usage; never dropped silently.

    :ivar line: line of the file on which it begins, from 1
    :ivar reason: short code, a key of :data:`~.reasons.REASONS`
    :ivar message: the sentence for people, in English
    :ivar raw: the text, cut to :data:`RAW_LIMIT` characters
    :ivar values: what fills the template ``REASONS[reason]``
    """

    line: int
    reason: str
    message: str
    raw: str
    values: Mapping[str, str | int] = field(default_factory=dict, hash=False)


Records = Iterator[UsageRecord | BadRecord]


class RecordError(Exception):
    """Raised while one record is converted; becomes one :class:`BadRecord`.

    :param reason: a key of :data:`~.reasons.REASONS`
    :param values: what its template names
    """

    def __init__(self, reason: str, **values: str | int):
        super().__init__(reason)
        self.reason = reason
        self.values = {name: excerpt(value, 80) if isinstance(value, str) else value for name, value in values.items()}

    def bad_record(self, line: int, raw: bytes | str) -> BadRecord:
        """The record to yield instead.

        :param line: line on which the refused record begins
        :param raw: its text, of any length
        """
        message = REASONS[self.reason] % self.values
        return BadRecord(line, self.reason, message, excerpt(raw), self.values)


@dataclass(frozen=True)
class ReadOptions:
    """How to read a file where the format leaves it open.

    :param timezone: IANA name of the time zone in which a switch writes times
        that carry none. Formats with absolute times ignore it.
    :param mapping: what a person says of the columns, for formats that leave that open
    :param max_line: longest CSV line, in bytes
    :param max_object: longest JSON record, in bytes
    :raise ValueError: if there is no such time zone
    """

    timezone: str = "UTC"
    mapping: FieldMap | None = None
    max_line: int = 65536
    max_object: int = 1_000_000

    def __post_init__(self):
        _ = self.tzinfo  # refuse a wrong name here: read() itself never raises

    @property
    def tzinfo(self) -> tzinfo:
        if self.timezone == "UTC":
            return timezone.utc
        try:
            return ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"Unknown time zone: {self.timezone!r}") from error


class Adapter:
    """Reads the records of one format.

    A subclass sets the three names, implements :meth:`read` and stands under
    :func:`~.registry.register`.

    :cvar code: short and stable, stored in the database
    :cvar name: for people
    :cvar description: which program writes this, with which settings
    :cvar is_mapped: it needs a mapping that a person made
    """

    code: str
    name: str
    description: str
    is_mapped: bool = False

    # pylint: disable-next=method-required-super
    def read(self, stream: BinaryIO, options: ReadOptions | None = None) -> Records:
        """Yield the records of a file in their order, in bounded memory.

        Whatever the bytes are, this yields and never raises; only an error of
        the stream itself (``OSError``) passes through.

        :param stream: the file, opened in binary mode; need not be seekable
        :param options: defaults to UTC and the usual limits
        """
        raise NotImplementedError


def decode(data: bytes) -> str:
    """Text of bytes that are UTF-8, with or without BOM, or else Latin-1.

    >>> decode(b"Bistro Lumi\\xc3\\xa8re") == decode(b"Bistro Lumi\\xe8re")
    True
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def excerpt(raw: bytes | str, limit: int = RAW_LIMIT) -> str:
    """Text that a database takes: no NUL, no lone surrogate, not too long.

    >>> excerpt("a\\0b")
    'a\\ufffdb'
    >>> excerpt(b"abcdef", 3)
    'abc… (6)'
    """
    size = len(raw)
    head = raw[:limit]
    text = decode(head) if isinstance(head, bytes) else head
    text = text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    return f"{text}… ({size})" if size > limit else text
