"""How long may a session last: the longest that its payer can pay for.

>>> from datetime import datetime
>>> from .offer import Offer
>>> from .tariff import Rate, Terms
>>> offer = Offer(
...     Terms(connection_charge=Decimal("0.15"), rounding_method="up"),
...     (Rate(1, "44", Decimal("0.05")),),
... )
>>> grantable(offer, datetime(2016, 1, 13, 14), Decimal(1))
1020
"""

from decimal import Decimal
from math import floor

from .rounding import EXACT
from .session import Session

# Where nothing limits a session: a day is longer than any re-authorization needs.
USUAL_SECONDS = 86_400
# Whatever is asked for.
MAX_SECONDS = 366 * 86_400
MAX_UNITS = 10**15


def grantable(offer, start, available, cap=None):
    """Return the most that can be paid for, in whole blocks.

    The connection charge, the minimum charge, the surcharge, the grace seconds and the
    bands ahead are all counted, and the rounding: the price of the grant is never above
    ``available``, that of the next block is, unless a limit came first. A limit (the brand's
    longest session, ``cap``, or the hour from which there is no rate) is granted exactly,
    though it lies within a block, if that block can be paid for.

    :param Offer offer: what the payer pays
    :param datetime start: of the session, aware or naive UTC
    :param Decimal available: in the payer's currency. Below zero only what is free is
        granted, such as emergency calls.
    :param cap: seconds or units asked for; None = as many as possible, up to a day
    :return: seconds or units, ``int``; 0 = not even the first block
    :raise Refused: no rate, or blocked, at the start or within the first block
    """
    limit = longest([offer], cap)
    if limit < 1:
        return 0
    session = Session(offer, start, limit)
    reached = session.affordable(coins(available, offer.terms.rounding_digits), session.limit)
    return reached if reached == session.limit else session.blocks.floor(reached)


def longest(offers, cap=None):
    """Return the least of the limits of all brands and of the cap."""
    limits = [offer.terms.max_session for offer in offers if offer.terms.max_session > 0]
    if cap is not None:
        limits.append(int(cap))
    timed = offers[0].timed
    if timed and not limits:
        limits.append(USUAL_SECONDS)
    return min([*limits, MAX_SECONDS if timed else MAX_UNITS])


def coins(available, digits):
    """Return the whole smallest coins in an amount, none if it is negative.

    >>> coins(Decimal("1.239"), 2), coins(Decimal(-3), 2)
    (123, 0)
    """
    return max(0, floor(EXACT.scaleb(Decimal(available), digits)))
