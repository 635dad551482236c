"""What is priced with: the terms of a brand, the rates of a list, and derived lists."""

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from .increments import INITIAL_PLUS, RULES
from .rounding import EXACT, METHODS, ratio

ZERO = Decimal(0)
ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a brand sets for all it sells. Amounts are in the currency of the price list.

    :param int initial_increment: seconds (or units) of the first block; 0 = as the others
    :param int increment: seconds (or units) of each further block
    :param str billed_time_rule: ``initial_plus``, ``multiple`` or ``completed``, see
        ``billed_seconds``. Completed increments are counted in each time band for itself.
    :param Decimal connection_charge: once per answered session
    :param bool connection_deductible: the connection charge is part of the price of the
        time, so that a session costs the greater of the two
    :param Decimal minimum_charge: the least that a session costs that is not free
    :param maximum_charge: the most that a session costs, Decimal; None = no limit
    :param int grace_seconds: sessions up to that long are free, connection included
    :param Decimal surcharge: once, when the session lasts longer than ``surcharge_after``
    :param surcharge_after: seconds; None = never
    :param int max_session: longest session to authorize, in seconds; 0 = no limit
    :param str rounding_method: up, down, half_up, half_even
    :param int rounding_digits: digits after the point of an amount
    :param str timezone: IANA name; the bands are read on its clocks
    :param Decimal markup: fraction (0.2 = 20 %) for a derived list that states none itself
    :param bool whole_units: a unit that was begun counts whole, as a second of a call does; else a rate
        without increments of its own bills exactly what was used (1.5 MB)

    >>> Terms(initial_increment=30, increment=20).rounding_digits
    2
    """

    initial_increment: int = 0
    increment: int = 1
    billed_time_rule: str = INITIAL_PLUS
    connection_charge: Decimal = ZERO
    minimum_charge: Decimal = ZERO
    grace_seconds: int = 0
    surcharge: Decimal = ZERO
    surcharge_after: int | None = None
    max_session: int = 0
    rounding_method: str = "half_up"
    rounding_digits: int = 2
    timezone: str = "UTC"
    markup: Decimal = ZERO
    connection_deductible: bool = False
    maximum_charge: Decimal | None = None
    whole_units: bool = True

    def __post_init__(self):
        if self.increment < 1 or self.initial_increment < 0:
            raise ValueError("an increment is at least 1, the initial one not negative")
        if self.billed_time_rule not in RULES:
            raise ValueError(f"unknown rule of billed time: {self.billed_time_rule!r}")
        if self.rounding_method not in METHODS:
            raise ValueError(f"unknown rounding method: {self.rounding_method!r}")
        charges = (self.connection_charge, self.minimum_charge, self.surcharge, self.maximum_charge)
        for charge in charges:
            if charge is not None and ratio(charge)[0] < 0:
                raise ValueError("a charge cannot be negative")
        ratio(self.markup)


class Step(NamedTuple):
    """Another price, and another increment, from an elapsed second (or unit) on."""

    from_second: int
    price: Decimal
    per: int
    increment: int


@dataclass(frozen=True, slots=True)
class Rate:
    """The price for one prefix (or service code) from a date, in a time band.

    :param id: of the record, returned with the price
    :param str prefix: digits; empty = all that no longer prefix matches
    :param Decimal price: of each block of ``per`` units, not negative
    :param int per: units in that block; 60 = price per minute of a service in seconds
    :param band_id: of the :class:`Band`; None = all day
    :param connection_charge: instead of the brand's; None = the brand's
    :param initial_increment, increment: instead of the brand's; None = the brand's
    :param date_from, date_to: both inclusive, ``date`` on the brand's calendar; None = open
    :param bool blocked: the destination is barred
    :param destination_id, list_id: handed through, to tell where the price came from
    :param tuple steps: of :class:`Step` (or tuples in its order), ascending

    >>> Rate(1, "44", Decimal("0.0043")).per
    60
    """

    id: object
    prefix: str
    price: Decimal
    per: int = 60
    band_id: object = None
    connection_charge: Decimal | None = None
    initial_increment: int | None = None
    increment: int | None = None
    date_from: object = None
    date_to: object = None
    blocked: bool = False
    destination_id: object = None
    list_id: object = None
    steps: tuple = ()

    def valid_on(self, day):
        """Tell whether the rate is in force on a day."""
        return (self.date_from is None or self.date_from <= day) and (self.date_to is None or day <= self.date_to)


class Derivation(NamedTuple):
    """How a list makes its price from its base's: price × (1 + markup) + fixed.

    :param Decimal markup: fraction, 0.2 = 20 %, may be negative; None = the brand's
    :param Decimal fixed: added to each price block, may be negative
    """

    markup: Decimal | None = ZERO
    fixed: Decimal = ZERO


def derive(price, derivations):
    """Return the price that derived lists make of a base price, exactly.

    :param Decimal price: in the base list
    :param derivations: sequence of :class:`Derivation`, the list next to the base first,
        the customer's own list last
    :return: Decimal, not rounded. Negative fixed parts may make it negative; nothing is
        sold below zero, though, see ``Offer``.

    >>> derive(Decimal("0.0043"), [Derivation(Decimal("0.2"), Decimal("0.001"))])
    Decimal('0.00616')
    """
    for markup, fixed in derivations:
        if markup is None:
            raise ValueError("a derivation without a mark-up of its own needs the brand's")
        price = EXACT.add(EXACT.multiply(price, EXACT.add(ONE, markup)), fixed)
    return price


def ladder(depth, derivations, terms=None):
    """Return what to derive a rate with that was found so many lists below the customer's.

    :param int depth: 0 = in the customer's own list, 1 = in its base …
    :param derivations: how each list derives from its base, the customer's own list first
    :param Terms terms: of the brand; its mark-up is used where the customer's own list
        states none
    :return: tuple of :class:`Derivation`, base first

    >>> own, base = Derivation(Decimal("0.1")), Derivation(Decimal("0.5"))
    >>> ladder(2, [own, base]) == (base, own), ladder(1, [own, base]) == (own,)
    (True, True)
    """
    steps = list(derivations[:depth])
    if len(steps) < depth:
        raise ValueError("a rate found in a base needs the derivation of each list above it")
    if steps and steps[0].markup is None and terms is not None:
        steps[0] = Derivation(terms.markup, steps[0].fixed)
    return tuple(reversed(steps))
