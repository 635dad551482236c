from decimal import Decimal

from odoo.exceptions import UserError
from odoo.tests import tagged

from ..ledger.reserve import place_holds
from .common import TierBillingCase


@tagged("post_install", "-at_install")
class TestTransfers(TierBillingCase):
    """Money into, through and out of a chain in one currency."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_chain()
        cls.shop = cls.new_wallet("Shop", cls.reseller, money="outside")
        cls.guest = cls.new_wallet("Guest", cls.shop)

    def tearDown(self):
        self.assertConserved()
        super().tearDown()

    def refused(self, words=""):
        return self.assertRaisesRegex(UserError, words)

    def hold(self, wallet, amount, key="session"):
        """Reserve funds of a wallet."""
        place_holds(self.env.cr, [(key, wallet.account_id.id, Decimal(amount))], ["2099-01-01"])
        self.env.invalidate_all()

    # ------------------------------------------------------------------
    # Top-up
    # ------------------------------------------------------------------

    def test_topup(self):
        world = self.account("world")
        before = self.figure(world)
        transfer = self.user._topup("12.34", "topup:1", "Invoice 7")
        self.assertBalances(self.user, "12.34", self.dealer, 0, self.reseller, 0, self.provider, 0)
        self.assertEqual(self.figure(world), before - Decimal("12.34"))
        self.assertRecordValues(
            transfer,
            [
                {
                    "kind": "topup",
                    "source_key": "topup:1",
                    "from_account_id": world.id,
                    "to_account_id": self.user.account_id.id,
                    "from_wallet_id": False,
                    "to_wallet_id": self.user.id,
                    "amount": 12.34,
                    "amount_to": 12.34,
                    "currency_id": self.coin.id,
                    "currency_to_id": self.coin.id,
                    "rate": 1,
                    "exchange_in_id": False,
                    "exchange_out_id": False,
                    "company_id": self.company.id,
                    "reason": "Invoice 7",
                    "create_uid": self.env.uid,
                }
            ],
        )
        self.assertTrue(transfer.date)

    def test_topup_shows_at_once(self):
        self.assertEqual(self.user.balance, 0)
        self.user._topup(5, "topup:1")
        self.assertEqual((self.user.balance, self.user.available, self.user.paid_month), (5, 5, 5))

    def test_topup_of_outside_money_goes_to_the_nearest_inside_ancestor(self):
        transfers = self.guest._topup(10, "topup:1")
        self.assertEqual(sorted(transfers.mapped("kind")), ["allocation", "allocation", "topup"])
        self.assertBalances(self.reseller, 10, self.shop, 10, self.guest, 10)
        self.assertEqual(self.collected(self.reseller), -10)
        self.assertEqual(self.collected(self.shop), -10)

    def test_topup_of_outside_money_may_be_spent_at_once(self):
        """Every tier of the chain can pay for what the guest buys."""
        self.guest._topup(10, "topup:1")
        for wallet, amount in ((self.guest, "10"), (self.shop, "8"), (self.reseller, "7")):
            self.usage(wallet, amount, f"used:{wallet.id}")
        self.assertBalances(self.guest, 0, self.shop, 2, self.reseller, 3)
        self.assertEqual(self.collected(self.shop), 0)
        self.assertEqual(self.collected(self.reseller), -2)
        self.assertEqual(self.earned(self.provider), 7)

    def test_topup_of_a_closed_wallet_is_recorded(self):
        """The money has come in, whatever the wallet's state."""
        self.user.state = "closed"
        self.user._topup(5, "topup:1")
        self.assertBalances(self.user, 5)

    # ------------------------------------------------------------------
    # Keys
    # ------------------------------------------------------------------

    def test_the_same_key_moves_money_once(self):
        self.reseller._topup(100, "k:topup")
        self.dealer._allocate(50, "k:allocate")
        self.dealer._reclaim(20, "k:reclaim")
        self.dealer._adjust(-1, "k:adjust", "Mistake")
        self.dealer._withdraw(2, "k:withdraw")
        guest = self.guest._topup(3, "k:outside")
        with self.assertNothingMoves():
            self.reseller._topup(100, "k:topup")
            self.dealer._allocate(50, "k:allocate")
            self.dealer._reclaim("20.00", "k:reclaim")
            self.dealer._adjust(-1, "k:adjust", "Mistake")
            self.dealer._withdraw(2, "k:withdraw")
            self.assertEqual(self.guest._topup(3, "k:outside"), guest)
        self.assertBalances(self.reseller, 73, self.dealer, 27, self.guest, 3)

    def test_a_repeat_needs_no_funds(self):
        self.reseller._topup(50, "k:topup")
        self.dealer._allocate(50, "k:allocate")
        self.dealer._reclaim(30, "k:reclaim")
        self.dealer._withdraw(20, "k:withdraw")
        self.reseller._withdraw(30, "k:empty")
        self.assertBalances(self.reseller, 0, self.dealer, 0)
        with self.assertNothingMoves():
            self.dealer._allocate(50, "k:allocate")
            self.dealer._reclaim(30, "k:reclaim")
            self.dealer._withdraw(20, "k:withdraw")

    def test_a_key_with_another_content_is_refused(self):
        self.reseller._topup(100, "k:1")
        self.dealer._allocate(10, "k:2")
        with self.assertNothingMoves():
            for attempt in (
                lambda: self.reseller._topup(101, "k:1"),
                lambda: self.dealer._topup(100, "k:1"),
                lambda: self.reseller._withdraw(100, "k:1"),
                lambda: self.dealer._allocate(11, "k:2"),
                lambda: self.dealer._reclaim(10, "k:2"),
                lambda: self.dealer._adjust(10, "k:2", "Reason"),
                lambda: self.user._allocate(10, "k:2"),
            ):
                with self.refused("another amount or between other wallets"):
                    attempt()
        self.assertBalances(self.reseller, 90, self.dealer, 10)

    def test_an_adjustment_is_noted_once(self):
        for _attempt in range(2):
            self.user._adjust("1.50", "k:1", "Goodwill for the outage")
        notes = self.user.message_ids.filtered(lambda message: "Goodwill" in message.body)
        self.assertEqual(len(notes), 1)

    # ------------------------------------------------------------------
    # Allocation
    # ------------------------------------------------------------------

    def test_allocate_inside_takes_from_the_parent(self):
        self.reseller._topup(100, "topup")
        transfer = self.dealer._allocate("30.50", "allocate", "November")
        self.assertBalances(self.reseller, "69.50", self.dealer, "30.50")
        self.assertEqual((transfer.kind, transfer.reason), ("allocation", "November"))

    def test_allocate_what_there_is_and_no_more(self):
        self.reseller._topup(100, "topup")
        with self.refused("100 QCO available, 100.01 QCO are needed"), self.assertNothingMoves():
            self.dealer._allocate("100.01", "too much")
        self.dealer._allocate(100, "all")
        self.assertBalances(self.reseller, 0, self.dealer, 100)
        with self.refused("available"):
            self.dealer._allocate("0.000001", "one more")

    def test_allocate_not_what_sessions_hold(self):
        self.reseller._topup(100, "topup")
        self.hold(self.reseller, 40)
        with self.refused("60 QCO available"):
            self.dealer._allocate(61, "too much")
        self.dealer._allocate(60, "the rest")
        self.assertBalances(self.reseller, 40)

    def test_allocate_from_credit(self):
        self.reseller.payment_mode = "postpaid"
        self.reseller.credit_limit = 20
        with self.refused("available"):
            self.dealer._allocate("20.01", "too much")
        self.dealer._allocate(20, "on credit")
        self.assertBalances(self.reseller, -20, self.dealer, 20)

    def test_allocate_outside_leaves_the_parents_wallet_alone(self):
        self.reseller._topup(5, "topup")
        self.shop._allocate(1000, "credit")
        self.assertBalances(self.reseller, 5, self.shop, 1000)
        self.assertEqual(self.collected(self.reseller), -1000)

    def test_the_provider_has_no_limit(self):
        self.reseller._allocate(1000, "opening")
        self.assertBalances(self.provider, -1000, self.reseller, 1000)

    def test_the_provider_has_no_parent(self):
        self.provider._topup(10, "topup")
        for attempt in (self.provider._allocate, self.provider._reclaim):
            with self.refused("no parent"):
                attempt(1, "key")

    def test_a_closed_wallet_gets_no_funds(self):
        self.reseller._topup(10, "topup")
        self.dealer.state = "closed"
        with self.refused("closed"):
            self.dealer._allocate(1, "allocate")

    # ------------------------------------------------------------------
    # Overcommit: what a reseller may grant beyond its own funds
    # ------------------------------------------------------------------

    def test_overcommit_guard(self):
        self.reseller._topup(100, "topup")
        self.reseller.overcommit_percent = 50
        self.shop._allocate(30, "first")
        with self.refused("may grant 50.00 QCO in all, 50.01 QCO would be out"):
            self.shop._allocate("20.01", "too much")
        self.shop._allocate(20, "to the limit")
        self.assertEqual(self.collected(self.reseller), -50)

    def test_overcommit_counts_all_customers(self):
        self.reseller._topup(100, "topup")
        self.reseller.overcommit_percent = 100
        other = self.new_wallet("Other shop", self.reseller, money="outside")
        self.shop._allocate(80, "first")
        with self.refused("may grant"):
            other._allocate(21, "second")
        other._allocate(20, "second")

    def test_overcommit_is_freed_by_usage_and_reclaim(self):
        self.reseller._topup(100, "topup")
        self.reseller.overcommit_percent = 50
        self.shop._allocate(50, "first")
        self.usage(self.shop, 10, "usage")  # of which the reseller pays nothing here
        self.shop._reclaim(5, "reclaim")
        with self.refused("may grant"):
            self.shop._allocate("15.01", "too much")
        self.shop._allocate(15, "to the limit")

    def test_overcommit_of_an_empty_reseller(self):
        self.reseller.overcommit_percent = 300
        with self.refused("may grant"):
            self.shop._allocate(1, "credit")
        self.reseller._adjust(-10, "debt", "Debt")
        with self.refused("may grant"):
            self.shop._allocate(1, "credit")

    def test_a_known_grant_is_not_checked_again(self):
        self.reseller._topup(100, "topup")
        self.reseller.overcommit_percent = 50
        self.shop._allocate(50, "first")
        self.shop._allocate(50, "first")
        self.assertBalances(self.shop, 50)

    # ------------------------------------------------------------------
    # Reclaim and payout
    # ------------------------------------------------------------------

    def test_reclaim_inside(self):
        self.reseller._topup(100, "topup")
        self.dealer._allocate(50, "allocate")
        transfer = self.dealer._reclaim(20, "reclaim")
        self.assertBalances(self.reseller, 70, self.dealer, 30)
        self.assertEqual(transfer.kind, "reclaim")
        with self.refused("30 QCO available"):
            self.dealer._reclaim("30.01", "too much")
        self.dealer._reclaim(30, "the rest")
        self.assertBalances(self.reseller, 100, self.dealer, 0)

    def test_reclaim_outside(self):
        self.shop._allocate(50, "credit")
        self.shop._reclaim(20, "reclaim")
        self.assertBalances(self.shop, 30, self.reseller, 0)
        self.assertEqual(self.collected(self.reseller), -30)

    def test_reclaim_not_what_sessions_hold(self):
        self.dealer._topup(50, "topup")
        self.hold(self.dealer, 20)
        with self.refused("30 QCO available"):
            self.dealer._reclaim(31, "too much")
        self.dealer._reclaim(30, "reclaim")

    def test_a_credit_line_is_no_money_to_take(self):
        """Else a reseller would turn its customer's credit into funds of its own."""
        self.dealer.write({"payment_mode": "postpaid", "credit_limit": 100})
        self.dealer._topup(10, "topup")
        for attempt in (self.dealer._reclaim, self.dealer._withdraw):
            with self.subTest(attempt.__name__), self.refused("10 QCO available"):
                attempt("10.01", "too much")
        self.dealer._reclaim(4, "reclaim")
        self.dealer._withdraw(6, "payout")
        self.assertBalances(self.dealer, 0)

    def test_reclaim_from_a_closed_wallet(self):
        self.dealer.state = "closed"
        self.dealer._topup(10, "late")
        self.dealer._reclaim(10, "reclaim")
        self.assertBalances(self.dealer, 0, self.reseller, 10)

    def test_withdraw(self):
        self.user._topup(10, "topup")
        before = self.figure(self.account("world"))
        transfer = self.user._withdraw(4, "refund", "Card refund")
        self.assertBalances(self.user, 6)
        self.assertEqual(self.figure(self.account("world")), before + 4)
        self.assertEqual((transfer.kind, transfer.reason), ("payout", "Card refund"))
        with self.refused("6 QCO available"):
            self.user._withdraw("6.01", "too much")

    def test_withdraw_not_of_outside_money(self):
        self.shop._allocate(10, "credit")
        with self.refused("reclaim it"):
            self.shop._withdraw(1, "refund")

    def test_a_forced_withdrawal_may_overdraw(self):
        """A bank took a payment back: that is so, whatever was spent since."""
        self.user._topup(10, "topup")
        self.user._withdraw(15, "chargeback", kind="adjustment")
        self.assertBalances(self.user, -5)

    # ------------------------------------------------------------------
    # Adjustment
    # ------------------------------------------------------------------

    def test_adjust_up_and_down(self):
        up = self.user._adjust("2.50", "up", "Goodwill")
        self.assertBalances(self.user, "2.50")
        self.assertEqual(self.earned(self.provider), Decimal("-2.50"))
        down = self.user._adjust("-3.50", "down", "Mistake")
        self.assertBalances(self.user, -1)
        self.assertEqual(self.earned(self.provider), 1)
        self.assertEqual((up | down).mapped("kind"), ["adjustment", "adjustment"])
        self.assertEqual(down.reason, "Mistake")

    def test_adjust_needs_a_reason(self):
        for reason in (None, "", "  "):
            with self.subTest(reason), self.refused("reason"):
                self.user._adjust(1, "key", reason)

    def test_adjust_leaves_the_tiers_between_alone(self):
        self.user._adjust(5, "key", "Goodwill")
        self.assertBalances(self.dealer, 0, self.reseller, 0, self.provider, 0)
