from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, new_test_user, tagged

from ..ledger.grants import Grant
from .common import TierBillingCase


@tagged("post_install", "-at_install")
class TestAllocationRequest(TierBillingCase):
    """Above the company's limit a second person decides."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_chain()
        cls.reseller._topup(1000, "request:funds")
        cls.clerk, cls.manager = cls.staff("user"), cls.staff("manager")
        cls.second = new_test_user(cls.env, "tier_second", "tier_billing.group_tier_manager")
        cls.company.tier_approval_limit = 100

    def tearDown(self):
        self.assertConserved()
        super().tearDown()

    def operation(self, operation="allocate", amount=150, role=None, wallet=None, **values):
        """Fill in the dialog of wallet operations."""
        Operation = self.env["tier.wallet.operation"].with_user(role or self.clerk)
        return Operation.create(
            {"wallet_id": (wallet or self.dealer).id, "operation": operation, "amount": amount, **values}
        )

    def ask(self, *args, **kwargs):
        """Press the dialog's button; return the request."""
        with self.assertNothingMoves():
            action = self.operation(*args, **kwargs).action_apply()
        self.assertEqual(action["res_model"], "tier.allocation.request")
        return self.env["tier.allocation.request"].browse(action["res_id"])

    def test_up_to_the_limit_nobody_is_asked(self):
        self.operation(amount=100).action_apply()
        self.assertBalances(self.dealer, 100)

    def test_above_it_the_money_waits(self):
        request = self.ask(reason="Big one")
        self.assertEqual((request.state, request.requested_by_id, request.total), ("waiting", self.clerk, "150 QCO"))
        self.assertBalances(self.dealer, 0)
        request.with_user(self.manager).action_approve()
        self.assertBalances(self.dealer, 150, self.reseller, 850)
        self.assertEqual((request.state, request.decided_by_id), ("approved", self.manager))
        transfer = self.env["tier.transfer"].search([("source_key", "=", request.source_key)])
        self.assertEqual((transfer.create_uid, transfer.reason), (self.manager, "Big one"))

    def test_topup_and_adjustment(self):
        self.ask("topup").with_user(self.manager).action_approve()
        self.assertBalances(self.dealer, 150)
        request = self.ask("adjust", -120, role=self.manager, reason="Mistake")
        request.with_user(self.second).action_approve()
        self.assertBalances(self.dealer, 30)

    def test_taking_back_needs_nobody(self):
        self.dealer._topup(500, "request:dealer")
        self.operation("reclaim", 400).action_apply()
        self.assertBalances(self.dealer, 100)

    def test_what_makes_no_sense_is_no_request(self):
        for operation, amount, role, reason in (
            ("adjust", 200, self.manager, " "),
            ("adjust", 200, self.clerk, "Why"),
            ("allocate", 2000, self.clerk, None),
            ("topup", 1e13, self.clerk, None),
            ("topup", -200, self.clerk, None),
        ):
            with self.subTest(operation, amount=amount), self.assertRaises(UserError):
                self.operation(operation, amount, role=role, reason=reason).action_apply()
        self.assertFalse(self.env["tier.allocation.request"].search([("requested_by_id", "=", self.clerk.id)]))

    def test_a_second_click_is_the_same_request(self):
        operation = self.operation()
        first = operation.action_apply()["res_id"]
        self.assertEqual(operation.action_apply()["res_id"], first)
        request = self.env["tier.allocation.request"].browse(first).with_user(self.manager)
        request.action_approve()
        request.action_approve()
        operation.action_apply()
        self.assertBalances(self.dealer, 150)

    def test_nobody_decides_on_their_own(self):
        request = self.ask(role=self.manager)
        own = request.with_user(self.manager)
        for decide in (own.action_approve, own.action_refuse):
            with self.assertRaisesRegex(AccessError, "second person"), self.assertNothingMoves():
                decide()
        self.assertFalse(own.may_decide)
        self.assertTrue(request.with_user(self.second).may_decide)
        # Not through another's record, nor as the superuser that one's own code may become.
        with self.assertRaises(AccessError):
            own.sudo().action_approve()

    def test_only_a_manager_decides(self):
        request = self.ask(role=self.manager)
        for role in (self.clerk, self.staff("auditor")):
            with self.assertRaisesRegex(AccessError, "manager"), self.assertNothingMoves():
                request.with_user(role).action_approve()
        with self.assertRaises(AccessError):
            request.with_user(self.portal_user(self.user, "request_portal")).action_approve()

    def test_nobody_writes_to_it(self):
        request = self.ask()
        for role in (self.clerk, self.manager):
            for attempt in (
                lambda mine: mine.write({"state": "approved"}),
                lambda mine: mine.write({"requested_by_id": self.second.id}),
                lambda mine: mine.line_ids.write({"amount": 1}),
                lambda mine: mine.line_ids.unlink(),
                lambda mine: mine.unlink(),
                lambda mine: mine.create({"operation": "topup", "wallet_id": self.dealer.id}),
            ):
                with self.assertRaises(AccessError):
                    attempt(request.with_user(role))

    def test_a_request_brings_no_defaults_along(self):
        operation = self.operation()
        evil = operation.with_context(
            default_state="approved", default_decided_by_id=self.manager.id, default_amount=1, default_line_ids=[]
        )
        request = self.env["tier.allocation.request"].browse(evil.action_apply()["res_id"])
        self.assertEqual((request.state, request.line_ids.amount), ("waiting", 150))
        self.assertFalse(request.decided_by_id)

    def test_refusing(self):
        request = self.ask()
        request.with_user(self.manager).action_refuse()
        self.assertEqual(request.state, "refused")
        with self.assertRaisesRegex(UserError, "decided already"), self.assertNothingMoves():
            request.with_user(self.second).action_approve()
        self.assertIn("Refused", request.message_ids[0].body)

    def test_taking_it_back(self):
        request = self.ask()
        with self.assertRaises(AccessError):
            request.with_user(self.manager).action_withdraw()
        request.with_user(self.clerk).action_withdraw()
        with self.assertRaises(UserError), self.assertNothingMoves():
            request.with_user(self.manager).action_approve()

    def test_the_funds_are_gone_meanwhile(self):
        request = self.ask(amount=900)
        self.dealer._allocate(950, "request:meanwhile")
        with self.assertRaisesRegex(UserError, "are needed"), self.env.cr.savepoint():
            request.with_user(self.manager).action_approve()
        self.assertEqual(request.state, "waiting")

    def test_managers_are_called_and_who_asked_is_not(self):
        request = self.ask(role=self.manager)
        called = request.activity_ids.user_id
        self.assertIn(self.second, called)
        self.assertNotIn(self.manager, called)
        self.assertNotIn(self.clerk, called)
        request.with_user(self.second).action_approve()
        self.assertFalse(request.activity_ids)
        self.assertIn(self.manager.partner_id, request.message_ids.notified_partner_ids)

    def test_the_limit_is_in_the_companys_currency(self):
        self.set_rate(self.coin, 4, "2021-01-01")  # four coins for one of the company's currency
        self.operation(amount=400).action_apply()
        self.assertBalances(self.dealer, 400)
        self.ask(amount=401)

    def test_without_a_limit_nobody_is_asked(self):
        self.company.tier_approval_limit = 0
        self.operation(amount=999).action_apply()
        self.assertBalances(self.dealer, 999)

    def test_the_dialog_says_so(self):
        Operation = self.env["tier.wallet.operation"].with_user(self.clerk)
        with Form(Operation.with_context(default_wallet_id=self.dealer.id)) as form:
            form.amount = 100
            self.assertFalse(form.needs_approval)
            form.amount = 100.01
            self.assertTrue(form.needs_approval)

    def test_companies(self):
        other = self.env["res.company"].create({"name": "Other company", "tier_approval_limit": 1})
        elsewhere = self.new_wallet("Elsewhere", company_id=other.id)
        grants = [Grant(elsewhere.id, 5, "request:elsewhere")]
        request = self.env["tier.allocation.request"]._file("topup", grants, other, "request:elsewhere")
        self.assertFalse(self.env["tier.allocation.request"].with_user(self.manager).search([("id", "=", request.id)]))
        with self.assertRaises(AccessError), self.assertNothingMoves():
            request.with_user(self.manager).action_approve()
