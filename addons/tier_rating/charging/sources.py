"""What the prices of a batch are made of: all that is read for it, and how each wallet buys."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from . import books, catalogue, markups, numbers, volume_plans
from .conversions import Conversions
from .markups import Markup
from .offers import Marked, Selling, derivation

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


class Sources:
    """What a batch needs to be priced, read in five statements."""

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
        self.rates = self._load_rates(items)
        self.bands = self._load_bands()
        self.convert = self._load_conversions(items, wallets.values()).rate
        self.plans = volume_plans.load(cr, self.lists.values())
        self._sellings, self._told = {}, (None, None, None)

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
        versions, wanted = {}, Counter()
        for price_list in self.lists.values():
            versions.update(zip(price_list.levels, price_list.versions, strict=True))
        asked = Counter(
            [
                (wallet.price_list_id, item.service_id)
                for item in items
                if item.number
                for wallet in self.chains.get(item.wallet_id, ())
            ]
        )
        for (list_id, service_id), count in asked.items():
            for level in self._levels(list_id):
                wanted[level, service_id] += count

        def asked_of(keys):
            return {
                (level, item.service_id, item.number)
                for item in items
                if item.number
                for wallet in self.chains.get(item.wallet_id, ())
                for level in self._levels(wallet.price_list_id)
                if (level, item.service_id) in keys
            }

        # A day less: it may still be yesterday where the brand is.
        oldest = min((item.at for item in items), default=datetime.today()).date() - timedelta(days=1)
        shelf = books.shelf(self.env.cr.dbname)
        return shelf.rates(self.env.cr, wanted, asked_of, versions, self.services, oldest)

    def _levels(self, list_id):
        price_list = self.lists.get(list_id)
        return price_list.levels if price_list else ()

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

    def _selling(self, wallet, item):
        """Return how a wallet buys a service on the day of an item: one for all its numbers."""
        day = item.at.date()
        key = (wallet.price_list_id, item.service_id, day, wallet.currency_id, wallet.company_id)
        selling = self._sellings.get(key)
        if selling is None:
            selling = self._sellings[key] = self._make_selling(wallet, item, day)
        return selling

    def _make_selling(self, wallet, item, day):
        price_list, service = self.lists[wallet.price_list_id], self.services[item.service_id]
        levels = [self.rates.get((level, service.id), {}) for level in price_list.levels]

        def convert(source, target):
            return self.convert(source, target, day, wallet.company_id)

        # A base in another currency: its price is converted, then marked up.
        factors = [convert(base, own) for own, base in pairwise(price_list.currencies)]
        of_terms = convert(price_list.terms_currency_id, price_list.currency_id)
        rate = convert(price_list.currency_id, wallet.currency_id)
        usual = [Markup(*derivation) for derivation in price_list.derivations[:-1]]
        marked = self._marked(price_list, service, usual, factors)

        def make():
            terms = price_list.terms
            if price_list.terms_currency_id != price_list.currency_id:
                terms = _converted(terms, of_terms)
            if not service.is_time:
                terms = replace(terms, **WITHOUT_TIME)
            derivations = tuple(map(derivation, usual, factors))
            return Selling(levels, (terms, derivations, rate, service.is_time), service.price_per, marked)

        if marked:
            return make()
        key = (price_list.id, service.id, wallet.currency_id)
        return books.shelf(self.env.cr.dbname).selling(
            key, levels, (price_list, service, of_terms, rate, *factors), make
        )

    def _marked(self, price_list, service, usual, factors):
        """Return the mark-ups of some numbers only, None for lists that have none."""
        lines = [self.markups.get(level) for level in price_list.levels[:-1]]
        if not any(lines):
            return None
        own = [found and (found.get(service.id) or found[None]) for found in lines]
        return Marked(own, usual, factors)

    def _local_day(self, selling, item):
        """Return the day on a brand's calendar; the tiers of an item mostly share it."""
        told, zone, day = self._told
        if told is not item or zone is not selling.zone:
            day = selling.local_day(item.at)
            self._told = item, selling.zone, day
        return day


def _converted(terms, factor):
    """Return a brand's terms with its charges in another currency."""
    return replace(
        terms,
        connection_charge=terms.connection_charge * factor,
        minimum_charge=terms.minimum_charge * factor,
        surcharge=terms.surcharge * factor,
        maximum_charge=None if terms.maximum_charge is None else terms.maximum_charge * factor,
    )
