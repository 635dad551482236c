"""What customers pay beside what the seller pays for it, prefix by prefix.

Both lists are read in the order of their prefixes (:mod:`..ratesheet.whole`), so that one walk
finds, for each prefix of either, what the longest of the other is: a seller that has 44 at one
price loses where its carrier has 447 at a higher one. Nothing is kept but the prefixes
that the present one begins with.
"""

from decimal import Decimal
from typing import NamedTuple

from ..engine.increments import Blocks
from ..ratesheet import whole
from ..ratesheet.effective import Sheet


class Line(NamedTuple):
    """What one prefix sells for, and costs, at some time of day.

    :param destination_id: by the carrier's list where it is finer, else by the seller's
    :param band_id: of the time band; None = at all other times
    :param Decimal price, cost: of a block of units, in the currency of the selling list
    :param Decimal sale, expense: of the whole sample
    """

    prefix: str
    destination_id: int | None
    band_id: int | None
    price: Decimal
    cost: Decimal
    sale: Decimal
    expense: Decimal

    @property
    def margin(self):
        """What is left of the sale, a fraction of it; -1 where it is given away."""
        return (self.sale - self.expense) / self.sale if self.sale else Decimal(-1)


def lines(env, price_list, cost_list, service, day, quantity):
    """Yield what every prefix sells for and costs.

    What is barred on one side, or has a price on one alone, is left out: nothing is lost by it.

    :param env: any environment; whoever calls has checked access
    :param price_list: ``tier.price.list`` that is sold by
    :param cost_list: ``tier.price.list`` that its seller buys by
    :param service: ``tier.service``
    :param date day: on the brands' calendars
    :param int quantity: of the sample, in seconds or units
    :return: iterator of :class:`Line`
    """
    selling = Sheet(env, price_list, service, day)
    buying = Sheet(env, cost_list, service, day, currency=selling.currency)
    terms = selling.terms, buying.terms
    for prefix, sold, bought in walk(whole.rows(selling), whole.rows(buying)):
        finer = bought if len(bought.prefix) >= len(sold.prefix) else sold
        for band_id, price, cost in pairs(sold, bought):
            if price.blocked or cost.blocked:
                continue
            yield Line(
                prefix,
                finer.destination_id or sold.destination_id or bought.destination_id,
                band_id,
                price.price,
                cost.price,
                sample(price, quantity, terms[0]),
                sample(cost, quantity, terms[1]),
            )


def walk(sold, bought):
    """Yield (prefix, row of the one, row of the other) for each prefix of either that both price.

    :param sold, bought: iterators of rows in the order of their prefixes

    >>> from collections import namedtuple
    >>> Row = namedtuple("Row", "prefix price")
    >>> for prefix, one, other in walk(iter([Row("44", 1), Row("449", 2)]), iter([Row("447", 3), Row("4", 4)][::-1])):
    ...     print(prefix, one.price, other.price)
    44 1 4
    447 1 3
    449 2 4
    """
    sources = [iter(sold), iter(bought)]
    heads = [next(source, None) for source in sources]
    stacks = [[], []]
    while any(heads):
        prefix = min(head.prefix for head in heads if head)
        for side, stack in enumerate(stacks):
            while stack and not prefix.startswith(stack[-1].prefix):
                stack.pop()
            if heads[side] and heads[side].prefix == prefix:
                stack.append(heads[side])
                heads[side] = next(sources[side], None)
        if all(stacks):
            yield prefix, stacks[0][-1], stacks[1][-1]


def pairs(sold, bought):
    """Yield (band id, price of the one, price of the other) for each time band of either."""
    prices, costs = ({price.band_id: price for price in row.prices} for row in (sold, bought))
    for band_id in dict.fromkeys([*prices, *costs]):
        price, cost = prices.get(band_id, prices.get(None)), costs.get(band_id, costs.get(None))
        if price and cost:
            yield band_id, price, cost


def sample(price, quantity, terms):
    """Return what a sample costs, not rounded; without minimum charges and the like.

    :param price: :class:`..ratesheet.effective.Price`
    :param int quantity: seconds or units
    :param terms: of the list's brand
    :rtype: Decimal
    """
    steps = tuple((start, size) for start, _value, size in price.steps)
    billed = Blocks.of(price.initial, price.increment, terms.billed_time_rule, steps).end(quantity)
    edges = [(0, price.price), *((start, value) for start, value, _size in price.steps)]
    total = price.connection
    for position, (start, value) in enumerate(edges):
        end = min(billed, edges[position + 1][0]) if position + 1 < len(edges) else billed
        if end > start:
            total += value * (end - start) / price.per
    return total
