"""The lines of an invoice of usage."""

from collections import defaultdict
from decimal import Decimal

from odoo import Command
from odoo.tools import groupby
from odoo.tools.misc import format_date, formatLang

from . import amounts


class LineBuilder:
    """Writes the lines of one invoice.

    Use: ``commands = LineBuilder(wallet, partner, first, summary).commands(total, funds)``.

    :param wallet: ``tier.wallet`` whose usage it is, in the language of the invoice
    :param partner: ``res.partner`` that the invoice is for
    :param date first: first day of the period
    :param summary: list of :class:`.summary.Line` of this invoice
    """

    def __init__(self, wallet, partner, first, summary):
        self.env = wallet.env
        self.wallet = wallet
        self.partner = partner
        self.first = first
        self.company = wallet.company_id
        self.account = self.company.tier_clearing_account_id
        self.step = wallet._to_decimal(wallet.currency_id.rounding)
        # The one that Odoo gives the invoice.
        delivery = self.env["res.partner"].browse(partner.address_get(["delivery"])["delivery"])
        positions = self.env["account.fiscal.position"].with_company(self.company)
        self.position = positions._get_fiscal_position(partner, delivery=delivery)
        self.groups = self._grouped(summary)

    def _grouped(self, summary):
        """Merge what stands on one line, in the order of services and names.

        :return: list of (service, late, name, refund, correction, calls, quantity, amount)
        """
        merged = {}
        # In one prefetch each, for invoices with hundreds of destinations.
        services = self.env["tier.service"].browse({row.service_id for row in summary} - {None})
        destinations = self.env["tier.destination"].browse(
            {row.destination_id for row in summary if row.destination_id}
        )
        services, destinations = services.grouped("id"), destinations.grouped("id")
        for line in summary:
            service = services.get(line.service_id, self.env["tier.service"])
            destination = destinations.get(line.destination_id, self.env["tier.destination"])
            key = (service, line.late, self._name(service, destination), line.refund, line.correction)
            calls, quantity, amount = merged.get(key, (0, Decimal(0), Decimal(0)))
            merged[key] = (calls + line.calls, quantity + line.quantity, amount + line.amount)
        ordered = sorted(merged, key=lambda key: (key[0].sequence, key[0].id or 0, *key[1:]))
        return [(*key, *merged[key]) for key in ordered]

    def _name(self, service, destination):
        """Return what usage is called on its line, as detailed as the wallet wants it."""
        detail = self.wallet.invoice_detail
        if detail == "service" or not destination:
            return service.name or self.env._("Usage")
        if detail == "country":
            return destination.country_id.name or destination.name
        return destination.name

    def commands(self, total, funds):
        """Return the lines.

        :param Decimal total: what the usage comes to; a multiple of the smallest coin
        :param Decimal funds: what the wallet could pay by itself
        :return: list of commands for ``invoice_line_ids``
        """
        commands, bases = [], defaultdict(Decimal)
        shares = amounts.spread([group[-1] for group in self.groups], total, self.step)
        rows = list(zip(self.groups, shares, strict=True))
        several = len({group[0] for group, _share in rows}) > 1
        for service, members in groupby(rows, key=lambda row: row[0][0]):
            taxes = self._taxes(service)
            if several:
                commands.append({"display_type": "line_section", "name": service.name or self.env._("Usage")})
            for group, share in members:
                commands.append(self._values(*group, taxes, share))
                bases[taxes if self.company.tier_tax_policy == "topup" else taxes.browse()] += share
        commands += self._deductions(bases, amounts.covered(funds, total, self.step))
        return [Command.create({"sequence": 10 + number, **values}) for number, values in enumerate(commands)]

    def _taxes(self, service):
        """Return the taxes of usage: those of the service's product, as the partner's fiscal position has them."""
        product = service.product_id
        taxes = product.taxes_id._filter_taxes_by_company(self.company)
        if not product:
            # Usage is taxed even where a service was not given a product.
            taxes = self.company.account_sale_tax_id
        return self.position.map_tax(taxes)

    def _values(self, service, late, name, refund, correction, calls, quantity, _exact, taxes, amount):
        """Return the values of one line of usage."""
        if correction:
            text = (
                self.env._("Price corrected: %s, 1 call", name)
                if calls == 1
                else self.env._("Price corrected: %(name)s, %(calls)s calls", name=name, calls=calls)
            )
        elif service.is_time:
            minutes = formatLang(self.env, float(quantity / 60), digits=2)
            text = (
                self.env._("%(name)s: 1 call, %(minutes)s minutes", name=name, minutes=minutes)
                if calls == 1
                else self.env._(
                    "%(name)s: %(calls)s calls, %(minutes)s minutes", name=name, calls=calls, minutes=minutes
                )
            )
        else:
            text = self.env._(
                "%(name)s: %(quantity)s %(unit)s",
                name=name,
                quantity=formatLang(self.env, float(quantity / (service.price_per or 1)), digits=3),
                unit=service.price_unit or service.unit or "",
            )
        if refund:
            text = self.env._("Refund: %s", text)
        elif late:
            text = self.env._("%(usage)s (before %(date)s)", usage=text, date=format_date(self.env, self.first))
        product = service.product_id
        return {
            **self._line(text, amount, taxes, product),
            "product_id": product.id,
            **({"product_uom_id": product.uom_id.id} if product else {}),
        }

    def _line(self, text, amount, taxes, product=None):
        """Return the values that all lines have."""
        return {
            "name": text,
            "quantity": 1,
            "price_unit": self._price(amount, taxes, product),
            "tax_ids": [Command.set(taxes.ids)],
            "account_id": self.account.id,
            "tier_wallet_id": self.wallet.id,
        }

    def _price(self, amount, taxes, product):
        """Return the price of what costs so much without tax: gross, where taxes are included in prices."""
        if not any(taxes.flatten_taxes_hierarchy().mapped("price_include")):
            return float(amount)
        gross = taxes.with_context(force_price_include=False, round_base=False).compute_all(
            float(amount), currency=self.wallet.currency_id, product=product, partner=self.partner
        )
        return gross["total_included"]

    def _deductions(self, bases, covered):
        """Deduct what was paid before the invoice, out of the wallet's own balance.

        Where credit is taxed when it is bought, that money has been taxed: the deduction
        takes the tax off again, from each set of taxes its share.

        :param dict bases: taxes to amounts
        :param Decimal covered: what was paid
        :return: list of values
        """
        bases = {taxes: base for taxes, base in bases.items() if base > 0}
        whole = sum(bases.values())
        if not covered or not whole:
            return []
        shares = amounts.spread([covered * base / whole for base in bases.values()], covered, self.step)
        text = self.env._("Paid from wallet balance")
        return [self._line(text, -share, taxes) for taxes, share in zip(bases, shares, strict=True) if share]
