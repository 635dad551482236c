# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Turn the text of one field into a value, or refuse it by name."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from datetime import datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from functools import lru_cache

from .base import RecordError

UTC = timezone.utc
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: No call that is to be billed lies outside; conversions cannot overflow inside.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
#: The switch's own count of seconds may differ from end - answer by this much:
#: both are cut to whole seconds.
TOLERANCE_S = 2
SECOND = timedelta(seconds=1)
# Characters of a time to the microsecond; what is longer is not remembered.
LONGEST_TIME = 26

# The digits are bounded: Decimal("1e999999999") is a number too, and int() of
# a million digits takes minutes.
_NUMBER = re.compile(r"(-?)(\d{1,18}(?:\.\d{1,9})?)", re.ASCII)
_LOCAL_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.(?:\d{3}|\d{6}))?", re.ASCII)
_CLOCK = re.compile(r"(\d{1,4}):([0-5]\d):([0-5]\d(?:\.\d{1,6})?)", re.ASCII)
_SURROGATE = re.compile("[\ud800-\udfff]")


def text(value: object, field: str, limit: int = 255) -> str:
    """A short text.

    :param value: what the file has; None counts as empty
    :param field: its name, for the message
    :param limit: longest allowed, in characters
    :raise RecordError: if it is no text, too long, or no database would take it
    """
    if not value:
        if value is None or value == "":
            return ""
        raise RecordError("bad_text", field=field)
    if not isinstance(value, str) or "\0" in value or (not value.isascii() and _SURROGATE.search(value)):
        raise RecordError("bad_text", field=field)
    value = value.strip()
    if len(value) > limit:
        raise RecordError("too_long", field=field, limit=limit)
    return value


def loose(value: object, limit: int = 128) -> str:
    """What is kept of a field that the caller controls and nobody computes with.

    An overlong User-Agent must not keep a call from being charged, so this cuts
    and cleans where :func:`text` refuses.
    """
    if not value or not isinstance(value, str):
        return ""
    kept = value.strip()[:limit]
    if "\0" in kept:
        kept = kept.replace("\0", "\ufffd")
    return kept if kept.isascii() else kept.encode("utf-8", "replace").decode("utf-8")


def required(value: object, field: str, limit: int = 255) -> str:
    """As :func:`text`, but refuse an empty one."""
    found = text(value, field, limit)
    if not found:
        raise RecordError("missing", field=field)
    return found


def number(value: object, field: str) -> Decimal:
    """A number of seconds (or microseconds) that is not negative.

    >>> number("2.56", "billsec")
    Decimal('2.56')

    :raise RecordError: for all else, NaN and exponents included
    """
    if isinstance(value, str) and len(value) <= 6 and value.isascii() and value.isdigit():
        return _plain_number(value)
    found = required(value, field, limit=40)
    match = _NUMBER.fullmatch(found)
    if not match:
        raise RecordError("bad_number", field=field, value=found)
    if match[1] and Decimal(match[2]):
        raise RecordError("negative", field=field, value=found)
    return Decimal(match[2])


# Most calls last one of some thousand numbers of seconds.
_plain_number = lru_cache(maxsize=8192)(Decimal)


def clock(value: str, field: str) -> Decimal:
    """Seconds of ``hh:mm:ss``, with any number of hours and perhaps a fraction.

    >>> clock("01:02:03", "duration")
    Decimal('3723')

    :raise RecordError: if it is none
    """
    match = _CLOCK.fullmatch(required(value, field, limit=20))
    if not match:
        raise RecordError("bad_number", field=field, value=value)
    return int(match[1]) * 3600 + int(match[2]) * 60 + Decimal(match[3])


def small_int(value: object, highest: int) -> int | None:
    """An integer from 1 to ``highest``, or None.

    For what is only kept for reference (port, cause): a wrong one must not
    keep a call from being charged.
    """
    if isinstance(value, str) and value.isascii() and value.isdigit():
        found = int(value) if len(value) <= 6 else 0
        if 0 < found <= highest:
            return found
    return None


def ip_address(value: str) -> str:
    """The address in its usual form, or empty if it is none.

    >>> ip_address("[::1]")
    '::1'
    """
    try:
        return str(ipaddress.ip_address(value.strip().strip("[]")))
    except ValueError:
        return ""


def epoch_time(seconds: Decimal, field: str) -> datetime:
    """UTC time of seconds since 1970.

    :raise RecordError: if it is out of the range of billing
    """
    if not 0 < seconds < 10**10:
        raise RecordError("bad_time", field=field, value=str(seconds))
    return _in_range(EPOCH + timedelta(microseconds=int(seconds * 10**6)), field)


def local_time(value: str, field: str, zone: tzinfo, near: datetime | None = None) -> datetime:
    """UTC time of ``2026-11-22 22:26:29`` on the switch's clock.

    :param zone: time zone of that clock
    :param near: about when it was; decides in the hour that a clock shows
        twice when summer time ends
    :raise RecordError: if it is no time, or out of the range of billing
    """
    steady = steady_time(value, zone)
    if steady is not None:
        return steady
    if not _LOCAL_TIME.fullmatch(value):
        raise RecordError("bad_time", field=field, value=value)
    try:
        naive = datetime.fromisoformat(value)
        first = naive.replace(tzinfo=zone).astimezone(UTC)
        if near:
            second = naive.replace(tzinfo=zone, fold=1).astimezone(UTC)
            first = min(first, second, key=lambda moment: abs(moment - near))
    except (ValueError, OverflowError):
        raise RecordError("bad_time", field=field, value=value) from None
    return _in_range(first, field)


def steady_time(value: str, zone: tzinfo) -> datetime | None:
    """As :func:`local_time` where the clock does not change within the hour; None for all else."""
    return _steady_time(value, zone) if len(value) <= LONGEST_TIME else None


# A busy switch writes each second many times over.
@lru_cache(maxsize=8192)
def _steady_time(value: str, zone: tzinfo) -> datetime | None:
    if not _LOCAL_TIME.fullmatch(value):
        return None
    try:
        offset = timedelta() if zone is UTC else _steady_offset(zone, value[:13])
        moment = None if offset is None else (datetime.fromisoformat(value) - offset).replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return moment if moment is not None and EARLIEST <= moment < LATEST else None


@lru_cache(maxsize=1024)
def _steady_offset(zone: tzinfo, hour: str) -> timedelta | None:
    """What the clock of a zone is ahead of UTC for a whole hour; None where it changes within.

    :param hour: as ``2026-11-22 22``
    """
    first = datetime.fromisoformat(f"{hour}:00:00")
    last = first.replace(minute=59, second=59, microsecond=999_999)
    offsets = {moment.replace(tzinfo=zone, fold=fold).utcoffset() for moment in (first, last) for fold in (0, 1)}
    return offsets.pop() if len(offsets) == 1 else None


def iso_time(value: str, field: str, zone: tzinfo) -> datetime:
    """UTC time of ISO 8601, with or without an offset.

    :param zone: time zone of a time without one
    :raise RecordError: if it is no time, or out of the range of billing
    """
    try:
        moment = datetime.fromisoformat(value[:-1] + "+00:00" if value[-1:] in ("Z", "z") else value)
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise RecordError("bad_time", field=field, value=value) from None
    return _in_range(moment, field)


def formatted_time(value: str, form: str, field: str, zone: tzinfo) -> datetime:
    """UTC time of a text in the form of ``strptime``, in a time zone if the text names none.

    :param form: such as ``%d.%m.%Y %H:%M``
    :raise RecordError: if it is not of that form, or out of the range of billing
    """
    try:
        moment = datetime.strptime(value, form)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError, re.error):
        raise RecordError("bad_time", field=field, value=value) from None
    return _in_range(moment, field)


def _in_range(moment: datetime, field: str) -> datetime:
    if not EARLIEST <= moment < LATEST:
        raise RecordError("bad_time", field=field, value=moment.isoformat())
    return moment


def check_order(start: datetime, answer: datetime | None, end: datetime | None) -> None:
    """Refuse a call that ends before it begins."""
    if answer and answer < start:
        raise RecordError("time_order", later="answer", earlier="start")
    if answer and end and end < answer:
        raise RecordError("time_order", later="end", earlier="answer")
    if end and end < start:
        raise RecordError("time_order", later="end", earlier="start")


def check_duration(billed: Decimal, answer: datetime, end: datetime) -> None:
    """Refuse a duration that the call's own times do not bear out.

    :param billed: what the switch counted, in seconds
    """
    elapsed = (end - answer) // SECOND
    if abs(billed - elapsed) > TOLERANCE_S:
        raise RecordError("duration_mismatch", billed=str(billed), elapsed=str(elapsed))


def fingerprint(*parts: str, digits: int = 32) -> str:
    """Hash of several fields, as so many hexadecimal digits.

    The parts are separated, so that ("ab", "c") and ("a", "bc") differ.
    """
    joined = "\x1f".join(parts).encode("utf-8")
    return hashlib.blake2b(joined, digest_size=digits // 2).hexdigest()


def identities(*pairs: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    """The given (kind, value) pairs in order, without empty or repeated ones."""
    found: list[tuple[str, str]] = []
    for pair in pairs:
        if pair[1] and pair not in found:
            found.append(pair)
    return tuple(found)
