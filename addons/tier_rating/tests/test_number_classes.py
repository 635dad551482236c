from decimal import Decimal
from unittest.mock import patch

from odoo.exceptions import ValidationError
from odoo.fields import Command
from odoo.tests import tagged

from ..charging import numbers
from .common import TierRatingCase

PREMIUM = "49900123456"


@tagged("post_install", "-at_install")
class TestNumberClasses(TierRatingCase):
    """Emergency calls are free and always allowed, closed numbers refused unless opened."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_selling_chain()
        cls.give(cls.reseller, 10, cls.dealer, cls.user)
        cls.germany = cls.env.ref("base.de")
        cls.switch = cls.new_switch("test-de")
        Class = cls.env["tier.number.class"]
        Class.search([]).active = False
        cls.emergency = Class.create(
            {
                "name": "Test emergency",
                "kind": "emergency",
                "line_ids": [
                    Command.create({"prefix": "112", "exact": True}),
                    Command.create({"prefix": "110", "exact": True, "country_id": cls.germany.id}),
                ],
            }
        )
        cls.closed = Class.create(
            {"name": "Test premium", "kind": "closed", "line_ids": [Command.create({"prefix": "49900"})]}
        )

    @classmethod
    def give(cls, reseller, amount, *wallets):
        """Give a chain some money, each tier that much."""
        wallets = (reseller, *wallets)
        reseller._topup(Decimal(amount * len(wallets)), "test:number:top")
        for position, wallet in enumerate(wallets[1:], 1):
            wallet._allocate(Decimal(amount * (len(wallets) - position)), f"test:number:{wallet.id}")

    def suspend(self):
        self.dealer.state = "suspended"

    # ------------------------------------------------------------------
    # Emergency
    # ------------------------------------------------------------------

    def test_an_emergency_costs_nobody_anything(self):
        self.charge(self.call("n:1", 300, number="112"))
        self.assertShares(
            "n:1", *((wallet, 0, 0, 0) for wallet in (self.user, self.dealer, self.reseller, self.provider))
        )
        self.assertEqual(self.event("n:1").state, "charged")

    def test_whatever_state_the_wallets_are_in(self):
        self.suspend()
        self.reseller.price_list_id = False
        self.charge(self.call("n:1", 300, number="112"), self.call("n:2", 300))
        self.assertEqual(self.event("n:1").state, "charged")
        self.assertSuspense("n:2", "account_blocked")

    def test_granted_without_funds_or_price(self):
        self.user.price_list_id = False
        self.suspend()
        self.user.max_concurrent_calls = 1
        answer = self.authorize(self.request("n:1", number="112"))
        self.assertEqual((answer.granted, answer.reason, answer.wallet_id), (7200, None, self.user.id))
        answer = self.authorize(self.request("n:2", number="112", requested=60))
        self.assertEqual((answer.granted, answer.reason), (60, None))
        self.assertFalse(self.env["tier.hold"].search([("session_key", "in", ("n:1", "n:2"))]))
        self.assertEqual(self.authorize(self.request("n:3")).reason, "account_blocked")

    def test_granted_to_strangers(self):
        answer = self.authorize(self.request("n:1", number="112", account="nobody"))
        self.assertEqual((answer.granted, answer.reason, answer.wallet_id), (7200, None, None))
        answers = self.authorize(
            self.request("n:2", number="4930", account="nobody"), self.request("n:3", number="112", account="user")
        )
        self.assertEqual([answer.reason for answer in answers], ["unknown_account", None])

    def test_takes_nothing_from_packages(self):
        brand = self.new_brand(self.dealer)
        package = self.env["tier.package"].create({"name": "All", "brand_id": brand.id, "included": 100})
        self.env["tier.package.subscription"].create(
            {"package_id": package.id, "wallet_id": self.user.id, "date_from": "2026-11-01"}
        )
        self.charge(self.call("n:1", 300, number="112"), self.call("n:2", 60))
        self.assertEqual(sum(package.subscription_ids.balance_ids.mapped("used")), 60)

    def test_only_the_whole_number(self):
        self.charge(self.call("n:1", number="1123"))
        self.assertSuspense("n:1", "no_rate")

    def test_where_it_is_dialled(self):
        abroad = self.new_switch("test-fr", country_prefix="33")
        self.company.country_id = self.env.ref("base.fr")
        self.charge(
            self.call("n:1", number="110", switch_id=self.switch.id),
            self.call("n:2", number="110", switch_id=abroad.id),
            self.call("n:3", number="110"),
        )
        self.assertEqual(self.event("n:1").state, "charged")
        self.assertSuspense("n:2", "no_rate")
        self.assertSuspense("n:3", "no_rate")
        self.company.country_id = self.germany
        self.charge(self.call("n:4", number="110"))
        self.assertEqual(self.event("n:4").state, "charged")
        answer = self.authorize(self.request("n:5", number="110", account="nobody", switch_id=self.switch.id))
        self.assertEqual(answer.reason, None)
        answer = self.authorize(self.request("n:6", number="110", account="nobody", switch_id=abroad.id))
        self.assertEqual(answer.reason, "unknown_account")

    def test_no_prefix_is_an_emergency(self):
        for values in ({"prefix": "49", "exact": False}, {"prefix": "4a", "exact": True}):
            with self.subTest(values), self.assertRaises(ValidationError):
                self.emergency.line_ids = [Command.create(values)]
        with self.assertRaises(ValidationError):
            self.closed.kind = "emergency"

    # ------------------------------------------------------------------
    # Closed and free
    # ------------------------------------------------------------------

    def test_closed(self):
        self.charge(self.call("n:1", number=PREMIUM))
        self.assertSuspense("n:1", "number_closed")
        self.assertEqual(self.authorize(self.request("n:2", number=PREMIUM)).reason, "number_closed")

    def test_opened_for_the_wallet_or_one_above(self):
        for number, wallet in enumerate((self.user, self.dealer, self.reseller, self.provider)):
            with self.subTest(wallet.name):
                wallet.open_class_ids = self.closed
                self.assertEqual(self.authorize(self.request(f"n:{number}", number=PREMIUM, requested=60)).reason, None)
                self.assertEqual(self.cost(60, number=PREMIUM), 1)
                wallet.open_class_ids = False
                self.assertEqual(self.authorize(self.request(f"m:{number}", number=PREMIUM)).reason, "number_closed")

    def test_not_for_a_sibling(self):
        sibling = self.new_wallet("Sibling", self.dealer)
        sibling.open_class_ids = self.closed
        self.charge(self.call("n:1", number=PREMIUM))
        self.assertSuspense("n:1", "number_closed")

    def test_a_retry_after_it_was_opened(self):
        self.charge(self.call("n:1", number=PREMIUM))
        self.user.open_class_ids = self.closed
        self.retry(self.event("n:1"))
        self.assertEqual(self.event("n:1").state, "charged")

    def test_what_was_not_answered(self):
        self.charge(self.call("n:1", 0, number=PREMIUM))
        self.assertEqual(self.event("n:1").state, "charged")

    def test_free(self):
        self.closed.kind = "free"
        self.assertEqual(self.cost(600, number=PREMIUM), 0)
        self.assertEqual(self.authorize(self.request("n:1", number=PREMIUM)).reason, None)
        self.suspend()
        self.assertEqual(self.authorize(self.request("n:2", number=PREMIUM)).reason, "account_blocked")

    def test_an_exception(self):
        self.env["tier.number.class"].create(
            {"name": "Open", "kind": "open", "line_ids": [Command.create({"prefix": "499001"})]}
        )
        self.assertEqual(self.cost(60, number=PREMIUM), 1)
        self.charge(self.call("n:1", number="49900223456"))
        self.assertSuspense("n:1", "number_closed")

    def test_of_one_company(self):
        self.closed.company_id = self.env["res.company"].create({"name": "Other"})
        self.assertEqual(self.cost(60, number=PREMIUM), 1)
        self.closed.company_id = self.company
        self.charge(self.call("n:1", number=PREMIUM))
        self.assertSuspense("n:1", "number_closed")

    def test_of_one_service(self):
        self.charge(self.call("n:1", number=PREMIUM, service="message"))
        self.assertSuspense("n:1", "no_rate")

    # ------------------------------------------------------------------
    # In memory
    # ------------------------------------------------------------------

    def reason(self, number=PREMIUM):
        self._asked = getattr(self, "_asked", 0) + 1
        return self.authorize(self.request(f"a:{self._asked}", number=number, requested=60)).reason

    def test_a_change_counts_at_once(self):
        line = self.closed.line_ids
        for change, reason in (
            (lambda: None, "number_closed"),
            (lambda: line.write({"prefix": "49901"}), None),
            (lambda: line.write({"prefix": "49900"}), "number_closed"),
            (lambda: self.closed.write({"active": False}), None),
            (lambda: self.closed.write({"active": True}), "number_closed"),
            (lambda: line.write({"class_id": self.closed.copy({"kind": "open", "line_ids": []}).id}), None),
            (lambda: line.write({"class_id": self.closed.id}), "number_closed"),
            (line.unlink, None),
        ):
            change()
            self.assertEqual(self.reason(), reason)

    def test_what_was_rolled_back_does_not_count(self):
        self.assertEqual(self.reason(), "number_closed")
        savepoint = self.env.cr.savepoint()
        self.closed.line_ids.unlink()
        self.assertEqual(self.reason(), None)
        savepoint.rollback()
        self.env.invalidate_all()
        self.assertEqual(self.reason(), "number_closed")

    def test_read_once(self):
        self.reason()
        with patch.object(numbers, "_read", side_effect=AssertionError):
            self.assertEqual(self.reason(), "number_closed")

    def test_the_numbers_that_come_with_it(self):
        emergency = self.env.ref("tier_rating.number_class_emergency")
        self.assertIn(("112", False), [(line.prefix, line.country_id.code) for line in emergency.line_ids])
        self.assertIn(("110", "DE"), [(line.prefix, line.country_id.code) for line in emergency.line_ids])
        self.assertNotIn(("110", "FR"), [(line.prefix, line.country_id.code) for line in emergency.line_ids])
        premium = self.env.ref("tier_rating.number_class_premium")
        self.assertIn("49900", premium.line_ids.mapped("prefix"))
        count = premium.line_count
        self.env["tier.number.class"]._load_numbers()
        self.assertEqual(premium.line_count, count)
