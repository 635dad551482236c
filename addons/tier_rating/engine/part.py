"""What counts of a month that does not begin or end with its subscription.

A month of a package that begins on the 23rd has eight of thirty days left. Where the package
says so its fee, and what it includes, are by these days; days are those of the seller's
calendar, so that the length of a day of 23 or 25 hours makes no difference.

>>> from datetime import date
>>> part_of_month(date(2026, 11, 1), date(2026, 11, 23), None)
Part(days=8, of=30)
>>> included(Part(8, 30), 6000, 60)
1620
"""

from calendar import monthrange
from typing import NamedTuple


class Part(NamedTuple):
    """So many days of so many; no days of none is the whole of what has no days."""

    days: int
    of: int

    @property
    def is_whole(self):
        """Whether all of it counts."""
        return self.days == self.of

    def share(self, quantity):
        """Return (numerator, denominator) of the part of a quantity, two integers.

        >>> Part(8, 30).share(100), WHOLE.share(100)
        ((800, 30), (100, 1))
        """
        return (quantity, 1) if self.is_whole else (quantity * self.days, self.of)


WHOLE = Part(0, 0)


def part_of_month(month, first=None, last=None):
    """Return which part of a month lies between two days.

    :param date month: any day of it
    :param date first: from which the month counts; None, or before it = from its first day
    :param date last: up to which, included; None, or after it = up to its last day
    :rtype: Part

    >>> from datetime import date
    >>> part_of_month(date(2028, 2, 1), date(2028, 2, 10), date(2028, 2, 19))
    Part(days=10, of=29)
    >>> part_of_month(date(2026, 2, 1), date(2026, 1, 31)).is_whole
    True
    """
    days = monthrange(month.year, month.month)[1]
    here = (month.year, month.month)
    begins = first.day if first and (first.year, first.month) == here else 1
    ends = last.day if last and (last.year, last.month) == here else days
    return Part(max(ends - begins + 1, 0), days)


def included(part, quantity, increment=1):
    """Return what a part of a month includes: whole steps, rounded up, never more than the month.

    :param Part part: of the month
    :param int quantity: units of the whole month
    :param int increment: units in which they are used

    >>> included(Part(1, 31), 100), included(Part(1, 31), 100, 60), included(Part(31, 31), 100, 60)
    (4, 60, 100)
    """
    above, below = part.share(quantity)
    return min(quantity, -(-above // (below * increment)) * increment)
