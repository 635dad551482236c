from decimal import Decimal

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user, tagged

from .common import TierRatingCase


@tagged("post_install", "-at_install")
class TestOwnPrices(TierRatingCase):
    """A customer's own price list: a few rates upon the one it has."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_selling_chain()
        cls.usual = cls.user.price_list_id

    def test_in_one_click(self):
        action = self.user.action_own_prices()
        own = self.user.price_list_id
        self.assertEqual((action["res_id"], own.base_id, own.customer_id), (own.id, self.usual, self.user))
        self.assertEqual(self.cost(60), 1)
        self.new_rate(own, "4930", "0.9")
        self.assertEqual(self.cost(60), Decimal("0.9"))
        self.assertEqual(self.cost(60, number="4940"), 1)
        self.assertEqual((self.user.has_own_prices, self.user.own_rate_count), (True, 1))
        self.usual.rate_ids.price = 2
        self.assertEqual(self.cost(60, number="4940"), 2)

    def test_twice_is_the_same_list(self):
        first = self.user.action_own_prices()
        self.assertEqual(self.user.action_own_prices()["res_id"], first["res_id"])

    def test_of_a_list_that_others_have(self):
        sibling = self.new_wallet("Sibling", self.dealer)
        sibling.price_list_id = self.usual
        sibling.action_own_prices()
        self.assertEqual(self.user.price_list_id, self.usual)
        self.assertFalse(self.user.has_own_prices)

    def test_back(self):
        self.user.action_own_prices()
        own = self.user.price_list_id
        self.new_rate(own, "4930", "0.9")
        self.user.action_drop_own_prices()
        self.assertEqual((self.user.price_list_id, own.active), (self.usual, False))
        self.assertEqual(self.cost(60), 1)
        with self.assertRaises(UserError):
            self.user.action_drop_own_prices()

    def test_not_back_while_others_need_it(self):
        self.user.action_own_prices()
        self.new_wallet("Sibling", self.dealer).price_list_id = self.user.price_list_id
        with self.assertRaises(UserError):
            self.user.action_drop_own_prices()

    def test_not_for_those_without_a_list(self):
        for wallet in (self.new_wallet("New", self.dealer), self.provider):
            with self.subTest(wallet.name), self.assertRaises(UserError):
                wallet.action_own_prices()

    def test_needs_another_list(self):
        self.user.action_own_prices()
        with self.assertRaises(ValidationError):
            self.user.price_list_id.base_id = False

    def test_managers_only(self):
        clerk = new_test_user(self.env, "own-clerk", "tier_billing.group_tier_user")
        with self.assertRaises(AccessError):
            self.user.with_user(clerk).action_own_prices()
        manager = new_test_user(self.env, "own-manager", "tier_billing.group_tier_manager")
        self.user.with_user(manager).action_own_prices()
        self.assertTrue(self.user.has_own_prices)
