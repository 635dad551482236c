"""Periods of usage: days where the company is, as moments in UTC."""

from datetime import datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

from odoo import fields


def midnight(day, zone):
    """Return when a day begins.

    :param date day: where the zone is
    :param str zone: name of a time zone; None for UTC
    :return: naive UTC ``datetime``

    >>> from datetime import date
    >>> midnight(date(2026, 7, 1), "Europe/Berlin")
    datetime.datetime(2026, 6, 30, 22, 0)
    """
    local = datetime.combine(day, time.min, ZoneInfo(zone or "UTC"))
    return local.astimezone(timezone.utc).replace(tzinfo=None)


def today(zone):
    """Return which day it is.

    :param str zone: name of a time zone; None for UTC
    :rtype: datetime.date
    """
    # Odoo's clock, which tests stop.
    return fields.Datetime.now().replace(tzinfo=timezone.utc).astimezone(ZoneInfo(zone or "UTC")).date()


def bounds(first, last, zone):
    """Return the moments from which and before which usage is of a period.

    :param date first: first day of the period
    :param date last: last day of the period
    :param str zone: name of a time zone; None for UTC
    :return: two naive UTC ``datetime``

    >>> from datetime import date
    >>> bounds(date(2026, 3, 29), date(2026, 3, 29), "Europe/Berlin")
    (datetime.datetime(2026, 3, 28, 23, 0), datetime.datetime(2026, 3, 29, 22, 0))
    """
    return midnight(first, zone), midnight(last + timedelta(days=1), zone)


def last_complete(interval, today):
    """Return the first and last day of the latest period that is over.

    :param str interval: week (from Monday), month or quarter
    :param date today: where the company is

    >>> from datetime import date
    >>> last_complete("month", date(2026, 3, 1))
    (datetime.date(2026, 2, 1), datetime.date(2026, 2, 28))
    >>> last_complete("week", date(2026, 11, 23))
    (datetime.date(2026, 11, 16), datetime.date(2026, 11, 22))
    >>> last_complete("quarter", date(2026, 2, 28))
    (datetime.date(2025, 10, 1), datetime.date(2025, 12, 31))
    """
    if interval == "week":
        first = today - timedelta(days=today.weekday() + 7)
        return first, first + timedelta(days=6)
    if interval == "quarter":
        last = today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1) - timedelta(days=1)
        return last.replace(month=last.month - 2, day=1), last
    last = today.replace(day=1) - timedelta(days=1)
    return last.replace(day=1), last
