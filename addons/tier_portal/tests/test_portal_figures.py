from datetime import timedelta

from odoo.tests import TransactionCase, tagged

from odoo.addons.tier_portal.period import Period
from odoo.addons.tier_portal.tests.common import TZ, ChainMixin

ALL = Period()


@tagged("post_install", "-at_install")
class TestPortalFigures(ChainMixin, TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._set_up_chain()

    def _as(self, role, wallet=None):
        """Return a role's wallet, or another, with the rights of the role's user."""
        return (wallet or getattr(self, role)).with_user(self.users[role])

    def _figures(self, role, wallet=None):
        wallet = self._as(role, wallet)
        figures = wallet._portal_figures()[wallet.id]
        names = ("balance", "available", "spent", "paid", "calls")
        return tuple(round(figures[name], 6) for name in names)

    def _sales(self, role, span=ALL):
        sales = self._as(role)._portal_sales(span)
        return {
            wallet_id: tuple(round(row[name], 6) for name in ("calls", "attempts", "sale", "cost", "margin"))
            for wallet_id, row in sales.items()
        }

    def test_own_figures(self):
        self.assertEqual(self._figures("user"), (6, 6, 4, 10, 2))
        # 50 received, 10 given on, 4.00 sold, 4.80 paid.
        self.assertEqual(self._figures("dealer"), (39.2, 39.2, 4.8, 50, 1))
        self.assertEqual(self._figures("sibling"), (19.1, 19.1, 0.9, 20, 1))
        # 100 paid in, 70 given on, 5.70 sold, 4.90 paid.
        self.assertEqual(self._figures("reseller"), (30.8, 30.8, 4.9, 100, 0))

    def test_a_reseller_sees_the_figures_of_its_customers(self):
        balance, available, spent, paid, _calls = self._figures("reseller", self.dealer)
        self.assertEqual((balance, available, spent, paid), (39.2, 39.2, 4.8, 50))

    def test_sales_come_from_own_charges(self):
        self.assertEqual(
            self._sales("reseller"),
            {self.dealer.id: (3, 4, 4.8, 4.2, 0.6), self.sibling.id: (1, 1, 0.9, 0.7, 0.2)},
        )
        self.assertEqual(self._sales("dealer"), {self.user.id: (2, 3, 4.0, 3.2, 0.8)})
        self.assertEqual(self._sales("user"), {})

    def test_sales_of_a_period(self):
        before = self.month - timedelta(hours=1)
        self._call(self.sibling, 60, "4930555555", start=before)
        # One minute before the user's month began, and one after.
        self._call(self.sibling, 60, "4930555556", start=self.month - timedelta(minutes=1))
        self._call(self.sibling, 60, "4930555557", start=self.month + timedelta(minutes=1))
        month = self._as("reseller")._portal_month()
        self.assertEqual(month.start, self.month)
        self.assertEqual(self._sales("reseller", month)[self.sibling.id][0], 2)
        self.assertEqual(self._sales("reseller")[self.sibling.id][0], 4)
        self.assertEqual(self._figures("sibling")[2], 1.8)

    def test_the_backend_has_the_same_month(self):
        for minutes in (-1, 1):
            self._call(self.sibling, 60, f"493055556{minutes + 5}", start=self.month + timedelta(minutes=minutes))
        sibling = self.sibling.with_context(tz=TZ)
        _balance, _available, spent, paid, calls = self._figures("sibling")
        self.assertEqual((sibling.spent_month, sibling.paid_month, sibling.call_count), (spent, paid, calls))
        self.assertEqual((spent, calls), (1.8, 2))

    def test_refunds_are_not_spent(self):
        usage = self.env["tier.transfer"].search(
            [("from_wallet_id", "=", self.user.id), ("kind", "=", "usage")], limit=1
        )
        movement = self.user._movement(
            "refund",
            usage.to_account_id,
            usage.from_account_id,
            self.user._check_amount("0.25"),
            "chain:refund",
        )
        self.env["tier.transfer"]._post([movement])
        self.assertEqual(self._figures("user")[:3], (6.25, 6.25, 3.75))

    def test_customers_are_sorted_and_summed(self):
        reseller = self._as("reseller")
        rows, totals, count = reseller._portal_customers(ALL)
        self.assertEqual([row["wallet"].name for row in rows], ["Chain dealer", "Chain sibling"])
        self.assertEqual(count, 2)
        self.assertAlmostEqual(totals["sale"], 5.70)
        self.assertAlmostEqual(totals["cost"], 4.90)
        self.assertAlmostEqual(totals["margin"], 0.80)
        self.assertEqual((totals["calls"], totals["attempts"]), (4, 5))
        for order, first in (("margin", "dealer"), ("balance", "dealer"), ("name", "dealer")):
            rows, _totals, _count = reseller._portal_customers(ALL, order=order, limit=1)
            self.assertEqual([row["wallet"].name for row in rows], [f"Chain {first}"], order)
        rows, totals, count = reseller._portal_customers(ALL, search="SIBL")
        self.assertEqual((len(rows), count), (1, 1))
        self.assertAlmostEqual(totals["margin"], 0.20)

    def test_a_customer_without_calls_is_listed(self):
        self._wallet("quiet", self.reseller, "1.00")
        rows, _totals, count = self._as("reseller")._portal_customers(ALL)
        self.assertEqual(count, 3)
        quiet = next(row for row in rows if row["wallet"].name == "Chain quiet")
        self.assertEqual((quiet["calls"], quiet["margin"], quiet["balance"]), (0, 0, 0))

    def test_an_archived_customer_stays_in_the_sums_of_its_time(self):
        quiet = self._wallet("quiet", self.reseller, "1.00")
        (quiet | self.sibling).active = False
        rows, totals, count = self._as("reseller")._portal_customers(ALL)
        self.assertEqual([row["wallet"].name for row in rows], ["Chain dealer", "Chain sibling"])
        self.assertAlmostEqual(totals["margin"], 0.80)
        self.assertEqual(count, 2)

    def test_calls_that_numbers_find(self):
        Charge = self.env["tier.charge"].with_user(self.users["user"])
        for typed, expected in (
            ("", 3),
            ("+49 30 123-4567", 1),
            ("0049 30 1234567", 1),
            ("030 1234567", 1),
            ("49", 3),
            ("4930222222", 0),  # the dealer's
            ("nobody", 0),
            ("%", 3),  # any
        ):
            domain = Charge._portal_domain(self.user) & Charge._portal_search_domain("number", typed)
            self.assertEqual(Charge.search_count(domain), expected, typed)
        domain = Charge._portal_search_domain("destination", "germ")
        self.assertEqual(Charge.search_count(domain), 3)

    def test_rows_read_well(self):
        Charge = self.env["tier.charge"].with_user(self.users["user"])
        rows = Charge.search(Charge._portal_domain(self.user))._portal_rows()
        self.assertEqual([row["number"] for row in rows][1:], ["+49 30 1234567", "+49 30 111111"])
        self.assertEqual([row["quantity"] for row in rows], ["0:00:00", "0:01:00", "0:03:00"])
        self.assertEqual([row["answered"] for row in rows], [False, True, True])
        self.assertEqual(rows[0]["outcome"], "No answer")
        self.assertEqual(rows[2]["time"].replace("\N{NARROW NO-BREAK SPACE}", " "), "6:00 AM")
        self.assertIn("3.00", rows[2]["cost"])
        self.assertEqual(rows[2]["destination"], "Chain Germany")

    def test_a_loss_shows(self):
        self.dealer.sell_below_cost = True
        self.env["tier.rate"].search([("price_list_id", "=", self.user.price_list_id.id)]).price = 0.5
        self._call(self.user, 60, "4930666666", minutes=90)
        Charge = self.env["tier.charge"].with_user(self.users["dealer"])
        domain = Charge._portal_domain(self.dealer, self.user)
        [row] = Charge.search(domain, limit=1)._portal_rows()
        self.assertTrue(row["loss"])
        self.assertIn("-0.30", row["margin"])

    def test_usage_other_than_calls(self):
        service = self.env.ref("tier_rating.service_data")
        for price_list in self.user.price_list_id | self.dealer.price_list_id | self.reseller.price_list_id:
            self.env["tier.rate"].create(
                {
                    "price_list_id": price_list.id,
                    "service_id": service.id,
                    "prefix": "internet",
                    "price": 1,
                }
            )
        self._use(self.user, "data", "1500.5", "internet")
        Charge = self.env["tier.charge"].with_user(self.users["user"])
        [row] = Charge.search(
            Charge._portal_domain(self.user) & Charge._portal_search_domain("number", "internet")
        )._portal_rows()
        self.assertEqual((row["number"], row["quantity"]), ("internet", "1500.5 MB"))

    def test_payments_leave_out_usage(self):
        Transfer = self.env["tier.transfer"].with_user(self.users["dealer"])
        dealer = self._as("dealer")
        rows = Transfer.search(Transfer._portal_domain(dealer))._portal_rows(dealer)
        self.assertEqual(
            [(row["label"], row["received"], row["reason"]) for row in rows],
            [
                ("Credit to Chain user", False, "Starter credit"),
                ("Credit from Chain reseller", True, "Opening credit"),
            ],
        )
        self.assertTrue(rows[0]["amount"].startswith("−"))
        self.assertTrue(rows[1]["amount"].startswith("+"))
        for direction, count in (("in", 1), ("out", 1), ("all", 2), ("sideways", 2)):
            domain = Transfer._portal_domain(dealer, direction)
            self.assertEqual(Transfer.search_count(domain), count, direction)

    def test_payments_name_what_happened(self):
        self.dealer._topup(5, "chain:label1")
        self.user._reclaim(1, "chain:label2")
        self.dealer._withdraw(2, "chain:label3")
        self.dealer._adjust(-1, "chain:label4", "Correction")
        dealer = self._as("dealer")
        Transfer = self.env["tier.transfer"].with_user(self.users["dealer"])
        rows = Transfer.search(Transfer._portal_domain(dealer), limit=4)._portal_rows(dealer)
        self.assertEqual(
            {(row["label"], row["received"]) for row in rows},
            {
                ("Top-up", True),
                ("Returned by Chain user", True),
                ("Payout", False),
                ("Adjustment", False),
            },
        )

    def test_credit_granted_outside_is_no_payment_of_the_reseller(self):
        shop = self._wallet("shop", self.reseller, "1.00", money="outside")
        shop._allocate(7, "chain:shop")
        Transfer = self.env["tier.transfer"].with_user(self.users["reseller"])
        domain = Transfer._portal_domain(self._as("reseller"))
        self.assertNotIn("chain:shop", Transfer.search(domain).mapped("source_key"))
        self.assertEqual(self._figures("reseller", shop)[:4], (7, 7, 0, 7))

    # ------------------------------------------------------------------
    # Cost
    # ------------------------------------------------------------------

    def _queries(self, function):
        function()  # fills what is cached for good
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        function()
        return self.env.cr.sql_log_count - before

    def test_queries_do_not_grow_with_customers(self):
        reseller = self._as("reseller")

        def customers():
            rows, _totals, _count = reseller._portal_customers(ALL, order="margin")
            for row in rows:
                row["wallet"]._portal_money(row["balance"])
                _ = row["wallet"].name, row["wallet"].state

        few = self._queries(customers)
        for number in range(10):
            wallet = self._wallet(f"extra{number}", self.reseller, "1.00")
            wallet._allocate(1, f"chain:extra{number}")
            self._call(wallet, 60, f"49307777{number:02}")
        self.assertEqual(self._queries(customers), few)
        self.assertLessEqual(few, 10)

    def test_queries_do_not_grow_with_calls(self):
        Charge = self.env["tier.charge"].with_user(self.users["user"])

        def rows():
            Charge.search(Charge._portal_domain(self.user))._portal_rows()

        few = self._queries(rows)
        for number in range(10):
            self._call(self.user, 6, f"49307777{number:02}", minutes=100 + number)
        self.assertEqual(self._queries(rows), few)
        self.assertLessEqual(few, 10)

    def test_queries_do_not_grow_with_wallets(self):
        user = self.users["user"]

        def figures():
            Wallet = self.env["tier.wallet"].with_user(user)
            Wallet.search(Wallet._portal_own_domain())._portal_figures()

        few = self._queries(figures)
        for number in range(5):
            wallet = self._wallet(f"more{number}", self.dealer, "1.00")
            wallet.partner_id = user.partner_id
        self.assertEqual(self._queries(figures), few)
        self.assertLessEqual(few, 15)
