"""A postpaid customer with calls, and books to invoice it in."""

from datetime import date, datetime

from odoo import Command
from odoo.tests import TransactionCase

from ..charging.refund import refund
from .common import NOON, RatingBuilder

NOVEMBER = date(2026, 11, 1), date(2026, 11, 30)
DECEMBER = date(2026, 12, 1), date(2026, 12, 31)
IN_DECEMBER = datetime(2026, 12, 8, 10)
BERLIN, LONDON = "4930123456", "442071234567"


class InvoicingBuilder(RatingBuilder):
    """Builds a reseller and, below it, a customer that pays by invoice: 1.00 and 2.00 a minute."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not cls.company.chart_template:
            cls.env["account.chart.template"].try_loading("generic_coa", company=cls.company, install_demo=False)
        cls.company._tier_setup_accounting()
        cls.company.tier_tax_policy = "topup"
        cls.company.partner_id.tz = "UTC"
        cls.clearing = cls.company.tier_clearing_account_id
        cls.tax = cls.new_tax(20)
        cls.product = cls.env["product.product"].create(
            {"name": "Calls", "type": "service", "taxes_id": [Command.set(cls.tax.ids)]}
        )
        cls.voice.product_id = cls.product
        cls.germany = cls.env["tier.destination"].create({"name": "QGermany", "country_id": cls.env.ref("base.de").id})
        cls.london = cls.env["tier.destination"].create({"name": "QLondon", "country_id": cls.env.ref("base.uk").id})
        cls.provider = cls.new_wallet("Provider")
        cls.reseller = cls.new_wallet("Reseller", cls.provider)
        cls.user = cls.new_customer("User", "user")
        prices = cls.sell(cls.reseller, {})
        cls.new_rate(prices, "49", "0.70", destination_id=cls.germany.id)
        cls.new_rate(prices, "44", "1.50", destination_id=cls.london.id)

    @classmethod
    def new_tax(cls, amount, **values):
        return cls.env["account.tax"].create(
            {
                "name": f"Q{amount}",
                "amount": amount,
                "type_tax_use": "sale",
                "company_id": cls.company.id,
                **values,
            }
        )

    @classmethod
    def new_customer(cls, name, endpoint, **values):
        """Create a postpaid customer of the reseller that may go far below zero."""
        values = {"payment_mode": "postpaid", "credit_limit": 10000, **values}
        wallet = cls.new_wallet(name, cls.reseller, **values)
        prices = cls.sell(wallet, {})
        cls.new_rate(prices, "49", "1.00", destination_id=cls.germany.id)
        cls.new_rate(prices, "44", "2.00", destination_id=cls.london.id)
        cls.new_endpoint(wallet, endpoint)
        return wallet

    def use(self, *usages):
        """Charge calls, each of which must be charged."""
        outcome = self.charge(*usages)
        self.assertEqual((outcome.charged, outcome.suspense), (len(usages), 0))

    def use_in_november(self, key="k"):
        """Make three calls for 6.00 in all: two to Germany, one to London."""
        self.use(
            self.call(f"{key}:1", number=BERLIN),
            self.call(f"{key}:2", 180, number=BERLIN),
            self.call(f"{key}:3", number=LONDON),
        )

    def invoice(self, period=NOVEMBER, wallets=None, **values):
        """Draft the invoices of wallets, by default the customer's."""
        return (wallets or self.user)._invoice_usage(*period, **values)

    def pay(self, invoice, amount=None):
        """Register a payment in full or in part, and settle it."""
        values = {"amount": amount} if amount else {}
        wizard = self.env["account.payment.register"].with_context(active_model="account.move", active_ids=invoice.ids)
        payment = wizard.create(values)._create_payments()
        self.settle()
        return payment

    def settle(self):
        """Bring the ledger to what is paid, as happens after each commit."""
        self.env.flush_all()
        self.env["tier.paid.change"]._settle_here()
        self.env.invalidate_all()

    @staticmethod
    def usage_lines(invoice):
        """Return (name, amount) of the product lines of an invoice."""
        lines = invoice.invoice_line_ids.filtered(lambda line: line.display_type == "product")
        return [(line.name, line.price_subtotal) for line in lines]

    def linked(self, invoice):
        """Return the keys of the events on an invoice."""
        links = self.env["tier.charge.invoice"].search([("move_id", "in", invoice.ids)])
        return sorted(links.charge_id.event_id.mapped("source_key"))


class InvoicingCase(InvoicingBuilder, TransactionCase):
    """A test of invoices of postpaid usage."""

    def refund(self, *keys):
        self.env.flush_all()
        refund(self.env, [self.event(key).id for key in keys], "The line was dead")
        self.env.invalidate_all()


__all__ = ["BERLIN", "DECEMBER", "IN_DECEMBER", "LONDON", "NOON", "NOVEMBER", "InvoicingBuilder", "InvoicingCase"]
