"""An invoice credits wallets as far as it is really paid, and once."""

from unittest.mock import patch

from odoo import Command
from odoo.exceptions import UserError, ValidationError
from odoo.tests import new_test_user, tagged

from .paid_common import PaidCase

CHANGE = "odoo.addons.tier_billing.models.tier_paid_change"
CRON = "tier_billing.ir_cron_settle_paid_documents"


@tagged("post_install", "-at_install")
class TestPaidInvoice(PaidCase):
    def test_paid_invoice_credits(self):
        invoice = self.invoice(20)
        self.settle()
        self.assertBalances(self.wallet, "0")
        self.pay(invoice)
        self.assertBalances(self.wallet, "20")
        transfer = self.topups()
        self.assertEqual(transfer.from_account_id.kind, "world")
        self.assertEqual(transfer.reason, f"Invoice {invoice.name}")
        self.assertIn("20.00", self.notes()[0])
        credit = invoice.tier_paid_credit_ids
        self.assertEqual((credit.amount, credit.undone, credit.transfer_ids), (20, 0, transfer))
        self.assertEqual(invoice.tier_paid_credit_count, 1)
        self.assertEqual(self.env["tier.paid.credit"].search(invoice.action_tier_paid_credits()["domain"]), credit)
        self.assertConserved()

    def test_credit_sold_is_no_income(self):
        invoice = self.invoice(20)
        self.assertEqual(invoice.invoice_line_ids.account_id, self.company.tier_clearing_account_id)
        income = self.env["account.account"].search(
            [("account_type", "=", "income"), ("company_ids", "=", self.company.id)], limit=1
        )
        self.credit_product.property_account_income_id = income
        self.assertEqual(self.invoice(20).invoice_line_ids.account_id, income)
        self.assertNotEqual(
            self.invoice(self.line(20, self.goods)).invoice_line_ids.account_id, self.company.tier_clearing_account_id
        )

    def test_only_the_paid_part(self):
        invoice = self.invoice(20)
        for amount, balance in ((5, "5"), (6.67, "11.67"), (8.33, "20")):
            self.pay(invoice, amount)
            self.assertBalances(self.wallet, balance)
        self.assertEqual(len(self.topups()), 3)

    def test_tax_and_other_goods_are_no_credit(self):
        tax = self.env["account.tax"].create({"name": "10%", "amount": 10, "company_id": self.company.id})
        invoice = self.invoice(self.line(20, taxes=tax), self.line(58, self.goods))
        self.assertEqual(invoice.amount_total, 80)
        self.pay(invoice, 40)
        self.assertBalances(self.wallet, "10")
        self.pay(invoice)
        self.assertBalances(self.wallet, "20")

    def test_thirds_add_up(self):
        invoice = self.invoice(10, 10, self.line(10, self.goods))
        for _third in range(3):
            self.pay(invoice, 10)
        self.assertBalances(self.wallet, "20")

    def test_installments(self):
        term = self.env["account.payment.term"].create(
            {
                "name": "halves",
                "line_ids": [
                    Command.create({"value": "percent", "value_amount": 50, "nb_days": days}) for days in (0, 30)
                ],
            }
        )
        invoice = self.invoice(20, invoice_payment_term_id=term.id)
        self.assertEqual(len(self.receivables(invoice)), 2)
        self.pay(invoice, 10)
        self.assertBalances(self.wallet, "10")
        self.pay(invoice, 10)
        self.assertBalances(self.wallet, "20")

    def test_settled_again_and_again(self):
        invoice = self.invoice(20)
        self.pay(invoice, 12)
        with self.assertNothingMoves():
            for _again in range(3):
                self.env["tier.paid.change"]._mark(invoice)
                self.settle()
        self.env["tier.paid.change"]._mark(invoice)
        with self.assertNothingMoves():
            self.run_cron()
        self.assertFalse(self.env["tier.paid.change"].search([]))

    def test_what_a_crash_left_is_settled_by_the_scheduled_action(self):
        invoice = self.invoice(20)
        self.env["account.payment.register"].with_context(active_model="account.move", active_ids=invoice.ids).create(
            {"journal_id": self.bank.id}
        )._create_payments()
        self.env.cr.postcommit.clear()
        self.run_cron()
        self.assertBalances(self.wallet, "20")

    def test_unreconciled_and_reconciled_again(self):
        invoice = self.invoice(20)
        payment = self.pay(invoice)
        self.unreconcile(invoice)
        self.assertBalances(self.wallet, "0")
        back = self.env["tier.transfer"].search([("from_wallet_id", "=", self.wallet.id)])
        self.assertEqual((back.kind, back.amount, back.reverses_id), ("adjustment", 20, self.topups()))
        self.assertIn("taken back", self.notes()[0])
        self.reconcile(invoice, payment.move_id)
        self.assertBalances(self.wallet, "20")
        self.unreconcile(payment.move_id)
        self.assertBalances(self.wallet, "0")
        self.assertConserved()

    def test_charge_back(self):
        """However the payment is undone, its credit goes."""
        undo = {
            "cancel": lambda payment: payment.action_cancel(),
            "draft": lambda payment: payment.action_draft(),
            "reject": lambda payment: payment.action_reject(),
            "entry to draft": lambda payment: payment.move_id.button_draft(),
            "entry cancelled": lambda payment: payment.move_id.button_cancel(),
            "deleted": lambda payment: payment.unlink(),
        }
        for name, action in undo.items():
            with self.subTest(name):
                invoice = self.invoice(20)
                payment = self.pay(invoice)
                self.assertBalances(self.wallet, "20")
                action(payment)
                self.settle()
                self.assertBalances(self.wallet, "0")

    def test_charge_back_of_one_of_two_payments(self):
        invoice = self.invoice(20)
        first, _second = self.pay(invoice, 5), self.pay(invoice, 15)
        first.action_cancel()
        self.settle()
        self.assertBalances(self.wallet, "15")
        self.pay(invoice, 5)
        self.assertBalances(self.wallet, "20")

    def test_payment_posted_again(self):
        invoice = self.invoice(20)
        payment = self.pay(invoice)
        payment.action_draft()
        self.settle()
        payment.action_post()
        self.settle()
        self.reconcile(invoice, payment.move_id)
        self.assertBalances(self.wallet, "20")

    def test_invoice_reset_to_draft_after_it_credited(self):
        invoice = self.invoice(20)
        self.pay(invoice)
        invoice.button_draft()
        self.settle()
        self.assertBalances(self.wallet, "0")
        invoice.action_post()
        self.settle()
        self.assertEqual(invoice.payment_state, "paid")
        self.assertBalances(self.wallet, "20")
        invoice.button_draft()
        invoice.button_cancel()
        self.settle()
        self.assertBalances(self.wallet, "0")
        self.assertConserved()

    def test_invoice_changed_in_draft(self):
        other = self.new_wallet("Ada's shop", self.top, partner_id=self.partner.id)
        invoice = self.invoice(self.line(20, tier_wallet_id=self.wallet.id))
        payment = self.pay(invoice)
        invoice.button_draft()
        invoice.invoice_line_ids.tier_wallet_id = other
        invoice.action_post()
        self.settle()
        self.reconcile(invoice, payment.move_id)
        self.assertBalances(self.wallet, "0", other, "20")

    def test_currency_changed_in_draft(self):
        invoice = self.invoice(20)
        self.pay(invoice)
        invoice.button_draft()
        invoice.currency_id = self.shell
        invoice.action_post()
        self.settle()
        self.unreconcile(invoice)
        self.assertBalances(self.wallet, "0")
        self.pay(invoice)
        self.assertBalances(self.wallet, str(20 / 0.8))

    def test_written_off_difference_is_not_paid(self):
        invoice = self.invoice(20)
        loss = self.company.tier_adjustment_account_id
        self.pay(invoice, 18, payment_difference_handling="reconcile", writeoff_account_id=loss.id)
        self.assertEqual(invoice.payment_state, "paid")
        self.assertBalances(self.wallet, "18")

    def test_bad_debt_is_not_paid(self):
        invoice = self.invoice(20)
        self.reconcile(invoice, self.entry(self.company.tier_adjustment_account_id, self.receivable, 20))
        self.assertEqual(invoice.payment_state, "paid")
        self.assertBalances(self.wallet, "0")

    def test_entry_by_hand_from_the_bank_is_paid(self):
        invoice = self.invoice(20)
        self.reconcile(invoice, self.entry(self.bank.default_account_id, self.receivable, 12))
        self.assertBalances(self.wallet, "12")

    def test_early_payment_discount_is_not_paid(self):
        term = self.env["account.payment.term"].create(
            {
                "name": "2% within a week",
                "early_discount": True,
                "discount_percentage": 2,
                "discount_days": 7,
                "line_ids": [Command.create({"value": "percent", "value_amount": 100, "nb_days": 30})],
            }
        )
        invoice = self.invoice(100, invoice_payment_term_id=term.id, invoice_date=self.env.cr.now().date())
        self.pay(invoice)
        self.assertEqual(invoice.payment_state, "paid")
        self.assertBalances(self.wallet, "98")

    def test_suspended_wallet_gets_what_was_paid(self):
        invoice = self.invoice(20)
        self.wallet.action_suspend()
        self.pay(invoice)
        self.assertBalances(self.wallet, "20")

    def test_bank_statement(self):
        invoice = self.invoice(20)
        statement = self.env["account.bank.statement.line"].create(
            {"journal_id": self.bank.id, "payment_ref": "Ada", "amount": 20, "date": "2026-11-20"}
        )
        _liquidity, suspense, _other = statement._seek_for_lines()
        suspense.write({"account_id": self.receivable.id, "partner_id": self.partner.id})
        self.reconcile(invoice, statement.move_id)
        self.assertBalances(self.wallet, "20")
        statement.action_undo_reconciliation()
        self.settle()
        self.assertBalances(self.wallet, "0")

    def test_one_payment_of_two_invoices(self):
        invoices = self.invoice(20) | self.invoice(10, self.line(30, self.goods))
        self.pay(invoices, group_payment=True)
        self.assertBalances(self.wallet, "30")

    def test_nothing_to_pay(self):
        self.invoice(self.line(20), self.line(-20, self.goods))
        self.settle()
        self.assertBalances(self.wallet, "20")

    def test_deduction_on_the_invoice(self):
        """Usage that the wallet paid from its own balance, as on postpaid invoices."""
        invoice = self.invoice(100, self.line(-30, tier_wallet_id=self.wallet.id))
        self.pay(invoice)
        self.assertBalances(self.wallet, "70")

    def test_spent_credit_is_owed_and_somebody_is_told(self):
        manager = self.staff("manager")
        manager.write({"company_ids": [Command.link(self.company.id)]})
        invoice = self.invoice(20)
        self.pay(invoice)
        self.usage(self.wallet, "15", "call")
        self.unreconcile(invoice)
        self.assertBalances(self.wallet, "-15")
        self.assertEqual(self.wallet.activity_ids.mapped("summary"), ["Credit was taken back that is spent already"])

    def test_validity_is_prolonged(self):
        self.wallet.credit_valid_days = 30
        self.pay(self.invoice(20))
        self.assertTrue(self.wallet.account_id.credit_expires_on)

    def test_many_at_once_are_left_to_the_scheduled_action(self):
        invoices = self.env["account.move"].union(*(self.invoice(1) for _number in range(3)))
        triggers = self.env["ir.cron.trigger"].search_count([("cron_id", "=", self.env.ref(CRON).id)])
        with patch(f"{CHANGE}.AT_ONCE", 2):
            wizard = self.env["account.payment.register"].with_context(
                active_model="account.move", active_ids=invoices.ids
            )
            wizard.create({"journal_id": self.bank.id, "group_payment": False})._create_payments()
            self.env.flush_all()
            with self.enter_registry_test_mode():
                self.env.cr.postcommit.run()
        added = self.env["ir.cron.trigger"].search_count([("cron_id", "=", self.env.ref(CRON).id)]) - triggers
        self.assertEqual(added, 1)
        self.assertBalances(self.wallet, "2")
        self.run_cron()
        self.assertBalances(self.wallet, "3")

    def test_postpaid_wallet_is_restored(self):
        postpaid = self.new_wallet("Kepler", self.top, payment_mode="postpaid", credit_limit=100)
        self.usage(postpaid, "40", "call")
        invoice = self.invoice(self.line(40, self.goods, tier_wallet_id=postpaid.id), partner=postpaid.partner_id)
        self.pay(invoice, 10)
        self.assertBalances(postpaid, "-30")
        self.pay(invoice)
        self.assertBalances(postpaid, "0")

    def test_outside_money_goes_down_the_chain_and_back(self):
        reseller = self.new_wallet("Reseller", self.top)
        user = self.new_wallet("User", reseller, money="outside", currency_id=self.shell.id)
        invoice = self.invoice(20, partner=user.partner_id)
        self.pay(invoice)
        self.assertBalances(reseller, "20", user, "16")
        self.unreconcile(invoice)
        self.assertBalances(reseller, "0", user, "0")
        self.assertConserved()

    def test_other_currency_at_the_rate_of_the_day_and_back_at_its_own(self):
        invoice = self.invoice(20, currency_id=self.shell.id)
        self.pay(invoice, 8, currency_id=self.shell.id)
        self.assertBalances(self.wallet, "10")
        self.set_rate(self.shell, 0.5, self.env.cr.now().date())
        payment = self.pay(invoice, 12, currency_id=self.shell.id)
        self.assertBalances(self.wallet, "34")
        payment.action_cancel()
        self.settle()
        self.assertBalances(self.wallet, "10")
        self.assertConserved()

    def test_paid_in_another_currency(self):
        """The invoice's own amounts count, not what the payment was converted to."""
        invoice = self.invoice(20)
        self.pay(invoice, 8, currency_id=self.shell.id)
        self.assertEqual(invoice.amount_residual, 10)
        self.assertBalances(self.wallet, "10")


@tagged("post_install", "-at_install")
class TestWalletOfTheLine(PaidCase):
    def test_only_wallet_of_the_customer_is_chosen(self):
        self.assertEqual(self.invoice(20, post=False).invoice_line_ids.tier_wallet_id, self.wallet)
        self.assertFalse(self.invoice(self.line(20, self.goods), post=False).invoice_line_ids.tier_wallet_id)
        self.new_wallet("Second", self.top, partner_id=self.partner.id)
        self.assertFalse(self.invoice(20, post=False).invoice_line_ids.tier_wallet_id)

    def test_bills_credit_nothing(self):
        bill = self.invoice(20, move_type="in_invoice", post=False)
        self.assertFalse(bill.invoice_line_ids.tier_wallet_id)
        with self.assertRaisesRegex(ValidationError, "customer invoices"):
            bill.invoice_line_ids.tier_wallet_id = self.wallet

    def test_wallet_of_another_is_refused(self):
        for wallet in (self.top, self.new_wallet("Beside", self.top)):
            with self.subTest(wallet.name), self.assertRaisesRegex(ValidationError, "neither a wallet of"):
                self.invoice(20, post=False).invoice_line_ids.tier_wallet_id = wallet

    def test_wallet_of_another_company_is_refused(self):
        company = self.env["res.company"].create({"name": "Elsewhere"})
        top = self.new_wallet("Elsewhere", currency_id=self.dollar.id, company_id=company.id)
        wallet = self.new_wallet("Ada there", top, partner_id=self.partner.id)
        with self.assertRaisesRegex(ValidationError, "no wallet of Books"):
            self.invoice(20, post=False).invoice_line_ids.tier_wallet_id = wallet

    def test_customer_changed_before_posting(self):
        other = self.new_wallet("Bea", self.top)
        invoice = self.invoice(20, post=False)
        # Past the ORM, as an import or another module may.
        self.env.cr.execute(
            "UPDATE account_move_line SET tier_wallet_id = %s WHERE id = %s", [other.id, invoice.invoice_line_ids.id]
        )
        self.env.invalidate_all()
        with self.assertRaisesRegex(ValidationError, "neither a wallet of"):
            invoice.action_post()

    def test_wallet_of_a_customers_customer(self):
        below = self.new_wallet("Below", self.wallet)
        self.pay(self.invoice(self.line(20, tier_wallet_id=below.id)))
        self.assertBalances(below, "20", self.wallet, "0")

    def test_other_customer_gets_other_wallet(self):
        other = self.new_wallet("Bea", self.top)
        invoice = self.invoice(self.line(20), self.line(5, self.goods, tier_wallet_id=self.wallet.id), post=False)
        invoice.partner_id = other.partner_id
        self.assertEqual(invoice.invoice_line_ids[0].tier_wallet_id, other)
        self.assertFalse(invoice.invoice_line_ids[1].tier_wallet_id)

    def test_paid_before_anybody_knew_the_wallet(self):
        self.new_wallet("Second", self.top, partner_id=self.partner.id)
        invoice = self.invoice(20)
        self.pay(invoice)
        self.assertBalances(self.wallet, "0")
        self.assertEqual(invoice.activity_ids.mapped("summary"), ["Choose the wallet of paid credit"])
        self.assertTrue(invoice.tier_lacks_wallet)
        self.env["account.move.line"].search(invoice.action_tier_choose_wallet()["domain"]).tier_wallet_id = self.wallet
        self.assertFalse(invoice.tier_lacks_wallet)
        self.settle()
        self.assertBalances(self.wallet, "20")
        self.assertFalse(invoice.activity_ids)

    def test_what_credited_a_wallet_stays(self):
        invoice = self.invoice(20)
        self.pay(invoice)
        invoice.button_draft()
        with self.assertRaisesRegex(UserError, "cancel it instead"):
            invoice.unlink()
        draft = self.invoice(20)
        self.settle()
        draft.button_draft()
        draft.unlink()
        self.settle()

    def test_accountant_without_rights_on_wallets(self):
        accountant = new_test_user(
            self.env,
            "tier_accountant",
            "account.group_account_manager",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        self.env = self.env(user=accountant, context={**self.env.context, "allowed_company_ids": self.company.ids})
        invoice = self.invoice(20)
        payment = self.pay(invoice)
        self.assertBalances(self.wallet, "20")
        self.assertEqual(self.wallet.message_ids[0].author_id, self.env.ref("base.partner_root"))
        transfer = self.env["tier.transfer"].sudo().search([("to_wallet_id", "=", self.wallet.id)])
        self.assertEqual(transfer.create_uid, accountant)
        refund = self.reverse(invoice)
        self.assertEqual(refund.invoice_line_ids.sudo().tier_wallet_id, self.wallet)
        payment.action_cancel()
        self.settle()
        self.assertBalances(self.wallet, "0")
