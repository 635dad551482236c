"""Orders that are paid in the shop, by invoice, or both: the money counts once, both ways."""

from odoo import Command

from .common import ShopCase


class TestCreditInvoice(ShopCase):
    def bill(self, order, **values):
        """Confirm, invoice and post an order."""
        if order.state != "sale":
            order.action_confirm()
        invoice = order._create_invoices(final=True)
        invoice.write(values)
        invoice.action_post()
        return invoice

    def settle(self, moves, amount=None):
        """Register a payment of invoices, or the refund of credit notes."""
        wizard = self.env["account.payment.register"].with_context(active_model="account.move", active_ids=moves.ids)
        payment = wizard.create({"amount": amount} if amount else {})._create_payments()
        self.settle_money()
        return payment

    def reverse(self, invoice, amount=None):
        """Post a credit note of an invoice, over another price if one is given."""
        wizard = self.env["account.move.reversal"].with_context(active_model="account.move", active_ids=invoice.ids)
        wizard = wizard.create({"journal_id": invoice.journal_id.id})
        wizard.refund_moves()
        refund = wizard.new_move_ids
        if amount:
            refund.invoice_line_ids.price_unit = amount
        refund.action_post()
        self.settle_money()
        return refund

    def reconcile(self, *moves):
        lines = self.env["account.move"].union(*moves).line_ids
        lines.filtered(lambda line: line.account_type == "asset_receivable" and not line.reconciled).reconcile()
        self.settle_money()

    def test_invoice_names_the_wallet(self):
        invoice = self.bill(self.order((self.credit20, 20), (self.goods, 30)))
        self.assertEqual(invoice.invoice_line_ids.mapped("tier_wallet_id"), self.wallet)
        self.assertEqual(len(invoice.invoice_line_ids.filtered("tier_wallet_id")), 1)

    def test_payment_cancelled(self):
        invoice = self.bill(self.order((self.credit20, 20), (self.goods, 30)))
        payment = self.settle(invoice, 25)
        self.assertBalances(self.wallet, "10")
        payment.action_cancel()
        self.settle_money()
        self.assertBalances(self.wallet, "0")
        self.settle(invoice)
        self.assertBalances(self.wallet, "20")

    def test_invoice_reset_and_deleted(self):
        order = self.order()
        invoice = self.bill(order)
        self.settle(invoice)
        invoice.button_draft()
        invoice.unlink()
        self.settle_money()
        self.assertBalances(self.wallet, "0")
        self.settle(self.bill(order))
        self.assertBalances(self.wallet, "20")

    def test_credit_note_of_an_unpaid_invoice(self):
        order = self.order()
        invoice = self.bill(order)
        with self.assertNothingMoves():
            self.reconcile(invoice, self.reverse(invoice))
        self.assertEqual(invoice.payment_state, "reversed")

    def test_credit_note_of_a_paid_invoice(self):
        invoice = self.bill(self.order())
        self.settle(invoice)
        refund = self.reverse(invoice, 5)
        self.assertBalances(self.wallet, "20")
        payment = self.settle(refund)
        self.assertBalances(self.wallet, "15")
        payment.action_cancel()
        self.settle_money()
        self.assertBalances(self.wallet, "20")

    def test_paid_in_the_shop_and_given_back_by_the_bank(self):
        order = self.order()
        self.pay(order)
        invoice = self.bill(order)
        self.reconcile(invoice, order.transaction_ids.payment_id.move_id)
        self.assertBalances(self.wallet, "20")
        self.settle(self.reverse(invoice, 5))
        self.assertBalances(self.wallet, "15")

    def test_refunded_online_with_a_credit_note(self):
        """The refund counts as it is done; the credit note that documents it changes nothing."""
        order = self.order()
        tx = self.pay(order)
        invoice = self.bill(order)
        self.reconcile(invoice, tx.payment_id.move_id)
        refund = self.refund(tx, 5)
        self.assertBalances(self.wallet, "15")
        self.reconcile(self.reverse(invoice, 5), refund.payment_id.move_id)
        self.assertBalances(self.wallet, "15")

    def test_invoice_paid_online_and_refunded_with_a_credit_note(self):
        invoice = self.bill(self.order())
        tx = self._create_transaction(
            "redirect", amount=20, reference=invoice.name, invoice_ids=[Command.set(invoice.ids)]
        )
        tx._set_done()
        tx._post_process()
        self.settle_money()
        refund = self.refund(tx, 5)
        self.assertBalances(self.wallet, "15")
        self.reconcile(self.reverse(invoice, 5), refund.payment_id.move_id)
        self.assertBalances(self.wallet, "15")
        for again in (refund, tx):
            again._post_process()
            self.settle_money()
        self.assertBalances(self.wallet, "15")

    def test_hand_made_invoice_paid_online(self):
        """An invoice without an order, paid on the portal."""
        invoice = self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": self.buyer.id,
                "invoice_line_ids": [Command.create({"product_id": self.credit20.id, "price_unit": 20})],
            }
        )
        invoice.action_post()
        self.assertEqual(invoice.invoice_line_ids.tier_wallet_id, self.wallet)
        tx = self._create_transaction(
            "redirect", amount=20, reference=invoice.name, invoice_ids=[Command.set(invoice.ids)]
        )
        tx._set_done()
        tx._post_process()
        self.settle_money()
        self.assertBalances(self.wallet, "20")
        self.refund(tx, 8)
        self.assertBalances(self.wallet, "12")
        tx._tier_settle()
        self.settle_money()
        self.assertBalances(self.wallet, "12")

    def test_half_in_the_shop_half_by_invoice_and_all_back(self):
        order = self.order(require_payment=True, prepayment_percent=0.25)
        tx = self.pay(order, 5)
        invoice = self.bill(order)
        self.reconcile(invoice, tx.payment_id.move_id)
        payment = self.settle(invoice)
        self.assertBalances(self.wallet, "20")
        self.refund(tx, 5)
        self.assertBalances(self.wallet, "15")
        payment.action_cancel()
        self.settle_money()
        self.assertBalances(self.wallet, "0")
        self.assertConserved()

    def test_down_payment_given_back(self):
        order = self.order()
        order.action_confirm()
        wizard = self.env["sale.advance.payment.inv"].create(
            {"sale_order_ids": order.ids, "advance_payment_method": "fixed", "fixed_amount": 8}
        )
        down = wizard._create_invoices(order)
        down.action_post()
        payment = self.settle(down)
        self.assertBalances(self.wallet, "8")
        payment.action_cancel()
        self.settle_money()
        self.assertBalances(self.wallet, "0")

    def test_spent_credit_is_owed(self):
        invoice = self.bill(self.order())
        payment = self.settle(invoice)
        self.usage(self.wallet, "15", "call")
        payment.action_cancel()
        self.settle_money()
        self.assertBalances(self.wallet, "-15")

    def test_paid_invoice_before_there_is_a_wallet(self):
        stranger = self.env["res.partner"].create({"name": "Stranger"})
        order = self.order(partner=stranger)
        self.settle(self.bill(order))
        self.assertEqual(order.activity_ids.summary, "Choose the wallet of paid credit")
        wallet = self.new_wallet("Stranger", self.top, partner_id=stranger.id)
        order.order_line.tier_wallet_id = wallet
        self.settle_money()
        self.assertBalances(wallet, "20")

    def test_order_in_another_currency_than_the_wallet(self):
        wallet = self.new_wallet("Bea", self.top, currency_id=self.shell.id)
        invoice = self.bill(self.order(partner=wallet.partner_id))
        payment = self.settle(invoice, 10)
        self.assertBalances(wallet, "8")
        self.set_rate(self.shell, 3, self.env.cr.now().date())
        payment.action_cancel()
        self.settle_money()
        self.assertBalances(wallet, "0")
