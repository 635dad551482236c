"""What is priced, and the price on every tier."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from ..engine.price import amount_in, price
from ..engine.tariff import ONE, ZERO
from . import numbers


class Item(NamedTuple):
    """What is to be priced.

    :param key: any hashable, names the item in the result
    :param wallet_id: of the payer
    :param service_id: of the service
    :param number: normalised number or resource code
    :param at: naive UTC moment whose rates apply
    :param quantity: seconds or units
    :param switch_id: at which the number was dialled, if known
    :param plan_id: dial plan of the endpoint that dialled it, if it has one of its own
    """

    key: object
    wallet_id: int
    service_id: int
    number: str
    at: object
    quantity: Decimal
    switch_id: int | None = None
    plan_id: int | None = None


class Edge:
    """What one wallet pays its parent.

    :ivar wallet: the payer, :class:`.catalogue.Wallet`
    :ivar found: what it is priced with, :class:`.offers.Found`
    :ivar units: begun, of the item; None = not known yet
    :ivar billed: of the units
    :ivar amount: in the payer's currency
    :ivar amount_to: in the currency of the account that is paid into
    :ivar transfer_rate: from the payer's currency to that account's
    :ivar sale: in the parent wallet's currency: the parent's income
    :ivar sale_rate: from the payer's currency to the parent wallet's; None = there is no parent
    :ivar volume: (plan, tariff) of :mod:`.volume_plans` by which its units are priced; None = by the rate
    :ivar included: of the billed units those that a package covered
    """

    __slots__ = (
        "_item",
        "_price",
        "_rate_id",
        "amount",
        "amount_to",
        "billed",
        "found",
        "included",
        "sale",
        "sale_rate",
        "transfer_rate",
        "units",
        "volume",
        "wallet",
    )

    def __init__(
        self,
        wallet,
        found,
        item,
        units,
        billed,
        amount,
        amount_to,
        transfer_rate,
        sale,
        sale_rate,
        charged=None,
        volume=None,
    ):
        self.wallet, self.found, self._item, self.units, self.billed = wallet, found, item, units, billed
        self.amount, self.amount_to, self.transfer_rate = amount, amount_to, transfer_rate
        self.sale, self.sale_rate, self._price, self.volume = sale, sale_rate, charged, volume
        self._rate_id = charged and charged.rate_id
        self.included = 0

    @property
    def price(self):
        """What the engine made of it, with its details: :class:`..engine.price.Price`."""
        if self._price is None:
            self._price = price(self._item.at, self._item.quantity, self.offer, self.units)
        return self._price

    @property
    def offer(self):
        """What it is priced with: :class:`..engine.offer.Offer`."""
        return self.found.offer

    @property
    def rate(self):
        """From the price list's currency to the payer's."""
        return self.found.rate

    @property
    def destination_id(self):
        """Where the matched prefix leads to."""
        return self.found.destination_id

    @property
    def prefix(self):
        """That matched."""
        return self.found.prefix

    @property
    def rate_id(self):
        """Of the rate at the start; None if unanswered."""
        if self.found.is_plain:
            # Its offer, which many rates share, cannot tell.
            return self.found.rate_id if self.units else None
        return self._rate_id

    def reprice(self, charged):
        """Set the amounts of another price, of the same offer."""
        self._price, self.amount, self.billed = charged, charged.amount, charged.billed
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
    def paid_edges(self):
        """The edges by which money moves."""
        return [edge for edge in self.edges if edge.amount or edge.amount_to]

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
