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

    def test_queries_do_not_grow_with_the_wallets(self):
        wallets = self.env["tier.wallet"].browse()
        for number in range(50):
            wallets |= self.new_wallet(f"Customer {number}", self.dealer)
        for number, wallet in enumerate(wallets):
            wallet._topup(number + 1, f"t:{number}")

        def queries(few):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            figures = few.read(FIGURES)
            self.assertEqual([row["balance"] for row in figures], [float(n + 1) for n in range(len(few))])
            return self.cr.sql_log_count - before

        queries(wallets[:1])  # what is cached for good
        self.assertEqual(queries(wallets), queries(wallets[:5]))
        self.assertLessEqual(queries(wallets), 8)

    def test_the_list_view_costs_the_same_for_any_number(self):
        wallets = self.env["tier.wallet"].browse()
        for number in range(30):
            wallets |= self.new_wallet(f"Customer {number}", self.dealer)
        auditor = self.env["tier.wallet"].with_user(self.staff("auditor"))
        specification = {name: {} for name in FIGURES if name in auditor._fields}
        specification["currency_id"] = {"fields": {"display_name": {}}}

        def queries(few):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            auditor.web_search_read([("id", "in", few.ids)], specification)
            return self.cr.sql_log_count - before

        queries(wallets[:1])
        self.assertEqual(queries(wallets), queries(wallets[:5]))

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
