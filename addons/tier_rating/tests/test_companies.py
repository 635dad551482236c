from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common import TierRatingCase


@tagged("post_install", "-at_install")
class TestCompanies(TierRatingCase):
    """Two providers in one database, each a company of its own."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_selling_chain()
        cls.user._topup(10, "companies:funds")
        cls.other = cls.env["res.company"].create({"name": "Other company"})
        cls.env.user.company_ids |= cls.other
        cls.rival = cls.new_wallet("Rival", company_id=cls.other.id)
        cls.stranger = cls.new_wallet("Stranger", cls.rival)
        cls.sell(cls.stranger, {"49": "5"})
        cls.switch = cls.new_switch("ours")
        cls.their_switch = cls.new_switch("theirs", company_id=cls.other.id)

    def test_a_call_on_their_switch_is_not_charged_to_our_customer(self):
        """An endpoint without a switch is known to all switches of its own company."""
        self.charge(
            self.call("k:1", switch_id=self.their_switch.id, company_id=self.other.id),
            self.call("k:2", switch_id=self.switch.id, company_id=self.company.id),
        )
        self.assertSuspense("k:1", "unknown_account")
        self.assertEqual(self.event("k:1").company_id, self.other)
        self.assertEqual(self.event("k:2").wallet_id, self.user)

    def test_both_may_have_an_extension_of_the_same_name(self):
        self.new_endpoint(self.user, "1001", switch_id=self.switch.id)
        self.new_endpoint(self.stranger, "1001", switch_id=self.their_switch.id)
        self.charge(
            self.call("k:1", account="1001", switch_id=self.switch.id),
            self.call("k:2", account="1001", switch_id=self.their_switch.id),
        )
        self.assertEqual((self.event("k:1") | self.event("k:2")).wallet_id, self.user | self.stranger)
        self.assertEqual(self.event("k:2").company_id, self.other)
        self.assertEqual(set(self.event("k:2").charge_ids.company_id), {self.other})

    def test_nothing_is_linked_across_companies(self):
        brand = self.new_brand(self.provider)
        for name, attempt in {
            "price list of a wallet": lambda: self.user.write({"price_list_id": self.stranger.price_list_id.id}),
            "base of a price list": lambda: self.new_list(brand, base_id=self.stranger.price_list_id.id),
            "switch of an endpoint": lambda: self.new_endpoint(self.user, "x", switch_id=self.their_switch.id),
        }.items():
            with self.subTest(name), self.assertRaises(UserError):
                attempt()

    def test_staff_sees_its_own_company(self):
        self.charge(self.call("k:1", switch_id=self.switch.id), self.call("k:2", account="nobody"))
        self.authorize(self.request("s:1"), self.request("s:2", account="nobody", switch_id=self.switch.id))
        event = self.event("k:1")
        self.env["tier.usage.import"].create({"name": "ours", "switch_id": self.switch.id})
        ours = (
            event,
            event.charge_ids,
            event.endpoint_id,
            self.user.price_list_id,
            self.user.price_list_id.brand_id,
            self.user.price_list_id.rate_ids,
            self.switch,
            self.env["tier.session"].search([("session_key", "=", "s:1")]),
            self.env["tier.usage.import"].search([("switch_id", "=", self.switch.id)]),
        )
        manager = self.staff("manager")
        manager.write({"company_ids": [Command.set(self.other.ids)], "company_id": self.other.id})
        self.env.invalidate_all()
        for records in ours:
            with self.subTest(records._name):
                self.assertTrue(records)
                theirs = records.with_user(manager)
                self.assertFalse(theirs.search([("id", "in", records.ids)]))
                with self.assertRaises(AccessError):
                    theirs.read(["id"])
        self.stranger.price_list_id.with_user(manager).read(["name"])
