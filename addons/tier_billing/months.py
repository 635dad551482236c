"""On which day of each month something falls due. No Odoo here."""

from calendar import monthrange
from datetime import timedelta


def due_in(month, day):
    """Return the day in a month; its last where the month is shorter.

    >>> from datetime import date
    >>> str(due_in(date(2027, 2, 1), 31))
    '2027-02-28'
    >>> str(due_in(date(2028, 2, 15), 30))
    '2028-02-29'

    :param date month: any day of the month
    :param int day: 1 to 31
    :rtype: date
    """
    return month.replace(day=min(day, monthrange(month.year, month.month)[1]))


def first_due(since, day):
    """Return the first such day, today included.

    >>> from datetime import date
    >>> str(first_due(date(2026, 11, 30), 31))
    '2026-11-30'
    >>> str(first_due(date(2026, 12, 2), 1))
    '2027-01-01'

    :param date since: from when on
    :param int day: 1 to 31
    :rtype: date
    """
    due = due_in(since, day)
    return due if due >= since else due_in(next_month(since), day)


def next_month(month):
    """Return the first day of the month after.

    >>> from datetime import date
    >>> str(next_month(date(2026, 12, 31)))
    '2027-01-01'

    :param date month: any day of the month
    :rtype: date
    """
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)
