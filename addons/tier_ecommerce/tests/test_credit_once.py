"""A payment credits its wallet when its money is there, and once."""

from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user

from .common import ShopCase


class TestCreditOnce(ShopCase):
    def test_payment_credits_the_wallet(self):
        order = self.order()
        tx = self.pay(order)
        self.assertBalances(self.wallet, "20", self.top, "0")
        self.assertEqual(order.state, "sale")
        transfer = self.topups()
        self.assertEqual(transfer.source_key, f"shop:{order.order_line.id}:{tx.id}")
        self.assertEqual(transfer.from_account_id.kind, "world")
        self.assertEqual(transfer.reason, f"Order {order.name}, payment {tx.reference}")
        self.assertEqual(order.order_line.tier_credited, 20)
        self.assertConserved()

    def test_wallet_has_a_note_by_the_system(self):
        order = self.order()
        self.pay(order)
        note = self.wallet.message_ids[0]
        self.assertIn("20.00", note.body)
        self.assertIn(order.name, note.body)
        self.assertEqual(note.author_id, self.env.ref("base.partner_root"))

    def test_post_processing_again_changes_nothing(self):
        tx = self.pay(self.order())
        for _again in range(3):
            tx._post_process()
        self.assertBalances(self.wallet, "20")
        self.assertEqual(len(self.topups()), 1)
        self.assertEqual(sum("credited" in note for note in self.notes()), 1)

    def test_cron_beside_the_status_poll(self):
        tx = self.pay(self.order(), process=False)
        self.run_cron()
        self.assertTrue(tx.is_post_processed)
        self.assertBalances(self.wallet, "20")
        tx._post_process()  # what the poll does, which read the flag before the cron wrote it
        tx.is_post_processed = False
        self.run_cron()
        self.assertBalances(self.wallet, "20")

    def test_done_reported_twice(self):
        tx = self.pay(self.order())
        tx._set_done()
        tx._post_process()
        self.assertBalances(self.wallet, "20")

    def test_two_lines_and_more_than_one_piece(self):
        other = self.new_wallet("Ada's shop", self.top, partner_id=self.buyer.id)
        line = {"product_id": self.credit20.id, "price_unit": 20}
        order = self.order(
            {**line, "tier_wallet_id": self.wallet.id, "product_uom_qty": 3},
            {**line, "tier_wallet_id": other.id, "product_uom_qty": 1},
            {**line, "tier_wallet_id": self.wallet.id, "product_uom_qty": 1},
        )
        tx = self.pay(order)
        tx._post_process()
        self.assertBalances(self.wallet, "80", other, "20")
        self.assertEqual(len(self.topups()), 2)

    def test_pending_and_authorized_give_nothing(self):
        for state in ("pending", "authorized"):
            with self.subTest(state), self.assertNothingMoves():
                self.pay(self.order(), state=state)
        for state in ("cancel", "error"):
            with self.subTest(state), self.assertNothingMoves():
                self.pay(self.order(), state=state)

    def test_authorized_gives_credit_once_captured(self):
        order = self.order()
        tx = self.pay(order, state="authorized")
        self.assertEqual(order.state, "sale")
        self.assertBalances(self.wallet, "0")
        capture = tx._create_child_transaction(20)
        capture._set_done()
        self.assertEqual(tx.state, "done")
        for processed in (capture, tx, capture):
            processed._post_process()
            self.assertBalances(self.wallet, "20")

    def test_captured_in_part_gives_that_part(self):
        tx = self.pay(self.order(), state="authorized")
        capture, void = tx._create_child_transaction(12), tx._create_child_transaction(8)
        capture._set_done()
        void._set_canceled()
        # Odoo sets the authorization done with its full amount.
        self.assertEqual((tx.state, tx.amount), ("done", 20))
        (tx | capture | void)._post_process()
        tx._post_process()
        self.assertBalances(self.wallet, "12")

    def test_cancelled_order_keeps_the_credit_it_was_paid_for(self):
        order = self.order()
        tx = self.pay(order)
        order._action_cancel()
        tx._post_process()
        self.assertBalances(self.wallet, "20")
        order.action_draft()
        order.action_confirm()
        tx._post_process()
        self.assertBalances(self.wallet, "20")

    def test_payment_that_arrives_after_the_order_was_cancelled(self):
        order = self.order()
        tx = self.pay(order, state="pending")
        order._action_cancel()
        self.reach(tx, "done")
        tx._post_process()
        self.assertBalances(self.wallet, "20")

    def test_confirmed_by_hand_gives_nothing(self):
        with self.assertNothingMoves():
            self.order().action_confirm()

    def test_order_without_credit(self):
        order = self.order((self.goods, 30))
        self.assertFalse(order.order_line.tier_wallet_id)
        with self.assertNothingMoves():
            self.pay(order)

    def test_suspended_since_is_credited_all_the_same(self):
        tx = self.pay(self.order(), state="pending")
        self.wallet.action_suspend()
        self.reach(tx, "done")
        tx._post_process()
        self.assertBalances(self.wallet, "20")

    def test_product_that_is_no_credit_any_more(self):
        tx = self.pay(self.order(), state="pending")
        self.credit20.product_tmpl_id.is_tier_credit = False
        self.reach(tx, "done")
        tx._post_process()
        self.assertBalances(self.wallet, "20")


class TestWithoutPaymentInTheShop(ShopCase):
    def bill(self, order):
        """Confirm and invoice an order."""
        if order.state != "sale":
            order.action_confirm()
        invoice = order._create_invoices(final=True)
        invoice.action_post()
        return invoice

    def settle(self, invoice, amount=None):
        """Register a payment of an invoice."""
        wizard = self.env["account.payment.register"].with_context(active_model="account.move", active_ids=invoice.ids)
        wizard.create({"amount": amount} if amount else {})._create_payments()
        self.settle_money()

    def test_invoice_credits_what_is_paid(self):
        order = self.order((self.credit20, 20), (self.goods, 30))
        invoice = self.bill(order)
        self.settle(invoice, 10)
        self.assertBalances(self.wallet, "4")
        self.settle(invoice, 40)
        self.assertBalances(self.wallet, "20")
        self.assertEqual(order.order_line[0].tier_credited, 20)
        self.env["tier.paid.change"]._mark(order)
        self.settle_money()
        self.assertBalances(self.wallet, "20")

    def test_shop_payment_with_automatic_invoice_credits_once(self):
        self.env["ir.config_parameter"].sudo().set_param("sale.automatic_invoice", "True")
        order = self.order()
        self.pay(order)
        self.assertIn(order.invoice_ids.payment_state, ("paid", "in_payment"))
        self.assertBalances(self.wallet, "20")
        self.assertEqual(len(self.topups()), 1)

    def test_half_in_the_shop_and_half_by_invoice(self):
        self.env["ir.config_parameter"].sudo().set_param("sale.automatic_invoice", "True")
        order = self.order(require_payment=True, prepayment_percent=0.25)
        self.pay(order, 5)
        self.assertBalances(self.wallet, "5")
        self.settle(self.bill(order))
        self.assertBalances(self.wallet, "20")
        self.assertEqual(sorted(self.topups().mapped("amount")), [5, 15])

    def test_down_payment_by_invoice(self):
        order = self.order()
        order.action_confirm()
        wizard = self.env["sale.advance.payment.inv"].create(
            {"sale_order_ids": order.ids, "advance_payment_method": "fixed", "fixed_amount": 8}
        )
        down = wizard._create_invoices(order)
        down.action_post()
        self.settle(down)
        self.assertBalances(self.wallet, "8")
        self.settle(self.bill(order))
        self.assertBalances(self.wallet, "20")

    def test_invoice_paid_online_in_the_portal(self):
        order = self.order()
        invoice = self.bill(order)
        tx = self._create_transaction(
            "redirect",
            amount=20,
            reference=invoice.name,
            invoice_ids=[Command.set(invoice.ids)],
        )
        tx._set_done()
        tx._post_process()
        tx._post_process()
        self.settle_money()
        self.assertBalances(self.wallet, "20")
        self.refund(tx, 5)
        self.assertBalances(self.wallet, "15")
        self.refund(tx, 15)
        self.assertBalances(self.wallet, "0")

    def test_wire_transfer_reported_after_its_invoice_was_paid(self):
        order = self.order()
        tx = self.pay(order, state="pending")
        self.settle(self.bill(order))
        self.assertBalances(self.wallet, "20")
        self.reach(tx, "done")
        tx._post_process()
        self.assertBalances(self.wallet, "20")

    def test_invoice_paid_after_the_shop_payment_was_undone(self):
        order = self.order()
        tx = self.pay(order)
        self.reach(tx, "cancel")
        tx._tier_settle()
        self.assertBalances(self.wallet, "0")
        self.settle(self.bill(order))
        self.assertBalances(self.wallet, "20")

    def test_nothing_left_to_pay(self):
        """A gift card or voucher pays: a line that brings the total to zero."""
        order = self.order((self.credit20, 20), (self.goods, -20))
        order._validate_order()
        self.assertBalances(self.wallet, "20")
        with self.assertRaises(UserError):
            order._validate_order()
        self.assertBalances(self.wallet, "20")

    def test_validated_without_payment(self):
        """What a signature on the portal does: it confirms, and brings no money."""
        with self.assertNothingMoves():
            self.order()._validate_order()


class TestWhichWallet(ShopCase):
    def colleague(self, group):
        """Create a user of this company with the rights of one group."""
        company = self.company.id
        return new_test_user(self.env, group, group, company_id=company, company_ids=[Command.set([company])])

    def test_only_wallet_of_the_buyer_is_chosen(self):
        person = self.env["res.partner"].create({"name": "Ada's aide", "parent_id": self.buyer.id})
        line = self.order(partner=person).order_line
        self.assertEqual(line.tier_wallet_id, self.wallet)
        self.assertIn("Wallet: Ada", line.name)

    def test_several_wallets_are_the_buyers_choice(self):
        self.new_wallet("Second", self.top, partner_id=self.buyer.id)
        self.assertFalse(self.order().order_line.tier_wallet_id)

    def test_suspended_provider_and_archived_wallets_are_no_choice(self):
        self.assertFalse(self.order(partner=self.top.partner_id).order_line.tier_wallet_id)
        for values in ({"state": "suspended"}, {"state": "closed"}, {"active": False}):
            with self.subTest(values):
                wallet = self.new_wallet("Other", self.top)
                wallet.write(values)
                order = self.order(partner=wallet.partner_id)
                self.assertFalse(order.order_line.tier_wallet_id)

    def test_wallet_of_another_is_refused(self):
        below = self.new_wallet("Below", self.wallet)
        for wallet in (below, self.top, self.new_wallet("Beside", self.top)):
            with self.subTest(wallet.name), self.assertRaises(ValidationError):
                self.order().order_line.tier_wallet_id = wallet

    def test_other_buyer_gets_other_wallet(self):
        other = self.new_wallet("Bea", self.top)
        order = self.order()
        order.partner_id = other.partner_id
        self.assertEqual(order.order_line.tier_wallet_id, other)
        order.partner_id = self.env["res.partner"].create({"name": "Walletless"})
        self.assertFalse(order.order_line.tier_wallet_id)

    def test_paid_before_there_is_a_wallet(self):
        stranger = self.env["res.partner"].create({"name": "Stranger"})
        order = self.order(partner=stranger)
        tx = self.pay(order)
        tx._post_process()
        self.assertEqual(order.activity_ids.summary, "Choose the wallet of paid credit")
        wallet = self.new_wallet("Stranger", self.top, partner_id=stranger.id)
        order.order_line.tier_wallet_id = wallet
        self.assertBalances(wallet, "20")
        tx._post_process()
        self.assertBalances(wallet, "20")

    def test_credited_line_stays_as_it_is(self):
        other = self.new_wallet("Second", self.top, partner_id=self.buyer.id)
        order = self.order(
            {
                "product_id": self.credit20.id,
                "price_unit": 20,
                "tier_wallet_id": self.wallet.id,
                "product_uom_qty": 2,
            },
            require_payment=True,
        )
        self.pay(order, 10)
        self.assertEqual(order.state, "draft")
        with self.assertRaisesRegex(UserError, "credited to Ada"):
            order.order_line.tier_wallet_id = other
        with self.assertRaisesRegex(UserError, "refund its payment"):
            order.order_line.unlink()
        self.assertFalse(order.copy().order_line.tier_credited)

    def test_salesperson_without_rights_on_wallets(self):
        seller = self.colleague("sales_team.group_sale_salesman")
        order = self.order(user_id=seller.id).with_user(seller)
        order.order_line.product_uom_qty = 2
        order.write({"order_line": [Command.create({"product_id": self.credit20.id})]})
        self.assertEqual(order.order_line[1].sudo().tier_wallet_id, self.wallet)
        order.action_confirm()
        self.pay(order.sudo())
        self.assertEqual(order.order_line[0].tier_credited, 40)
        self.assertBalances(self.wallet, "60")

    def test_what_was_credited_is_for_staff_of_the_company(self):
        self.pay(self.order())
        credit = self.env["tier.shop.credit"].search([("line_id.order_id.partner_id", "=", self.buyer.id)])
        self.assertEqual(credit.with_user(self.colleague("tier_billing.group_tier_auditor")).amount, 20)
        for group in ("base.group_user", "base.group_portal"):
            with self.assertRaises(AccessError):
                credit.with_user(self.colleague(group)).read(["amount"])
        manager = self.colleague("tier_billing.group_tier_manager")
        for operation in ("write", "create", "unlink"):
            self.assertFalse(credit.with_user(manager).has_access(operation))
        stranger = self.colleague("tier_billing.group_tier_user")
        elsewhere = self.env.ref("base.main_company").id
        stranger.sudo().write({"company_id": elsewhere, "company_ids": [Command.set([elsewhere])]})
        with self.assertRaises(AccessError):
            credit.with_user(stranger).read(["amount"])

    def test_credit_is_a_service(self):
        with self.assertRaisesRegex(ValidationError, "must be a service"):
            self.credit20.product_tmpl_id.type = "consu"
