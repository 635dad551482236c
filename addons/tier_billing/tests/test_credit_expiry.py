from datetime import date, timedelta
from decimal import Decimal
from unittest.mock import patch

from odoo import fields
from odoo.tests import freeze_time, tagged
from odoo.tools import mute_logger

from ..ledger.reserve import place_holds, release_sessions
from .common import TierBillingCase

TODAY = date(2026, 11, 20)
YESTERDAY = date(2026, 11, 19)


@freeze_time("2026-11-20 10:00:00")
@tagged("post_install", "-at_install")
class TestCreditExpiry(TierBillingCase):
    """What is left of credit after its last day goes where it belongs, once."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.partner_id.tz = "UTC"
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_chain("outside", "outside")
        cls.cron = cls.env.ref("tier_billing.ir_cron_expire_credits")

    def tearDown(self):
        self.assertConserved()
        super().tearDown()

    def run_cron(self):
        with self.enter_registry_test_mode():
            self.cron.method_direct_trigger()

    def expiries(self, wallet):
        return self.env["tier.transfer"].search([("kind", "=", "expiry"), ("from_wallet_id", "=", wallet.id)])

    def test_inside_money_becomes_earnings(self):
        self.reseller._topup("12.345", "t")
        self.reseller.credit_expires_on = YESTERDAY
        earned = self.earned(self.provider)
        self.run_cron()
        self.assertBalances(self.reseller, 0)
        self.assertEqual(self.earned(self.provider) - earned, Decimal("12.345"))
        self.assertEqual(self.expiries(self.reseller).source_key, f"expiry:{self.reseller.id}:2026-11-19")
        self.assertIn("12.345 QCO of credit expired", self.reseller.message_ids[0].body)

    def test_outside_credit_goes_back_to_who_granted_it(self):
        self.reseller._topup(100, "t")
        self.dealer._allocate(40, "a")
        self.dealer.credit_expires_on = YESTERDAY
        self.run_cron()
        self.assertBalances(self.dealer, 0, self.reseller, 100)
        self.assertEqual(self.collected(self.reseller), 0)

    def test_another_currency(self):
        abroad = self.new_wallet("Abroad", self.reseller, currency_id=self.shell.id)
        abroad._topup(8, "t")
        abroad.credit_expires_on = YESTERDAY
        earned = self.earned(self.provider)
        self.run_cron()
        self.assertBalances(abroad, 0)
        self.assertEqual(self.earned(self.provider) - earned, 10)

    def test_the_last_day_is_over_where_the_company_is(self):
        self.reseller._topup(5, "t")
        self.reseller.credit_expires_on = TODAY
        self.company.partner_id.tz = "Pacific/Auckland"  # 23:00
        self.run_cron()
        self.assertBalances(self.reseller, 5)
        with freeze_time("2026-11-20 11:00:00"):
            self.run_cron()
        self.assertBalances(self.reseller, 0)

    def test_once(self):
        self.reseller._topup(5, "t")
        self.reseller.credit_expires_on = YESTERDAY
        self.run_cron()
        with self.assertNothingMoves():
            self.run_cron()
        # What comes in later is not covered by the date that is over.
        self.reseller._topup(3, "late")
        with self.assertNothingMoves():
            self.run_cron()
            self.assertFalse(self.reseller._expire_credit())
        self.assertBalances(self.reseller, 3)

    def test_never_while_a_session_holds_of_it(self):
        self.reseller._topup(5, "t")
        self.reseller.credit_expires_on = YESTERDAY
        for key, amount in (("s:1", 1), ("s:2", 0)):
            place_holds(self.env.cr, [(key, self.reseller.account_id.id, amount)], ["2099-01-01"])
            self.assertFalse(self.reseller._find_expired(0, 10) & self.reseller)
            # Also if it began after the search.
            self.assertFalse(self.reseller._expire_credit())
            self.run_cron()
            release_sessions(self.env.cr, [key])
        self.assertBalances(self.reseller, 5)
        self.run_cron()
        self.assertBalances(self.reseller, 0)

    def test_nothing_to_take(self):
        self.reseller.credit_expires_on = YESTERDAY
        self.reseller._adjust(-4, "debt", "Debt")
        self.provider.credit_expires_on = YESTERDAY
        with self.assertNothingMoves():
            self.run_cron()

    def test_a_failure_does_not_stop_the_others(self):
        wallets = self.env["tier.wallet"].browse()
        for number in range(3):
            wallets |= self.new_wallet(f"Customer {number}", self.provider, credit_expires_on=YESTERDAY)
            wallets[-1]._topup(5, f"t:{number}")
        Wallet = type(self.env["tier.wallet"])
        original = Wallet._expire_credit

        def fail_once(wallet):
            if wallet.id == wallets[1].id:
                raise ValueError("broken")
            return original(wallet)

        with (
            patch.object(Wallet, "_expire_credit", fail_once),
            mute_logger(f"{Wallet.__module__}"),
            self.assertLogs("odoo.addons.tier_billing.models.tier_wallet_validity", "ERROR"),
        ):
            self.run_cron()
        self.assertBalances(wallets[0], 0, wallets[1], 5, wallets[2], 0)
        self.run_cron()
        self.assertBalances(wallets[1], 0)

    def test_many_in_small_batches(self):
        wallets = self.env["tier.wallet"].browse()
        for number in range(7):
            wallets |= self.new_wallet(f"Customer {number}", self.provider, credit_expires_on=YESTERDAY)
            wallets[-1]._topup(5, f"t:{number}")
        with (
            self.enter_registry_test_mode(),
            patch.object(type(self.env["ir.cron"]), "_commit_progress", lambda *args, **kwargs: 1),
        ):
            self.assertGreaterEqual(self.env["tier.wallet"]._expire_credits(limit=2), 7)
        self.assertEqual(sum(self.balance(wallet) for wallet in wallets), 0)

    # ------------------------------------------------------------------
    # Money that comes in prolongs it
    # ------------------------------------------------------------------

    def test_a_top_up_prolongs_validity(self):
        self.reseller.write({"credit_valid_days": 30, "credit_expires_on": YESTERDAY})
        self.reseller._topup(5, "t")
        self.assertEqual(self.reseller.credit_expires_on, TODAY + timedelta(days=30))
        self.run_cron()
        self.assertBalances(self.reseller, 5)

    def test_only_once_for_a_top_up(self):
        self.reseller.credit_valid_days = 30
        self.reseller._topup(5, "t")
        with freeze_time("2026-12-20 10:00:00"):
            self.reseller._topup(5, "t")
        self.assertEqual(self.reseller.credit_expires_on, TODAY + timedelta(days=30))

    def test_never_shorter_than_it_is(self):
        self.reseller.write({"credit_valid_days": 30, "credit_expires_on": "2030-01-01"})
        self.reseller._topup(5, "t")
        self.assertEqual(self.reseller.credit_expires_on, date(2030, 1, 1))

    def test_an_allocation_prolongs_as_well(self):
        self.reseller._topup(50, "t")
        self.dealer.credit_valid_days = 10
        self.dealer._allocate(5, "a")
        self.assertEqual(self.dealer.credit_expires_on, TODAY + timedelta(days=10))
        self.assertFalse(self.reseller.credit_expires_on)

    def test_days_of_the_company(self):
        self.company.partner_id.tz = "Pacific/Auckland"
        self.reseller.credit_valid_days = 1
        with freeze_time("2026-11-20 11:00:00"):
            self.reseller._topup(5, "t")
        self.assertEqual(self.reseller.credit_expires_on, date(2026, 11, 22))

    def test_without_days_nothing_expires(self):
        self.reseller._topup(5, "t")
        self.assertFalse(self.reseller.credit_expires_on)

    # ------------------------------------------------------------------
    # Views
    # ------------------------------------------------------------------

    def test_expiring_soon(self):
        Wallet = self.env["tier.wallet"]
        self.reseller.credit_expires_on = TODAY + timedelta(days=7)
        self.dealer.credit_expires_on = TODAY + timedelta(days=8)
        self.user.credit_expires_on = TODAY
        soon = Wallet.search([("credit_expires_on", ">=", "today"), ("credit_expires_on", "<=", "today +7d")])
        mine = self.reseller | self.dealer | self.user
        self.assertEqual(soon & mine, self.reseller | self.user)
        self.assertEqual(Wallet.search([("credit_expires_on", "=", False)]) & mine, Wallet)
        self.assertEqual(fields.Date.to_string(self.user.credit_expires_on), "2026-11-20")
