from contextlib import contextmanager

from lxml import html

from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.tier_portal.controllers.portal import TierPortal
from odoo.addons.tier_portal.tests.common import ChainMixin

NO_ID = 2**31 - 1


@tagged("post_install", "-at_install")
class TestPortalPages(ChainMixin, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.ref("base.USD").position = "before"
        cls._set_up_chain()

    def _login(self, role):
        self.authenticate(f"portal_{role}", f"portal_{role}")

    def _get(self, path, status=200):
        response = self.url_open(path, allow_redirects=False)
        self.assertEqual(response.status_code, status, path)
        return response

    def _page(self, path):
        """Return the content of a page: text with single spaces, and its tree."""
        response = self._get(path)
        tree = html.fromstring(response.text).xpath("//main")[0]
        return " ".join(tree.text_content().split()), tree

    def _rows(self, tree, kind):
        return [
            [" ".join(cell.text_content().split()) for cell in row.xpath("./td")]
            for row in tree.xpath(f"//tr[contains(@class, 'o_tier_{kind}')]")
        ]

    def _figures(self, tree):
        """Return the figures on a page: label to value."""
        return {
            " ".join(card.xpath("./div/div")[0].text_content().split()): " ".join(
                card.xpath("./div/div")[1].text_content().split()
            )
            for card in tree.xpath("//div[contains(@class, 'o_tier_figure ')]|//div[@class='card h-100 o_tier_figure']")
        }

    def _assert_sent_home(self, path):
        response = self._get(path, 303)
        self.assertEqual(response.headers["Location"].split("://")[-1].split("/", 1)[-1], "my", path)

    @contextmanager
    def _per_page(self, number):
        before, TierPortal._items_per_page = TierPortal._items_per_page, number
        try:
            yield
        finally:
            TierPortal._items_per_page = before

    # ------------------------------------------------------------------
    # Who gets where
    # ------------------------------------------------------------------

    def _pages(self, wallet):
        base = f"/my/wallets/{wallet.id}"
        return [base, f"{base}/calls", f"{base}/payments", f"{base}/customers"]

    def test_every_role_reaches_its_own_pages_only(self):
        owners = ("reseller", "stranger", "dealer", "sibling", "user")
        for role in owners:
            self._login(role)
            for owner in (*owners, "provider"):
                for path in self._pages(getattr(self, owner)):
                    with self.subTest(role=role, path=path, owner=owner):
                        if role == owner:
                            self._get(path)
                        else:
                            self._assert_sent_home(path)

    def test_customers_of_whom(self):
        allowed = {
            ("reseller", "dealer"),
            ("reseller", "sibling"),
            ("dealer", "user"),
        }
        names = ("reseller", "stranger", "dealer", "sibling", "user")
        for role in names:
            self._login(role)
            for parent in names:
                for child in names:
                    path = f"/my/wallets/{getattr(self, parent).id}/customers/{getattr(self, child).id}"
                    with self.subTest(role=role, parent=parent, child=child):
                        if role == parent and (parent, child) in allowed:
                            self._get(path)
                        else:
                            self._assert_sent_home(path)

    def test_what_is_not_there_looks_like_what_is_somebody_elses(self):
        self._login("user")
        for path in ("/my/wallets/%s", "/my/wallets/%s/calls", f"/my/wallets/{self.user.id}/customers/%s"):
            theirs = self._get(path % self.sibling.id, 303)
            nobodys = self._get(path % NO_ID, 303)
            self.assertEqual(theirs.headers["Location"], nobodys.headers["Location"])
            self.assertEqual(theirs.text, nobodys.text)
        self._assert_sent_home("/my/wallets/-1")
        for path in (f"/my/wallets/{NO_ID + 1}", "/my/wallets/x", "/my/wallets/1/x"):
            self._get(path, 404)

    def test_the_public_has_to_log_in(self):
        for path in ("/my/wallets", *self._pages(self.user)):
            response = self._get(path, 303)
            self.assertIn("/web/login", response.headers["Location"])

    def test_staff_sees_what_the_customer_sees(self):
        new_test_user(self.env, "auditor", "tier_billing.group_tier_auditor", password="auditor")
        new_test_user(self.env, "clerk", "base.group_user", password="clerkclerk")
        self.authenticate("auditor", "auditor")
        text, _tree = self._page(f"/my/wallets/{self.user.id}")
        self.assertIn("Chain user", text)
        self._get(f"/my/wallets/{self.reseller.id}/customers/{self.dealer.id}")
        self.authenticate("clerk", "clerkclerk")
        self._assert_sent_home(f"/my/wallets/{self.user.id}")
        self.assertIn("no wallet yet", self._page("/my/wallets")[0])

    # ------------------------------------------------------------------
    # A customer
    # ------------------------------------------------------------------

    def test_home_has_an_entry_with_the_count(self):
        self._login("user")
        _text, tree = self._page("/my")
        [entry] = tree.xpath("//a[@href='/my/wallets']")
        self.assertIn("Calls & credit", entry.text_content())
        counters = self.make_jsonrpc_request("/my/counters", {"counters": ["tier_wallet_count"]})
        self.assertEqual(counters, {"tier_wallet_count": 1})

    def test_one_wallet_is_shown_at_once(self):
        self._login("user")
        response = self._get("/my/wallets", 303)
        self.assertTrue(response.headers["Location"].endswith(f"/my/wallets/{self.user.id}"))

    def test_several_wallets_are_listed(self):
        second = self._wallet("second", self.dealer, "1.00")
        second.partner_id = self.users["user"].partner_id
        second.state = "suspended"
        self._login("user")
        text, tree = self._page("/my/wallets")
        self.assertEqual(len(tree.xpath("//a[contains(@class, 'o_tier_wallet_card')]")), 2)
        self.assertIn("Chain user", text)
        self.assertIn("Chain second Suspended", text)
        self._get(f"/my/wallets/{second.id}")

    def test_no_wallet(self):
        user = new_test_user(self.env, "lonely", "base.group_portal", password="lonely")
        self.authenticate("lonely", "lonely")
        text, _tree = self._page("/my/wallets")
        self.assertIn("You have no wallet yet.", text)
        counters = self.make_jsonrpc_request("/my/counters", {"counters": ["tier_wallet_count"]})
        self.assertEqual(counters, {"tier_wallet_count": 0}, user.login)

    def test_a_customers_overview(self):
        self._login("user")
        text, tree = self._page(f"/my/wallets/{self.user.id}")
        self.assertEqual(
            self._figures(tree),
            {
                "Balance": "$ 6.00",
                "Available": "$ 6.00",
                "Spent this month": "$ 4.00",
                "Paid in this month": "$ 10.00",
                "Calls this month": "2",
            },
        )
        self.assertEqual(len(self._rows(tree, "call ")), 3)
        self.assertEqual(len(self._rows(tree, "payment")), 1)
        for foreign in ("Margin", "Sale", "Customers", "0.80", "3.20", "2.80", "Chain reseller"):
            self.assertNotIn(foreign, text)

    def test_own_calls(self):
        self._login("user")
        text, tree = self._page(f"/my/wallets/{self.user.id}/calls")
        rows = self._rows(tree, "call ")
        self.assertEqual([row[-1] for row in rows], ["$ 0.00", "$ 1.00", "$ 3.00"])
        self.assertEqual([row[-2] for row in rows], ["No answer", "0:01:00", "0:03:00"])
        self.assertIn("+49 30 111111", rows[2][1])
        self.assertEqual(rows[2][2], "Chain Germany")
        self.assertIn("6:00 AM", rows[2][0])
        self.assertIn("Found: 3", text)
        self.assertIn("Cost: $ 4.00", text)
        self.assertIn("Time zone: Europe/Berlin", text)

    def test_calls_are_filtered(self):
        self._login("user")
        base = f"/my/wallets/{self.user.id}/calls"
        today = self.start.strftime("%Y-%m-%d")  # the story begins in the morning
        for query, expected in (
            ("filterby=answered", 2),
            ("filterby=unanswered", 1),
            ("search=%2B49 30 1234567&search_in=number", 1),
            ("search=030 12&search_in=number", 2),
            ("search=germany&search_in=destination", 3),
            ("search=49&search_in=number&filterby=unanswered", 1),
            ("period=month", 3),
            ("period=last_month", 0),
            (f"date_begin={today}&date_end={today}", 3),
            ("date_end=2020-01-01", 0),
            ("search=999999", 0),
        ):
            text, tree = self._page(f"{base}?{query}")
            self.assertEqual(len(self._rows(tree, "call ")), expected, query)
            self.assertEqual("Nothing matches" in text, not expected, query)

    def test_calls_are_sorted(self):
        self._login("user")
        for sortby, first in (
            ("oldest", "0:03:00"),
            ("longest", "0:03:00"),
            ("cost", "0:03:00"),
            ("newest", "No answer"),
        ):
            _text, tree = self._page(f"/my/wallets/{self.user.id}/calls?sortby={sortby}")
            self.assertEqual(self._rows(tree, "call ")[0][-2], first, sortby)

    def test_calls_come_in_pages(self):
        self._login("user")
        base = f"/my/wallets/{self.user.id}/calls"
        with self._per_page(2):
            text, tree = self._page(f"{base}?filterby=all&sortby=oldest")
            self.assertEqual(len(self._rows(tree, "call ")), 2)
            self.assertIn("Found: 3", text)  # of all pages
            [following] = set(tree.xpath(f"//a[starts-with(@href, '{base}/page/2')]/@href"))
            self.assertIn("sortby=oldest", following)
            _text, tree = self._page(following)
            [row] = self._rows(tree, "call ")
            self.assertEqual(row[-2], "No answer")
            self._page(f"{base}/page/99")

    def test_addresses_that_make_no_sense_show_the_page(self):
        self._login("dealer")
        query = "&".join(
            (
                "sortby=drop table",
                "filterby=__class__",
                "search_in=event_id.raw",
                "search=%00'%22<script>",
                "period=never",
                "date_begin=31.12.",
                "date_end=9999-12-31",
            )
        )
        for path in (
            *self._pages(self.dealer),
            f"/my/wallets/{self.dealer.id}/customers/{self.user.id}",
        ):
            response = self._get(f"{path}?{query}")
            self.assertNotIn('<script>"', response.text)
            self.assertNotIn("'\"<script>", response.text)
            if path != f"/my/wallets/{self.dealer.id}":
                self._get(f"{path}/page/0?{query}")

    def test_a_long_search_is_cut(self):
        self._login("user")
        self._get(f"/my/wallets/{self.user.id}/calls?search={'9' * 5000}")

    def test_payments(self):
        self._login("user")
        base = f"/my/wallets/{self.user.id}/payments"
        _text, tree = self._page(base)
        [row] = self._rows(tree, "payment")
        self.assertIn("Credit from Chain dealer", row[1])
        self.assertEqual(row[2:], ["Starter credit", "+$ 10.00"])
        for query, expected in (("filterby=in", 1), ("filterby=out", 0), ("period=last_month", 0)):
            text, tree = self._page(f"{base}?{query}")
            self.assertEqual(len(self._rows(tree, "payment")), expected, query)
            self.assertEqual("Nothing matches" in text, not expected, query)

    def test_a_new_wallet_says_what_will_come(self):
        wallet = self._wallet("fresh", self.dealer, "1.00")
        self._portal_user(wallet)
        self._login("fresh")
        for page, sentence in (
            ("", "You made no calls yet."),
            ("", "No money was paid in yet."),
            ("/calls", "You made no calls yet."),
            ("/payments", "No money was paid in yet."),
            ("/customers", "You have no customers yet."),
        ):
            text, _tree = self._page(f"/my/wallets/{wallet.id}{page}")
            self.assertIn(sentence, text)

    def test_warnings(self):
        self.user.low_balance_threshold = 7
        self._login("user")
        text, _tree = self._page(f"/my/wallets/{self.user.id}")
        self.assertIn("Your credit is running low.", text)
        self.user.state = "suspended"
        text, _tree = self._page(f"/my/wallets/{self.user.id}")
        self.assertIn("This wallet is suspended", text)

    def test_postpaid_shows_the_credit_limit(self):
        self.user.payment_mode = "postpaid"
        self.user.credit_limit = 100
        self._login("user")
        _text, tree = self._page(f"/my/wallets/{self.user.id}")
        self.assertEqual(self._figures(tree)["Available"], "$ 106.00")
        self.assertIn("Credit limit: $ 100.00", tree.text_content().replace("\xa0", " "))

    # ------------------------------------------------------------------
    # A reseller
    # ------------------------------------------------------------------

    def test_customers(self):
        self._login("reseller")
        text, tree = self._page(f"/my/wallets/{self.reseller.id}/customers")
        rows = {row[0].split(" Calls:")[0]: row[1:] for row in self._rows(tree, "customer")}
        self.assertEqual(
            rows,
            {
                "Chain dealer": ["$ 39.20", "3", "$ 4.80", "$ 4.20", "$ 0.60"],
                "Chain sibling": ["$ 19.10", "1", "$ 0.90", "$ 0.70", "$ 0.20"],
            },
        )
        [totals] = self._rows(tree, "totals")
        self.assertEqual(totals[2:], ["4", "$ 5.70", "$ 4.90", "$ 0.80"])
        # Neither its customer's customer, nor what that paid, nor the provider.
        for foreign in ("Chain user", "$ 4.00", "Chain provider"):
            self.assertNotIn(foreign, text)

    def test_customers_are_searched_and_sorted(self):
        self._login("reseller")
        base = f"/my/wallets/{self.reseller.id}/customers"
        for query, expected in (
            ("sortby=margin", ["Chain dealer", "Chain sibling"]),
            ("search=sib&search_in=name", ["Chain sibling"]),
            ("search=nobody", []),
        ):
            text, tree = self._page(f"{base}?{query}")
            links = tree.xpath("//tr[contains(@class, 'o_tier_customer')]//a/text()")
            self.assertEqual([link.strip() for link in links], expected)
            self.assertEqual("Nothing matches" in text, not expected)
        _text, tree = self._page(f"{base}?period=last_month")
        self.assertEqual(self._rows(tree, "totals")[0][2:], ["0", "$ 0.00", "$ 0.00", "$ 0.00"])
        with self._per_page(1):
            _text, tree = self._page(f"{base}/page/2")
            self.assertEqual(len(self._rows(tree, "customer")), 1)
            self.assertEqual(self._rows(tree, "totals")[0][-1], "$ 0.80")  # of all pages

    def test_a_resellers_overview(self):
        self._login("reseller")
        text, tree = self._page(f"/my/wallets/{self.reseller.id}")
        self.assertEqual(self._figures(tree)["Own calls this month"], "0")
        self.assertEqual(self._figures(tree)["Spent this month"], "$ 4.90")
        self.assertEqual(len(self._rows(tree, "customer")), 2)
        self.assertIn("You made no calls of your own.", text)

    def test_own_calls_of_a_reseller_leave_out_its_customers(self):
        self._login("dealer")
        _text, tree = self._page(f"/my/wallets/{self.dealer.id}/calls")
        [row] = self._rows(tree, "call ")
        self.assertIn("222222", row[1].replace(" ", ""))
        self.assertEqual(row[-1], "$ 1.60")

    def test_a_customer_as_its_reseller_sees_it(self):
        self._login("reseller")
        text, tree = self._page(f"/my/wallets/{self.reseller.id}/customers/{self.dealer.id}")
        self.assertEqual(
            self._figures(tree),
            {
                "Balance": "$ 39.20",
                "Available": "$ 39.20",
                "Spent this month": "$ 4.80",
                "Paid in this month": "$ 50.00",
                "Calls this month": "3",
                "Your sale this month": "$ 4.80",
                "Your cost this month": "$ 4.20",
                "Your margin this month": "$ 0.60",
            },
        )
        rows = self._rows(tree, "call ")
        self.assertEqual(
            [row[-3:] for row in rows],
            [
                ["$ 1.60", "$ 1.40", "$ 0.20"],
                ["$ 0.00", "$ 0.00", "$ 0.00"],
                ["$ 0.80", "$ 0.70", "$ 0.10"],
                ["$ 2.40", "$ 2.10", "$ 0.30"],
            ],
        )
        self.assertIn("Sale: $ 4.80 Cost: $ 4.20 Margin: $ 0.60", text)
        for foreign in ("$ 3.00", "$ 4.00", "Chain user"):  # what the dealer's customer paid
            self.assertNotIn(foreign, text)
        _text, tree = self._page(f"/my/wallets/{self.reseller.id}/customers/{self.dealer.id}?filterby=unanswered")
        self.assertEqual(len(self._rows(tree, "call ")), 1)

    def test_resellers_payments(self):
        self._login("reseller")
        _text, tree = self._page(f"/my/wallets/{self.reseller.id}/payments")
        rows = self._rows(tree, "payment")
        self.assertEqual(sorted(row[-1] for row in rows), ["+$ 100.00", "−$ 20.00", "−$ 50.00"])
