"""Billed quantity: the initial increment, then whole increments.

The unit is that of the service: seconds of a call, bytes, messages, hours. An increment of
a service without time is a block of its units, so data sold by the megabyte has the unit
byte and the increment 1,000,000. Where nothing is set for it, it is billed exactly, to the
part of a unit.
"""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from .errors import BAD_QUANTITY, Invalid
from .rounding import EXACT

INITIAL_PLUS = "initial_plus"
MULTIPLE = "multiple"
COMPLETED = "completed"
RULES = (INITIAL_PLUS, MULTIPLE, COMPLETED)
# An exabyte. What claims to be more is a broken record.
MAX_DIGITS = 18
MAX_QUANTITY = 10**MAX_DIGITS


def begun(quantity):
    """Return the number of units begun: a fraction of a second counts as a second.

    :param quantity: ``int`` or ``Decimal`` (milliseconds as 61.250), not negative
    :raise Invalid: for what no session lasts

    >>> begun(61), begun(Decimal("61.001")), begun(Decimal("0.000"))
    (61, 62, 0)
    """
    if isinstance(quantity, Decimal):
        if not quantity.is_finite() or quantity.adjusted() > MAX_DIGITS:
            raise Invalid(BAD_QUANTITY, f"not a quantity: {quantity}")
        whole = int(quantity)
        quantity = whole + (quantity > whole) if quantity >= 0 else -1
    elif not isinstance(quantity, int):
        raise TypeError(f"Decimal or int expected, not {type(quantity).__name__}")
    if quantity < 0 or quantity >= MAX_QUANTITY:
        raise Invalid(BAD_QUANTITY, "a quantity is not negative, and less than 10 ** 18")
    return quantity


def exactly(quantity):
    """Return a quantity as it is, for what is not counted in whole units.

    :param quantity: ``int`` or ``Decimal``, checked by :func:`begun`
    :return: ``int``, or a Fraction where there is a part of a unit
    :raise Invalid: for more digits than any meter has

    >>> exactly(Decimal("1.5")), exactly(Decimal("2.000"))
    (Fraction(3, 2), 2)
    """
    if isinstance(quantity, Decimal) and quantity.as_tuple().exponent < -MAX_DIGITS:
        raise Invalid(BAD_QUANTITY, f"not a quantity: {quantity}")
    whole = int(quantity)
    return whole if whole == quantity else Fraction(quantity)


def plain(quantity):
    """Return a quantity of :func:`exactly` to show and to store.

    :return: ``int`` or ``Decimal``
    """
    if not isinstance(quantity, Fraction):
        return quantity
    if quantity.denominator == 1:
        return quantity.numerator
    return EXACT.divide(Decimal(quantity.numerator), Decimal(quantity.denominator))


@dataclass(frozen=True, slots=True)
class Blocks:
    """Where the billed blocks of one session end.

    :param int first: end of the first block, in units from the start
    :param int increment: size of every further block
    :param tuple steps: pairs (from, increment), ascending: another increment from that
        elapsed unit on. The block that a step meets ends there.

    >>> blocks = Blocks(30, 20)
    >>> [blocks.end(quantity) for quantity in (1, 30, 31, 120)]
    [30, 30, 50, 130]
    >>> [blocks.floor(quantity) for quantity in (29, 30, 49, 130)]
    [0, 30, 30, 130]
    """

    first: int
    increment: int
    steps: tuple = ()

    @classmethod
    def of(cls, initial, increment, rule, steps=()):
        """Build the blocks from what a brand sets. See :func:`billed_seconds`."""
        if increment < 1 or initial < 0:
            raise ValueError("an increment is at least 1, the initial one not negative")
        if rule == MULTIPLE:
            # The smallest multiple that holds the initial increment comes first, then each
            # further multiple: the same figures as rounding the whole quantity up.
            return cls(-(-max(initial, 1) // increment) * increment, increment)
        if rule == COMPLETED:
            return CompletedBlocks(increment, increment)
        if rule != INITIAL_PLUS:
            raise ValueError(f"unknown rule of billed time: {rule!r}")
        first = initial or increment
        return cls(first, increment, tuple(step for step in steps if step[0] >= first))

    def end(self, quantity):
        """Return the billed quantity for so many units begun (1 or more)."""
        if quantity <= self.first:
            return self.first
        start, size, stop = self._run(quantity - 1)
        end = start - (start - quantity) // size * size
        return end if stop is None or end < stop else stop

    def floor(self, quantity):
        """Return the end of the last whole block within a quantity; 0 if there is none."""
        if quantity < self.first:
            return 0
        start, size, _stop = self._run(quantity)
        return start + (quantity - start) // size * size

    def _run(self, position):
        """Return (start, increment, end or None) of the run of blocks at a position."""
        start, size = self.first, self.increment
        for step_start, step_size in self.steps:
            if step_start > position:
                return start, size, step_start
            start, size = step_start, step_size
        return start, size, None

    def contain(self, finer):
        """Tell whether each block ends where a block of ``finer`` ends too.

        Then these blocks never bill less than the finer ones.

        >>> Blocks(60, 60).contain(Blocks(30, 6)), Blocks(30, 6).contain(Blocks(60, 60))
        (True, False)
        """
        if self == finer:
            return True
        if self.steps or finer.steps:
            return False
        return (
            self.first >= finer.first
            and (self.first - finer.first) % finer.increment == 0
            and self.increment % finer.increment == 0
        )


class ExactBlocks(Blocks):
    """No blocks: what was used is billed, to the last part of a unit, and ``first`` at least.

    >>> ExactBlocks(1, 1).end(Fraction(5, 2)), ExactBlocks(10, 1).end(3)
    (Fraction(5, 2), 10)
    """

    __slots__ = ()

    def end(self, quantity):
        """Return the billed quantity: that which was used."""
        return max(quantity, self.first) if self.first > 1 else quantity

    def floor(self, quantity):
        """Return the quantity, if it is no less than what is billed at least."""
        return quantity if quantity >= self.first else 0

    def contain(self, finer):
        """Tell whether ``finer`` bills as exactly."""
        return isinstance(finer, ExactBlocks) and self.first >= finer.first


class CompletedBlocks(Blocks):
    """Blocks of which only the completed ones are billed: the begun one is a gift.

    >>> blocks = CompletedBlocks(60, 60)
    >>> [blocks.end(quantity) for quantity in (1, 59, 60, 310)]
    [0, 0, 60, 300]
    """

    __slots__ = ()

    def end(self, quantity):
        """Return the billed quantity: that of the completed blocks."""
        return quantity // self.increment * self.increment

    def floor(self, quantity):
        """Return the quantity: the seconds of a block that is not completed cost nothing."""
        return quantity

    def contain(self, finer):
        """Return False: bands cut two such tariffs differently, so nothing is certain."""
        return False


def billed_seconds(duration, initial, increment, rule=INITIAL_PLUS):
    """Return the billed seconds of a duration: nothing for 0 s, else whole blocks.

    :param duration: seconds, ``int`` or ``Decimal``; a fraction counts as a second begun
    :param int initial: initial increment in seconds; 0 means as long as the others
    :param int increment: increment in seconds, at least 1
    :param str rule: ``initial_plus``: initial + n · increment; ``multiple``: the smallest
        multiple of the increment that holds both the duration and the initial increment;
        ``completed``: whole increments that have passed, the initial one is not used

    >>> billed_seconds(120, 30, 20), billed_seconds(120, 30, 20, "multiple")
    (130, 120)
    >>> billed_seconds(119, 0, 60, "completed")
    60
    >>> billed_seconds(0, 60, 60), billed_seconds(Decimal("60.4"), 60, 60)
    (0, 120)
    """
    quantity = begun(duration)
    blocks = Blocks.of(initial, increment, rule)
    return blocks.end(quantity) if quantity else 0
