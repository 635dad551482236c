from odoo.tests import freeze_time, tagged

from odoo.addons.tier_billing.tests.test_booking import BookingCase

from .invoicing_common import DECEMBER, IN_DECEMBER, InvoicingBuilder


@freeze_time("2026-12-10 09:00:00")
@tagged("post_install", "-at_install")
class TestUsageInvoiceBooks(InvoicingBuilder, BookingCase):
    """From the call to the payment, the books have what the wallets have, and nothing stays between."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # A tax without an account of its own would stay on the account of the line.
        owed = cls.env["account.account"].create(
            {"name": "Tax owed", "code": "255555", "account_type": "liability_current"}
        )
        lines = cls.tax.invoice_repartition_line_ids | cls.tax.refund_repartition_line_ids
        lines.filtered(lambda line: line.repartition_type == "tax").account_id = owed

    def left_between(self):
        """Return what is invoiced and not paid, or paid and not invoiced, in the wallets' currency."""
        lines = self.env["account.move.line"].search(
            [
                ("account_id", "=", self.company.tier_clearing_account_id.id),
                ("parent_state", "=", "posted"),
                ("currency_id", "=", self.coin.id),
            ]
        )
        return round(-sum(lines.mapped("amount_currency")), 2)

    def test_from_call_to_payment(self):
        self.use_in_november()
        self.book()
        self.assertBooked()
        self.assertEqual(self.left_between(), 0)
        move = self.invoice()
        move.action_post()
        self.settle()
        self.book()
        self.assertBooked()
        self.assertEqual(self.left_between(), 6, "invoiced and not paid yet")
        self.pay(move, 3.6)
        self.book()
        self.assertBooked()
        self.assertEqual(self.left_between(), 3)
        self.pay(move)
        self.book()
        self.assertBooked()
        self.assertEqual(self.left_between(), 0)
        self.assertEqual(
            self.booked_credit(self.coin), self.balance(self.reseller), "the reseller's margin is what is owed"
        )
        self.assertBalances(self.user, 0)

    def test_with_money_of_its_own(self):
        self.user._topup(4, "funds")
        self.use_in_november()
        first = self.invoice()
        first.action_post()
        self.use(self.call("dec", 300, at=IN_DECEMBER))
        second = self.invoice(DECEMBER)
        second.action_post()
        self.pay(first)
        self.pay(second)
        self.book()
        self.assertBooked()
        # The top-up came without an invoice.
        self.assertEqual(self.left_between(), -4)
        self.assertBalances(self.user, 0)

    def test_a_credit_note(self):
        self.use_in_november()
        move = self.invoice(invoice_date="2026-12-02")
        move.action_post()
        self.pay(move)
        wizard = self.env["account.move.reversal"].with_context(active_model="account.move", active_ids=move.ids)
        action = wizard.create({"journal_id": move.journal_id.id, "date": "2026-12-03"}).refund_moves()
        note = self.env["account.move"].browse(action["res_id"])
        self.assertFalse(note.tier_usage_wallet_id)
        self.assertEqual(note.invoice_line_ids.tier_wallet_id, self.user)
        note.action_post()
        self.settle()
        self.book()
        self.assertBooked()
        self.assertEqual(self.linked(move), ["k:1", "k:2", "k:3"])
        self.assertConserved()
