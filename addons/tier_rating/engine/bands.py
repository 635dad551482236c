"""Time bands: which part of a session lies in which band, in the brand's own time zone.

A moment is stored in UTC; its band is that of the wall clock in the brand's zone. So an hour
that the clock shows twice in autumn counts twice, one that it skips in spring not at all,
and the seconds handed out always add up to the seconds elapsed.
"""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, datetime, timezone
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from .errors import BAD_QUANTITY, Invalid

DAY = 86_400  # seconds
EVERY_DAY = frozenset(range(1, 8))
_NAIVE_EPOCH = datetime(1970, 1, 1)
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_MAX_CACHED_DAYS = 1_000
# Cutting takes some microseconds a day. What claims to last longer is a broken record.
MAX_SECONDS = 3_660 * DAY


class Window(NamedTuple):
    """A span of local time on some days.

    :param frozenset weekdays: ISO weekdays, Monday = 1 … Sunday = 7, on which it starts
    :param int start: second of the day, inclusive
    :param int end: second of the day, exclusive (86400 = midnight). Not after the start:
        the window runs past midnight, into the day after.
    :param frozenset years, months, days: of the day it starts on; empty = any. They make
        holidays: ``months={5}, days={1}``.
    :param frozenset dates: the only days on which it starts, as ``date``; empty = any
    :param frozenset not_dates: days on which it does not start, as ``date``
    """

    weekdays: frozenset = EVERY_DAY
    start: int = 0
    end: int = DAY
    years: frozenset = frozenset()
    months: frozenset = frozenset()
    days: frozenset = frozenset()
    dates: frozenset = frozenset()
    not_dates: frozenset = frozenset()

    @property
    def dated(self):
        return bool(self.years or self.months or self.days or self.dates or self.not_dates)

    def starts_on(self, day):
        """Tell whether the window starts on a day, given in days since 1970."""
        if weekday(day) not in self.weekdays:
            return False
        if not self.dated:
            return True
        when = date.fromordinal(day + _EPOCH_ORDINAL)
        return (
            (not self.years or when.year in self.years)
            and (not self.months or when.month in self.months)
            and (not self.days or when.day in self.days)
            and (not self.dates or when in self.dates)
            and when not in self.not_dates
        )


@dataclass(frozen=True, slots=True)
class Band:
    """A named set of windows, as evening, week-end or holiday.

    :param id: what a rate refers to (hashable)
    :param windows: sequence of :class:`Window`, or of tuples of its first three fields
    """

    id: object
    windows: tuple

    def __post_init__(self):
        windows = tuple(
            Window(frozenset(days), start, end, *map(frozenset, rest)) for days, start, end, *rest in self.windows
        )
        for window in windows:
            if not window.weekdays <= EVERY_DAY:
                raise ValueError(f"band {self.id}: weekdays are 1 (Monday) to 7 (Sunday)")
            if not (0 <= window.start < DAY and 0 <= window.end <= DAY):
                raise ValueError(f"band {self.id}: hours are 0 to 86400 seconds of the day")
        object.__setattr__(self, "windows", windows)


def weekday(day):
    """Return the ISO weekday of a day since 1970-01-01, a Thursday.

    >>> weekday(0), weekday(4)
    (4, 1)
    """
    return (day + 3) % 7 + 1


def epoch(moment):
    """Return the whole seconds from 1970 to a moment, aware or naive UTC.

    >>> epoch(datetime(1970, 1, 2, 0, 0, 1, 999999))
    86401
    """
    delta = moment - (_NAIVE_EPOCH if moment.tzinfo is None else _EPOCH)
    return delta.days * DAY + delta.seconds


class Calendar:
    """The bands of a brand, laid out day by day: the first band that matches wins.

    Build it once and reuse it (:func:`calendar`); a look-up costs some microseconds.

    :param bands: sequence of :class:`Band`, the specific ones first
    :param tzinfo zone: the brand's time zone
    """

    __slots__ = ("_dated", "_days", "bands", "zone")

    def __init__(self, bands, zone):
        self.bands = tuple(bands)
        self.zone = zone
        self._dated = any(window.dated for band in self.bands for window in band.windows)
        self._days = {}

    def at(self, start):
        """Return the index of the band at an epoch second, None outside of all."""
        day, second = divmod(start + self._offset(start), DAY)
        edges, indexes = self._runs(day)
        return indexes[bisect_right(edges, second) - 1]

    def split(self, start, seconds):
        """Return [(index of the band or None, seconds)] of the time from an epoch second."""
        if seconds > MAX_SECONDS:
            raise Invalid(BAD_QUANTITY, "nothing lasts longer than ten years")
        parts = []
        moment, end = start, start + seconds
        while moment < end:
            offset = self._offset(moment)
            day, second = divmod(moment + offset, DAY)
            edges, indexes = self._runs(day)
            run = bisect_right(edges, second)
            edge = edges[run] if run < len(edges) else DAY
            stop = min(end, moment + edge - second)
            if stop - moment > 1 and self._offset(stop - 1) != offset:
                stop = self._clock_change(moment, stop - 1, offset)
            index = indexes[run - 1]
            if parts and parts[-1][0] == index:
                parts[-1] = (index, parts[-1][1] + stop - moment)
            else:
                parts.append((index, stop - moment))
            moment = stop
        return parts

    def _offset(self, moment):
        """Return the seconds by which the wall clock is ahead of UTC."""
        offset = datetime.fromtimestamp(moment, self.zone).utcoffset()
        return offset.days * DAY + offset.seconds

    def _clock_change(self, same, other, offset):
        """Return the first second with another offset; it is in (same, other].

        Less than a day apart, so no zone changes its clock twice in between.
        """
        while other - same > 1:
            middle = (same + other) // 2
            if self._offset(middle) == offset:
                same = middle
            else:
                other = middle
        return other

    def _runs(self, day):
        """Return the seconds at which runs of one band start on a day, and their bands."""
        key = day if self._dated else day % 7
        runs = self._days.get(key)
        if runs is None:
            if len(self._days) >= _MAX_CACHED_DAYS:
                self._days.clear()
            runs = self._days[key] = self._layout(day)
        return runs

    def _layout(self, day):
        spans = []  # (start, end, index) in the order of the bands
        for index, band in enumerate(self.bands):
            for window in band.windows:
                wraps = window.end <= window.start
                if window.starts_on(day):
                    spans.append((window.start, DAY if wraps else window.end, index))
                if wraps and window.starts_on(day - 1):
                    spans.append((0, window.end, index))
        edges, indexes = [], []
        for edge in sorted({0}.union(*(span[:2] for span in spans)) - {DAY}):
            index = next((i for start, end, i in spans if start <= edge < end), None)
            if not edges or indexes[-1] != index:
                edges.append(edge)
                indexes.append(index)
        return tuple(edges), tuple(indexes)


@lru_cache(maxsize=512)
def calendar(bands, timezone_name):
    """Return the one calendar of these bands (a tuple) in a time zone (its IANA name)."""
    return Calendar(bands, ZoneInfo(timezone_name))


def split(start, seconds, tz, bands):
    """Cut a session at the borders of bands.

    :param datetime start: aware, or naive in UTC; a fraction of a second is dropped, for a
        second belongs to the band in which it begins
    :param int seconds: real seconds elapsed
    :param tzinfo tz: the brand's time zone
    :param bands: sequence of :class:`Band`, the specific ones before the general ones
    :return: list of (index of the band, seconds); index None = no band, the all-day rate

    >>> evening = Band("evening", [((1, 2, 3, 4, 5), 18 * 3600, 24 * 3600)])
    >>> split(datetime(2012, 2, 2, 17, 30), 3600, ZoneInfo("UTC"), [evening])
    [(None, 1800), (0, 1800)]
    """
    if seconds <= 0:
        return []
    if not bands:
        return [(None, seconds)]
    return Calendar(bands, tz).split(epoch(start), seconds)
