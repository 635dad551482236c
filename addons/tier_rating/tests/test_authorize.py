from decimal import Decimal

from odoo.tests import tagged

from odoo.addons.tier_billing.ledger import reserve

from .common import TierRatingCase

# Statements of a batch of requests in one currency without time bands, whatever its length.
STATEMENTS = 10


@tagged("post_install", "-at_install")
class TestAuthorize(TierRatingCase):
    """How long may a session last, and what is held for it on every tier."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_selling_chain()
        cls.user._topup(10, "authorize:funds")

    def tearDown(self):
        self.assertConserved()
        super().tearDown()

    def assertGranted(self, answer, seconds):
        self.assertEqual((answer.granted, answer.reason), (seconds, None))

    def assertDenied(self, answer, reason):
        self.assertEqual((answer.granted, answer.reason), (0, reason))

    def holds(self, *wallets):
        """Return what is held on each wallet."""
        return [self.held(wallet) for wallet in wallets]

    # ------------------------------------------------------------------
    # What is granted
    # ------------------------------------------------------------------

    def test_what_the_funds_pay_for(self):
        answer = self.authorize(self.request("s:1"))
        self.assertGranted(answer, 600)
        self.assertEqual(answer.wallet_id, self.user.id)
        self.assertEqual(self.holds(self.user, self.dealer, self.reseller), [10, 0, 0])
        self.assertEqual([w.open_sessions for w in (self.user, self.dealer, self.reseller)], [1, 1, 1])
        self.assertBalances(self.user, 10)
        self.assertEqual(self.user.available, 0)

    def test_whole_increments_only(self):
        self.user._topup("0.99", "more")
        self.assertGranted(self.authorize(self.request("s:1")), 600)
        self.assertEqual(self.held(self.user), 10)

    def test_the_first_increment_and_then_others(self):
        self.user.price_list_id.brand_id.write({"initial_increment": 30, "increment": 20})
        self.user._withdraw("9.00", "less")
        self.dealer._topup(10, "for the whole minutes that it pays itself")
        # 1.00 pays for 60 s; 30 + 20 are 50, the next block would end at 70.
        self.assertGranted(self.authorize(self.request("s:1")), 50)
        self.assertEqual(self.held(self.user), Decimal("0.83"))

    def test_the_connection_charge_is_counted(self):
        self.user.price_list_id.brand_id.connection_charge = 0.5
        self.assertGranted(self.authorize(self.request("s:1")), 540)
        self.assertEqual(self.held(self.user), Decimal("9.5"))

    def test_no_more_than_asked_for(self):
        self.assertGranted(self.authorize(self.request("s:1", requested=120)), 120)
        self.assertEqual(self.held(self.user), 2)
        # A limit within a block is granted exactly; the block is held.
        self.assertGranted(self.authorize(self.request("s:2", requested=90)), 90)
        self.assertEqual(self.held(self.user), 4)

    def test_nothing_asked_for(self):
        for number, requested in enumerate((0, -5)):
            with self.subTest(requested):
                self.assertDenied(
                    self.authorize(self.request(f"s:{number}", requested=requested)), "insufficient_funds"
                )
        self.assertEqual(self.user.open_sessions, 0)

    def test_no_more_than_a_brand_allows(self):
        self.reseller.price_list_id.brand_id.max_session = 300
        self.assertGranted(self.authorize(self.request("s:1")), 300)
        self.assertEqual(self.held(self.user), 5)

    def test_to_the_last_cent(self):
        self.user._withdraw("9.00", "less")
        self.assertGranted(self.authorize(self.request("s:1")), 60)
        self.assertDenied(self.authorize(self.request("s:2")), "insufficient_funds")

    def test_a_cent_too_few(self):
        self.user._withdraw("9.01", "less")
        self.assertDenied(self.authorize(self.request("s:1")), "insufficient_funds")
        self.assertEqual((self.held(self.user), self.user.open_sessions), (0, 0))

    def test_on_credit(self):
        self.user.write({"payment_mode": "postpaid", "credit_limit": 5})
        self.assertGranted(self.authorize(self.request("s:1")), 900)
        self.assertEqual(self.user.available, 0)

    def test_in_debt(self):
        self.user._withdraw(12, "chargeback", kind="adjustment")
        self.assertDenied(self.authorize(self.request("s:1")), "insufficient_funds")

    def test_a_free_number(self):
        for wallet in (self.user, self.dealer, self.reseller):
            self.new_rate(wallet.price_list_id, "49800", "0")
        self.user._withdraw(10, "all")
        self.assertGranted(self.authorize(self.request("s:1", number="4980012345")), 7200)
        self.assertEqual((self.held(self.user), self.user.open_sessions), (0, 1))

    def test_units_of_another_service(self):
        """Megabytes last as long as they last: neither the grant nor its expiry overflows."""
        data = self.env.ref("tier_rating.service_data")
        for wallet in (self.user, self.dealer, self.reseller):
            wallet.price_list_id.brand_id.write({"max_session": 0, "initial_increment": 1, "increment": 1})
            self.new_rate(wallet.price_list_id, "internet", "2", service_id=data.id)
            self.new_rate(wallet.price_list_id, "free", "0", service_id=data.id)
        answer = self.authorize(self.request("s:1", number="internet", service="data", requested=2500))
        self.assertGranted(answer, 2500)
        self.assertEqual(self.held(self.user), 5)
        answer = self.authorize(self.request("s:2", number="free", service="data"))
        self.assertGreater(answer.granted, 10**6)
        again = self.authorize(self.request("s:2", number="free", service="data"))
        self.assertEqual(answer, again)

    def test_a_tier_in_another_currency(self):
        dealer = self.new_wallet("Abroad", self.reseller, currency_id=self.shell.id)
        user = self.new_wallet("Its user", dealer, currency_id=self.coin.id)
        self.sell(dealer, {"49": "0.80"})
        self.sell(user, {"49": "0.80"})  # in shells: 1.00 coin a minute
        self.new_endpoint(user, "abroad")
        user._topup(3, "funds")
        self.assertGranted(self.authorize(self.request("s:1", account="abroad")), 180)
        self.assertEqual(self.holds(user, dealer, self.reseller), [3, 0, 0])

    # ------------------------------------------------------------------
    # The whole chain
    # ------------------------------------------------------------------

    def outside_user(self, credit=100):
        """Return a customer whose money the dealer collects."""
        user = self.new_wallet("Guest", self.dealer, money="outside")
        self.sell(user, {"49": "1.00"})
        self.new_endpoint(user, "guest")
        user._allocate(credit, "credit")
        return user

    def test_the_parent_of_outside_money_pays_from_its_own(self):
        user = self.outside_user()
        self.dealer._topup(3, "funds")
        # 3.00 pay for three minutes at 0.80; the reseller lives on what the dealer pays.
        self.assertGranted(self.authorize(self.request("s:1", account="guest")), 180)
        self.assertEqual(self.holds(user, self.dealer, self.reseller), [3, Decimal("2.4"), 0])

    def test_insufficient_at_the_parent(self):
        user = self.outside_user()
        self.dealer._topup("0.79", "funds")
        self.assertDenied(self.authorize(self.request("s:1", account="guest")), "insufficient_funds")
        self.assertEqual(self.holds(user, self.dealer), [0, 0])
        self.dealer._topup("0.01", "more")
        self.assertGranted(self.authorize(self.request("s:2", account="guest")), 60)

    def test_insufficient_far_above(self):
        shop = self.new_wallet("Shop", self.reseller, money="outside")
        guest = self.new_wallet("Guest", shop)
        for wallet, price in ((shop, "0.80"), (guest, "1.00")):
            self.sell(wallet, {"49": price})
            wallet._allocate(100, f"credit:{wallet.id}")
        self.new_endpoint(guest, "far")
        self.assertDenied(self.authorize(self.request("s:1", account="far")), "insufficient_funds")
        self.reseller._topup("1.40", "funds")
        self.assertGranted(self.authorize(self.request("s:2", account="far")), 120)
        self.assertEqual(self.holds(guest, shop, self.reseller), [2, Decimal("1.6"), Decimal("1.4")])

    def test_two_customers_share_the_parents_funds(self):
        self.outside_user()
        self.dealer._topup("4.00", "funds")
        first, second, third = self.authorize(
            self.request("s:1", account="guest", requested=120),
            self.request("s:2", account="guest"),
            self.request("s:3", account="guest"),
        )
        self.assertGranted(first, 120)
        self.assertGranted(second, 180)
        self.assertDenied(third, "insufficient_funds")
        self.assertEqual(self.dealer.available, 0)

    def test_a_parent_that_bills_coarser_needs_funds_of_its_own(self):
        """The dealer pays a whole minute when its user has paid for a second."""
        self.user.price_list_id.brand_id.write({"initial_increment": 1, "increment": 1})
        self.assertDenied(self.authorize(self.request("s:1")), "insufficient_funds")
        self.dealer._topup(1, "funds")
        self.assertEqual(self.authorize(self.request("s:2", requested=60)).granted, 60)
        self.assertEqual(self.held(self.dealer), Decimal("0.78"))

    # ------------------------------------------------------------------
    # Refusals
    # ------------------------------------------------------------------

    def test_reasons(self):
        self.new_rate(self.reseller.price_list_id, "4999", "1", blocked=True)
        for number, (reason, values) in enumerate(
            (
                ("unknown_account", {"account": "nobody"}),
                ("unknown_account", {"accounts": ()}),
                ("unknown_account", {"wallet_id": 2**31 - 1}),
                ("no_rate", {"number": "33123456"}),
                ("no_rate", {"service": "data"}),
                ("no_rate", {"service": "teleport"}),
                ("no_number", {"number": ""}),
                ("destination_barred", {"number": "4999123456"}),
                ("no_price_list", {"wallet_id": self.provider.id}),
            )
        ):
            with self.subTest(reason=reason, values=values):
                key = f"s:{number}"
                self.assertDenied(self.authorize(self.request(key, **values)), reason)
                session = self.env["tier.session"].search([("session_key", "=", key)])
                self.assertEqual((session.state, session.reason), ("denied", reason))
        self.assertEqual((self.held(self.user), self.user.open_sessions), (0, 0))

    def test_a_suspended_wallet_anywhere_in_the_chain(self):
        for wallet in (self.user, self.dealer, self.reseller, self.provider):
            with self.subTest(wallet.name):
                wallet.state = "suspended"
                self.assertDenied(self.authorize(self.request(f"s:{wallet.id}")), "account_blocked")
                wallet.state = "active"

    def test_no_price_list(self):
        self.dealer.price_list_id = False
        self.assertDenied(self.authorize(self.request("s:1")), "no_price_list")

    def test_below_cost(self):
        self.user.price_list_id.rate_ids.price = 0.5
        self.assertDenied(self.authorize(self.request("s:1")), "insufficient_funds")
        self.dealer._topup(100, "funds")
        self.assertDenied(self.authorize(self.request("s:2")), "below_cost")
        self.dealer.sell_below_cost = True
        self.assertGranted(self.authorize(self.request("s:3")), 1200)
        self.assertEqual(self.held(self.dealer), 6)

    def test_one_bad_request_leaves_the_others_alone(self):
        answers = self.authorize(
            self.request("s:1", account="nobody"),
            self.request("s:2", requested=60),
            self.request("s:3", wallet_id=2**31 - 1),
            self.request("s:4", number="33123"),
            self.request("s:5", wallet_id=self.provider.id),
        )
        self.assertEqual([answer.granted for answer in answers], [0, 60, 0, 0, 0])

    # ------------------------------------------------------------------
    # Calls at once
    # ------------------------------------------------------------------

    def test_max_concurrent_calls_of_any_wallet_in_the_chain(self):
        for wallet in (self.user, self.dealer, self.reseller, self.provider):
            with self.subTest(wallet.name):
                wallet.max_concurrent_calls = 2
                answers = self.authorize(*(self.request(f"s:{wallet.id}:{n}", requested=60) for n in range(3)))
                self.assertEqual([answer.granted for answer in answers], [60, 60, 0])
                self.assertEqual(answers[2].reason, "too_many_calls")
                self.assertDenied(self.authorize(self.request(f"s:{wallet.id}:4")), "too_many_calls")
                reserve.close_holds(self.env.cr, [answers[0].session_key], "released")
                self.assertGranted(self.authorize(self.request(f"s:{wallet.id}:5", requested=60)), 60)
                reserve.close_holds(self.env.cr, [answers[1].session_key, f"s:{wallet.id}:5"], "released")
                wallet.max_concurrent_calls = 0

    def test_calls_of_all_customers_count(self):
        sibling = self.new_wallet("Sibling", self.dealer)
        self.sell(sibling, {"49": "1"})
        self.new_endpoint(sibling, "sibling")
        sibling._topup(5, "funds")
        self.dealer.max_concurrent_calls = 1
        self.assertGranted(self.authorize(self.request("s:1", account="sibling")), 300)
        self.assertDenied(self.authorize(self.request("s:2")), "too_many_calls")
        self.charge(self.call("k:1", account="sibling", session_key="s:1"))
        self.assertGranted(self.authorize(self.request("s:3")), 600)

    # ------------------------------------------------------------------
    # Repeats
    # ------------------------------------------------------------------

    def test_a_repeated_request_gets_the_same_answer(self):
        answer = self.authorize(self.request("s:1", requested=120))
        self.user._withdraw(8, "less")
        with self.subTest("the same"):
            self.assertEqual(self.authorize(self.request("s:1", requested=120)), answer)
        with self.subTest("another number, account and length"):
            self.assertEqual(self.authorize(self.request("s:1", number="33", account="nobody", requested=600)), answer)
        self.assertEqual((self.held(self.user), self.user.open_sessions), (2, 1))

    def test_a_repeated_refusal(self):
        self.authorize(self.request("s:1", account="nobody"))
        self.new_endpoint(self.user, "nobody")
        self.assertDenied(self.authorize(self.request("s:1", account="nobody")), "unknown_account")

    def test_a_request_twice_in_a_batch(self):
        first, second = self.authorize(self.request("s:1"), self.request("s:1", requested=60))
        self.assertEqual(first, second)
        self.assertGranted(first, 600)
        self.assertEqual(self.user.open_sessions, 1)

    def test_new_and_known_in_one_batch(self):
        known = self.authorize(self.request("s:1", requested=60))
        self.assertEqual(
            [a.granted for a in self.authorize(self.request("s:2", requested=60), self.request("s:1"))], [60, 60]
        )
        self.assertEqual(known.granted, 60)
        self.assertEqual(self.held(self.user), 2)

    # ------------------------------------------------------------------
    # What it costs
    # ------------------------------------------------------------------

    def statements(self, requests):
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.cr.sql_log_count
        self.authorize(*requests)
        return self.cr.sql_log_count - before

    def test_statements_do_not_grow_with_the_batch(self):
        self.user._topup(1000, "more")
        self.statements([self.request("s:warm", requested=60)])
        one = self.statements([self.request("s:one", requested=60)])
        many = [self.request(f"s:{n}", number=f"4930{n}", requested=60) for n in range(100)]
        self.assertEqual(self.statements(many), one)
        self.assertLessEqual(one, STATEMENTS)
        self.assertEqual(self.user.open_sessions, 102)
        self.assertEqual(self.statements(many), 3, "known requests are looked up, and nothing else")
