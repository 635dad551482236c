from datetime import datetime
from decimal import Decimal

from odoo.tests import freeze_time, tagged

from ..ledger.writer import Movement
from .common import TierBillingCase

FIGURES = ("balance", "held", "available", "spent_month", "paid_month", "children_balance", "child_count")


@freeze_time("2026-11-20 10:00:00")
@tagged("post_install", "-at_install")
class TestFigures(TierBillingCase):
    """What a wallet shows of its money, and what that costs."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(context={**cls.env.context, "tz": "UTC"})
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_chain()

    def test_spent_and_paid_this_month(self):
        self.reseller._topup(100, "t1")
        self.dealer._allocate(40, "t2")
        self.dealer._topup("2.50", "t3")
        self.usage(self.dealer, "1.25", "u1", date=datetime(2026, 11, 1))
        self.usage(self.dealer, "0.5", "u2", date=datetime(2026, 11, 20, 9))
        self.assertEqual((self.dealer.spent_month, self.dealer.paid_month), (1.75, 42.5))
        self.assertEqual((self.reseller.spent_month, self.reseller.paid_month), (0, 100))

    def test_last_month_is_over(self):
        self.usage(self.dealer, 3, "u1", date=datetime(2026, 10, 31, 23, 59, 59))
        self.assertEqual(self.dealer.spent_month, 0)

    def test_a_refund_is_not_spent(self):
        spent = self.usage(self.dealer, 1, "u1")
        self.usage(self.dealer, 2, "u2")
        refund = Movement(
            "r1",
            "refund",
            self.dealer.payee_account_id.id,
            self.dealer.account_id.id,
            Decimal(1),
            Decimal(1),
            reverses=spent.id,
        )
        transfer = self.env["tier.transfer"]._post([refund])
        self.assertEqual(transfer.reverses_id, spent)
        self.assertEqual(self.dealer.spent_month, 2)

    def test_what_others_pay_is_not_spent_or_paid_in(self):
        """The reseller's income from usage is neither, nor what it grants from its outside account."""
        shop = self.new_wallet("Shop", self.reseller, money="outside")
        shop._allocate(50, "grant")
        self.usage(self.dealer, 3, "u1")
        self.usage(shop, 4, "u2")
        self.reseller._adjust(1, "a", "Goodwill")
        self.assertEqual((self.reseller.spent_month, self.reseller.paid_month), (0, 0))
        self.assertEqual((shop.spent_month, shop.paid_month), (4, 50))

    def test_a_reclaim_is_not_spent(self):
        self.dealer._topup(10, "t1")
        self.dealer._reclaim(4, "r1")
        self.assertEqual((self.dealer.spent_month, self.dealer.paid_month), (0, 10))

    def test_both_sides_in_their_own_currency(self):
        abroad = self.new_wallet("Abroad", self.reseller, currency_id=self.shell.id)
        self.reseller._topup(100, "t1")
        abroad._allocate(8, "t2")
        self.assertEqual(abroad.paid_month, 8)

    def test_children_balance_counts_direct_customers_in_the_same_currency(self):
        abroad = self.new_wallet("Abroad", self.reseller, currency_id=self.shell.id)
        other = self.new_wallet("Other", self.reseller)
        self.dealer._topup(10, "t1")
        other._topup("0.5", "t2")
        self.user._topup(100, "t3")
        abroad._topup(1000, "t4")
        self.assertEqual((self.reseller.children_balance, self.reseller.child_count), (10.5, 3))
        self.assertEqual((self.user.children_balance, self.user.child_count), (0, 0))

    def test_available(self):
        self.dealer.write({"payment_mode": "postpaid", "credit_limit": 20})
        self.dealer._topup(5, "t1")
        self.assertEqual(self.dealer.available, 25)
        self.usage(self.dealer, 12, "u1")
        self.assertEqual((self.dealer.balance, self.dealer.available), (-7, 13))

    def test_the_month_begins_where_the_user_is(self):
        """Nine in the evening of 31 October in New York is November in UTC, and the reverse in Auckland."""
        self.usage(self.dealer, 1, "u1", date=datetime(2026, 11, 1, 1))
        self.usage(self.dealer, 2, "u2", date=datetime(2026, 10, 31, 12))
        self.usage(self.dealer, 4, "u3", date=datetime(2026, 11, 10))
        for zone, spent in (("UTC", 5), ("America/New_York", 4), ("Pacific/Auckland", 7)):
            with self.subTest(zone=zone):
                self.assertEqual(self.dealer.with_context(tz=zone).spent_month, spent)
                self.assertEqual(self.reseller.with_context(tz=zone).children_spent_month, spent)

    def test_what_customers_spent(self):
        abroad = self.new_wallet("Abroad", self.reseller, currency_id=self.shell.id)
        other = self.new_wallet("Other", self.reseller)
        first = self.usage(self.dealer, 3, "u1")
        self.usage(other, "0.5", "u2")
        self.usage(self.user, 100, "u3")
        self.usage(abroad, 1000, "u4", amount_to=Decimal(1250))
        accounts = self.dealer.payee_account_id.id, self.dealer.account_id.id
        back = Movement("r1", "refund", *accounts, Decimal(3), Decimal(3), reverses=first.id)
        self.env["tier.transfer"]._post([back])
        self.assertEqual(self.reseller.children_spent_month, 0.5)
        self.assertEqual(self.dealer.children_spent_month, 100)
        self.assertIn("QSH", self.reseller.children_abroad)
        self.assertFalse(self.dealer.children_abroad)

    def test_the_buttons_show_what_the_figures_count(self):
        Transfer = self.env["tier.transfer"]
        self.reseller._topup(100, "t1")
        self.dealer._allocate(40, "t2")
        self.usage(self.dealer, 3, "u1")
        self.usage(self.user, 5, "u2")
        self.dealer._reclaim(2, "r1")
        for action, keys in (
            (self.dealer.action_spent(), {"u1"}),
            (self.dealer.action_paid(), {"t2"}),
            (self.reseller.action_paid(), {"t1"}),
            (self.dealer.action_transfers(), {"t2", "u1", "u2", "r1"}),
        ):
            with self.subTest(action=action["name"]):
                self.assertEqual(set(Transfer.search(action["domain"]).mapped("source_key")), keys)
        self.assertEqual(self.env["tier.wallet"].search(self.reseller.action_children()["domain"]), self.dealer)

    def test_filters_of_the_list(self):
        """The searches behind the view's filters are ones that the database can do."""
        self.dealer._adjust(-1, "debt", "Debt")
        Wallet = self.env["tier.wallet"]
        below = Wallet.search([("account_id.balance", "<", 0), ("parent_id", "!=", False)])
        self.assertIn(self.dealer, below)
        self.assertNotIn(self.user, below)
        self.assertEqual(Wallet.search([("balance", "<", 0), ("id", "=", self.dealer.id)]), self.dealer)
        self.assertIn(self.user, Wallet.search([("parent_id", "child_of", self.reseller.id)]))
        self.assertNotIn(self.user, Wallet.search([("child_ids", "!=", False)]))
