"""Who pays what: the chain of a request, and its price on every tier."""

from decimal import Decimal
from itertools import pairwise

from odoo.addons.tier_billing.const import MONEY_LIMIT

from ..engine.dialling import INSIDE
from ..engine.errors import BLOCKED, Refused
from ..engine.increments import begun
from ..engine.offer import Offer
from ..engine.price import Price, price
from ..engine.tariff import ONE, ZERO, Rate, Terms
from . import numbers, volume_plans
from .offers import NO_RATE, Found
from .priced import Edge, Priced, received
from .sources import Sources

# The engine's reasons in the words of ``const.REASONS``, where they differ.
REASON_OF = {BLOCKED: "destination_barred", "bad_quantity": "bad_record", "bad_rate": "no_rate"}
# What nobody pays for, whoever calls: an emergency.
FREE = Found(Offer(Terms(), (Rate(None, "", Decimal(0)),)), ONE, None, "", None)
# What was not consumed has no rate, where none was found.
NOT_FOUND = Found(None, ONE, None, None, None)


class Pricer(Sources):
    """Prices the items of one batch."""

    def __init__(self, env, items, services=None, chains=None):
        """Read all that the items need; see :class:`.sources.Sources`."""
        super().__init__(env, items, services, chains)
        self._offers = {}
        self._asked, self._countries, self._opened = (None, None, None), None, None

    def offer(self, wallet, item):
        """Return what a wallet pays for an item's number at its moment.

        :param wallet: :class:`catalogue.Wallet`
        :param item: :class:`Item`
        :rtype: .offers.Found
        :raise Refused: no rate
        """
        is_inside = item.number[:1] == INSIDE
        if (self.numbers or is_inside) and wallet.parent_id and self._is_free(wallet, item):
            return FREE
        selling = self._selling(wallet, item)
        day = self._local_day(selling, item)
        found = selling.plain(item.number, day, selling.find(item.number))
        if found is None:
            key = (selling, item.number, day)
            found = self._offers.get(key)
            if found is None:
                found = self._offers[key] = selling.look_up(item.number, day, self.bands)
            if found is NO_RATE:
                raise Refused("no_rate")
        return found

    def special(self, item, company_id):
        """Return the class of an item's number, None for one like others.

        :param item: :class:`Item`
        :param company_id: of the wallet that calls
        :rtype: .numbers.Special
        """
        found = self.numbers.get(item.service_id)
        if item.number[:1] == INSIDE and self.services[item.service_id].is_time:
            return numbers.INTERNAL
        if found is None or not item.number:
            return None
        # Every tier asks for the same item again.
        asked, asked_for, special = self._asked
        if asked is not item or asked_for != company_id:
            special = found.find(item.number, company_id, lambda: self._country(item, company_id))
            self._asked = item, company_id, special
        return special

    def _country(self, item, company_id):
        """Return the calling code of where a number was dialled."""
        if self._countries is None:
            self._countries = numbers.load_countries(self.env.cr)
        return self._countries.of(company_id, item.switch_id, item.plan_id)

    def _is_free(self, wallet, item):
        special = self.special(item, wallet.company_id)
        return special is not None and special.is_free

    def edge(self, wallet, parent, item, units=None):
        """Price what a wallet pays for an item.

        :param wallet: the payer
        :param parent: the wallet that sells to it, None for the provider's carrier
        :param item: :class:`Item`
        :param units: see :func:`..engine.price.price`
        :rtype: Edge
        :raise Refused: no rate, or barred
        """
        found, own = self.offer(wallet, item), wallet.currency_id
        is_abroad = wallet.payee_currency_id != own or (parent is not None and parent.currency_id != own)
        if found.tariff is not None and units is not None and not is_abroad and not self.plans:
            # Most: neither an offer nor the details of a price are made, unless somebody asks for them.
            amount, billed = found.tariff.price(found.price, units)
            sale, sale_rate = (ZERO, None) if parent is None else (amount, ONE)
            return Edge(wallet, found, item, units, billed, amount, amount, ONE, sale, sale_rate)
        offer = found.offer
        charged = price(item.at, item.quantity, offer, units)
        amount_to = sale = charged.amount
        transfer_rate = sale_rate = ONE
        if wallet.payee_currency_id != own:
            transfer_rate = self._rate_to(wallet.payee_currency_id, wallet, item)
            amount_to = received(charged, transfer_rate, offer.terms)
        if parent is None:
            sale, sale_rate = ZERO, None
        elif parent.currency_id != own:
            sale_rate = self._rate_to(parent.currency_id, wallet, item)
            sale = received(charged, sale_rate, offer.terms)
        return Edge(
            wallet,
            found,
            item,
            units,
            charged.billed,
            charged.amount,
            amount_to,
            transfer_rate,
            sale,
            sale_rate,
            charged,
            self.volume(wallet, item, found) if self.plans else None,
        )

    def _rate_to(self, currency_id, wallet, item):
        return self.convert(wallet.currency_id, currency_id, item.at.date(), wallet.company_id)

    def volume(self, wallet, item, found):
        """Return by what a wallet's units of an item are priced, if it buys them by volume.

        :param wallet: :class:`catalogue.Wallet`
        :param item: :class:`Item`
        :param found: its :class:`.offers.Found`
        :return: (:class:`.volume_plans.Plan`, its tariff in the wallet's currency) or None
        """
        # What nobody pays for, such as an emergency, has no rate.
        if not self.plans or found.rate_id is None:
            return None
        price_list = self.lists[wallet.price_list_id]
        plan = self.plans.find(price_list, item, found)
        return (plan, volume_plans.tariff(plan, price_list, found.offer)) if plan else None

    def priced(self, item, was_granted=False):
        """Price an item on every tier of its chain.

        :param item: :class:`Item`
        :param bool was_granted: it was authorized: charge it even if it turns out below cost
        :rtype: Priced
        """
        chain = self.chains.get(item.wallet_id)
        if not chain:
            return Priced(reason="unknown_account", detail="The wallet does not exist.")
        result = Priced(chain=chain)
        result.special = self.special(item, chain[0].company_id)
        refusal = self.refusal(chain, item)
        if refusal:
            result.reason, result.detail = refusal
            return result
        units = _units(item.quantity)
        if result.special is None and units is not None and self._price_plainly(result, item, units, was_granted):
            return result
        for wallet, parent in pairwise(chain):
            edge = self._edge_or_refusal(wallet, parent, item, result, units)
            if edge is None:
                return result
            result.edges.append(edge)
        self.price_carrier(item, result, units)
        self._refuse_absurd(item, result)
        if not was_granted:
            self._refuse_below_cost(result)
        return result

    def _price_plainly(self, result, item, units, was_granted):
        """Price all tiers at once, if no rate of theirs is more than a price, as most are.

        The same as what follows in :meth:`priced`, in a third of the time.

        :return: whether it did; a tier that needs a closer look, or a refusal, leaves the result as it was
        """
        if self.plans or not item.number:
            return False
        chain, edges, below = result.chain, [], None
        company_id, currency_id = chain[0].company_id, chain[0].currency_id
        lists, sellings, number, at = self.lists, self._sellings, item.number, item.at
        service_id, today = item.service_id, at.date()
        index = place = zone = None
        day = today
        for wallet in chain:
            list_id = wallet.price_list_id
            if list_id not in lists:
                if wallet.parent_id is None:
                    # The provider, whose carrier's prices are not known.
                    break
                return False
            if wallet.currency_id != currency_id or wallet.payee_currency_id != currency_id:
                return False
            if wallet.company_id != company_id:
                # Where other numbers are special.
                return False
            selling = sellings.get((list_id, service_id, today, currency_id, company_id))
            if selling is None:
                selling = self._selling(wallet, item)
            # The tiers mostly share the brand's clock and the prefixes.
            if selling.zone is not zone:
                zone, day = selling.zone, selling.local_day(at)
            if selling.index is not index:
                index, place = selling.index, selling.find(number)
            found = selling.plain(number, day, place)
            if found is None or found.tariff is None:
                return False
            amount, billed = found.tariff.price(found.price, units)
            if amount >= MONEY_LIMIT:
                return False
            is_carrier = wallet.parent_id is None
            if below is not None and below < amount and not (is_carrier or was_granted or wallet.sell_below_cost):
                return False
            below = amount
            sale, sale_rate = (ZERO, None) if is_carrier else (amount, ONE)
            edges.append(Edge(wallet, found, item, units, billed, amount, amount, ONE, sale, sale_rate))
        if len(edges) == len(chain):
            result.carrier = edges.pop()
        result.edges = edges
        return True

    def refusal(self, chain, item):
        """Return why a chain cannot be charged whatever the price, or None.

        :param chain: wallets from the payer up
        :param item: :class:`Item`
        :return: (reason, detail) or None
        """
        if len(chain) == 1:
            return "no_price_list", "The provider's own wallet buys from nobody."
        if item.quantity <= 0:
            return None
        special = self.special(item, chain[0].company_id)
        if special and special.kind == numbers.EMERGENCY:
            return None
        for wallet in chain:
            if wallet.state != "active":
                return "account_blocked", f"Wallet {wallet.id} is {wallet.state}."
        if not item.number:
            return "no_number", "There is no number that could be priced."
        for wallet in chain[:-1]:
            if wallet.price_list_id not in self.lists and not (special and special.is_free):
                return "no_price_list", f"Wallet {wallet.id} has no price list."
        if special and special.kind == numbers.CLOSED:
            if self._opened is None:
                self._opened = numbers.opened(self.env.cr, {w.id for found in self.chains.values() for w in found})
            if not any((wallet.id, special.class_id) in self._opened for wallet in chain):
                return "number_closed", f"{item.number} is of class {special.class_id}, which is not opened."
        return None

    def _edge_or_refusal(self, wallet, parent, item, result, units=None):
        """Return the edge; None with the reason set; a free edge for what was not answered."""
        try:
            if wallet.price_list_id not in self.lists and not self._is_free(wallet, item):
                raise Refused("no_price_list")
            return self.edge(wallet, parent, item, units)
        except Refused as refused:
            if item.quantity <= 0:
                # Nothing was consumed: nothing to pay, with or without a rate.
                zero = Decimal(0)
                return Edge(wallet, NOT_FOUND, item, 0, 0, zero, zero, ONE, zero, None, Price(zero, (0, 1), 0))
            result.edges = []
            result.reason = REASON_OF.get(refused.reason, refused.reason)
            result.detail = (
                f"{item.number}: {result.reason} in price list {wallet.price_list_id} of wallet {wallet.id}."
            )
            return None

    def price_carrier(self, item, result, units=None):
        """Add what the provider itself pays, if its carrier's deck says so."""
        root = result.chain[-1]
        if root.price_list_id in self.lists and item.number:
            try:
                result.carrier = self.edge(root, None, item, units)
            except Refused:
                result.carrier = None

    def _refuse_absurd(self, item, result):
        """Refuse what the ledger cannot keep: a quantity that no session has."""
        for edge in [*result.edges, result.carrier] if result.carrier else result.edges:
            if (
                edge.amount >= MONEY_LIMIT
                or edge.amount_to >= MONEY_LIMIT
                or edge.sale >= MONEY_LIMIT
                or (edge.volume and volume_plans.absurd(edge))
            ):
                result.reason = "bad_record"
                result.detail = f"A quantity of {item.quantity} has no possible price."
                result.edges, result.carrier = [], None
                return

    def _refuse_below_cost(self, result):
        """Refuse what a reseller would sell for less than it pays, unless it says so."""
        for below, edge in pairwise(result.edges):
            # By volume one event tells nothing: the tiers are what their owner sells at.
            if edge.volume or below.volume:
                continue
            if below.sale < edge.amount and not edge.wallet.sell_below_cost:
                result.reason = "below_cost"
                result.detail = f"Wallet {edge.wallet.id} would pay {edge.amount} for what it sells for {below.sale}."
                result.edges = []
                return


def _units(quantity):
    """Return the units begun, once for all tiers; None for what no session lasts."""
    try:
        return begun(quantity)
    except Refused:
        return None
