"""A credit note takes credit back when its amount is given back, not when it is written."""

from odoo import Command
from odoo.tests import tagged

from .paid_common import PaidCase


@tagged("post_install", "-at_install")
class TestPaidCreditNote(PaidCase):
    def test_before_payment_it_is_paper(self):
        invoice = self.invoice(20)
        with self.assertNothingMoves():
            self.reverse(invoice)
            self.reconcile(invoice, invoice.reversal_move_ids)
            self.assertEqual(invoice.payment_state, "reversed")
        self.assertBalances(self.wallet, "0")

    def test_part_of_it_before_payment(self):
        invoice = self.invoice(self.line(60), self.line(40, self.goods))
        refund = self.reverse(invoice, 30)
        with self.assertNothingMoves():
            self.reconcile(invoice, refund)
        self.pay(invoice, 35)
        self.assertBalances(self.wallet, "15")
        self.pay(invoice)
        self.assertEqual(invoice.amount_residual, 0)
        self.assertBalances(self.wallet, "30")

    def test_other_part_before_payment(self):
        invoice = self.invoice(self.line(60), self.line(40, self.goods))
        refund = self.reverse(invoice, 30)
        refund.button_draft()
        refund.invoice_line_ids.write({"product_id": self.goods.id, "tier_wallet_id": False, "price_unit": 40})
        refund.action_post()
        self.reconcile(invoice, refund)
        self.pay(invoice)
        self.assertBalances(self.wallet, "60")

    def test_after_payment_when_money_is_given_back(self):
        invoice = self.invoice(20)
        self.pay(invoice)
        refund = self.reverse(invoice)
        self.assertBalances(self.wallet, "20")
        self.pay(refund)
        self.assertEqual(refund.payment_state, "paid")
        self.assertBalances(self.wallet, "0")
        back = self.env["tier.transfer"].search([("from_wallet_id", "=", self.wallet.id)])
        self.assertEqual(back.reverses_id, self.topups())
        self.assertConserved()

    def test_partial_refunds(self):
        invoice = self.invoice(20)
        self.pay(invoice)
        refund = self.reverse(invoice, 12)
        self.pay(refund, 5)
        self.assertBalances(self.wallet, "15")
        payment = self.pay(refund)
        self.assertBalances(self.wallet, "8")
        payment.action_cancel()
        self.settle()
        self.assertBalances(self.wallet, "15")
        second = self.reverse(invoice, 8)
        self.pay(second)
        self.assertBalances(self.wallet, "7")
        self.pay(refund)
        self.assertBalances(self.wallet, "0")

    def test_refunded_twice(self):
        """Two credit notes and two payments back for one invoice: the second is owed."""
        invoice = self.invoice(20)
        self.pay(invoice)
        for balance in ("0", "-20"):
            self.pay(self.reverse(invoice))
            self.assertBalances(self.wallet, balance)

    def test_of_a_partly_paid_invoice(self):
        invoice = self.invoice(100)
        self.pay(invoice, 70)
        refund = self.reverse(invoice, 50)
        self.assertBalances(self.wallet, "70")
        self.reconcile(invoice, refund)
        self.assertEqual((invoice.amount_residual, refund.amount_residual), (0, 20))
        self.assertBalances(self.wallet, "70")
        self.pay(refund)
        self.assertBalances(self.wallet, "50")
        self.unreconcile(refund)
        self.assertBalances(self.wallet, "70")

    def test_reset_to_draft_after_it_was_paid(self):
        invoice = self.invoice(20)
        self.pay(invoice)
        refund = self.reverse(invoice)
        self.pay(refund)
        refund.button_draft()
        self.settle()
        self.assertBalances(self.wallet, "20")
        refund.action_post()
        self.settle()
        self.assertBalances(self.wallet, "0")

    def test_pays_for_something_else(self):
        invoice = self.invoice(20)
        self.pay(invoice)
        refund = self.reverse(invoice)
        self.reconcile(refund, self.invoice(self.line(12, self.goods)))
        self.assertBalances(self.wallet, "8")
        self.reconcile(refund, self.invoice(self.line(8, self.goods)))
        self.assertBalances(self.wallet, "0")

    def test_moves_credit_to_another_wallet(self):
        other = self.new_wallet("Ada's shop", self.top, partner_id=self.partner.id)
        first = self.invoice(self.line(20, tier_wallet_id=self.wallet.id))
        self.pay(first)
        second = self.invoice(self.line(20, tier_wallet_id=other.id))
        self.reconcile(self.reverse(first), second)
        self.assertBalances(self.wallet, "0", other, "20")

    def test_of_a_paid_invoice_settles_the_next(self):
        """Both are of one wallet: it keeps what was paid once."""
        first, second = self.invoice(20), self.invoice(20)
        self.pay(first)
        self.reconcile(self.reverse(first), second)
        self.assertBalances(self.wallet, "20")
        self.assertConserved()

    def test_goods_given_back_pay_for_credit(self):
        goods = self.invoice(self.line(20, self.goods))
        self.pay(goods)
        refund = self.reverse(goods)
        self.reconcile(refund, self.invoice(20))
        self.assertBalances(self.wallet, "20")

    def test_without_an_invoice(self):
        self.pay(self.invoice(20))
        refund = self.invoice(15, move_type="out_refund")
        self.settle()
        self.assertBalances(self.wallet, "20")
        payment = self.pay(refund)
        self.assertBalances(self.wallet, "5")
        payment.action_draft()
        self.settle()
        self.assertBalances(self.wallet, "20")

    def test_without_an_invoice_of_outside_money(self):
        reseller = self.new_wallet("Reseller", self.top)
        user = self.new_wallet("User", reseller, money="outside", currency_id=self.shell.id)
        self.pay(self.invoice(20, partner=user.partner_id))
        self.pay(self.invoice(5, move_type="out_refund", partner=user.partner_id))
        self.assertBalances(reseller, "15", user, "12")
        self.assertConserved()

    def test_loose_credit_note_of_an_unpaid_invoice(self):
        """Not made from the invoice, but of the same wallet: paper as well."""
        invoice = self.invoice(20)
        with self.assertNothingMoves():
            self.reconcile(invoice, self.invoice(5, move_type="out_refund"))
        self.pay(invoice)
        self.assertBalances(self.wallet, "15")

    def test_rate_of_the_purchase(self):
        invoice = self.invoice(20, currency_id=self.shell.id)
        self.pay(invoice)
        self.assertBalances(self.wallet, "25")
        self.set_rate(self.shell, 0.5, self.env.cr.now().date())
        self.pay(self.reverse(invoice))
        self.assertBalances(self.wallet, "0")

    def test_reversed_at_once(self):
        """Odoo's own "Reverse and create invoice" reconciles by itself."""
        invoice = self.invoice(20)
        self.pay(invoice)
        wizard = self.env["account.move.reversal"].with_context(active_model="account.move", active_ids=invoice.ids)
        draft = self.env["account.move"].browse(
            wizard.create({"journal_id": invoice.journal_id.id}).modify_moves()["res_id"]
        )
        self.settle()
        money = self.balance(self.wallet)
        draft.invoice_line_ids = [Command.update(draft.invoice_line_ids.id, {"price_unit": 30})]
        draft.action_post()
        self.settle()
        self.assertIn(money, (0, 20))
        self.pay(draft)
        self.assertConserved()
