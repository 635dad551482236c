"""Why this price: the steps from the rate to the amount, for a person to read."""

from typing import NamedTuple

from .bands import epoch
from .increments import begun, exactly, plain
from .price import FREE, GRACE, MAXIMUM, MINIMUM, UNANSWERED, price
from .rounding import round_quotient
from .tariff import ONE

# Every label that explain() returns; whoever shows them translates them.
LABELS = (
    "duration",  # seconds or units begun
    "unanswered",  # they are none, so nothing is charged
    "list_price",  # (price, per): of the rate, as its list has it
    "markup",  # fraction that a derived list adds
    "fixed",  # amount that a derived list adds to each block
    "derived_price",  # (price, per): what the customer pays, never below zero
    "grace",  # sessions up to so many seconds are free
    "billed",  # billed seconds or units
    "part",  # (band id, seconds, price): one for each band or step
    "connection",  # connection charge
    "surcharge",  # surcharge of long sessions
    "minimum",  # the sum was below this minimum charge
    "maximum",  # the sum was above this maximum charge
    "free",  # the rate is zero
    "factor",  # to the customer's currency
    "unrounded",  # in the customer's currency, shown with ten digits
    "amount",  # in the customer's currency, rounded once
)
_SHOWN_DIGITS = 10


class Line(NamedTuple):
    """One step of an explanation.

    :param str label: one of LABELS
    :param value: see LABELS
    """

    label: str
    value: object


def explain(start, quantity, offer):
    """Return the steps of :func:`~.price.price` as a list of :class:`Line`.

    :param start, quantity, offer: see ``price``; it refuses the same

    >>> from datetime import datetime
    >>> from decimal import Decimal
    >>> from .offer import Offer
    >>> from .tariff import Derivation, Rate, Terms
    >>> offer = Offer(Terms(), (Rate(1, "44", Decimal("0.1")),), (Derivation(Decimal("0.2")),))
    >>> for line in explain(datetime(2026, 1, 1), 90, offer):
    ...     print(line.label, line.value)
    duration 90
    list_price (Decimal('0.1'), 60)
    markup 0.2
    derived_price (Decimal('0.12'), 60)
    billed 90
    part (None, 90, Decimal('0.12'))
    unrounded 0.1800000000
    amount 0.18
    """
    charged = price(start, quantity, offer)
    lines = [Line("duration", _counted(quantity, offer))]
    if charged.reason == UNANSWERED:
        return [*lines, Line("unanswered", None), Line("amount", charged.amount)]
    lines += _rate_lines(start, offer)
    return lines + told(charged, quantity, offer)


def told(charged, quantity, offer):
    """Return the steps from what is billed to the amount, of a price that was made.

    Also of one that a package, or a price by volume, has changed.

    :param Price charged: what it costs, of something that was answered
    :param quantity, offer: see :func:`~.price.price`
    :return: list of :class:`Line`
    """
    if charged.reason == GRACE:
        return [Line("grace", offer.terms.grace_seconds), Line("amount", charged.amount)]
    lines = [Line("billed", charged.billed)]
    lines += [Line("part", part) for part in charged.parts]
    if charged.connection:
        lines.append(Line("connection", charged.connection))
    meter = offer.meter
    if meter.surcharge and begun(quantity) > meter.surcharge_after:
        lines.append(Line("surcharge", offer.terms.surcharge))
    if charged.reason == MINIMUM:
        lines.append(Line("minimum", offer.terms.minimum_charge))
    if charged.reason == MAXIMUM:
        lines.append(Line("maximum", offer.terms.maximum_charge))
    if charged.reason == FREE:
        lines.append(Line("free", None))
    if offer.factor != ONE:
        lines.append(Line("factor", offer.factor))
    numerator, denominator = charged.exact
    shown = round_quotient(numerator, denominator, _SHOWN_DIGITS, "half_even")
    return [*lines, Line("unrounded", shown), Line("amount", charged.amount)]


def _counted(quantity, offer):
    """Return the units begun, or the quantity itself where parts of a unit are billed."""
    units = begun(quantity)
    return units if offer.terms.whole_units else plain(exactly(quantity))


def _rate_lines(start, offer):
    """Tell how the rate at the start came to the customer's price."""
    meter = offer.meter
    tariff = meter.tariff(meter.calendar.at(epoch(start)) if meter.calendar else None)
    per = tariff.rate.per
    lines = [Line("list_price", (tariff.rate.price, per))]
    for markup, fixed in tariff.derivations:
        if markup:
            lines.append(Line("markup", markup))
        if fixed:
            lines.append(Line("fixed", fixed))
    if tariff.derivations:
        lines.append(Line("derived_price", (tariff.price, per)))
    return lines
