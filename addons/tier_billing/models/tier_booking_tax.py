from collections import defaultdict
from decimal import Decimal

from odoo import Command, api, models


class TierBooking(models.Model):
    """Taxes that fall due when prepaid credit is used."""

    _inherit = "tier.booking"

    @api.model
    def _taxes(self, company, subject, payer):
        """Return the taxes that fall due by use.

        :param payer: ``tier.wallet`` that paid for the usage; only a prepaid one is taxed here,
            the others by their invoice
        :return: ``account.tax`` records
        """
        if company.tier_tax_policy != "use" or payer.payment_mode != "prepaid":
            return self.env["account.tax"]
        taxes = self._product(subject).taxes_id._filter_taxes_by_company(company)
        position = self.env["account.fiscal.position"]._get_fiscal_position(payer.partner_id)
        return position.map_tax(taxes)

    @api.model
    def _tax_lines(self, company, date, lines):
        """Take the taxes out of revenue where they fall due by use.

        What a customer used is the price with taxes, whatever the taxes themselves say.

        :param lines: list of dicts, of all flows
        :return: the lines with those of the taxes
        """
        taxed = [values for values in lines if values.get("tax_ids")]
        for values in lines:
            if not values.get("tax_ids"):
                values.pop("tax_ids", None)
        if not taxed:
            return lines
        Tax = self.env["account.tax"]
        bases = [self._base_line(company, date, values) for values in taxed]
        gross = defaultdict(Decimal)
        for values in taxed:
            gross[values["currency_id"]] += Decimal(repr(values["amount_currency"]))
        Tax._add_tax_details_in_base_lines(bases, company)
        Tax._round_base_lines_tax_details(bases, company)
        Tax._add_accounting_data_in_base_lines_tax_details(bases, company)
        result = Tax._prepare_tax_lines(bases, company)
        for values, (_base, amounts) in zip(taxed, result["base_lines_to_update"], strict=True):
            values.update(amounts, tax_ids=[Command.set(values["tax_ids"].ids)])
        for currency_id, amount in gross.items():
            # Cents that rounding tax by tax left over.
            concerned = [values for values in taxed if values["currency_id"] == currency_id]
            others = [values for values in result["tax_lines_to_add"] if values["currency_id"] == currency_id]
            currency = self.env["res.currency"].browse(currency_id)
            split = sum(Decimal(repr(currency.round(values["amount_currency"]))) for values in concerned + others)
            if cents := float(amount - split):
                largest = max(concerned, key=lambda values: abs(values["amount_currency"]))
                largest["amount_currency"] += cents
                largest["balance"] += currency._convert(cents, company.currency_id, company, date)
        return lines + result["tax_lines_to_add"]

    @api.model
    def _base_line(self, company, date, values):
        """Return one line of revenue as Odoo's tax engine wants it.

        :param dict values: of a journal item; a debit is a refund
        """
        currency = self.env["res.currency"].browse(values["currency_id"])
        amount = values["amount_currency"]
        return self.env["account.tax"]._prepare_base_line_for_taxes_computation(
            None,
            product_id=self.env["product.product"].browse(values["product_id"]),
            account_id=self.env["account.account"].browse(values["account_id"]),
            tax_ids=values["tax_ids"],
            price_unit=abs(amount),
            quantity=1.0,
            currency_id=currency,
            rate=self.env["res.currency"]._get_conversion_rate(company.currency_id, currency, company, date),
            special_mode="total_included",
            sign=1 if amount > 0 else -1,
            is_refund=amount > 0,
        )
