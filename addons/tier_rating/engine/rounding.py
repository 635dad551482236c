"""Exact rounding: every amount is a quotient of integers until it is rounded, once.

``decimal`` rounds each of its results to the precision of its context, so a quotient such
as 1/3 would be rounded twice. Integers and ``divmod`` have no such precision.
"""

from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, FloatOperation, Inexact, InvalidOperation

METHODS = ("up", "down", "half_up", "half_even")

# A price may be derived over many levels, each of which adds digits. Rather than to round
# silently at the 28th digit, as the default context does, this one complains at the 4,000th.
EXACT = Context(
    prec=4000,
    Emin=MIN_EMIN,
    Emax=MAX_EMAX,
    traps=[Inexact, InvalidOperation, FloatOperation],
)
# No amount of money has a hundred digits; "1E+999999999" would fill the memory with zeros.
MAX_EXPONENT = 100


def ratio(value):
    """Return a number as (numerator, denominator), two integers in lowest terms.

    :param value: ``Decimal`` or ``int``
    :raise TypeError: for a float, which could not have kept what was typed
    :raise ValueError: for NaN, infinity, or an absurd exponent

    >>> ratio(Decimal("0.0043"))
    (43, 10000)
    """
    if isinstance(value, Decimal):
        if not value.is_finite() or abs(value.as_tuple().exponent) > MAX_EXPONENT:
            raise ValueError(f"not an amount: {value}")
        return value.as_integer_ratio()
    if isinstance(value, int):
        return int(value), 1
    raise TypeError(f"Decimal or int expected, not {type(value).__name__}: {value!r}")


def divide(numerator, denominator, method):
    """Divide integers and round the quotient to an integer.

    :param int numerator: any sign
    :param int denominator: greater than zero
    :param str method: ``up`` (away from zero), ``down`` (toward zero), ``half_up`` (to the
        nearest, a half away from zero) or ``half_even`` (a half to the even neighbour)

    >>> [divide(n, 2, "half_up") for n in (1, 3, -1, -3)]
    [1, 2, -1, -2]
    >>> [divide(n, 2, "half_even") for n in (1, 3, -1, -3)]
    [0, 2, 0, -2]
    >>> divide(-7, 3, "up"), divide(-7, 3, "down")
    (-3, -2)
    """
    quotient, rest = divmod(numerator, denominator)  # the floor, so the rest is not negative
    if method == "half_up":
        twice = 2 * rest
        return quotient + (twice > denominator or (twice == denominator and numerator > 0))
    if method == "up":
        return quotient + (rest > 0 and numerator > 0)
    if method == "down":
        return quotient + (rest > 0 and numerator < 0)
    if method == "half_even":
        twice = 2 * rest
        return quotient + (twice > denominator or (twice == denominator and quotient & 1))
    raise ValueError(f"unknown rounding method: {method!r}")


def as_amount(units, digits):
    """Return so many smallest coins as an amount.

    :param int units: a count of units of 10 ** -digits
    :param int digits: digits after the point; negative for tens, hundreds …

    >>> as_amount(123, 2), as_amount(5, 0), as_amount(1, -1)
    (Decimal('1.23'), Decimal('5'), Decimal('10'))
    """
    if digits > 0:
        return EXACT.scaleb(Decimal(units), -digits)
    return Decimal(units * 10**-digits)


def round_quotient(numerator, denominator, digits, method):
    """Round ``numerator / denominator`` once and exactly.

    :param Decimal numerator: or int
    :param int denominator: or Decimal, as when two rates of exchange are divided; greater
        than zero
    :param int digits: digits after the point; negative for tens, hundreds …
    :param str method: see :func:`divide`

    >>> round_quotient(Decimal("1"), 60, 4, "up")
    Decimal('0.0167')
    >>> round_quotient(Decimal("14.37"), 1, -1, "half_up")
    Decimal('10')
    """
    if denominator <= 0:
        raise ValueError("the denominator must be greater than zero")
    (above, below), (below_above, below_below) = ratio(numerator), ratio(denominator)
    above *= below_below
    below *= below_above
    if digits >= 0:
        above *= 10**digits
    else:
        below *= 10**-digits
    return as_amount(divide(above, below, method), digits)


def round_amount(value, digits, method):
    """Round an amount. See :func:`round_quotient`.

    >>> round_amount(Decimal("12.21"), 1, "up"), round_amount(Decimal("2.5"), 0, "half_even")
    (Decimal('12.3'), Decimal('2'))
    """
    return round_quotient(value, 1, digits, method)
