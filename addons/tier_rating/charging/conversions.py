"""Rates of exchange of a batch, exact to what the ledger keeps of them."""

from decimal import Context, Decimal

from ..engine.tariff import ONE
from . import catalogue

# A quotient of two rates is cut once, to what the ledger keeps of it.
PRECISE = Context(prec=40)
RATE_QUANTUM = Decimal(1).scaleb(-12)


class Conversions:
    """What a batch needs of Odoo's exchange rates; a statement for each company that has its own.

    :param env: environment of the batch's transaction
    :param currencies: ids of all that may be converted
    :param days: dates of the events
    :param companies: ids of the companies of the wallets
    """

    def __init__(self, env, currencies, days, companies):
        self._companies = {
            company.id: company.root_id.id
            for company in (env["res.company"].sudo().browse(companies) if len(currencies) > 1 else ())
        }
        roots = set(self._companies.values()) or {None}
        self._rates = {root: catalogue.load_conversions(env.cr, currencies, days, root) for root in roots}

    def rate(self, source, target, day, company_id):
        """Return the exact conversion rate of a day, kept to twelve decimals.

        :param source: currency id
        :param target: currency id
        :param day: date of the event
        :param company_id: whose rates
        :rtype: Decimal
        """
        if source == target:
            return ONE
        rates = self._rates[self._companies.get(company_id)]
        return PRECISE.divide(rates[target, day], rates[source, day]).quantize(RATE_QUANTUM)
