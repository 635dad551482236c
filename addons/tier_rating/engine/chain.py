"""Who pays whom when one event is charged to every tier, and what each tier must hold.

A chain goes from the payer up to the provider's child, as in ``[U, D, R]``: U pays D, D pays
R, R pays the provider. Each tier has its own price, for each has its own price list.

>>> chain = [Link("U", inside=False), Link("D", inside=True), Link("R", inside=True)]
>>> amounts = [Decimal("1.00"), Decimal("0.80"), Decimal("0.70")]
>>> [(p.payer, p.payee_kind, p.payee, str(p.amount)) for p in edges(chain, amounts)]
[('U', 'outside', 'D', '1.00'), ('D', 'wallet', 'R', '0.80'), ('R', 'earnings', None, '0.70')]
>>> [str(need) for need in needs(chain, amounts)]
['1.00', '0.80', '0']
"""

from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from .grant import coins, longest
from .offer import Offer, Receipt
from .package import Package, PackagedSession, price_beyond
from .price import price as price_of
from .rounding import EXACT, as_amount
from .session import Session
from .shortfall import Shortfall
from .standing import Standing, VolumeSession
from .tariff import ZERO

WALLET = "wallet"
OUTSIDE = "outside"
EARNINGS = "earnings"


class Link(NamedTuple):
    """One payer of a chain.

    :param wallet: id of the wallet
    :param bool inside: its money came from the provider's hands; else its parent collected
        it and only granted credit
    """

    wallet: object
    inside: bool


class Payment(NamedTuple):
    """What one tier pays its parent for one event.

    :param payer: wallet that pays
    :param str payee_kind: ``wallet``, ``outside`` or ``earnings``
    :param payee: wallet that receives, or whose outside account does; None for earnings
    :param Decimal amount: in the payer's currency
    :param Decimal amount_to: in the payee's currency
    """

    payer: object
    payee_kind: str
    payee: object
    amount: Decimal
    amount_to: Decimal


@dataclass(frozen=True, slots=True)
class Tier:
    """One payer of a session that asks to begin.

    :param Link link: its place in the chain
    :param Offer offer: what it pays its parent
    :param Decimal available: in its currency: balance + credit limit − open holds
    :param Receipt receipt: how its parent books the payment; None = same currency
    :param Decimal spendable: the most that the session may cost it, whoever brings the funds
        (a spending limit), in its currency; None = no limit
    :param Package package: that it uses before money; None = none
    :param Standing standing: by which its units are priced; None = by the offer
    """

    link: Link
    offer: Offer
    available: Decimal
    receipt: Receipt | None = None
    spendable: Decimal | None = None
    package: Package | None = None
    standing: Standing | None = None

    def session(self, start, limit):
        """Return what the session costs it, as a function of its length."""
        if self.package is None:
            session = Session(self.offer, start, limit)
        else:
            session = PackagedSession(self.package.offer(self.offer), start, limit, self.package)
        return session if self.standing is None else VolumeSession(session, self.standing, self.package)

    def cost(self, start, quantity):
        """Return what a session of this length costs it at most, in its currency."""
        if self.standing is not None:
            return as_amount(self.session(start, quantity).units(quantity), self.offer.terms.rounding_digits)
        if self.package is not None:
            return price_beyond(start, quantity, self.offer, self.package).price.amount
        return price_of(start, quantity, self.offer).amount


class Grant(NamedTuple):
    """The answer to an authorization.

    :param int quantity: seconds or units; 0 = not even the first block
    :param tuple holds: what to hold on each tier, in its currency
    :param limited_by: index of the tier whose funds set the quantity, None if a limit did
    """

    quantity: int
    holds: tuple
    limited_by: int | None


def check(chain):
    """Raise ValueError unless the chain is one that the ledger knows."""
    if chain and not chain[-1].inside:
        raise ValueError("a direct child of the provider is always inside")
    for child, parent in pairwise(chain):
        if child.inside and not parent.inside:
            raise ValueError("below an outside wallet everything is outside")


def edges(chain, prices):
    """Return the payments of one event, the payer's first.

    :param chain: sequence of :class:`Link`
    :param prices: what each pays: Decimal, or (in its currency, in its parent's currency)
    :return: list of :class:`Payment`

    A payment of nothing is left out neither here nor in the count of edges: the caller
    decides whether a transfer of zero is worth a row.
    """
    check(chain)
    payments = []
    for position, (link, price) in enumerate(zip(chain, prices, strict=True)):
        amount, amount_to = _both(price)
        parent = chain[position + 1].wallet if position + 1 < len(chain) else None
        inside = EARNINGS if parent is None else WALLET
        kind = inside if link.inside else OUTSIDE
        payments.append(Payment(link.wallet, kind, parent, amount, amount_to))
    return payments


def needs(chain, prices):
    """Return what each tier pays for one event beyond what its child's payment brings it.

    That is for one known price. A session that may end earlier can need more at one of its
    earlier seconds: :func:`grant_chain` returns the holds that cover all of them.

    :param chain, prices: see :func:`edges`
    :return: list of Decimal, each in the tier's currency, none below zero
    """
    check(chain)
    result, brought = [], ZERO
    for link, price in zip(chain, prices, strict=True):
        amount, amount_to = _both(price)
        result.append(max(ZERO, EXACT.subtract(amount, brought)))
        brought = amount_to if link.inside else ZERO
    return result


def grant_chain(tiers, start, cap=None):
    """Return the most that every tier of a chain can pay for.

    The quantity ends with a block of the payer, unless a limit came first, as in
    :func:`~.grant.grantable`. Safe at every moment: whenever the session ends up to the
    granted quantity, no tier pays more than it has and its child brings. It is also the
    greatest such quantity, except where a tier sells so near its cost that the search gives
    up early on the safe side, see :mod:`.shortfall`.

    :param tiers: sequence of :class:`Tier`, the payer first
    :param datetime start: of the session, aware or naive UTC
    :param cap: seconds or units asked for; None = as many as possible, up to a day
    :return: :class:`Grant`
    :raise Refused: if some tier has no rate, or a blocked one, for the first block

    >>> from datetime import datetime
    >>> from .tariff import Rate, Terms
    >>> sells, buys = (
    ...     Offer(Terms(), (Rate(1, "44", Decimal(price)),)) for price in ("0.60", "0.50")
    ... )
    >>> grant_chain(
    ...     [Tier(Link("U", True), sells, Decimal(3)), Tier(Link("R", True), buys, Decimal(0))],
    ...     datetime(2026, 1, 1),
    ... )
    Grant(quantity=300, holds=(Decimal('3.00'), Decimal('0.00')), limited_by=0)
    """
    check([tier.link for tier in tiers])
    limit = longest([tier.offer for tier in tiers], cap)
    if limit < 1:
        return Grant(0, _holds(tiers, [], [], 0), None)
    sessions = [tier.session(start, limit) for tier in tiers]
    limit = min(session.limit for session in sessions)
    shortfalls = [None] * len(tiers)
    reached, limited_by = limit, None
    for position, tier in enumerate(tiers):
        child = tiers[position - 1] if position else None
        if child and child.link.inside:
            shortfall = Shortfall(sessions[position - 1], sessions[position], child.receipt)
            shortfalls[position] = shortfall
            within = shortfall.reach(reached, coins(tier.available, shortfall.digits))
        else:
            digits = tier.offer.terms.rounding_digits
            within = sessions[position].affordable(coins(tier.available, digits), reached)
        if tier.spendable is not None:
            digits = tier.offer.terms.rounding_digits
            within = sessions[position].affordable(coins(tier.spendable, digits), within)
        if within < reached:
            reached, limited_by = within, position
    if limited_by is not None:
        reached = sessions[0].floor(reached)
    return Grant(reached, _holds(tiers, sessions, shortfalls, reached), limited_by)


def _holds(tiers, sessions, shortfalls, quantity):
    """Return the most that each tier may have to pay of its own, up to a quantity."""
    if not quantity:
        return tuple(tier.offer.meter.zero for tier in tiers)
    holds = []
    for tier, session, shortfall in zip(tiers, sessions, shortfalls, strict=True):
        if shortfall is None:
            digits, units = tier.offer.terms.rounding_digits, session.units(quantity)
        else:
            digits = shortfall.digits
            # A search that gave up says too much rather than too little; what the grant
            # was proved with is enough.
            units = min(shortfall.peak(quantity), coins(tier.available, digits))
        holds.append(as_amount(units, digits))
    return tuple(holds)


def _both(price):
    return price if isinstance(price, tuple) else (price, price)
