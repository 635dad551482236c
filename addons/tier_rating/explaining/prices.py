"""Every tier's price of something that somebody might consume, by the code that charges it."""

from dataclasses import dataclass, field
from itertools import pairwise

from ..charging import catalogue, numbers, packages, volumes
from ..charging.priced import Item
from ..charging.pricing import REASON_OF, Pricer
from ..engine.errors import Refused
from ..engine.increments import begun
from ..engine.package import price_beyond
from ..engine.standing import price_by_volume


@dataclass(slots=True)
class Tier:
    """What one wallet would pay, or why it would be refused.

    :param wallet: :class:`..charging.catalogue.Wallet`
    :param edge: :class:`..charging.priced.Edge`, None if it was refused
    :param reason: a code of ``const.REASONS``, or None
    :param beyond: :class:`..engine.package.Beyond` where a package pays first, else None
    :param bought: (plan, :class:`..engine.standing.Standing`, price) where it buys by volume, else None
    :param carrier: it is what the provider itself pays
    """

    wallet: catalogue.Wallet
    edge: object = None
    reason: str | None = None
    beyond: object = None
    bought: tuple | None = None
    carrier: bool = False

    @property
    def price(self):
        """What it comes to, packages and volume considered: :class:`..engine.price.Price`, or None."""
        if self.bought:
            return self.bought[2]
        return self.beyond.price if self.beyond else self.edge and self.edge.price


@dataclass(slots=True)
class Question:
    """What is asked, and the answer.

    :param item: :class:`..charging.priced.Item`
    :param pricer: :class:`..charging.pricing.Pricer` that knows all that was read
    :param special: class of the number, or None
    :param reason: why the whole chain is refused whatever the price: (reason, detail), or None
    :param list tiers: of :class:`Tier`, the payer first
    """

    item: Item
    pricer: Pricer
    special: object = None
    reason: tuple | None = None
    tiers: list = field(default_factory=list)

    @property
    def is_below_cost(self):
        """Whether some tier would sell it for less than it pays, and does not mean to."""
        edges = [tier.edge for tier in self.tiers if not tier.carrier]
        return all(edges) and any(
            below.sale < edge.amount and not edge.wallet.sell_below_cost
            for below, edge in pairwise(edges)
            # By volume one event tells nothing.
            if not (edge.volume or below.volume)
        )


def of_wallet(env, wallet, service, number, at, quantity, switch=None, plan=None):
    """Price something for a wallet and all above it.

    Reads with no rights but those of the database: whoever asks has checked access.

    :param env: any environment
    :param wallet: ``tier.wallet``
    :param service: ``tier.service``
    :param str number: normalised, or a resource code
    :param datetime at: naive UTC moment
    :param Decimal quantity: seconds or units
    :param switch: ``tier.switch`` where it is dialled, if known
    :param plan: ``tier.dial.plan`` of the endpoint that dials it, if it has one
    :rtype: Question
    """
    env.flush_all()
    item = Item(
        None, wallet.id, service.id, number, at, quantity, switch.id if switch else None, plan.id if plan else None
    )
    return _answer(Question(item, Pricer(env, [item])))


def of_list(env, price_list, service, number, at, quantity):
    """Price something for whoever buys by a price list; see :func:`of_wallet`.

    :param price_list: ``tier.price.list``
    :rtype: Question
    """
    env.flush_all()
    item = Item(None, 0, service.id, number, at, quantity)
    company, currency = price_list.company_id.id, price_list.currency_id.id
    rest = currency, currency, company, 0, True, False
    # Stand-ins: of a wallet that buys, and of the one that sells to it, only these are looked at.
    seller = catalogue.Wallet(-1, None, "", 0, "active", True, None, 0, 0, *rest)
    buyer = catalogue.Wallet(-2, -1, "", 1, "active", True, price_list.id, 0, 0, *rest)
    return _answer(Question(item, Pricer(env, [item], chains={0: [buyer, seller]})))


def _answer(question):
    pricer, item = question.pricer, question.item
    chain = pricer.chains.get(item.wallet_id) or []
    if not chain:
        return question
    question.special = pricer.special(item, chain[0].company_id)
    question.reason = pricer.refusal(chain, item)
    for wallet, parent in pairwise(chain):
        question.tiers.append(_tier(pricer, wallet, parent, item))
    root = chain[-1]
    if root.price_list_id in pricer.lists and item.number:
        question.tiers.append(_tier(pricer, root, None, item))
        question.tiers[-1].carrier = True
    if not (question.special and question.special.is_free):
        _use_packages(question, chain)
        _buy_by_volume(question, chain)
    return question


def _tier(pricer, wallet, parent, item):
    try:
        if wallet.price_list_id not in pricer.lists and not (parent and _is_free(pricer, wallet, item)):
            return Tier(wallet, reason="no_price_list")
        # Of what is kept in memory only what was begun tells the rate.
        return Tier(wallet, pricer.edge(wallet, parent, item, begun(item.quantity)))
    except Refused as refused:
        return Tier(wallet, reason=REASON_OF.get(refused.reason, refused.reason))


def _is_free(pricer, wallet, item):
    special = pricer.special(item, wallet.company_id)
    return special is not None and special.kind in (numbers.EMERGENCY, numbers.FREE)


def _use_packages(question, chain):
    """Price anew what packages would pay for, as they are at this moment; nothing is locked or taken."""
    item = question.item
    edges = {tier.wallet.id: tier.edge for tier in question.tiers if not tier.carrier}
    if not all(edges.values()) or item.quantity <= 0:
        return
    shelf = packages.Shelf(question.pricer.env.cr, {None: chain}, [item.at], lock=False)
    covers = shelf.covers(chain, item.at, item.service_id, lambda wallet: edges[wallet.id].destination_id)
    for tier, cover in zip(question.tiers, covers, strict=False):
        if cover:
            try:
                tier.beyond = price_beyond(item.at, item.quantity, tier.edge.offer, cover.package)
            except Refused:
                continue


def _buy_by_volume(question, chain):
    """Price anew what is bought by volume, from where its period stands; nothing is locked or counted."""
    item = question.item
    tiers = [tier for tier in question.tiers if not tier.carrier]
    if item.quantity <= 0 or not all(tier.edge for tier in tiers):
        return
    edges = [(tier.wallet, tier.edge.volume) for tier in tiers]
    for tier, standing in zip(tiers, volumes.standings(question.pricer.env.cr, chain, edges, item.at), strict=True):
        if standing:
            included = tier.beyond.used if tier.beyond else 0
            try:
                charged = price_by_volume(tier.price, tier.edge.offer, item.quantity, standing, included)
            except Refused:
                continue
            tier.bought = tier.edge.volume[0], standing, charged
