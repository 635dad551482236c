from odoo.exceptions import AccessError
from odoo.tests import TransactionCase, tagged

from odoo.addons.tier_portal.tests.common import OPEN, ChainMixin, closed_models

# Whose wallets each role may read: its own and its direct customers'.
WALLETS = {
    "user": {"user"},
    "sibling": {"sibling"},
    "dealer": {"dealer", "user"},
    "reseller": {"reseller", "dealer", "sibling"},
    "stranger": {"stranger"},
}
# Between whom the transfers are that each role may read; None = the world or the earnings.
EDGES = {
    "user": {("dealer", "user"), ("user", "dealer")},
    "sibling": {("reseller", "sibling"), ("sibling", "reseller")},
    "dealer": {
        ("reseller", "dealer"),
        ("dealer", "reseller"),
        ("dealer", "user"),
        ("user", "dealer"),
    },
    "reseller": {
        (None, "reseller"),
        ("reseller", "provider"),
        ("reseller", "dealer"),
        ("dealer", "reseller"),
        ("reseller", "sibling"),
        ("sibling", "reseller"),
    },
    "stranger": {("stranger", "provider")},
}


@tagged("post_install", "-at_install")
class TestAccessMatrix(ChainMixin, TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._set_up_chain()
        cls.names = {
            getattr(cls, name).id: name for name in ("provider", "reseller", "stranger", "dealer", "sibling", "user")
        }
        cls.wallets = cls.env["tier.wallet"].browse(cls.names)
        cls.charges = cls.env["tier.charge"].search([("wallet_id", "in", cls.wallets.ids)])
        cls.transfers = cls.env["tier.transfer"].search(
            [
                "|",
                ("from_wallet_id", "in", cls.wallets.ids),
                ("to_wallet_id", "in", cls.wallets.ids),
            ]
        )
        cls.public = cls.env.ref("base.public_user")

    def _assert_reads_only(self, records, allowed, user):
        """Assert what a user may find, and read by id, among records."""
        found = records.with_user(user).search([("id", "in", records.ids)])
        self.assertEqual(set(found.ids), set(allowed.ids))
        for record in records:
            record = record.with_user(user)
            if record.id in allowed.ids:
                record.check_access("read")
                continue
            with self.assertRaises(AccessError):
                record.read(["id"])

    def test_wallets(self):
        for role, user in self.users.items():
            with self.subTest(role=role):
                allowed = self.wallets.filtered(lambda w, role=role: self.names[w.id] in WALLETS[role])
                self._assert_reads_only(self.wallets, allowed, user)

    def test_charges_are_read_by_their_own_tier_only(self):
        for role, user in self.users.items():
            with self.subTest(role=role):
                allowed = self.charges.filtered(lambda c, role=role: self.names[c.wallet_id.id] == role)
                self.assertTrue(allowed)
                self._assert_reads_only(self.charges, allowed, user)

    def test_transfers(self):
        for role, user in self.users.items():
            with self.subTest(role=role):
                allowed = self.transfers.filtered(
                    lambda t, role=role: (
                        role in (self.names.get(t.from_wallet_id.id), self.names.get(t.to_wallet_id.id))
                    )
                )
                edges = {(self.names.get(t.from_wallet_id.id), self.names.get(t.to_wallet_id.id)) for t in allowed}
                self.assertEqual(edges, EDGES[role])
                self._assert_reads_only(self.transfers, allowed, user)

    def test_what_nobody_outside_reads(self):
        closed = closed_models(self.env)
        self.assertLessEqual({"tier.account", "tier.usage.event", "tier.rate", "tier.endpoint"}, set(closed))
        for name in closed:
            for user in (*self.users.values(), self.public):
                with self.subTest(model=name, user=user.login), self.assertRaises(AccessError):
                    self.env[name].with_user(user).search([])

    def test_the_public_reads_nothing(self):
        for name in OPEN:
            with self.subTest(model=name), self.assertRaises(AccessError):
                self.env[name].with_user(self.public).search([])

    def test_portal_users_change_nothing(self):
        for role, user in self.users.items():
            with self.subTest(role=role):
                for name in (*OPEN, *closed_models(self.env)):
                    for operation in ("write", "create", "unlink"):
                        self.assertFalse(self.env[name].with_user(user).has_access(operation), name)

    def test_figures_of_others_cannot_be_reached_through_a_path(self):
        """Neither a domain nor a grouping leads to what stands behind a link."""
        for model, domain in (
            ("tier.charge", [("event_id.charge_ids.cost", ">", 0)]),
            ("tier.charge", [("prefix", "=", "49")]),
            ("tier.charge", [("price_list_id.name", "!=", False)]),
            ("tier.wallet", [("account_id.balance", ">", 0)]),
            ("tier.wallet", [("payee_account_id.balance", ">", 0)]),
            ("tier.wallet", [("price_list_id.name", "!=", False)]),
            ("tier.transfer", [("to_account_id.balance", ">", 0)]),
            ("tier.destination", [("rate_ids.price", ">", 0)]),
        ):
            with self.subTest(domain=domain), self.assertRaises(AccessError):
                self.env[model].with_user(self.users["user"]).search(domain)
        # The parent is not hers to look at: the condition finds nothing.
        Wallet = self.env["tier.wallet"].with_user(self.users["user"])
        self.assertFalse(Wallet.search([("parent_id.balance", "!=", 0)]))
        self.assertFalse(
            self.env["tier.charge"].with_user(self.users["reseller"]).search([("child_id.child_ids.balance", "!=", 0)])
        )
        for groupby in ("account_id.balance", "account_id.held"):
            with self.subTest(groupby=groupby), self.assertRaises(AccessError):
                Wallet._read_group([], [groupby], ["__count"])
        [(parent_state, _count)] = Wallet._read_group([], ["parent_id.state"], ["__count"])
        self.assertFalse(parent_state)

    def test_fields_for_staff_only(self):
        wallet = self.dealer.with_user(self.users["reseller"])
        for name in (
            "price_list_id",
            "sale_month",
            "cost_month",
            "margin_month",
            "brand_ids",
            "payee_account_id",
            "overcommit_percent",
            "sell_below_cost",
        ):
            with self.subTest(field=name), self.assertRaises(AccessError):
                wallet.read([name])

    def test_a_reseller_learns_nothing_of_its_customers_customers(self):
        """What the user has and spends would tell what the dealer earns."""
        dealer = self.dealer.with_user(self.users["reseller"])
        self.assertEqual(dealer.spent_month, 4.80)
        self.assertEqual((dealer.child_count, dealer.children_balance), (0, 0))
        self.assertFalse(dealer.child_ids)
        with self.assertRaises(AccessError):
            self.user.with_user(self.users["reseller"]).read(["spent_month"])

    def test_a_wallet_that_changes_hands_changes_sides_at_once(self):
        old, new = self.users["user"], self.users["stranger"]
        charges = self.charges.filtered(lambda charge: charge.wallet_id == self.user)
        transfers = self.transfers.filtered(lambda transfer: transfer.from_wallet_id == self.user)
        for records in (self.user, charges, transfers):  # the rules are evaluated, and cached
            self.assertTrue(records.with_user(old).has_access("read"))
            self.assertFalse(records.with_user(new).has_access("read"))
        self.user.partner_id = new.partner_id
        self.env.flush_all()
        self.env.invalidate_all()
        for records in (self.user, charges, transfers):
            self.assertFalse(records.with_user(old).has_access("read"))
            self.assertTrue(records.with_user(new).has_access("read"))

    def test_a_new_wallet_is_seen_at_once(self):
        user = self.users["user"]
        Wallet = self.env["tier.wallet"].with_user(user)
        self.assertEqual(Wallet.search([]), self.user.with_user(user))
        second = self._wallet("second", self.dealer, "1.00")
        second.partner_id = user.partner_id
        self.env.flush_all()
        self.assertEqual(Wallet.search([]).sudo(), self.user | second)

    def test_employees_share_the_wallets_of_their_company(self):
        company = self.env["res.partner"].create({"name": "Firm", "is_company": True})
        employee = self.users["user"]
        employee.partner_id.parent_id = company
        self.env.flush_all()
        self.env.registry.clear_cache()  # as a change of a user's company does at its next login
        wallet = self._wallet("firm", self.dealer, "1.00")
        wallet.partner_id = company
        self.assertTrue(wallet.with_user(employee).has_access("read"))
        self.assertTrue(self.user.with_user(employee).has_access("read"))
        self.assertFalse(wallet.with_user(self.users["sibling"]).has_access("read"))
