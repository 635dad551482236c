"""What is priced, and the price on every tier."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from ..engine.offer import Offer
from ..engine.price import Price, amount_in
from ..engine.tariff import ONE, ZERO
from . import catalogue, numbers


class Item(NamedTuple):
    """What is to be priced.

    :param key: any hashable, names the item in the result
    :param wallet_id: of the payer
    :param service_id: of the service
    :param number: normalised number or resource code
    :param at: naive UTC moment whose rates apply
    :param quantity: seconds or units
    :param switch_id: at which the number was dialled, if known
    """

    key: object
    wallet_id: int
    service_id: int
    number: str
    at: object
    quantity: Decimal
    switch_id: int | None = None


@dataclass(slots=True)
class Edge:
    """What one wallet pays its parent.

    :param wallet: the payer
    :param price: what the engine made of it
    :param amount: in the payer's currency
    :param amount_to: in the currency of the account that is paid into
    :param transfer_rate: from the payer's currency to that account's
    :param sale: in the parent wallet's currency: the parent's income
    :param rate: from the price list's currency to the payer's
    :param destination_id: where the matched prefix leads to
    :param prefix: that matched
    :param rate_id: of the rate at the start; None if unanswered
    :param offer: what it is priced with
    :param sale_rate: from the payer's currency to the parent wallet's; None = there is no parent
    :param volume: (plan, tariff) of :mod:`.volume_plans` by which its units are priced; None = by the rate
    :param included: of the billed units those that a package covered
    """

    wallet: catalogue.Wallet
    price: Price
    amount: Decimal
    amount_to: Decimal
    transfer_rate: Decimal
    sale: Decimal
    rate: Decimal
    destination_id: int | None
    prefix: str | None = None
    rate_id: int | None = None
    offer: Offer | None = None
    sale_rate: Decimal | None = None
    volume: tuple | None = None
    included: Decimal | int = 0

    def reprice(self, charged):
        """Set the amounts of another price, of the same offer."""
        self.price, self.amount = charged, charged.amount
        self.amount_to = received(charged, self.transfer_rate, self.offer.terms)
        self.sale = ZERO if self.sale_rate is None else received(charged, self.sale_rate, self.offer.terms)


def received(charged, factor, terms):
    """Return a price in the currency of who receives it; in the payer's own it is the amount paid."""
    if factor == ONE:
        return charged.amount
    return amount_in(charged, factor, terms.rounding_digits, terms.rounding_method)


@dataclass(slots=True)
class Priced:
    """A priced item, or why it has no price.

    :param chain: wallets from the payer up to the provider
    :param edges: one per wallet below the provider, the payer's first
    :param carrier: what the provider pays its carrier, None if unknown
    :param reason: a code of ``const.REASONS`` or None
    :param detail: what exactly was wrong, for the provider's staff
    :param special: the class of its number, None for one like others
    """

    chain: list = field(default_factory=list)
    edges: list = field(default_factory=list)
    carrier: Edge | None = None
    reason: str | None = None
    detail: str | None = None
    special: numbers.Special | None = None

    @property
    def is_free(self):
        """Whether nobody pays, so that no package is used either."""
        return self.special is not None and self.special.is_free

    @property
    def destination_id(self):
        for edge in (*self.edges, *filter(None, [self.carrier])):
            if edge.destination_id:
                return edge.destination_id
        return None
