from datetime import timedelta

from odoo.tests import tagged

from odoo.addons.tier_billing.ledger import reserve

from .common import NOON, TierRatingCase


@tagged("post_install", "-at_install")
class TestSettle(TierRatingCase):
    """The record of a session that was authorized: the exact charge replaces the hold."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_selling_chain()
        cls.user._topup(10, "settle:funds")

    def tearDown(self):
        self.assertConserved()
        super().tearDown()

    def session(self, key):
        return self.env["tier.session"].search([("session_key", "=", key)])

    def test_the_record_replaces_the_hold(self):
        self.authorize(self.request("s:1"))
        self.assertRecordValues(
            self.session("s:1"),
            [
                {
                    "state": "open",
                    "wallet_id": self.user.id,
                    "granted_seconds": 600,
                    "expires_at": NOON + timedelta(seconds=600 + 180),
                }
            ],
        )
        self.charge(self.call("k:1", 90, session_key="s:1"))
        self.assertBalances(self.user, 8)
        self.assertEqual((self.held(self.user), self.user.open_sessions), (0, 0))
        self.assertEqual(self.session("s:1").state, "settled")
        self.assertEqual(set(self.env["tier.hold"].search([("session_key", "=", "s:1")]).mapped("state")), {"settled"})

    def test_a_call_in_vain_gives_all_back(self):
        self.authorize(self.request("s:1"))
        self.charge(self.call("k:1", 0, session_key="s:1"))
        self.assertBalances(self.user, 10)
        self.assertEqual((self.held(self.user), self.session("s:1").state), (0, "settled"))

    def test_a_late_record_is_charged_once(self):
        self.authorize(self.request("s:1", at=NOON - timedelta(days=365)))
        self.assertEqual(reserve.expire_holds(self.env.cr, 100), 3)
        self.assertEqual(self.held(self.user), 0)
        for _time in range(2):
            self.charge(self.call("k:1", 90, session_key="s:1"))
        self.assertBalances(self.user, 8)
        self.assertEqual((self.held(self.user), self.session("s:1").state), (0, "settled"))

    def test_two_records_of_one_session(self):
        """A call that was passed on: both legs are charged, the hold goes with the first."""
        self.authorize(self.request("s:1"))
        self.charge(self.call("k:1", 60, session_key="s:1"), self.call("k:2", 60, session_key="s:1"))
        self.assertBalances(self.user, 8)
        self.assertEqual(self.held(self.user), 0)

    def test_a_record_in_suspense_gives_the_hold_back(self):
        self.authorize(self.request("s:1"))
        self.user.state = "suspended"
        self.charge(self.call("k:1", session_key="s:1"))
        self.assertEqual((self.held(self.user), self.event("k:1").state), (0, "suspense"))

    def test_what_was_allowed_is_charged_even_below_cost(self):
        self.authorize(self.request("s:1"))
        self.user.price_list_id.rate_ids.price = 0.5
        self.charge(self.call("k:1", session_key="s:1"), self.call("k:2"))
        self.assertEqual(self.event("k:1").state, "charged")
        self.assertSuspense("k:2", "below_cost")

    def test_in_a_transaction_of_its_own(self):
        with self.enter_registry_test_mode():
            answers = self.env["tier.session"]._authorize([self.request("s:1")])
            outcome = self.env["tier.usage.event"]._charge([self.call("k:1", session_key="s:1")])
        self.assertEqual((answers["s:1"].granted, answers["s:1"].reason), (600, None))
        self.assertEqual(outcome.charged, 1)
        self.env.invalidate_all()
        self.assertBalances(self.user, 9)

    def test_whoever_asks(self):
        """A switch's request has no user of its own: it needs no rights on prices."""
        public = self.env.ref("base.public_user")
        with self.enter_registry_test_mode():
            answers = self.env["tier.session"].with_user(public)._authorize([self.request("s:1")])
            outcome = self.env["tier.usage.event"].with_user(public)._charge([self.call("k:1", session_key="s:1")])
        self.assertEqual((answers["s:1"].granted, outcome.charged), (600, 1))
        self.assertEqual(self.event("k:1").charge_ids.transfer_id.create_uid, public)
