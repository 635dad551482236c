"""Exact sums of usage as amounts that can stand on an invoice."""

from decimal import ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Decimal


def round_to(amount, step, rounding=ROUND_HALF_UP):
    """Round an amount to a multiple of the smallest coin.

    :param Decimal amount: exact
    :param Decimal step: the currency's smallest amount, above zero
    :param rounding: a rounding of :mod:`decimal`
    :rtype: Decimal

    >>> round_to(Decimal("1.025"), Decimal("0.05"))
    Decimal('1.05')
    """
    return (amount / step).quantize(Decimal(1), rounding) * step


def spread(amounts, total, step):
    """Round amounts so that they add up to a total: who loses most by it is rounded up first.

    :param amounts: list of exact ``Decimal``, of any sign
    :param Decimal total: a multiple of the step
    :param Decimal step: the currency's smallest amount, above zero
    :return: list of ``Decimal`` in the same order

    >>> spread([Decimal("0.333"), Decimal("0.333"), Decimal("0.334")], Decimal("1.00"), Decimal("0.01"))
    [Decimal('0.33'), Decimal('0.33'), Decimal('0.34')]
    >>> spread([Decimal("0.006"), Decimal("-0.004")], Decimal("0.01"), Decimal("0.01"))
    [Decimal('0.01'), Decimal('0.00')]
    """
    if not amounts:
        return []
    rounded = [round_to(amount, step, ROUND_FLOOR) for amount in amounts]
    missing = int((total - sum(rounded)) / step)
    each, rest = divmod(missing, len(amounts))
    # Ties go to the first, so that the same charges always make the same invoice.
    order = sorted(range(len(amounts)), key=lambda i: (rounded[i] - amounts[i], i))
    for place, index in enumerate(order):
        rounded[index] += step * (each + (place < rest))
    return rounded


def covered(funds, total, step):
    """Return how much of an invoice the wallet's own money has paid already.

    :param Decimal funds: what would be left in the wallet if all of its usage were paid for
    :param Decimal total: of the invoice, without tax
    :param Decimal step: the currency's smallest amount, above zero
    :rtype: Decimal

    >>> covered(Decimal("10.007"), Decimal("30"), Decimal("0.01"))
    Decimal('10.00')
    >>> covered(Decimal("-5"), Decimal("30"), Decimal("0.01"))
    Decimal('0')
    """
    if funds <= 0:
        return Decimal(0)
    return min(round_to(funds, step, ROUND_DOWN), total)
