from datetime import timedelta
from decimal import Decimal

from odoo.exceptions import ValidationError
from odoo.tests import tagged

from .common import NOON, TierRatingCase


@tagged("post_install", "-at_install")
class TestSuspense(TierRatingCase):
    """What cannot be priced waits with its reason, and is charged once that is mended."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_selling_chain()
        cls.user._topup(10, "suspense:funds")

    def tearDown(self):
        self.assertConserved()
        super().tearDown()

    def test_an_unknown_caller_is_never_free(self):
        outcome = self.charge(
            self.call("k:1", account="nobody"), self.call("k:2", accounts=()), self.call("k:3", 0, account="nobody")
        )
        self.assertEqual(outcome.reasons, {"unknown_account": 3})
        self.assertSuspense("k:1", "unknown_account", "sip_user nobody")
        self.assertSuspense("k:2", "unknown_account", "an empty caller")

    def test_no_rate(self):
        self.charge(self.call("k:1", number="33123456789"))
        self.assertSuspense("k:1", "no_rate", "33123456789")

    def test_no_rate_on_one_tier_of_the_chain(self):
        self.new_rate(self.user.price_list_id, "33", "0.5")
        self.new_rate(self.reseller.price_list_id, "33", "0.1")
        self.charge(self.call("k:1", number="33123456789"))
        self.assertSuspense("k:1", "no_rate", f"of wallet {self.dealer.id}")
        self.assertBalances(self.user, 10)

    def test_no_rate_of_the_carrier_stops_nobody(self):
        self.provider.price_list_id.rate_ids.unlink()
        self.charge(self.call("k:1"))
        self.assertEqual(self.shares("k:1")[-1], (self.provider, "0.7", "0", "0.7"))

    def test_no_number(self):
        self.charge(self.call("k:1", number=""))
        self.assertSuspense("k:1", "no_number")

    def test_no_service(self):
        self.charge(self.call("k:1", service="teleport"))
        self.assertSuspense("k:1", "no_rate", "teleport")

    def test_a_service_that_is_made_afterwards(self):
        """The event keeps the code by which its record called the service, and a resource is no number."""
        switch = self.new_switch("later")
        self.charge(
            self.call("k:1", 3, number="0vps-1", service="teleport", switch_id=switch.id),
            self.call("k:2", 60),
        )
        self.assertEqual(self.event("k:1").service_code, "teleport")
        self.assertFalse(self.event("k:2").service_code)
        self.retry(self.event("k:1"))
        self.assertEqual(self.event("k:1").service_code, "teleport")
        service = self.env["tier.service"].create({"name": "Teleport", "code": "teleport", "unit": "jumps"})
        for wallet in (self.reseller, self.dealer, self.user):
            self.new_rate(wallet.price_list_id, "0vps", "2", service_id=service.id)
        self.assertEqual(self.retry(self.event("k:1")).charged, 1)
        self.assertRecordValues(
            self.event("k:1"), [{"state": "charged", "service_id": service.id, "service_code": False}]
        )
        self.assertEqual(self.shares("k:1")[0][2], "6")

    def test_a_barred_destination(self):
        self.new_rate(self.dealer.price_list_id, "4930", "0.8", blocked=True)
        self.charge(self.call("k:1"))
        self.assertSuspense("k:1", "destination_barred")
        self.charge(self.call("k:2", number="4940123456"))
        self.assertEqual(self.event("k:2").state, "charged")

    def test_a_suspended_wallet_anywhere_in_the_chain(self):
        self.user._withdraw(10, "empty")  # for a wallet with money in it cannot be closed
        for state in ("suspended", "closed"):
            for wallet in (self.user, self.dealer, self.reseller, self.provider):
                with self.subTest(state=state, wallet=wallet.name):
                    wallet.state = state
                    self.charge(self.call(f"k:{state}:{wallet.id}"))
                    self.assertSuspense(f"k:{state}:{wallet.id}", "account_blocked", f"Wallet {wallet.id} is {state}")
                    wallet.state = "active"

    def test_no_price_list(self):
        for wallet in (self.user, self.dealer, self.reseller):
            with self.subTest(wallet.name):
                kept, wallet.price_list_id = wallet.price_list_id, False
                self.charge(self.call(f"k:{wallet.id}"))
                self.assertSuspense(f"k:{wallet.id}", "no_price_list", f"Wallet {wallet.id}")
                wallet.price_list_id = kept

    def test_the_provider_buys_from_nobody(self):
        """A call of the provider's own wallet has no price; it must not stop the others either."""
        with self.assertRaisesRegex(ValidationError, "buys from nobody"):
            self.new_endpoint(self.provider, "office")
        office = {"accounts": (), "wallet_id": self.provider.id}
        for deck in (self.provider.price_list_id, self.env["tier.price.list"]):
            self.provider.price_list_id = deck
            with self.subTest(deck=bool(deck)):
                key = f"k:{deck.id}"
                outcome = self.charge(
                    self.call(key, **office), self.call(f"{key}:in vain", 0, **office), self.call(f"{key}:good")
                )
                self.assertSuspense(key, "no_price_list", "buys from nobody")
                self.assertEqual((outcome.charged, outcome.reasons), (1, {"no_price_list": 2}))

    def test_a_wallet_that_is_gone(self):
        self.charge(self.call("k:1", wallet_id=2**31 - 1, accounts=()))
        self.assertEqual(self.event("k:1").reason, "unknown_account")

    def test_absurd_quantities(self):
        """What no session lasts waits; the others of the batch go on."""
        quantities = [Decimal(text) for text in ("1e11", "1e15", "1e17", "1e18", "1e30", "1e40", "NaN", "Infinity")]
        for wallet, price in ((self.user, "1000000"), (self.dealer, "1"), (self.reseller, "1")):
            self.new_rate(wallet.price_list_id, "44", price)
        calls = [self.call(f"k:{number}", number="44123") for number in range(len(quantities))]
        for call, quantity in zip(calls, quantities, strict=True):
            call.quantity = quantity
        outcome = self.charge(*calls, self.call("k:good"))
        self.assertEqual((outcome.charged, outcome.suspense), (1, len(quantities)))
        for number, quantity in enumerate(quantities):
            with self.subTest(quantity):
                self.assertSuspense(f"k:{number}", "bad_record")
        self.assertBalances(self.user, 9)

    def test_a_negative_quantity_earns_nothing(self):
        call = self.call("k:1", 60)
        call.quantity = Decimal(-60)
        with self.assertNothingMoves():
            self.charge(call)

    def test_a_bad_record(self):
        self.charge(self.call("k:1", bad=("bad_record", "The line has 3 columns.")))
        self.assertSuspense("k:1", "bad_record", "3 columns")

    # ------------------------------------------------------------------
    # After the cause is mended
    # ------------------------------------------------------------------

    def test_retry_charges_once(self):
        self.charge(
            self.call("k:1", account="nobody"),
            self.call("k:2", number="33123456789"),
            self.call("k:3", account="nobody"),
        )
        events = self.event("k:1") | self.event("k:2")
        self.new_endpoint(self.user, "nobody")
        for wallet, price in ((self.user, "3"), (self.dealer, "2"), (self.reseller, "1")):
            self.new_rate(wallet.price_list_id, "33", price)
        outcome = self.retry(events)
        self.assertEqual((outcome.charged, outcome.suspense), (2, 0))
        self.assertBalances(self.user, 6, self.dealer, "1.2", self.reseller, "1.1")
        self.assertRecordValues(events, [{"state": "charged", "reason": False, "detail": False}] * 2)
        self.assertEqual(self.event("k:1").endpoint_id.identifier, "nobody")
        with self.assertNothingMoves():
            outcome = self.retry(events)
            self.charge(self.call("k:1", account="nobody"), self.call("k:2", number="33123456789"))
        self.assertEqual((outcome.charged, outcome.suspense), (0, 0))
        self.assertEqual(self.event("k:3").state, "suspense")

    def test_retry_before_the_cause_is_mended(self):
        self.charge(self.call("k:1", account="nobody"))
        self.new_endpoint(self.reseller, "nobody")
        self.reseller.price_list_id = False
        outcome = self.retry(self.event("k:1"))
        self.assertEqual(outcome.reasons, {"no_price_list": 1})
        self.assertSuspense("k:1", "no_price_list")

    def test_retry_prices_the_day_of_the_call(self):
        self.charge(self.call("k:1", number="33123456789"))
        for wallet in (self.user, self.dealer, self.reseller):
            self.new_rate(wallet.price_list_id, "33", "2", date_to=NOON.date())
            self.new_rate(wallet.price_list_id, "33", "5", date_from=NOON.date() + timedelta(days=1))
        self.retry(self.event("k:1"))
        self.assertBalances(self.user, 8)

    def test_retry_of_a_known_wallet(self):
        self.user.state = "suspended"
        self.charge(self.call("k:1", accounts=(), wallet_id=self.user.id))
        self.user.state = "active"
        self.retry(self.event("k:1"))
        self.assertBalances(self.user, 9)

    def test_a_bad_record_is_not_retried(self):
        self.charge(self.call("k:1", bad=("bad_record", "Broken")))
        outcome = self.retry(self.event("k:1"))
        self.assertEqual((outcome.charged, outcome.suspense), (0, 0))
        self.assertSuspense("k:1", "bad_record")

    def test_the_retry_button(self):
        self.charge(self.call("k:1", account="nobody"), self.call("k:2", account="stranger"), self.call("k:3"))
        self.new_endpoint(self.user, "nobody")
        events = self.event("k:1") | self.event("k:2") | self.event("k:3")
        with self.enter_registry_test_mode():
            action = events.action_retry()
        self.assertEqual(action["params"]["message"], "1 charged, 1 still in suspense.")
        self.assertEqual(events.mapped("state"), ["charged", "suspense", "charged"])
        self.assertBalances(self.user, 8)
