from datetime import timedelta
from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tests import tagged

from ..charging import books
from .common import NOON, NUMBER, TierRatingCase

# Statements of a batch that is priced in one currency without time bands, whatever its length.
STATEMENTS = 10


@tagged("post_install", "-at_install")
class TestCharging(TierRatingCase):
    """Calls become charges on every tier, once."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_selling_chain()
        cls.user._topup(10, "charging:funds")

    def tearDown(self):
        self.assertConserved()
        super().tearDown()

    # ------------------------------------------------------------------
    # Once
    # ------------------------------------------------------------------

    def test_an_unanswered_call_costs_nothing(self):
        with self.assertNothingMoves():
            outcome = self.charge(self.call("k:1", 0))
        self.assertEqual((outcome.charged, outcome.suspense), (1, 0))
        self.assertShares(
            "k:1", (self.user, 0, 0, 0), (self.dealer, 0, 0, 0), (self.reseller, 0, 0, 0), (self.provider, 0, 0, 0)
        )
        self.assertFalse(any(self.event("k:1").charge_ids.mapped("answered")))

    def test_an_unanswered_call_needs_no_rate(self):
        """Who calls a wrong number in vain leaves nothing to mend."""
        self.user.state = "suspended"
        outcome = self.charge(
            self.call("k:1", 0, number="999999999"), self.call("k:2", 0, number=""), self.call("k:3", 0)
        )
        self.assertEqual((outcome.charged, outcome.suspense), (3, 0))

    def test_the_same_call_twice_in_a_batch(self):
        outcome = self.charge(self.call("k:1"), self.call("k:1"), self.call("k:1", 600))
        self.assertEqual((outcome.charged, outcome.duplicate), (1, 2))
        self.assertBalances(self.user, 9)

    def test_the_same_call_in_two_batches(self):
        self.charge(self.call("k:1"))
        with self.assertNothingMoves():
            outcome = self.charge(self.call("k:1"), self.call("k:1", 600))
        self.assertEqual((outcome.charged, outcome.suspense, outcome.duplicate), (0, 0, 2))
        self.assertBalances(self.user, 9)
        self.assertEqual(len(self.event("k:1").charge_ids), 4)

    def test_a_known_call_in_suspense_is_not_charged_by_another_copy(self):
        self.charge(self.call("k:1", account="nobody"))
        self.new_endpoint(self.user, "nobody")
        outcome = self.charge(self.call("k:1", account="nobody"))
        self.assertEqual((outcome.charged, outcome.duplicate), (0, 1))
        self.assertSuspense("k:1", "unknown_account")

    def test_the_same_key_with_another_service_or_caller_is_the_same_call(self):
        self.charge(self.call("k:1"))
        outcome = self.charge(self.call("k:1", account="nobody", service="data"))
        self.assertEqual(outcome.duplicate, 1)

    def test_an_empty_batch(self):
        outcome = self.charge()
        self.assertEqual((outcome.charged, outcome.suspense, outcome.duplicate), (0, 0, 0))

    # ------------------------------------------------------------------
    # Below cost
    # ------------------------------------------------------------------

    def test_below_cost_is_refused(self):
        self.user.price_list_id.rate_ids.price = 0.79
        self.charge(self.call("k:1"))
        self.assertSuspense("k:1", "below_cost", "would pay 0.80 for what it sells for 0.79")

    def test_at_cost_is_fine(self):
        self.user.price_list_id.rate_ids.price = 0.8
        self.charge(self.call("k:1"))
        self.assertEqual(self.shares("k:1")[1], (self.dealer, "0.8", "0.8", "0"))

    def test_below_cost_if_the_seller_says_so(self):
        self.user.price_list_id.rate_ids.price = 0.5
        self.dealer.sell_below_cost = True
        self.charge(self.call("k:1"))
        self.assertEqual(self.shares("k:1")[1], (self.dealer, "0.5", "0.8", "-0.3"))
        self.assertBalances(self.dealer, "-0.3")

    def test_only_the_seller_itself_says_so(self):
        self.user.price_list_id.rate_ids.price = 0.5
        self.reseller.sell_below_cost = True
        self.charge(self.call("k:1"))
        self.assertSuspense("k:1", "below_cost")

    def test_the_provider_may_sell_below_its_carrier(self):
        self.provider.price_list_id.rate_ids.price = 2
        self.charge(self.call("k:1"))
        self.assertEqual(self.shares("k:1")[-1], (self.provider, "0.7", "2", "-1.3"))

    # ------------------------------------------------------------------
    # Overrun
    # ------------------------------------------------------------------

    def test_an_overrun_is_flagged_and_recorded_in_full(self):
        self.charge(self.call("k:1", 12 * 60))
        self.assertBalances(self.user, -2)
        flags = {row.wallet_id: row.overrun for row in self.event("k:1").charge_ids}
        self.assertEqual(flags, {self.user: True, self.dealer: False, self.reseller: False, self.provider: False})

    def test_to_the_last_cent_is_no_overrun(self):
        self.charge(self.call("k:1", 10 * 60), self.call("k:2"))
        self.assertFalse(self.event("k:1").charge_ids[-1].overrun)
        overrun = self.event("k:2").charge_ids.filtered("overrun")
        self.assertEqual(overrun.wallet_id, self.user)

    def test_credit_is_no_overrun(self):
        self.user.write({"payment_mode": "postpaid", "credit_limit": 2})
        self.charge(self.call("k:1", 12 * 60))
        self.assertFalse(any(self.event("k:1").charge_ids.mapped("overrun")))

    def test_an_overrun_of_a_dealer_with_outside_customers(self):
        shop = self.new_wallet("Shop", self.dealer, money="outside")
        self.sell(shop, {"49": "1"})
        self.new_endpoint(shop, "shop")
        shop._allocate(100, "credit")
        self.charge(self.call("k:1", account="shop"))
        self.assertBalances(shop, 99, self.dealer, "-0.8", self.reseller, "0.1")
        overrun = self.event("k:1").charge_ids.filtered("overrun")
        self.assertEqual(overrun.wallet_id, self.dealer)

    # ------------------------------------------------------------------
    # Records of fact
    # ------------------------------------------------------------------

    def test_an_event_is_not_changed(self):
        self.charge(self.call("k:1"))
        event = self.event("k:1")
        for attempt in (
            lambda: event.write({"number": "1"}),
            event.unlink,
            event.copy,
            lambda: event.create({"source_key": "k:2"}),
        ):
            with self.assertRaises(UserError):
                attempt()

    def test_what_was_charged_cannot_be_deleted(self):
        switch = self.new_switch("kept")
        self.new_endpoint(self.user, "kept", switch_id=switch.id)
        destination = self.env["tier.destination"].create({"name": "Kept"})
        self.user.price_list_id.rate_ids.destination_id = destination
        self.charge(self.call("k:1", account="kept", switch_id=switch.id), self.call("k:2", 0, account="kept2"))
        endpoint = self.event("k:1").endpoint_id
        price_list = self.user.price_list_id
        self.user.price_list_id = False
        price_list.rate_ids.destination_id = False
        for record in (endpoint, switch, destination, price_list, self.voice):
            with self.subTest(record._name), self.assertRaises(UserError), self.env.cr.savepoint():
                record.unlink()

    def test_a_wallet_with_usage_cannot_be_deleted(self):
        """Not even if all its calls were in vain and no money moved."""
        wallet = self.new_wallet("Unlucky", self.dealer)
        endpoint = self.new_endpoint(wallet, "unlucky")
        self.charge(self.call("k:1", 0, account="unlucky"))
        with self.assertRaises(UserError), self.env.cr.savepoint():
            (endpoint | endpoint).wallet_id.unlink()

    def test_an_endpoint_with_usage_stays_with_its_wallet(self):
        self.charge(self.call("k:1"))
        with self.assertRaises(UserError):
            self.user.endpoint_ids.wallet_id = self.dealer
        self.user.endpoint_ids.active = False
        self.env.flush_all()
        self.new_endpoint(self.dealer, "user")
        self.charge(self.call("k:2"))
        self.assertEqual(self.event("k:2").wallet_id, self.dealer)

    # ------------------------------------------------------------------
    # What it costs
    # ------------------------------------------------------------------

    def statements(self, calls):
        """Return the number of SQL statements that charging takes."""
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.cr.sql_log_count
        self.charge(*calls)
        return self.cr.sql_log_count - before

    def test_a_message_is_no_call(self):
        """A brand's terms of calls are for what is counted in seconds."""
        message = self.env.ref("tier_rating.service_message")
        for wallet in (self.reseller, self.dealer, self.user):
            self.new_rate(wallet.price_list_id, "49", 2, service_id=message.id)
            wallet.price_list_id.brand_id.write(
                {"initial_increment": 60, "increment": 60, "grace_seconds": 5, "connection_charge": 9}
            )
            wallet.price_list_id.brand_id.write({"surcharge": 7, "surcharge_after": 1})
        self.charge(self.call("k:sms", 3, service="message"))
        share = self.event("k:sms").charge_ids.filtered(lambda charge: charge.wallet_id == self.user)
        self.assertEqual((share.billed_quantity, share.cost), (3, 6))

    @patch.object(books, "WORTH_READING", 10**9)
    def test_statements_do_not_grow_with_the_batch(self):
        self.user._topup(1000, "more")
        self.statements([self.call("k:warm")])
        one = self.statements([self.call("k:one")])
        calls = [self.call(f"k:{n}", n, number=f"{NUMBER}{n}", at=NOON + timedelta(hours=n)) for n in range(1, 101)]
        self.assertEqual(self.statements(calls), one)
        self.assertLessEqual(one, STATEMENTS)
        self.assertEqual(self.env["tier.charge"].search_count([("wallet_id", "=", self.user.id)]), 102)

    @patch.object(books, "WORTH_READING", 10**9)
    def test_statements_do_not_grow_with_the_chain(self):
        wallet = self.user
        for level in range(4, 10):
            wallet = self.new_wallet(f"Level {level}", wallet)
            self.sell(wallet, {"49": str(level)})
        self.new_endpoint(wallet, "deep")
        wallet._topup(10, "deep")
        self.statements([self.call("k:warm")])
        one = self.statements([self.call("k:1")])
        self.assertEqual(self.statements([self.call("k:2", account="deep")]), one)
        self.assertEqual(len(self.shares("k:2")), 10)
