from datetime import timedelta
from decimal import Decimal

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import tagged

from ..ledger import reserve, writer
from .common import TierBillingCase


@tagged("post_install", "-at_install")
class TestHolds(TierBillingCase):
    """Funds reserved for sessions in progress."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_chain()
        cls.user._topup(10, "holds:funds")
        cls.now = fields.Datetime.now()

    def tearDown(self):
        self.assertConserved()
        super().tearDown()

    def place(self, key, *pairs, minutes=10):
        """Hold funds: wallet and amount in turn."""
        holds = [
            (key, wallet.account_id.id, Decimal(amount)) for wallet, amount in zip(pairs[::2], pairs[1::2], strict=True)
        ]
        self.env.flush_all()
        expiry = self.now + timedelta(minutes=minutes)
        reserve.place_holds(self.env.cr, holds, [expiry] * len(holds))
        self.env.invalidate_all()

    def close(self, *keys, state="settled"):
        closed = reserve.close_holds(self.env.cr, keys, state)
        self.env.invalidate_all()
        return closed

    def holds(self, key):
        return self.env["tier.hold"].search([("session_key", "=", key)])

    def test_a_hold_takes_from_what_is_available(self):
        self.place("s", self.user, 4)
        self.assertEqual(
            (self.user.balance, self.user.held, self.user.available, self.user.open_sessions), (10, 4, 6, 1)
        )
        self.assertRecordValues(
            self.holds("s"),
            [
                {
                    "account_id": self.user.account_id.id,
                    "wallet_id": self.user.id,
                    "amount": 4,
                    "currency_id": self.coin.id,
                    "state": "open",
                }
            ],
        )

    def test_a_second_hold_of_a_session_replaces_the_first(self):
        self.place("s", self.user, 4)
        self.place("s", self.user, 7)
        self.assertEqual((self.user.held, self.user.open_sessions), (7, 1))
        self.place("s", self.user, 2, minutes=60)
        self.assertEqual((self.user.held, self.user.open_sessions), (2, 1))
        self.assertEqual(self.holds("s").expires_at, self.now + timedelta(minutes=60))

    def test_a_session_holds_on_the_whole_chain(self):
        self.place("s", self.user, 4, self.dealer, 0, self.reseller, 0)
        self.assertEqual([w.open_sessions for w in (self.user, self.dealer, self.reseller)], [1, 1, 1])
        self.assertEqual(self.close("s"), 3)
        self.assertEqual([w.open_sessions for w in (self.user, self.dealer, self.reseller)], [0, 0, 0])

    def test_close_gives_back_once(self):
        self.place("s", self.user, 4)
        self.place("t", self.user, 5)
        self.assertEqual(self.close("s"), 1)
        self.assertEqual(self.close("s", state="expired"), 0)
        self.assertEqual((self.user.held, self.user.open_sessions), (5, 1))
        self.assertEqual(self.holds("s").state, "settled")

    def test_a_closed_session_may_hold_again(self):
        self.place("s", self.user, 4)
        self.close("s", state="expired")
        self.place("s", self.user, 3)
        self.assertEqual((self.user.held, self.user.open_sessions), (3, 1))
        self.assertEqual(len(self.holds("s")), 1)

    def test_credit_may_be_held(self):
        self.dealer.write({"payment_mode": "postpaid", "credit_limit": 20})
        with self.assertDatabaseRefuses("beyond the available funds"):
            self.place("s", self.dealer, "20.01")
        self.place("s", self.dealer, 20)
        self.assertEqual((self.dealer.balance, self.dealer.available), (0, 0))

    def test_lowering_the_limit_leaves_calls_alone(self):
        self.dealer.write({"payment_mode": "postpaid", "credit_limit": 20})
        self.place("s", self.dealer, 15)
        self.dealer.credit_limit = 5
        self.assertEqual(self.dealer.available, -10)
        self.place("s", self.dealer, 14)  # less than before is no new risk
        with self.assertDatabaseRefuses("beyond the available funds"):
            self.place("s", self.dealer, 15)

    def test_the_provider_holds_without_limit(self):
        self.place("s", self.provider, 1000)
        self.assertEqual(self.provider.held, 1000)

    def test_lock_reads_what_counts(self):
        self.dealer.write({"payment_mode": "postpaid", "credit_limit": 20})
        self.place("s", self.dealer, 5)
        accounts = (self.provider | self.dealer).account_id
        found = writer.lock_accounts(self.env.cr, [*accounts.ids, *accounts.ids])
        self.assertEqual(sorted(found), sorted(accounts.ids))
        self.assertEqual(found[self.dealer.account_id.id].available, 15)
        self.assertEqual(found[self.dealer.account_id.id].open_sessions, 1)
        self.assertIsNone(found[self.provider.account_id.id].available)

    # ------------------------------------------------------------------
    # Expiry
    # ------------------------------------------------------------------

    def test_expire_closes_what_is_over(self):
        self.place("old", self.user, 4, self.dealer, 0, minutes=-1)
        self.place("new", self.user, 3, minutes=1)
        self.place("done", self.user, 2, minutes=-1)
        self.close("done")
        self.assertEqual(reserve.expire_holds(self.env.cr, 1000), 2)
        self.env.invalidate_all()
        self.assertEqual((self.user.held, self.user.open_sessions), (3, 1))
        self.assertEqual(set(self.holds("old").mapped("state")), {"expired"})
        self.assertEqual(self.holds("done").state, "settled")
        self.assertEqual(reserve.expire_holds(self.env.cr, 1000), 0)

    def test_an_extended_hold_does_not_expire(self):
        self.place("s", self.user, 4, minutes=-1)
        self.place("s", self.user, 5, minutes=5)
        self.assertEqual(reserve.expire_holds(self.env.cr, 1000), 0)
        self.assertEqual(self.user.held, 5)

    def test_the_cron_goes_on_until_all_is_closed(self):
        for number in range(5):
            self.place(f"old:{number}", self.user, 1, minutes=-1)
        with self.enter_registry_test_mode():
            self.assertEqual(self.env["tier.hold"]._expire(limit=2), 5)
            self.assertEqual(self.env["tier.hold"]._expire(limit=2), 0)
        self.assertEqual(self.user.held, 0)

    def test_the_cron_is_set_up(self):
        cron = self.env.ref("tier_billing.ir_cron_expire_holds")
        self.place("old", self.user, 1, minutes=-1)
        with self.enter_registry_test_mode():
            cron.method_direct_trigger()
        self.assertEqual(self.user.held, 0)

    # ------------------------------------------------------------------
    # By hand
    # ------------------------------------------------------------------

    def test_a_manager_releases_a_dead_session(self):
        self.place("s", self.user, 4, self.dealer, 0)
        self.place("t", self.user, 1)
        hold = self.holds("s").filtered(lambda hold: hold.wallet_id == self.user)
        hold.with_user(self.staff("manager")).action_release()
        self.assertEqual((self.user.held, self.dealer.open_sessions), (1, 0))
        self.assertEqual(set(self.holds("s").mapped("state")), {"released"})
        hold.with_user(self.env.user).action_release()
        self.assertEqual(self.user.held, 1)

    def test_only_a_manager_releases(self):
        self.place("s", self.user, 4)
        for role in ("auditor", "user"):
            with self.subTest(role), self.assertRaises(AccessError):
                self.holds("s").with_user(self.staff(role)).action_release()
        self.assertEqual(self.user.held, 4)
