"""Rates that are but a price, priced by the terms of their list at once.

What all such rates of one list have in common is worked out once: how the price becomes that of
a derived list in the customer's currency is a line (slope · price + offset), whatever number of
lists lies between. A price is then four multiplications of integers and one division, and needs
no :class:`.offer.Offer`, of which a world of destinations would keep tens of thousands.
"""

from decimal import Decimal
from fractions import Fraction
from math import lcm

from .increments import COMPLETED, Blocks
from .rounding import EXACT, as_amount, divide, ratio
from .tariff import ONE


class PlainTariff:
    """What a customer of one price list pays at any rate that has nothing but a price.

    :ivar int grace: sessions up to so many units are free
    """

    __slots__ = (
        "_connection",
        "_denominator",
        "_digits",
        "_first",
        "_half",
        "_increment",
        "_method",
        "_offset",
        "_slope",
        "_zero",
        "grace",
    )

    def __init__(self, terms, derivations, factor, per, scale):
        """Work out the line; :meth:`of` has checked that there is nothing else.

        All integers are over one denominator, in the smallest coin of the rounding.
        """
        slope, offset = Fraction(1), Fraction(0)
        for markup, fixed in derivations:
            raised = 1 + Fraction(*ratio(markup))
            slope, offset = slope * raised, offset * raised + Fraction(*ratio(fixed))
        coins = Fraction(*ratio(factor)) * Fraction(10) ** terms.rounding_digits
        line = (
            slope * coins / (per * 10**scale),
            offset * coins / per,
            Fraction(*ratio(terms.connection_charge)) * coins,
        )
        self._denominator = lcm(*(part.denominator for part in line))
        self._slope, self._offset, self._connection = (
            part.numerator * (self._denominator // part.denominator) for part in line
        )
        blocks = Blocks.of(terms.initial_increment, terms.increment, terms.billed_time_rule)
        self._first, self._increment = blocks.first, blocks.increment
        self.grace = terms.grace_seconds
        self._digits, self._method = terms.rounding_digits, terms.rounding_method
        # What most brands do: without the calls.
        self._half = 2 * self._denominator if self._method == "half_up" and self._digits > 0 else 0
        self._zero = as_amount(0, self._digits)

    @classmethod
    def of(cls, terms, derivations, factor=ONE, per=60, scale=6):
        """Return the tariff, None where the terms have more than prices, increments and a connection charge.

        :param Terms terms: of the brand, in the currency of the list
        :param derivations: sequence of :class:`.tariff.Derivation`, base first, see :func:`.tariff.ladder`
        :param Decimal factor: from the currency of the price list to the customer's
        :param int per: units that a price is for
        :param int scale: digits after the point of the integers that :meth:`price` takes

        >>> from .tariff import Derivation, Terms
        >>> tariff = PlainTariff.of(Terms(increment=6), [Derivation(Decimal("0.5"))], scale=2)
        >>> tariff.price(20, 61)
        (Decimal('0.33'), 66)
        >>> PlainTariff.of(Terms(minimum_charge=Decimal(1)), ()) is None
        True
        """
        if (
            not terms.whole_units
            or terms.billed_time_rule == COMPLETED
            or terms.connection_deductible
            or terms.minimum_charge
            or terms.maximum_charge is not None
            or (terms.surcharge and terms.surcharge_after is not None)
            or any(markup is None for markup, _fixed in derivations)
        ):
            return None
        return cls(terms, derivations, factor, per, scale)

    def price(self, price, units):
        """Return what a session costs and what is billed of it, as :func:`.price.price` does.

        :param int price: of the rate, in the smallest unit of its price
        :param int units: begun, see :func:`.increments.begun`
        :return: (amount in the customer's currency, billed units)
        """
        if units <= self.grace:
            return self._zero, 0
        first = self._first
        billed = first if units <= first else first - (first - units) // self._increment * self._increment
        unit = self._slope * price + self._offset
        # Nothing is sold below zero.
        exact = unit * billed + self._connection if unit > 0 else self._connection
        if self._half:
            return EXACT.scaleb(Decimal((2 * exact + self._denominator) // self._half), -self._digits), billed
        return as_amount(divide(exact, self._denominator, self._method), self._digits), billed
