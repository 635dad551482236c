"""A payment without an invoice credits the wallet that it names."""

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from .paid_common import PaidCase


@tagged("post_install", "-at_install")
class TestPaidAdvance(PaidCase):
    def advance(self, amount, post=True, **values):
        payment = self.env["account.payment"].create(
            {
                "payment_type": "inbound",
                "partner_type": "customer",
                "partner_id": self.partner.id,
                "journal_id": self.bank.id,
                "amount": amount,
                "tier_wallet_id": self.wallet.id,
                **values,
            }
        )
        if post:
            payment.action_post()
        self.settle()
        return payment

    def test_credited_once_posted(self):
        payment = self.advance(20, post=False)
        self.assertBalances(self.wallet, "0")
        payment.action_post()
        self.settle()
        self.assertBalances(self.wallet, "20")
        self.assertEqual(self.topups().reason, f"Payment {payment.name}")
        clearing = payment.move_id.line_ids.filtered(lambda line: line.balance < 0)
        self.assertEqual(clearing.account_id, self.company.tier_clearing_account_id)
        payment.action_validate()
        self.settle()
        self.assertBalances(self.wallet, "20")
        self.assertConserved()

    def test_undone(self):
        for name in ("action_cancel", "action_draft", "action_reject"):
            with self.subTest(name):
                payment = self.advance(20)
                self.assertBalances(self.wallet, "20")
                getattr(payment, name)()
                self.settle()
                self.assertBalances(self.wallet, "0")

    def test_posted_again(self):
        payment = self.advance(20)
        payment.action_draft()
        payment.amount = 12
        payment.action_post()
        self.settle()
        self.assertBalances(self.wallet, "12")
        payment.move_id.button_draft()
        self.settle()
        self.assertBalances(self.wallet, "0")

    def test_money_sent_back(self):
        self.advance(20)
        payment = self.advance(8, payment_type="outbound")
        self.assertBalances(self.wallet, "12")
        payment.action_cancel()
        self.settle()
        self.assertBalances(self.wallet, "20")

    def test_other_currency(self):
        self.advance(8, currency_id=self.shell.id)
        self.assertBalances(self.wallet, "10")

    def test_no_invoice_is_settled_with_it(self):
        payment = self.advance(20)
        self.assertFalse(payment.move_id.line_ids.filtered(lambda line: line.account_type == "asset_receivable"))

    def test_wallet_is_fixed_once_posted(self):
        other = self.new_wallet("Second", self.top, partner_id=self.partner.id)
        payment = self.advance(20)
        with self.assertRaisesRegex(UserError, "to draft"):
            payment.tier_wallet_id = other
        with self.assertRaisesRegex(UserError, "cancel it instead"):
            payment.unlink()
        payment.action_draft()
        payment.tier_wallet_id = other
        payment.action_post()
        self.settle()
        self.assertBalances(self.wallet, "0", other, "20")

    def test_wallet_of_another_is_refused(self):
        for wallet in (self.top, self.new_wallet("Beside", self.top)):
            with self.assertRaisesRegex(ValidationError, "neither a wallet of"):
                self.advance(20, post=False, tier_wallet_id=wallet.id)

    def test_vendors_have_no_wallet(self):
        with self.assertRaises(ValidationError):
            self.advance(20, post=False, partner_type="supplier")

    def test_account_of_sold_credit_is_needed(self):
        self.company.tier_clearing_account_id = False
        with self.assertRaisesRegex(ValidationError, "settings"):
            self.advance(20, post=False)

    def test_ordinary_payments_stay_as_they_are(self):
        payment = self.advance(20, tier_wallet_id=False)
        self.assertEqual(payment.destination_account_id, self.receivable)
        self.assertBalances(self.wallet, "0")

    def test_copy_names_no_wallet(self):
        self.assertFalse(self.advance(20).copy().tier_wallet_id)
