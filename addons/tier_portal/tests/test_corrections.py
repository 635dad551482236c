from odoo.exceptions import AccessError
from odoo.tests import TransactionCase, tagged

from odoo.addons.tier_portal.tests.common import ChainMixin


@tagged("post_install", "-at_install")
class TestCorrections(ChainMixin, TransactionCase):
    """What a customer and its reseller see of a price that was corrected: their own part of it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._set_up_chain()

    def setUp(self):
        super().setUp()
        before = self.figures(self.user)
        self.user.price_list_id.rate_ids.price = 1.25
        self.registry_enter_test_mode()
        self.rerating = self.env["tier.rerating"].create(
            {"date_from": "2000-01-01", "reason": "wrong rate", "wallet_id": self.user.id}
        )
        self.rerating.action_compute()
        self.rerating.action_post()
        self.env.invalidate_all()
        self.before = before

    def figures(self, wallet):
        return wallet.with_user(self.users["user"])._portal_figures()[wallet.id]

    def charges(self, wallet, role):
        return self.env["tier.charge"].with_user(self.users[role]).search([("wallet_id", "=", wallet.id)])

    def test_the_customer(self):
        rows = [row for row in self.charges(self.user, "user")._portal_rows() if row["correction"]]
        self.assertEqual(len(rows), 2)
        self.assertEqual(
            {(row["refund"], row["answered"], row["outcome"]) for row in rows}, {(False, False, "Price corrected")}
        )
        figures = self.figures(self.user)
        self.assertEqual(figures["calls"], self.before["calls"])
        self.assertEqual(figures["spent"], self.before["spent"] + 1)
        corrections = self.charges(self.user, "user").filtered("reverses_id")
        self.assertFalse(any(charge._portal_may_contest() for charge in corrections))

    def test_the_dealer_sees_what_it_sold_and_the_reseller_nothing(self):
        self.assertEqual(sum(self.charges(self.dealer, "dealer").filtered("reverses_id").mapped("sale")), 1)
        self.assertFalse(self.charges(self.reseller, "reseller").filtered("reverses_id"))

    def test_the_run_is_the_providers(self):
        for role in ("user", "dealer", "reseller"):
            for name in ("tier.rerating", "tier.rerating.line", "tier.rerating.event", "tier.rerating.share"):
                with self.subTest(role=role, model=name), self.assertRaises(AccessError):
                    self.env[name].with_user(self.users[role]).search([])
            with self.subTest(role=role), self.assertRaises(AccessError):
                self.rerating.with_user(self.users[role]).action_post()
        with self.assertRaises(AccessError):
            self.charges(self.user, "user").filtered("reverses_id").read(["rerating_id"])
