"""What a bill comes to."""

from decimal import Decimal
from typing import NamedTuple

from ..invoicing.amounts import round_to


class Totals(NamedTuple):
    """The sums at the end of a bill; untaxed and tax make the total."""

    untaxed: Decimal
    tax: Decimal
    total: Decimal


def totals(amount, percent, included, step):
    """Add the tax to what was used, or find it therein.

    :param Decimal amount: of all lines, a multiple of the step
    :param Decimal percent: the tax, 0 for none
    :param bool included: whether prices contain the tax
    :param Decimal step: the currency's smallest amount, above zero
    :rtype: Totals

    >>> totals(Decimal("13.51"), Decimal(19), False, Decimal("0.01"))
    Totals(untaxed=Decimal('13.51'), tax=Decimal('2.57'), total=Decimal('16.08'))
    >>> totals(Decimal("11.90"), Decimal(19), True, Decimal("0.01"))
    Totals(untaxed=Decimal('10.00'), tax=Decimal('1.90'), total=Decimal('11.90'))
    >>> totals(Decimal("-1.00"), Decimal(0), False, Decimal("0.01")).tax
    Decimal('0.00')
    """
    if included:
        tax = round_to(amount * percent / (100 + percent), step)
        return Totals(amount - tax, tax, amount)
    tax = round_to(amount * percent / 100, step)
    return Totals(amount, tax, amount + tax)
