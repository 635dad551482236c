"""The pricer of the charging path, for whoever buys by one price list."""

from datetime import datetime
from decimal import Decimal

from ..charging import catalogue
from ..charging.priced import Item
from ..charging.pricing import Pricer


class ListPricer(Pricer):
    """Prices for whoever buys by one list, without a chain of wallets."""

    def __init__(self, env, price_list, service, day, currency):
        # A stand-in for the customer: nothing else of a wallet makes a price.
        self.buyer = catalogue.Wallet(
            **{
                **dict.fromkeys(catalogue.Wallet._fields),
                "id": 0,
                "price_list_id": price_list.id,
                "currency_id": currency.id,
                "payee_currency_id": currency.id,
                "company_id": price_list.company_id.id,
            }
        )
        self.item = Item(None, 0, service.id, "", datetime.combine(day, datetime.min.time()), Decimal(1))
        super().__init__(env, [self.item], chains={0: [self.buyer]})
        # Rates are asked for later, so that it is not known yet which of them have bands.
        self.bands = {band.id: band._engine_band() for band in env["tier.time.band"].sudo().search([])}

    @property
    def levels(self):
        return self.lists[self.buyer.price_list_id].levels

    @property
    def marked_prefixes(self):
        """The prefixes that some list marks up, or prices by volume, otherwise than others."""
        service_id = self.item.service_id
        found = set()
        for level in self.levels[:-1]:
            markups = self.markups.get(level) or {}
            found.update((markups.get(service_id) or markups[None]).prefixes if markups else ())
        for plans in self.plans._by_list.values() if self.plans else ():
            found.update(plan.prefix for plan in plans if plan.prefix and plan.service_id == service_id)
        return found

    def selling(self, prefixes=()):
        """Return how the customer buys, with the rates of exactly these prefixes.

        :rtype: ..charging.offers.Selling
        """
        probes = {(level, self.item.service_id, prefix) for level in self.levels for prefix in prefixes}
        self.rates = catalogue.read_rates(self.env.cr, probes)
        return self._make_selling(self.buyer, self.item, self.item.at.date())
