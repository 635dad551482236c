from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import new_test_user, tagged

from .test_payout import PayoutCase


@tagged("post_install", "-at_install")
class TestPayoutBill(PayoutCase):
    """The bill of a payout, and what becomes of the money with it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.payable = cls.partner.with_company(cls.company).property_account_payable_id

    def billed(self, amount):
        payout = self.approved(amount)
        payout.move_id.action_post()
        self.settle()
        return payout

    def payables(self, moves):
        return moves.line_ids.filtered(lambda line: line.account_type == "liability_payable")

    def credit_note(self, bill):
        wizard = self.env["account.move.reversal"].with_context(active_model="account.move", active_ids=bill.ids)
        wizard = wizard.create({"journal_id": bill.journal_id.id, "date": bill.date})
        wizard.refund_moves()
        return wizard.new_move_ids

    def test_billed_and_paid(self):
        payout = self.billed(40)
        self.assertEqual(payout.state, "billed")
        self.pay(payout.move_id)
        self.assertEqual(payout.state, "paid")
        self.assertBalances(self.reseller, "60")
        self.assertPaidOut(payout, 40)

    def test_the_books_are_even_when_it_is_paid(self):
        """Clearing: what the bill took is what the daily entry brings."""
        payout = self.billed(40)
        self.pay(payout.move_id)
        self.book()
        self.assertEqual(self.booked_credit(), 60)
        lines = self.env["account.move.line"].search(
            [("account_id", "=", self.company.tier_clearing_account_id.id), ("parent_state", "=", "posted")]
        )
        # The top-up without an invoice is on it still; the payout is not.
        self.assertEqual(sum(lines.mapped("balance")), 100)

    def test_a_payment_that_bounced(self):
        payout = self.billed(40)
        self.pay(payout.move_id)
        self.payables(payout.move_id).remove_move_reconcile()
        self.settle()
        self.assertEqual(payout.state, "billed")
        self.assertBalances(self.reseller, "60")

    def test_a_paid_one_is_not_called_off(self):
        payout = self.billed(40)
        self.pay(payout.move_id, 10)
        with self.assertRaisesRegex(UserError, "payment"):
            payout.with_user(self.managers).action_cancel()
        self.assertEqual(payout.state, "billed")
        self.assertBalances(self.reseller, "60")

    def test_a_posted_bill_is_cancelled_with_its_payout(self):
        payout = self.billed(40)
        payout.with_user(self.managers).action_cancel()
        self.settle()
        self.assertEqual((payout.state, payout.move_id.state), ("cancelled", "cancel"))
        self.assertPaidOut(payout, 0)

    def test_an_accountant_cancels_the_bill(self):
        payout = self.billed(40)
        payout.move_id.button_draft()
        self.settle()
        self.assertEqual(payout.state, "approved")
        self.assertBalances(self.reseller, "60")
        payout.move_id.button_cancel()
        self.settle()
        self.assertEqual(payout.state, "cancelled")
        self.assertBalances(self.reseller, "100")
        payout.move_id.button_draft()
        with self.assertRaisesRegex(UserError, "new payout"):
            payout.move_id.action_post()
        payout.move_id.button_cancel()
        self.settle()
        self.assertPaidOut(payout, 0)

    def test_an_accountant_needs_no_rights_on_wallets(self):
        accountant = new_test_user(
            self.env,
            "payout_accountant",
            "base.group_user,account.group_account_manager",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        self.assertFalse(self.env["tier.payout"].with_user(accountant).has_access("read"))
        paid, cancelled, deleted = (self.approved(10) for _number in range(3))
        bill = paid.move_id.with_user(accountant)
        bill.action_post()
        register = self.env["account.payment.register"].with_user(accountant)
        register = register.with_context(active_model="account.move", active_ids=bill.ids)
        register.create({"journal_id": self.bank.id})._create_payments()
        cancelled.move_id.with_user(accountant).button_cancel()
        deleted.move_id.with_user(accountant).unlink()
        self.settle()
        self.assertEqual((paid | cancelled | deleted).mapped("state"), ["paid", "cancelled", "cancelled"])
        self.assertBalances(self.reseller, "90")

    def test_a_deleted_bill(self):
        payout = self.approved(40)
        payout.move_id.unlink()
        self.settle()
        self.assertEqual(payout.state, "cancelled")
        self.assertBalances(self.reseller, "100")
        self.assertPaidOut(payout, 0)

    def test_what_a_crash_left_is_settled_by_the_cron(self):
        payout = self.approved(40)
        payout.move_id.button_cancel()
        self.env.flush_all()
        self.env.cr.postcommit.clear()
        self.assertBalances(self.reseller, "60")
        self.run_cron()
        self.assertBalances(self.reseller, "100")
        self.run_cron()
        self.assertPaidOut(payout, 0)

    def test_a_credit_note_for_the_whole_bill(self):
        payout = self.billed(40)
        refund = self.credit_note(payout.move_id)
        refund.action_post()
        self.settle()
        if payout.move_id.payment_state == "not_paid":
            self.payables(payout.move_id | refund).reconcile()
            self.settle()
        self.assertEqual(payout.move_id.payment_state, "reversed")
        self.assertEqual(payout.state, "cancelled")
        self.assertBalances(self.reseller, "100")
        self.payables(refund).remove_move_reconcile()
        self.settle()
        self.assertPaidOut(payout, 0)
        self.assertBalances(self.reseller, "100")

    def test_a_credit_note_for_a_part_is_refused(self):
        payout = self.billed(40)
        refund = self.credit_note(payout.move_id)
        refund.invoice_line_ids.price_unit = 10
        with self.assertRaisesRegex(UserError, "whole"):
            refund.action_post()
        self.assertBalances(self.reseller, "60")

    def test_a_bill_pays_what_left_the_wallet(self):
        payout = self.approved(40)
        payout.move_id.invoice_line_ids.price_unit = 50
        with self.assertRaisesRegex(UserError, "40.00"):
            payout.move_id.action_post()
        payout.move_id.invoice_line_ids.price_unit = 40
        tax = self.env["account.tax"].create(
            {"name": "10%", "amount": 10, "type_tax_use": "purchase", "company_id": self.company.id}
        )
        payout.move_id.invoice_line_ids.tax_ids = [Command.set(tax.ids)]
        payout.move_id.action_post()
        self.assertEqual(payout.move_id.amount_total, 44)

    def test_another_currency(self):
        """The bill is in the wallet's currency, whatever the company's."""
        abroad = self.new_wallet("Abroad", self.top, currency_id=self.shell.id)
        abroad._topup(80, "payout:abroad")
        payout = self.request(20, wallet_id=abroad.id)
        payout.with_user(self.managers).action_approve()
        bill = payout.sudo().move_id
        self.assertEqual((bill.currency_id, bill.amount_total), (self.shell, 20))
        bill.action_post()
        self.pay(bill)
        self.assertEqual(payout.state, "paid")
        self.assertBalances(abroad, "60")
        self.assertConserved()

    def test_other_bills_are_left_alone(self):
        bill = self.invoice(self.line(5, self.goods), move_type="in_invoice")
        self.credit_note(bill).action_post()
        self.settle()
        draft = self.invoice(self.line(5, self.goods), move_type="in_invoice", post=False)
        draft.unlink()
        self.settle()
