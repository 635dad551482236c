"""What documents credit to wallets arrives in the books: sold credit is cleared, customers have theirs."""

from decimal import Decimal

from odoo.tests import tagged

from .paid_common import PaidCase


@tagged("post_install", "-at_install")
class TestPaidBooks(PaidCase):
    def on(self, account):
        """Return the balance of an account of the company; a credit is positive."""
        lines = self.env["account.move.line"].search([("account_id", "=", account.id), ("parent_state", "=", "posted")])
        return -sum(map(Decimal, map(repr, lines.mapped("balance"))), Decimal(0)).quantize(Decimal("0.01"))

    def assertBooks(self, sold, credit):
        """Compare credit that is sold and not paid for, and the customers' credit."""
        self.book()
        self.assertEqual(self.on(self.company.tier_clearing_account_id), Decimal(sold))
        self.assertEqual(self.on(self.company.tier_credit_account_id), Decimal(credit))
        self.assertBooked()

    def test_invoice(self):
        invoice = self.invoice(20)
        self.settle()
        self.assertBooks(20, 0)
        self.pay(invoice, 5)
        self.assertBooks(15, 5)
        payment = self.pay(invoice)
        self.assertBooks(0, 20)
        payment.action_cancel()
        self.settle()
        self.assertBooks(15, 5)

    def test_tax_stays_out_of_it(self):
        invoice = self.invoice(self.line(20, taxes=self.company.account_sale_tax_id))
        self.assertGreater(invoice.amount_tax, 0)
        self.pay(invoice, invoice.amount_total / 2)
        self.assertBooks(10, 10)

    def test_credit_note(self):
        unpaid = self.invoice(7)
        self.reconcile(unpaid, self.reverse(unpaid))
        self.assertBooks(0, 0)
        invoice = self.invoice(20)
        self.pay(invoice)
        refund = self.reverse(invoice, 8)
        self.assertBooks(-8, 20)
        self.pay(refund)
        self.assertBooks(0, 12)

    def test_advance(self):
        payment = self.env["account.payment"].create(
            {
                "payment_type": "inbound",
                "partner_type": "customer",
                "partner_id": self.partner.id,
                "journal_id": self.bank.id,
                "amount": 20,
                "tier_wallet_id": self.wallet.id,
            }
        )
        payment.action_post()
        self.settle()
        self.assertBooks(0, 20)
        payment.action_cancel()
        self.settle()
        self.assertBooks(0, 0)

    def test_outside_money(self):
        reseller = self.new_wallet("Reseller", self.top)
        user = self.new_wallet("User", reseller, money="outside")
        invoice = self.invoice(20, partner=user.partner_id)
        self.pay(invoice)
        self.assertBooks(0, 20)
        self.unreconcile(invoice)
        self.assertBooks(20, 0)
