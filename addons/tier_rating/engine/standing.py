"""Sessions whose units cost what a period's whole quantity makes of them, see :mod:`.volume`.

The rate tells what is billed of a session (increments, grace) and its connection charge; the
volume tariff then prices the billed units by where the period stands. A brand's minimum and
maximum charge are for single sessions and do not apply: the units of a period have one price.

>>> from datetime import datetime
>>> from .offer import Offer
>>> from .price import price
>>> from .tariff import Rate, Terms
>>> from .volume import VolumeTier
>>> offer = Offer(Terms(connection_charge=Decimal("0.05")), (Rate(1, "44", Decimal(9)),))
>>> tariff = VolumeTariff((VolumeTier(100, Decimal("0.02")), VolumeTier(None, Decimal("0.01"))))
>>> charged = price(datetime(2026, 1, 1), 30, offer)
>>> price_by_volume(charged, offer, 30, Standing(tariff, 90)).amount
Decimal('0.45')
"""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from .increments import begun, exactly, plain
from .price import FREE, GRACE, UNANSWERED
from .rounding import EXACT, ratio, round_quotient
from .search import last_that_fits
from .tariff import ZERO
from .volume import VOLUME, VolumeTariff


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a payer stands in a period.

    :param VolumeTariff tariff: in the payer's currency, without a connection charge
    :param before: units used earlier in the period, ``int``, ``Decimal`` or ``Fraction``
    :param Decimal owed: what earlier refunds left open, in the payer's currency; below zero:
        to its favour
    :param bool alone: nobody else's session, and no other of the payer, can move the period meanwhile
    """

    tariff: VolumeTariff
    before: object = 0
    owed: Decimal = ZERO
    alone: bool = False

    def cost(self, units, terms):
        """Return what so many more units cost now, rounded, without what is owed; may be negative."""
        return self.tariff.charge(self.before, units, terms.rounding_digits, terms.rounding_method)


def price_by_volume(charged, offer, quantity, standing, included=0, cost=None):
    """Return the price of a session by volume.

    :param Price charged: what it costs by its rate, packages considered
    :param Offer offer: that it was made with
    :param quantity: seconds or units, see ``price``
    :param Standing standing: of the payer when the session is charged
    :param included: of the billed units those that a package covered: they do not count
    :param Decimal cost: of the other units, if it is known already
    :return: :class:`Price`. Its amount is negative where a cheaper tier gives more back than the
        session costs. Converted to another currency it is converted from the rounded amount:
        it is the period that is exact.
    """
    if charged.reason in (UNANSWERED, GRACE):
        return charged
    units = exactly(charged.billed) - exactly(included)
    if cost is None:
        cost = standing.cost(units, offer.terms) if units else ZERO
    amount = EXACT.add(_with_charges(cost, charged.connection, offer, begun(quantity)), standing.owed)
    return charged._replace(
        amount=amount,
        fraction=ratio(amount),
        parts=_parts(standing, units, offer.rates[0].per),
        reason=None if amount else FREE,
    )


def _with_charges(cost, connection, offer, quantity):
    """Return a cost with the connection charge and the surcharge of a session, each rounded."""
    terms = offer.terms

    def rounded(charge):
        above, below = ratio(charge)
        factor = ratio(offer.factor)
        return round_quotient(above * factor[0], below * factor[1], terms.rounding_digits, terms.rounding_method)

    if connection:
        fee = rounded(connection)
        cost = max(cost, fee) if terms.connection_deductible else EXACT.add(cost, fee)
    if terms.surcharge and terms.surcharge_after is not None and quantity > terms.surcharge_after:
        cost = EXACT.add(cost, rounded(terms.surcharge))
    return cost


def _parts(standing, units, per):
    """Return (None, units, price) of each tier that the units lie in; of the reached one for all.

    :param int per: units that the prices are told for
    """
    tariff, before = standing.tariff, exactly(standing.before)
    after, parts, start = before + units, [], 0
    if not units:
        return ()
    for tier in tariff.tiers:
        end = after if tier.upto is None else min(after, Fraction(*ratio(tier.upto)))
        if tariff.kind == VOLUME:
            if end == after:
                return ((None, plain(units), tier.price * per / tier.per),)
        elif end > max(start, before):
            parts.append((None, plain(end - max(start, before)), tier.price * per / tier.per))
        start = max(start, end)
    return tuple(parts)


class VolumeSession:
    """The price of one session by volume as a function of its length, to search in.

    When it ends the period may stand higher: other sessions end meanwhile. Where that could make
    it dearer, for a later tier is, it has to be paid for as if it lay there; only a payer who is
    alone knows its place. What the place makes of the rounding, a coin at most, is not considered,
    nor that a cheaper tier may be reached further up, where it gives more back.

    With the kind ``volume`` the price falls where a cheaper tier begins. So what a payer must
    have for a length is the highest up to there, :meth:`units`; and what its parent may count on
    is the :meth:`least` of the lengths in question.

    :param session: :class:`.session.Session` of the rate
    :param Standing standing: of the payer
    :param Package package: that is used before, or None
    """

    packaged = True  # so that nobody takes it for its rate
    __slots__ = ("_ahead", "_dearer", "_ends", "blocks", "limit", "meter", "package", "session", "standing", "tariff")

    def __init__(self, session, standing, package=None):
        self.session, self.standing, self.package = session, standing, package
        self.blocks, self.limit, self.meter = session.blocks, session.limit, session.meter
        self.tariff = session.tariff
        before = exactly(standing.before)
        # What is left of each tier.
        self._ends = [end for tier in standing.tariff.tiers[:-1] if (end := Fraction(*ratio(tier.upto)) - before) >= 0]
        self._ahead = standing.tariff.tiers[len(standing.tariff.tiers) - len(self._ends) - 1 :]
        self._dearer = not standing.alone and (
            (self.falls and self._ends)
            or any(later.flat or later.cost(1) > self._ahead[0].cost(1) for later in self._ahead[1:])
            or any(tier.begun for tier in self._ahead)
        )

    def units(self, quantity):
        """Return the most that any length up to this one costs, in smallest coins; 0 or more."""
        if quantity < 1 or quantity <= self.meter.grace:
            return 0
        billed = self._billed(quantity)
        lengths = [billed]
        if self.falls:
            lengths += [end for end in self._ends if end < billed]
            # While a package pays nothing is bought yet.
            lengths += [0] if self.package else []
        coins = max(0, *(self._coins(length, quantity) for length in lengths))
        return max(coins, self._worst_coins(billed, quantity)) if self._dearer else coins

    @property
    def falls(self):
        """Whether a longer session may cost less."""
        return self.standing.tariff.kind == VOLUME

    def exact(self, quantity):
        """Return the price of a length over ``meter.denominator``; may be negative."""
        return self.least(quantity, quantity)

    def least(self, start, end):
        """Return the least price of the lengths from start to end, over ``meter.denominator``."""
        grace = self.meter.grace
        coins = [0] if start <= grace else []
        if end > grace:
            first, last = self._billed(max(start, 0)), self._billed(end)
            coins.append(self._coins(first, start))
            if self.falls:
                # Just beyond the end of a tier all units have the price of the next one.
                coins += [
                    self._coins(length, start, beyond=True) for length in (0, *self._ends) if first <= length < last
                ]
        digits = self.session.offer.terms.rounding_digits
        return Fraction(min(coins) * self.meter.denominator) / Fraction(10) ** digits

    def affordable(self, units, limit):
        """Return the greatest length up to a limit that never costs more than so many coins."""
        if self.units(limit) <= units:
            return limit
        return last_that_fits(lambda length: self.units(length) <= units, 0, limit)

    def floor(self, quantity):
        """Return the end of the last whole block within a length."""
        return self.session.floor(quantity)

    def _billed(self, quantity):
        if self.package is None:
            return self.blocks.end(quantity)
        used, billed = self.package.draw(quantity, self.blocks)
        return billed - used

    def _worst_coins(self, billed, quantity):
        """Return what a length costs at most, wherever the period stands when it ends."""
        offer, standing = self.session.offer, self.standing
        terms = offer.terms
        if self.falls:
            # Between two tiers the price is a straight line over the place: its ends are what matters.
            before = exactly(standing.before)
            places = {0, *self._ends, *(end - billed for end in self._ends if end > billed)}
            within = max(tier.cost(billed) for tier in self._ahead)
            cost = max(
                round_quotient(within.numerator, within.denominator, terms.rounding_digits, "up"),
                *(self._from(before + place, billed) for place in places),
            )
            # And it may be the one that begins a block.
            begun = max((tier.price for tier in self._ahead if tier.begun), default=ZERO)
            cost = EXACT.add(cost, round_quotient(begun, 1, terms.rounding_digits, "up"))
        else:
            exact = max(tier.cost(billed) for tier in self._ahead)
            exact += sum(Fraction(*ratio(tier.flat)) for tier in self._ahead[1:])
            # A tier that ends within a block pays for it whole, and so does the next one.
            exact += sum(Fraction(*ratio(tier.price)) for tier in self._ahead if tier.begun)
            cost = round_quotient(exact.numerator, exact.denominator, terms.rounding_digits, "up")
        cost = _with_charges(cost, self.tariff.charge, offer, quantity)
        return int(EXACT.scaleb(EXACT.add(cost, standing.owed), terms.rounding_digits))

    def _from(self, place, billed):
        """Return what units cost from a place of the period on, the most at a tier's end."""
        tariff, terms = self.standing.tariff, self.session.offer.terms
        rounding = terms.rounding_digits, terms.rounding_method
        cost = tariff.charge(place, billed, *rounding)
        if any(tier.upto is not None and place + billed == Fraction(*ratio(tier.upto)) for tier in tariff.tiers):
            paid = tariff.charge(0, place, *rounding) if place else ZERO
            cost = max(cost, EXACT.subtract(tariff.beyond(place + billed, *rounding), paid))
        return cost

    def _coins(self, billed, quantity, beyond=False):
        offer, tariff = self.session.offer, self.standing.tariff
        terms = offer.terms
        if beyond:
            before = exactly(self.standing.before)
            cost = tariff.beyond(before + billed, terms.rounding_digits, terms.rounding_method)
            if before:
                cost = EXACT.subtract(cost, tariff.charge(0, before, terms.rounding_digits, terms.rounding_method))
        else:
            cost = self.standing.cost(billed, terms) if billed else ZERO
        cost = _with_charges(cost, self.tariff.charge, offer, quantity)
        return int(EXACT.scaleb(EXACT.add(cost, self.standing.owed), terms.rounding_digits))
