"""Two days of one price list side by side.

What is compared are rates as they are valid on the two days. A rate that somebody
overwrote, or a mark-up that was changed, leaves nothing to compare with: prices change
by new rates from a day on.
"""

from typing import NamedTuple

from .effective import Row, Sheet

NEW, REMOVED, UP, DOWN, TERMS, BLOCKED, SAME = "new", "removed", "up", "down", "terms", "blocked", "same"
# Every change that compare() tells.
KINDS = (NEW, UP, DOWN, TERMS, BLOCKED, REMOVED)


class Change(NamedTuple):
    """What became of a prefix.

    :param str kind: one of :data:`KINDS`, or ``same``
    :param Row row: as it is now; as it was, if it was removed
    :param Row before: as it was, None if it is new
    """

    kind: str
    row: Row
    before: Row | None


def compare(env, price_list, service, since, day, currency=None):
    """Yield what became of every prefix from one day to another, in the order of prefixes.

    Both days are converted at the exchange rates of the later one, so that
    only prices make a difference.

    :param env: any environment
    :param price_list: ``tier.price.list``
    :param service: ``tier.service``
    :param date since: the earlier day
    :param date day: the later day
    :param currency: see :class:`.effective.Sheet`
    :return: iterator of :class:`Change`
    """
    before = Sheet(env, price_list, service, since, currency, converted_on=day).rows()
    now = Sheet(env, price_list, service, day, currency).rows()
    old, new = next(before, None), next(now, None)
    while old or new:
        if old is None or (new and new.prefix < old.prefix):
            yield Change(BLOCKED if _blocked(new) else NEW, new, None)
            new = next(now, None)
        elif new is None or old.prefix < new.prefix:
            yield Change(REMOVED, old, old)
            old = next(before, None)
        else:
            yield Change(_kind(old, new), new, old)
            old, new = next(before, None), next(now, None)


def _blocked(row):
    return all(price.blocked for price in row.prices)


def _kind(old, new):
    if _what(old) == _what(new):
        return SAME
    if _blocked(new):
        return BLOCKED
    if _blocked(old):
        return NEW
    # By the first price: in the day-time, where there are bands.
    was, now = old.first_price, new.first_price
    if was == now:
        return TERMS
    return UP if now > was else DOWN


def _what(row):
    """Return what a customer pays, without since when."""
    return [price[:-2] for price in row.prices], row.volume
