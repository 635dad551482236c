"""Spans of time that a page can be limited to, as the user's calendar has them."""

from datetime import date, datetime, time, timedelta
from typing import NamedTuple

import pytz

from odoo.fields import Domain


class Period(NamedTuple):
    """From a moment up to, but not including, another; naive UTC, None = open."""

    start: datetime | None = None
    stop: datetime | None = None

    def domain(self, field="date"):
        """Return what limits records to this period.

        :param str field: name of the datetime
        :rtype: Domain
        """
        result = Domain.TRUE
        if self.start:
            result &= Domain(field, ">=", self.start)
        if self.stop:
            result &= Domain(field, "<", self.stop)
        return result


def midnight(day, tz):
    """Return when a day begins.

    :param date day: in the time zone
    :param tz: ``pytz`` time zone
    :return: naive UTC ``datetime``

    >>> midnight(date(2026, 7, 1), pytz.timezone("Europe/Berlin"))
    datetime.datetime(2026, 6, 30, 22, 0)
    """
    return tz.localize(datetime.combine(day, time.min)).astimezone(pytz.utc).replace(tzinfo=None)


def days(code, today):
    """Return the first and the last day of a named period.

    :param str code: all, today, month, last_month or year
    :param date today: in the user's time zone
    :return: tuple of two dates, None = open

    >>> days("last_month", date(2026, 1, 31))
    (datetime.date(2025, 12, 1), datetime.date(2025, 12, 31))
    """
    first = today.replace(day=1)
    if code == "today":
        return today, today
    if code == "month":
        return first, None
    if code == "last_month":
        last = first - timedelta(days=1)
        return last.replace(day=1), last
    if code == "year":
        return today.replace(month=1, day=1), None
    return None, None


def between(first, last, tz):
    """Return the period from the beginning of one day to the end of another.

    :param date first: None = open
    :param date last: None = open
    :param tz: ``pytz`` time zone of the days
    :rtype: Period

    >>> between(None, date(2026, 3, 29), pytz.timezone("Europe/Berlin")).stop
    datetime.datetime(2026, 3, 29, 22, 0)
    """
    return Period(
        midnight(first, tz) if first else None,
        midnight(last + timedelta(days=1), tz) if last else None,
    )


def parse(text):
    """Return the day that a form field holds, None if it holds none.

    :param str text: as browsers send it, such as 2026-11-23

    >>> parse("2026-11-23"), parse("23.11.2026"), parse(None), parse("0001-01-01"), parse("9999-12-31")
    (datetime.date(2026, 11, 23), None, None, None, None)
    """
    try:
        day = date.fromisoformat(text or "")
    except ValueError:
        return None
    # The edges of the calendar leave no room for a time zone.
    return day if 1900 <= day.year <= 2999 else None
