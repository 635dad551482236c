"""The lines of an invoice of usage."""

from collections import defaultdict
from decimal import Decimal
from itertools import groupby

from odoo import Command
from odoo.tools.misc import format_date, formatLang

from . import amounts


class LineBuilder:
    """Writes the lines of one invoice.

    Use: ``billed = LineBuilder(move, summary).bill(total, funds)``.

    :param move: draft ``account.move`` in the language of its partner, with its wallet
    :param summary: list of :class:`.summary.Line` of this invoice
    """

    def __init__(self, move, summary):
        self.env = move.env
        self.move = move
        self.wallet = move.tier_usage_wallet_id
        self.company = move.company_id
        self.account = self.company.tier_clearing_account_id
        self.step = Decimal(repr(move.currency_id.rounding))
        self.groups = self._grouped(summary)

    def _grouped(self, summary):
        """Merge what stands on one line, in the order of services and names.

        :return: list of (service, late, refund, name, calls, quantity, amount)
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
            key = (service, line.late, self._name(service, destination), line.refund)
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

    def bill(self, total, funds):
        """Write the lines.

        :param Decimal total: what the usage comes to; a multiple of the smallest coin
        :param Decimal funds: what the wallet could pay by itself
        :return: what the lines of usage add up to, as Odoo has it
        :rtype: Decimal
        """
        commands, exact = [], [group[-1] for group in self.groups]
        shares = amounts.spread(exact, total, self.step)
        rows = list(zip(self.groups, shares, strict=True))
        several = len({group[0] for group, _share in rows}) > 1
        for service, members in groupby(rows, key=lambda row: row[0][0]):
            if several:
                commands.append(
                    Command.create({"display_type": "line_section", "name": service.name or self.env._("Usage")})
                )
            commands += [Command.create(self._values(*group, share)) for group, share in members]
        self.move.write({"invoice_line_ids": commands})
        lines = self.move.invoice_line_ids.filtered(lambda line: line.display_type == "product")
        self._exclude_taxes(lines, shares)
        self._deduct(lines, amounts.covered(funds, total, self.step))
        return sum((self._to_decimal(line.price_subtotal) for line in lines), Decimal(0))

    def _to_decimal(self, amount):
        return amounts.round_to(Decimal(repr(amount)), self.step)

    def _values(self, service, late, name, refund, calls, quantity, _exact, amount):
        """Return the values of one line of usage."""
        if service.is_time:
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
            text = self.env._(
                "%(usage)s (before %(date)s)", usage=text, date=format_date(self.env, self.move.tier_usage_from)
            )
        values = {
            "name": text,
            "quantity": 1,
            "price_unit": float(amount),
            "account_id": self.account.id,
            "tier_wallet_id": self.wallet.id,
        }
        product = service.product_id.with_company(self.company)
        if product:
            values |= {"product_id": product.id, "product_uom_id": product.uom_id.id}
        else:
            # Usage is taxed even where a service was not given a product.
            taxes = self.company.account_sale_tax_id
            values["tax_ids"] = [Command.set(self.move.fiscal_position_id.map_tax(taxes).ids)]
        return values

    def _exclude_taxes(self, lines, shares):
        """Set gross prices where taxes are included in them: what usage cost is without tax."""
        for line, share in zip(lines, shares, strict=True):
            if self._to_decimal(line.price_subtotal) != share:
                gross = line.tax_ids.with_context(force_price_include=False, round_base=False).compute_all(
                    float(share),
                    currency=self.move.currency_id,
                    product=line.product_id,
                    partner=self.move.partner_id,
                )
                line.price_unit = gross["total_included"]

    def _deduct(self, lines, covered):
        """Deduct what was paid before the invoice, out of the wallet's own balance.

        Where credit is taxed when it is bought, that money has been taxed: the deduction
        takes the tax off again, from each set of taxes its share.
        """
        if not covered:
            return
        bases = defaultdict(Decimal)
        for line in lines:
            taxed = line.tax_ids if self.company.tier_tax_policy == "topup" else line.tax_ids.browse()
            bases[taxed] += self._to_decimal(line.price_subtotal)
        bases = {taxes: base for taxes, base in bases.items() if base > 0}
        whole = sum(bases.values())
        shares = amounts.spread([covered * base / whole for base in bases.values()], covered, self.step)
        self.move.write(
            {
                "invoice_line_ids": [
                    Command.create(
                        {
                            "name": self.env._("Paid from wallet balance"),
                            "quantity": 1,
                            "price_unit": -float(share),
                            "account_id": self.account.id,
                            "tier_wallet_id": self.wallet.id,
                            "tax_ids": [Command.set(taxes.ids)],
                            "sequence": 1000,
                        }
                    )
                    for taxes, share in zip(bases, shares, strict=True)
                    if share
                ]
            }
        )
        deducted = self.move.invoice_line_ids.filtered(lambda line: line.display_type == "product") - lines
        self._exclude_taxes(deducted, [-share for share in shares if share])
