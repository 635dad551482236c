from decimal import Decimal

from odoo import fields
from odoo.tests import tagged

from .paid_common import PaidCase


@tagged("post_install", "-at_install")
class TestBooksStory(PaidCase):
    """From the invoice to the last cent used: nothing stays where it should not."""

    def worth(self, account):
        """Return an account's balance in the company's currency; credits positive."""
        lines = self.env["account.move.line"].search(
            [("account_id", "=", account.id), ("company_id", "=", self.company.id), ("parent_state", "=", "posted")]
        )
        return round(-sum(lines.mapped("balance")), 2)

    def assertStands(self, sold, credit):
        """Compare what is sold and not credited, and the customers' credit, with what they should be."""
        self.book()
        self.assertEqual(
            (self.worth(self.company.tier_clearing_account_id), self.worth(self.company.tier_credit_account_id)),
            (sold, credit),
        )
        self.assertBooked()

    def test_top_up_by_invoice(self):
        tax = self.env["account.tax"].create(
            {"name": "VAT", "amount": 20, "type_tax_use": "sale", "company_id": self.company.id}
        )
        due = self.env["account.account"].create(
            {"name": "Tax due", "code": "255998", "account_type": "liability_current"}
        )
        tax.invoice_repartition_line_ids.filtered(lambda line: line.repartition_type == "tax").account_id = due
        invoice = self.invoice(self.line(100, taxes=tax))
        self.assertStands(100, 0)
        self.pay(invoice, 60)
        self.assertStands(50, 50)
        self.pay(invoice)
        self.assertStands(0, 100)
        self.used(self.wallet, "30.00", "calls")
        self.assertStands(0, 70)
        refund = self.reverse(invoice, 40)
        self.assertStands(-40, 70)
        self.pay(refund)
        self.assertStands(0, 30)
        self.assertEqual(self.worth(self.company.tier_revenue_account_id), 30)

    def test_a_charge_back(self):
        invoice = self.invoice(100)
        payment = self.pay(invoice)
        self.assertStands(0, 100)
        payment.action_draft()
        payment.action_cancel()
        self.settle()
        self.assertStands(100, 0)

    def test_margin_paid_out(self):
        self.pay(self.invoice(100))
        self.wallet._withdraw("25.00", "payout")
        bill = self.entry(self.company.tier_clearing_account_id, self.receivable, 25.0)
        self.assertTrue(bill)
        self.assertStands(0, 75)

    def test_in_another_currency_while_rates_move(self):
        """The rate moves between purchase, payment and use; no value is left in either liability."""
        today = fields.Date.today()
        self.set_rate(self.shell, 0.64, "2026-11-20")
        shells = self.new_wallet("Shells", self.top, currency_id=self.shell.id)
        invoice = self.invoice(
            self.line(64, tier_wallet_id=shells.id),
            partner=shells.partner_id,
            currency_id=self.shell.id,
        )
        self.assertStands(100, 0)
        self.set_rate(self.shell, 0.5, str(today))
        self.pay(invoice)
        # At today's rate the customer has 128.00; it was sold for 100.00.
        self.assertStands(0, 128)
        self.set_rate(self.shell, 0.8, str(fields.Date.add(today, days=1)))
        self.used(shells, "64.00", "calls", fields.Datetime.add(fields.Datetime.now(), days=1), amount_to=Decimal(80))
        self.book(until=fields.Date.add(today, days=1))
        self.assertEqual(self.worth(self.company.tier_credit_account_id), 0)
        self.assertEqual(self.worth(self.company.tier_clearing_account_id), 0)
        self.assertEqual(self.worth(self.company.tier_revenue_account_id), 80)
