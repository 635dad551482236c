from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged

from ..ledger.reserve import place_holds, release_sessions
from .common import TierBillingCase


@tagged("post_install", "-at_install")
class TestWalletControl(TierBillingCase):
    """Who sets limits, when a wallet may be closed, and what stops those below it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_chain()

    # ------------------------------------------------------------------
    # Closing
    # ------------------------------------------------------------------

    def test_an_empty_wallet_closes(self):
        self.dealer.action_close()
        self.assertEqual(self.dealer.state, "closed")

    def test_not_with_money_in_it(self):
        self.reseller._topup(10, "t")
        self.user._allocate("0.01", "a") if self.dealer._allocate(5, "d") else None
        with self.assertRaisesRegex(UserError, r"User still has 0\.01 QCO: return it to the parent"):
            self.user.action_close()
        self.user._reclaim("0.01", "r")
        self.user.action_close()
        # Closed already: writing it again asks nothing.
        self.user.state = "closed"

    def test_not_with_a_debt(self):
        self.user._adjust("-2.5", "debt", "Debt")
        with self.assertRaisesRegex(UserError, r"User owes 2\.5 QCO: top it up or adjust it"):
            self.user.state = "closed"

    def test_not_with_a_session_in_progress(self):
        self.user._topup(3, "t")
        place_holds(self.env.cr, [("s", self.user.account_id.id, 3)], ["2099-01-01"])
        self.env.invalidate_all()
        with self.assertRaisesRegex(UserError, r"User has 1 sessions in progress that hold 3 QCO"):
            self.user.action_close()
        release_sessions(self.env.cr, ["s"])
        self.user._withdraw(3, "w")
        place_holds(self.env.cr, [("free", self.user.account_id.id, 0)], ["2099-01-01"])
        with self.assertRaisesRegex(UserError, "in progress"):
            self.user.action_close()

    def test_all_or_none(self):
        self.user._topup(3, "t")
        with self.assertRaises(UserError):
            (self.dealer | self.user).action_close()
        self.env.invalidate_all()
        self.assertEqual(self.dealer.state, "active")

    def test_an_auditor_closes_nothing(self):
        with self.assertRaises(AccessError):
            self.dealer.with_user(self.staff("auditor")).action_close()

    # ------------------------------------------------------------------
    # Blocked from above
    # ------------------------------------------------------------------

    def test_blocked_by_the_nearest_above(self):
        self.assertFalse(self.user.blocked_by_id)
        self.provider.state = "suspended"
        self.assertEqual((self.user | self.dealer).blocked_by_id, self.provider)
        self.dealer.action_suspend()
        self.assertEqual((self.user.blocked_by_id, self.dealer.blocked_by_id), (self.dealer, self.provider))
        self.dealer.action_activate()
        self.provider.state = "active"
        self.assertFalse((self.user | self.dealer | self.reseller | self.provider).blocked_by_id)

    def test_its_own_state_is_no_block_from_above(self):
        self.user.action_suspend()
        self.assertFalse(self.user.blocked_by_id)

    def test_an_archived_wallet_above_still_blocks(self):
        self.dealer.write({"state": "suspended", "active": False})
        self.assertEqual(self.user.blocked_by_id, self.dealer)

    def test_one_query_for_any_number(self):
        wallets = self.env["tier.wallet"].browse()
        for number in range(30):
            wallets |= self.new_wallet(f"Customer {number}", self.dealer, daily_limit=5)
        self.dealer.action_suspend()

        def queries(few):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            rows = few.read(["blocked_by_id", "credit_status", "daily_left", "daily_limit", "credit_expires_on"])
            self.assertEqual({row["blocked_by_id"][0] for row in rows}, {self.dealer.id})
            return self.cr.sql_log_count - before

        queries(wallets[:1])
        self.assertEqual(queries(wallets), queries(wallets[:5]))

    def test_the_form_of_a_new_wallet(self):
        with Form(self.env["tier.wallet"]) as form:
            form.partner_id = self.env["res.partner"].create({"name": "New"})
            form.parent_id = self.dealer
            form.daily_limit = 3
            form.credit_expires_on = "2030-12-31"
        wallet = form.record
        self.assertEqual((wallet.daily_limit, str(wallet.credit_expires_on)), (3, "2030-12-31"))
        self.assertEqual((wallet.daily_left, wallet.monthly_left), (3, 0))

    # ------------------------------------------------------------------
    # Setting limits
    # ------------------------------------------------------------------

    def test_managers_set_limits(self):
        values = {"daily_limit": 1, "monthly_limit": 2, "credit_expires_on": "2030-01-01", "credit_valid_days": 3}
        user, manager = self.staff("user"), self.staff("manager")
        for name, value in values.items():
            with self.subTest(name), self.assertRaisesRegex(AccessError, "Only a billing manager"):
                self.dealer.with_user(user).write({name: value})
        with self.assertRaisesRegex(AccessError, "Only a billing manager"):
            self.env["tier.wallet"].with_user(user).create(
                {"name": "W", "partner_id": self.dealer.partner_id.id, "parent_id": self.dealer.id, "daily_limit": 1}
            )
        self.dealer.with_user(manager).write(values)
        # What a form sends back unchanged is no change.
        self.dealer.with_user(user).write({**values, "low_balance_threshold": 4})
        self.assertEqual(self.dealer.daily_limit, 1)

    def test_limits_that_make_no_sense(self):
        for value in (-1, 10**12):
            for name in ("daily_limit", "monthly_limit"):
                with self.subTest(name, value=value), self.assertRaises(ValidationError):
                    self.dealer[name] = value
        with self.assertDatabaseRefuses("credit_valid_days"):
            self.dealer.credit_valid_days = -1
            self.env.flush_all()
        self.env.invalidate_all(flush=False)
        with self.assertDatabaseRefuses("low_balance_threshold"):
            self.dealer.low_balance_threshold = -1
            self.env.flush_all()

    def test_a_change_is_tracked(self):
        dealer = self.dealer.with_context(tracking_disable=False)
        self.env.cr.precommit.run()
        dealer.daily_limit = 7
        self.env.flush_all()
        self.env.cr.precommit.run()
        self.env.invalidate_all()
        tracked = self.dealer.message_ids.tracking_value_ids.mapped("field_id.name")
        self.assertIn("daily_limit", tracked)

    def test_spending_is_not_written_by_hand(self):
        Spending = self.env["tier.spending"]
        with self.assertRaises(UserError):
            Spending.create({"account_id": self.dealer.account_id.id, "day": "2026-01-01", "amount": 1})
        with self.assertRaises(UserError):
            Spending.write({"amount": 1})
        with self.assertRaises(UserError):
            Spending.unlink()
