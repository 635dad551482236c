from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .paid_common import PaidCase


class PayoutCase(PaidCase):
    """A reseller with funds of its own, and who asks and who decides.

    Its margin is not known: pricing usage is another add-on's, and tested there.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(patch.object(cls.env.registry["tier.wallet"], "_payout_margin", lambda wallet: None))
        cls.reseller = cls.wallet
        cls.reseller._topup(100, "payout:funds")
        cls.managers = cls.staff("manager")
        cls.clerk = cls.staff("user")
        for user in (cls.managers, cls.clerk):
            user.write({"company_ids": [(4, cls.company.id)], "company_id": cls.company.id})

    def request(self, amount, **values):
        """Ask for a payout as a billing user; return it as that user sees it."""
        values = {"wallet_id": self.reseller.id, "amount": amount, **values}
        return self.env["tier.payout"].with_user(self.clerk).create(values)

    def approved(self, amount):
        """Return a payout that a manager approved, with all rights."""
        payout = self.request(amount)
        payout.with_user(self.managers).action_approve()
        return payout.with_user(self.env.user)

    def assertPaidOut(self, payout, amount):
        """The wallet gave this much for this payout, net; each way at most once."""
        transfers = self.env["tier.transfer"].search([("source_key", "=like", f"payout:{payout.id}%")])
        net = sum(
            transfer.amount if transfer.from_wallet_id == payout.wallet_id else -transfer.amount
            for transfer in transfers
        )
        self.assertEqual(net, amount)
        self.assertLessEqual(len(transfers), 2)
        self.assertEqual(transfers, transfers.filtered(lambda transfer: transfer.kind == "payout"))


@tagged("post_install", "-at_install")
class TestPayout(PayoutCase):
    """Requests, and what is decided on them."""

    def test_a_request_moves_nothing(self):
        with self.assertNothingMoves():
            payout = self.request(40, note="Bank 4711")
        self.assertEqual((payout.state, payout.requested_by_id), ("requested", self.clerk))
        self.assertTrue(payout.name.startswith("PAYOUT/"))
        self.assertFalse(payout.move_id)
        self.assertIn(self.managers, payout.activity_ids.user_id)
        self.assertEqual((payout.own_funds, self.reseller.payout_count), (100, 1))

    def test_approval_takes_the_money_and_makes_the_bill(self):
        payout = self.approved("40.25")
        self.assertBalances(self.reseller, "59.75")
        self.assertEqual((payout.state, payout.decided_by_id), ("approved", self.managers))
        self.assertEqual(payout.transfer_id.to_account_id.kind, "world")
        bill = payout.move_id
        self.assertEqual((bill.move_type, bill.state, bill.partner_id), ("in_invoice", "draft", self.partner))
        self.assertEqual((bill.amount_total, bill.currency_id, bill.company_id), (40.25, self.dollar, self.company))
        self.assertEqual(bill.invoice_line_ids.account_id, self.company.tier_clearing_account_id)
        self.assertFalse(bill.invoice_line_ids.tax_ids)
        self.assertFalse(payout.activity_ids)
        self.assertPaidOut(payout, 40.25)
        self.assertConserved()

    def test_approving_twice_pays_once(self):
        payout = self.approved(40)
        bill = payout.move_id
        payout.with_user(self.managers).action_approve()
        self.assertEqual(payout.move_id, bill)
        self.assertBalances(self.reseller, "60")

    def test_funds_that_are_gone_are_not_paid_out(self):
        payout = self.request(80)
        self.usage(self.reseller, 30, "payout:usage")
        with self.assertRaisesRegex(UserError, "70"), self.env.cr.savepoint():
            payout.with_user(self.managers).action_approve()
        self.assertEqual(payout.state, "requested")
        self.assertFalse(self.env["account.move"].search([("invoice_origin", "=", payout.name)]))
        self.assertBalances(self.reseller, "70")

    def test_a_credit_limit_is_not_paid_out(self):
        self.reseller.write({"payment_mode": "postpaid", "credit_limit": 500})
        with self.assertRaises(UserError):
            self.request(101)

    def test_requests_do_not_ask_for_the_same_money(self):
        self.request(60)
        with self.assertRaisesRegex(UserError, "40"), self.env.cr.savepoint():
            self.request(41)
        second = self.request(40)
        with self.assertRaises(UserError):
            second.amount = 41
        second.with_user(self.clerk).action_cancel()
        self.request(40)

    def test_amounts_that_are_none(self):
        for amount in (0, -5, 10**12, float("nan"), float("inf"), 1.005):
            with self.subTest(amount), self.assertRaises(UserError):
                self.request(amount)

    def test_wallets_without_money_of_the_providers_customers(self):
        shop = self.new_wallet("Shop", self.reseller, money="outside")
        shop._allocate(50, "payout:grant")
        for wallet in (shop, self.top):
            with self.subTest(wallet.name), self.assertRaises(UserError):
                self.request(1, wallet_id=wallet.id)

    def test_a_refusal_says_why(self):
        payout = self.request(40)
        with self.assertRaisesRegex(UserError, "answer"):
            payout.with_user(self.managers).action_refuse()
        payout.answer = "Wait for the end of the month"
        with self.assertNothingMoves():
            payout.with_user(self.managers).action_refuse()
        self.assertEqual(payout.state, "refused")
        message = payout.sudo().message_ids[:1]
        self.assertIn("end of the month", message.body)
        self.assertEqual(message.partner_ids, self.clerk.partner_id)
        for late in (payout.with_user(self.managers).action_approve, payout.action_cancel):
            with self.assertRaises(UserError):
                late()

    def test_cancelling_returns_the_money_once(self):
        payout = self.approved(40)
        payout.with_user(self.managers).action_cancel()
        self.assertBalances(self.reseller, "100")
        self.assertEqual((payout.state, payout.move_id.state), ("cancelled", "cancel"))
        self.assertEqual(payout.return_id.reverses_id, payout.transfer_id)
        payout.with_user(self.managers).action_cancel()
        self.settle()
        payout._give_back()
        self.assertBalances(self.reseller, "100")
        self.assertPaidOut(payout, 0)
        self.assertConserved()
        with self.assertRaises(UserError):
            payout.with_user(self.managers).action_approve()

    def test_money_that_returned_is_not_paid_in(self):
        payout = self.approved(40)
        paid = self.reseller.paid_month
        payout.with_user(self.managers).action_cancel()
        self.assertEqual((self.reseller.paid_month, self.reseller.spent_month), (paid, 0))

    def test_only_managers_decide(self):
        payout = self.request(40)
        payout.answer = "No"
        auditor = self.staff("auditor")
        auditor.write({"company_ids": [(4, self.company.id)], "company_id": self.company.id})
        for user in (self.clerk, auditor):
            for name in ("action_approve", "action_refuse"):
                with self.subTest(user=user.login, button=name), self.assertRaises(AccessError):
                    getattr(payout.with_user(user), name)()
        with self.assertRaises(AccessError):
            payout.with_user(auditor).action_cancel()
        payout.with_user(self.managers).action_approve()
        with self.assertRaises(AccessError):
            payout.with_user(self.clerk).action_cancel()
        self.assertBalances(self.reseller, "60")

    def test_nobody_writes_past_the_buttons(self):
        payout = self.request(40).with_user(self.managers)
        for vals in (
            {"decision": "approved"},
            {"state": "paid"},
            {"transfer_id": 1},
            {"return_id": False},
            {"move_id": False},
            {"name": "PAYOUT/1"},
        ):
            with self.subTest(vals), self.assertRaises(UserError):
                payout.write(vals)
        with self.assertRaises(UserError):
            self.request(1, decision="approved")
        defaults = {"default_decision": "approved", "default_transfer_id": 1, "default_requested_by_id": self.clerk.id}
        other = payout.with_context(**defaults).create({"wallet_id": self.reseller.id, "amount": 1})
        self.assertEqual(
            (other.decision, other.transfer_id.id, other.requested_by_id), ("requested", False, self.managers)
        )
        other.action_cancel()
        with self.assertRaises(AccessError):
            payout.unlink()
        with self.assertRaises(UserError):
            payout.sudo().unlink()
        payout.action_approve()
        for vals in ({"amount": 1}, {"wallet_id": self.top.id}, {"note": "Other"}):
            with self.subTest(vals), self.assertRaises(UserError):
                payout.write(vals)

    def test_without_accounts_nothing_moves(self):
        payout = self.request(40)
        self.company.tier_clearing_account_id = False
        with self.assertNothingMoves(), self.assertRaisesRegex(UserError, "account"):
            payout.with_user(self.managers).action_approve()

    def test_owners_ask_for_their_own_wallet(self):
        owner = self.portal_user(self.reseller, "payout_owner")
        stranger = self.portal_user(self.new_wallet("Stranger", self.top), "payout_stranger")
        customer = self.portal_user(self.new_wallet("Customer", self.reseller), "payout_customer")
        wallet = self.reseller.with_user(owner)
        payout = wallet._request_payout("25.50", "My bank", "key:1")
        self.assertEqual((payout.amount, payout.requested_by_id, payout.note), (25.5, owner, "My bank"))
        self.assertEqual(wallet._request_payout("25.50", "My bank", "key:1"), payout)
        with self.assertRaisesRegex(UserError, "74.50"):
            wallet._request_payout(75, "", "key:2")
        for amount in ("0", "-1", "NaN", "lots", "1e30"):
            with self.subTest(amount), self.assertRaises(UserError):
                wallet._request_payout(amount, "", "key:3")
        for other in (stranger, customer, self.clerk):
            with self.subTest(other.login), self.assertRaises(AccessError):
                self.reseller.with_user(other)._request_payout(1, "", "key:4")
        # A dealer's reseller may look at its wallet, not take its money.
        dealer = self.env["tier.wallet"].search([("partner_id", "=", customer.partner_id.id)])
        dealer._topup(10, "payout:dealer")
        with self.assertRaises(AccessError):
            dealer.with_user(owner)._request_payout(1, "", "key:5")
        for operation in ("read", "write", "create"):
            self.assertFalse(self.env["tier.payout"].with_user(owner).has_access(operation))

    def test_staff_of_another_company_sees_none(self):
        payout = self.request(40)
        other = self.env["res.company"].create({"name": "Elsewhere"})
        self.managers.write({"company_ids": [(6, 0, other.ids)], "company_id": other.id})
        payout = payout.with_user(self.managers).with_context(allowed_company_ids=other.ids)
        with self.assertRaises(AccessError):
            payout.action_approve()
        self.assertFalse(payout.search([("id", "=", payout.id)]))
