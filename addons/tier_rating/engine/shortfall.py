"""What a tier must add to its child's payment, at the worst moment of a session.

A tier whose child's money is inside pays its own parent from what the child has just paid.
Its margin may be fine at the end of a minute and missing at its first second, when its own
parent already bills a whole minute and its child but one second. A session can end at any
second, so all of them count, not only the last.

Both prices are step functions that never fall (what is sold by volume may; then the least of a
stretch counts). On a stretch of the session the shortfall is at most the cost at its end less the
sale at its start; stretches are halved until that bound is good enough. With the usual tariffs
(each unit sold at or above its cost, in blocks that contain the parent's) no search is needed at
all, see :func:`always_covered`.
"""

from heapq import heappop, heappush

from .offer import Coins
from .rounding import ratio

# Prices looked at before a search settles for the safe side (some 10 ms). Only two tariffs
# that stay within a coin of the limit for hours come near it.
MAX_LOOKS = 4_000


class Shortfall:
    """The cost of a tier less what its child pays it, over the length of a session.

    :param Session sale: what the child pays
    :param Session cost: what the tier pays to its own parent
    :param Receipt receipt: how the tier books the child's payment; None = same currency

    >>> from datetime import datetime
    >>> from decimal import Decimal
    >>> from .offer import Offer
    >>> from .session import Session
    >>> from .tariff import Rate, Terms
    >>> sale, cost = (
    ...     Session(
    ...         Offer(Terms(increment=block), (Rate(1, "44", Decimal(price)),)),
    ...         datetime(2026, 1, 1),
    ...         600,
    ...     )
    ...     for price, block in (("0.60", 1), ("0.50", 60))
    ... )
    >>> shortfall = Shortfall(sale, cost)
    >>> shortfall.at(1), shortfall.at(60), shortfall.peak(600), shortfall.reach(600, 48)
    (49, -10, 49, 0)
    """

    def __init__(self, sale, cost, receipt=None):
        self._sale, self._cost = sale, cost
        self._income = income = _income(sale, receipt)
        digits = max(income.digits, cost.meter.coins.digits)
        self.digits = digits
        self._sale_factor = 10 ** (digits - income.digits)
        self._cost_factor = 10 ** (digits - cost.meter.coins.digits)
        self._covered = always_covered(sale, cost, income)
        self._rises = not sale.falls

    def at(self, quantity):
        """Return the shortfall of one length, in units of 10 ** -digits; may be negative."""
        return self._paid(quantity) - self._received(quantity, quantity)

    def reach(self, limit, allowed):
        """Return the greatest length up to which the shortfall never exceeds ``allowed``.

        It is exact unless MAX_LOOKS is used up; then it is what was proved until there.
        """
        if self._covered or self._paid(limit) - min(0, self._received(1, limit)) <= allowed:
            return limit
        paid, received = _remember(self._paid), _remember(self._received)
        stretches, looks = [(0, limit)], 0
        while stretches:
            before, last = stretches.pop()
            looks += 1
            if paid(last) - received(before + 1, last) <= allowed:
                continue
            if looks > MAX_LOOKS or last == before + 1 or (self._rises and paid(last) == paid(before + 1)):
                return before
            middle = self._middle(before, last)
            stretches += [(middle, last), (before, middle)]
        return limit

    def peak(self, length):
        """Return the greatest shortfall up to a length, 0 or more.

        It is exact unless MAX_LOOKS is used up; then it is not too small.
        """
        if self._covered or length < 1:
            return 0
        paid, received = _remember(self._paid), _remember(self._received)
        stretches, looks = [(received(1, length) - paid(length), 0, length)], 0
        while True:
            negative, before, last = heappop(stretches)
            looks += 1
            if negative >= 0:
                return 0
            if looks > MAX_LOOKS or last == before + 1 or (self._rises and paid(last) == paid(before + 1)):
                return -negative
            middle = self._middle(before, last)
            heappush(stretches, (received(before + 1, middle) - paid(middle), before, middle))
            heappush(stretches, (received(middle + 1, last) - paid(last), middle, last))

    def _paid(self, quantity):
        return self._cost.units(quantity) * self._cost_factor

    def _received(self, quantity, last):
        """Return the least that any length from ``quantity`` to ``last`` brings."""
        if quantity < 1:
            return 0
        if self._sale.tariff.fine:
            # It may end within the unit: the cost of a block has come by then, and next to nothing of the unit.
            quantity -= 1
        exact = self._sale.exact(quantity) if self._rises else self._sale.least(quantity, last)
        return self._income.units(exact) * self._sale_factor

    def _middle(self, before, last):
        """Halve a stretch, where a block of the cost ends if one does."""
        middle = (before + last) // 2
        end = self._cost.blocks.floor(middle)
        return end if end > before else max(middle, before + 1)


def always_covered(sale, cost, income):
    """Tell, without looking at single lengths, that the sale always covers the cost.

    :param Session sale, cost: see :class:`Shortfall`
    :param Coins income: how the sale arrives
    :return: True = certainly; False = not known

    Compared are blocks, grace, charges, each stretch of unit prices, and the rounding.
    """
    high, low = sale.meter, cost.meter
    # amount of sale = units / denominator * factor; cross-multiplied to stay in integers
    factor = income.numerator * 10 ** max(-income.digits, 0)
    factor *= low.denominator
    divisor = income.denominator * 10 ** max(income.digits, 0)

    def covers(sold, bought):
        return sold * factor >= bought * divisor

    if sale.packaged or cost.packaged:
        return False
    if not (
        sale.blocks.contain(cost.blocks)
        and high.grace <= low.grace
        and covers(sale.tariff.connection, cost.tariff.connection)
        and covers(high.minimum, low.minimum)
        and (high.maximum is None or (low.maximum is not None and covers(high.maximum, low.maximum)))
        and (not high.deductible or low.deductible or not cost.tariff.connection)
        and _rounds_no_lower(income, low.coins)
    ):
        return False
    if low.surcharge and not (covers(high.surcharge, low.surcharge) and high.surcharge_after <= low.surcharge_after):
        return False
    sold, bought = sale.pieces(), cost.pieces()
    here = there = 0
    while here < len(sold) and there < len(bought):
        if not covers(sold[here][2], bought[there][2]):
            return False
        end = min(sold[here][1], bought[there][1])
        here += sold[here][1] == end
        there += bought[there][1] == end
    return True


def _rounds_no_lower(coins, other):
    """Tell whether any amount, rounded as ``coins``, is at least as when as ``other``."""
    if (coins.digits, coins.method) == (other.digits, other.method):
        return True
    # An amount rounded up to tens of cents is also one that cents could not round beyond.
    return (coins.method == "up" and coins.digits <= other.digits) or (
        other.method == "down" and other.digits <= coins.digits
    )


def _income(sale, receipt):
    if receipt is None:
        return sale.meter.coins
    return Coins(sale.meter.denominator, receipt.digits, receipt.method, ratio(receipt.factor))


def _remember(function):
    """Neighbouring stretches ask for the same lengths."""
    known = {}

    def remembered(*lengths):
        if lengths not in known:
            known[lengths] = function(*lengths)
        return known[lengths]

    return remembered
