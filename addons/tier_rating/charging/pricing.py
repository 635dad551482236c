"""Who pays what: the chain of a request, and its price on every tier."""

from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from odoo.addons.tier_billing.const import MONEY_LIMIT

from ..engine.dialling import INSIDE
from ..engine.errors import BLOCKED, Refused
from ..engine.increments import begun
from ..engine.offer import Offer
from ..engine.price import Price, price
from ..engine.tariff import ONE, ZERO, Rate, Terms
from . import books, catalogue, markups, numbers, volume_plans
from .conversions import Conversions
from .markups import Markup
from .offers import NO_RATE, Found, Marked, Selling, derivation
from .priced import Edge, Priced, received

# The engine's reasons in the words of ``const.REASONS``, where they differ.
REASON_OF = {BLOCKED: "destination_barred", "bad_quantity": "bad_record", "bad_rate": "no_rate"}
# A brand's terms of calls, which a message or a gigabyte has not; those of a rate itself apply.
WITHOUT_TIME = {
    "initial_increment": 0,
    "increment": 1,
    "connection_charge": Decimal(0),
    "grace_seconds": 0,
    "surcharge_after": None,
    # What is used of a megabyte is paid, unless the rate has an increment.
    "whole_units": False,
}
# What nobody pays for, whoever calls: an emergency.
FREE = Found(Offer(Terms(), (Rate(None, "", Decimal(0)),)), ONE, None, "", None, True)


class Pricer:
    """Prices the items of one batch from what it reads in five statements."""

    def __init__(self, env, items, services=None, chains=None):
        """Read all that the items need.

        :param env: environment of the batch's transaction
        :param items: sequence of :class:`Item`
        :param services: of :func:`.catalogue.load_services`, if read already
        :param chains: dict of what the items have for ``wallet_id`` to chains, to price by others
            than the wallets have now
        """
        self.env = env
        cr = env.cr
        self.chains = chains or catalogue.load_chains(cr, {item.wallet_id for item in items})
        wallets = {(w.id, w.price_list_id): w for chain in self.chains.values() for w in chain}
        self.lists = catalogue.load_price_lists(cr, {w.price_list_id for w in wallets.values() if w.price_list_id})
        self.services = services or catalogue.load_services(cr)
        self.markups = self._load_markups()
        self.numbers = numbers.shelf(cr.dbname).of(cr, self.services, {item.service_id for item in items})
        self._asked, self._countries = (None, None, None), None
        self._told, self._opened = (None, None, None), None
        self.rates = self._load_rates(items)
        self.bands = self._load_bands()
        self.convert = self._load_conversions(items, wallets.values()).rate
        self.plans = volume_plans.load(cr, self.lists.values())
        self._offers, self._sellings, self._positions = {}, {}, {}

    def _load_markups(self):
        """Read the mark-ups of some numbers only, of the lists that have such and are not known yet."""
        versions = {}
        for price_list in self.lists.values():
            versions.update(zip(price_list.levels, price_list.markups_versions, strict=True))
        if not any(versions.values()):
            return {}
        return markups.shelf(self.env.cr.dbname).of(self.env.cr, versions)

    def _load_rates(self, items):
        """Find the rates of every number on every tier, and in every base."""
        wanted, versions = defaultdict(set), {}
        for price_list in self.lists.values():
            versions.update(zip(price_list.levels, price_list.versions, strict=True))
        for item in items:
            if not item.number:
                continue
            for wallet in self.chains.get(item.wallet_id, ()):
                price_list = self.lists.get(wallet.price_list_id)
                for level in price_list.levels if price_list else ():
                    wanted[level, item.service_id].add(item.number)
        # A day less: it may still be yesterday where the brand is.
        oldest = min((item.at.date() for item in items), default=date.today()) - timedelta(days=1)
        return books.shelf(self.env.cr.dbname).rates(self.env.cr, wanted, versions, self.services, oldest)

    def _load_bands(self):
        """Read the time bands, if any rate of the batch may have one."""
        if not any(rates.banded for rates in self.rates.values()):
            return {}
        bands = self.env["tier.time.band"].sudo().search([])
        return {band.id: band._engine_band() for band in bands}

    def _load_conversions(self, items, wallets):
        currencies = {w.currency_id for w in wallets} | {w.payee_currency_id for w in wallets}
        for price_list in self.lists.values():
            currencies |= {*price_list.currencies, price_list.terms_currency_id}
        return Conversions(self.env, currencies, {item.at.date() for item in items}, {w.company_id for w in wallets})

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
        day = item.at.date()
        selling = self._selling(wallet, item, day)
        if selling.zone is not None:
            day = self._local_day(selling, item)
        found = selling.plain(item.number, day)
        if found is None:
            key = (selling, item.number, day)
            found = self._offers.get(key)
            if found is None:
                found = self._offers[key] = selling.look_up(item.number, day, self.bands)
            if found is NO_RATE:
                raise Refused("no_rate")
        return found

    def _local_day(self, selling, item):
        """Return the day on a brand's calendar; the tiers of an item mostly share it."""
        told, zone, day = self._told
        if told is not item or zone is not selling.zone:
            day = selling.local_day(item.at)
            self._told = item, selling.zone, day
        return day

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
            special = found.find(item.number, company_id, lambda: self._country(item.switch_id, company_id))
            self._asked = item, company_id, special
        return special

    def _country(self, switch_id, company_id):
        """Return the calling code of where a number was dialled."""
        if self._countries is None:
            self._countries = numbers.load_countries(self.env.cr)
        switches, companies = self._countries
        return switches.get(switch_id) or companies.get(company_id, "")

    def _is_free(self, wallet, item):
        special = self.special(item, wallet.company_id)
        return special is not None and special.is_free

    def _selling(self, wallet, item, day):
        """Return how a wallet buys a service on a day: one for all its numbers."""
        key = (wallet.price_list_id, item.service_id, day, wallet.currency_id, wallet.company_id)
        selling = self._sellings.get(key)
        if selling is None:
            selling = self._sellings[key] = self._make_selling(wallet, item, day)
        return selling

    def _make_selling(self, wallet, item, day):
        price_list = self.lists[wallet.price_list_id]

        def convert(source, target):
            return self.convert(source, target, day, wallet.company_id)

        # A base in another currency: its price is converted, then marked up.
        factors = [convert(base, own) for own, base in pairwise(price_list.currencies)]
        usual = [Markup(*derivation) for derivation in price_list.derivations[:-1]]
        derivations = map(derivation, usual, factors)
        terms = price_list.terms
        if price_list.terms_currency_id != price_list.currency_id:
            factor = convert(price_list.terms_currency_id, price_list.currency_id)
            terms = _converted(terms, factor)
        service = self.services[item.service_id]
        if not service.is_time:
            terms = replace(terms, **WITHOUT_TIME)
        return Selling(
            [self.rates.get((level, service.id), {}) for level in price_list.levels],
            (terms, tuple(derivations), convert(price_list.currency_id, wallet.currency_id), service.is_time),
            service.price_per,
            self._marked(price_list, service, usual, factors),
            self._positions,
        )

    def _marked(self, price_list, service, usual, factors):
        """Return the mark-ups of some numbers only, None for lists that have none."""
        lines = [self.markups.get(level) for level in price_list.levels[:-1]]
        if not any(lines):
            return None
        own = [found and (found.get(service.id) or found[None]) for found in lines]
        return Marked(own, usual, factors)

    def edge(self, wallet, parent, item, units=None):
        """Price what a wallet pays for an item.

        :param wallet: the payer
        :param parent: the wallet that sells to it, None for the provider's carrier
        :param item: :class:`Item`
        :param units: see :func:`..engine.price.price`
        :rtype: Edge
        :raise Refused: no rate, or barred
        """
        found = self.offer(wallet, item)
        offer = found.offer
        charged = price(item.at, item.quantity, offer, units)
        amount_to = sale = charged.amount
        transfer_rate = sale_rate = ONE
        own = wallet.currency_id
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
            charged,
            charged.amount,
            amount_to,
            transfer_rate,
            sale,
            found.rate,
            found.destination_id,
            found.prefix,
            # Of a plain offer, which many rates share, the price cannot tell.
            found.rate_id if found.is_plain and charged.rate_id is not None else charged.rate_id,
            offer,
            sale_rate,
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
                return Edge(wallet, Price(zero, (0, 1), 0), zero, zero, ONE, zero, ONE, None)
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


def _converted(terms, factor):
    """Return a brand's terms with its charges in another currency."""
    return replace(
        terms,
        connection_charge=terms.connection_charge * factor,
        minimum_charge=terms.minimum_charge * factor,
        surcharge=terms.surcharge * factor,
        maximum_charge=None if terms.maximum_charge is None else terms.maximum_charge * factor,
    )
