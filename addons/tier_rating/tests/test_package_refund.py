"""Refunds of packages' fees: the units go with the money, what was used stays paid."""

from decimal import Decimal

from odoo.exceptions import UserError
from odoo.tests import Form, tagged

from .. import charging
from ..charging.refund import refund
from .package_common import PackageFeeCase


@tagged("post_install", "-at_install")
class TestPackageRefund(PackageFeeCase):
    """The package: 10.00 for two minutes; a call costs the user 1.00 a minute."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.user._topup(Decimal(50), "fee:refund")

    def setUp(self):
        super().setUp()
        self.subscription = self.subscribe(self.user, self.package(self.dealer, fee=10))
        self.collect()
        self.fee = self.period(self.subscription).fee_event_id

    def undo(self, *events):
        outcome = refund(self.env, [event.id for event in events], "wrong package")
        self.env.invalidate_all()
        return outcome

    def use(self, key, seconds):
        self.charge(self.call(key, seconds, at=self.today))
        self.env.invalidate_all()
        return self.event(key)

    def test_unused_all_of_it_goes_back(self):
        self.assertEqual(self.undo(self.fee).refunded, 1)
        period = self.period(self.subscription)
        self.assertEqual((period.fee_state, period.quantity, period.left), ("refunded", 0, 0))
        self.assertBalances(self.user, "50", self.dealer, "0")
        # It is not due again, and a call is paid with money.
        self.assertEqual(self.collect().charged, 0)
        self.use("after", 60)
        self.assertEqual(self.shares("after")[0][2], "1")
        self.assertEqual(self.undo(self.fee).skipped, 1)

    def test_what_was_used_stays_paid(self):
        self.use("a", 30)
        self.assertBalances(self.user, "40", self.dealer, "9.6")
        self.assertEqual(self.undo(self.fee).refunded, 1)
        period = self.period(self.subscription)
        # Thirty of 120 seconds: a quarter of the fee.
        self.assertEqual((period.fee_state, period.quantity, period.used, period.left), ("paid", 30, 30, 0))
        self.assertBalances(self.user, "47.5")
        kept = period.fee_event_id
        self.assertNotEqual(kept, self.fee)
        self.assertEqual((self.fee.state, kept.state, kept.quantity), ("refunded", "charged", 0.25))
        self.assertShares(
            kept.source_key,
            (self.user, 0, "2.5", 0),
            (self.dealer, "2.5", 0, "2.5"),
            (self.reseller, 0, 0, 0),
            (self.provider, 0, 0, 0),
        )
        self.use("b", 60)
        self.assertEqual(self.shares("b")[0][2], "1", "nothing is left of the package")
        self.proven()

    def proven(self):
        self.assertTrue(self.env["tier.account"]._is_conserved())
        found = self.env["tier.audit"]._run().finding_ids
        codes = ("edges", "paid", "known", "packages", "refunded", "corrected")
        self.assertFalse(found.filtered(lambda finding: finding.check_code in codes))

    def test_used_up_there_is_nothing_to_refund(self):
        self.use("a", 120)
        outcome = self.undo(self.fee)
        self.assertEqual((outcome.refunded, outcome.skipped), (0, 1))
        self.assertEqual((self.fee.state, self.period(self.subscription).fee_state), ("charged", "paid"))
        self.assertBalances(self.user, "40")

    def test_the_calls_first_then_the_fee(self):
        call = self.use("a", 120)
        self.assertEqual(self.undo(self.fee, call).refunded, 2)
        self.assertBalances(self.user, "50", self.dealer, "0")
        self.assertEqual(self.period(self.subscription).quantity, 0)
        self.proven()

    def test_units_of_a_call_refunded_later_can_be_used_or_refunded(self):
        call = self.use("a", 30)
        self.undo(self.fee)
        self.undo(call)
        period = self.period(self.subscription)
        self.assertEqual((period.quantity, period.left), (30, 30))
        self.assertEqual(self.undo(period.fee_event_id).refunded, 1)
        self.assertBalances(self.user, "50", self.dealer, "0")
        self.proven()

    def test_on_every_tier_that_paid_and_whatever_prices_say_now(self):
        rates = [
            self.new_rate(wallet.price_list_id, "flat", price, service_id=self.fee_service.id)
            for wallet, price in ((self.dealer, "4.00"), (self.reseller, "2.02"))
        ]
        self.user._topup(Decimal(50), "fee:refund:2")
        subscription = self.subscribe(self.user, self.package(self.dealer, fee="9.99", name="Flat two"))
        self.undo(self.fee)
        self.collect()
        period = self.period(subscription)
        fee = period.fee_event_id
        self.use("a", 40)
        for rate in rates:
            rate.price = 9
        subscription.package_id.fee = 99
        self.undo(fee)
        kept = self.period(subscription).fee_event_id
        # A third; 2.02 / 3 is rounded once.
        self.assertShares(
            kept.source_key,
            (self.user, 0, "3.33", 0),
            (self.dealer, "3.33", "1.33", "2"),
            (self.reseller, "1.33", "0.67", "0.66"),
            (self.provider, "0.67", 0, "0.67"),
        )
        self.proven()

    def test_a_session_in_progress_stops_it(self):
        for wallet in (self.dealer, self.reseller):
            wallet._topup(Decimal(100), f"fee:{wallet.name}")
        self.authorize(self.request("held", requested=60, at=self.today))
        with self.assertRaisesRegex(UserError, "session in progress"):
            self.undo(self.fee)

    def test_a_dispute_of_a_fee(self):
        self.use("a", 120)
        charge = self.fee.charge_ids.filtered(lambda charge: charge.wallet_id == self.user)
        dispute = self.env["tier.dispute"].create(
            {"wallet_id": self.user.id, "reason": "not mine", "line_ids": [(0, 0, {"charge_id": charge.id})]}
        )
        with self.assertRaisesRegex(UserError, "nothing of its fee"):
            dispute.action_accept()
        self.assertEqual(dispute.state, "new")
        self.undo(self.event("a"))
        dispute.action_accept()
        self.env.invalidate_all()
        self.assertEqual((dispute.state, self.fee.state), ("accepted", "refunded"))

    def test_the_dialog_tells_what_stays_paid(self):
        self.use("a", 30)
        dialog = self.env["tier.usage.refund"].create({"event_ids": [(6, 0, self.fee.ids)], "reason": "x"})
        self.assertIn("is used to 25.0 %", dialog.fee_note)
        opened = Form(dialog.with_context(active_model="tier.usage.event", active_ids=self.fee.ids).browse())
        self.assertIn("is used to 25.0 %", opened.fee_note)
        dialog.event_ids = self.event("a")
        self.assertFalse(dialog.fee_note)

    def test_refunds_without_fees_cost_nothing_more(self):
        events = self.use("a", 30) | self.use("b", 30)
        statements = self.cr.sql_log_count
        self.undo(events[0])
        with_package = self.cr.sql_log_count - statements
        self.undo(self.fee)
        self.assertLessEqual(with_package, 9)
        self.assertEqual(charging.fee_refund.usage(self.env.cr, []), [])
