from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from ..ledger.reserve import place_holds
from .common import TierBillingCase

OPERATIONS = ("read", "write", "create", "unlink")
# What each role may do to each model at all: by the first letters of the operations.
RIGHTS = {
    "tier.wallet": {"auditor": "r", "user": "rwc", "manager": "rwcu", "portal": "r"},
    "tier.account": {"auditor": "r", "user": "r", "manager": "r", "portal": ""},
    "tier.transfer": {"auditor": "r", "user": "r", "manager": "r", "portal": "r"},
    "tier.allocation.request": {"auditor": "r", "user": "r", "manager": "r", "portal": ""},
    "tier.allocation.request.line": {"auditor": "r", "user": "r", "manager": "r", "portal": ""},
    "tier.allocation.schedule": {"auditor": "r", "user": "r", "manager": "rwcu", "portal": ""},
    "tier.allocation.run": {"auditor": "r", "user": "r", "manager": "r", "portal": ""},
    "tier.allocation.failure": {"auditor": "r", "user": "r", "manager": "r", "portal": ""},
    "tier.bulk.allocation": {"auditor": "", "user": "rwcu", "manager": "rwcu", "portal": ""},
    "tier.bulk.allocation.line": {"auditor": "", "user": "rwcu", "manager": "rwcu", "portal": ""},
    "tier.wallet.move": {"auditor": "", "user": "", "manager": "rwcu", "portal": ""},
    # Writing serves the release of a hold alone; the model refuses all else.
    "tier.hold": {"auditor": "r", "user": "r", "manager": "rw", "portal": ""},
    "tier.spending": {"auditor": "r", "user": "r", "manager": "r", "portal": ""},
    "tier.audit": {"auditor": "r", "user": "r", "manager": "r", "portal": ""},
    "tier.audit.finding": {"auditor": "r", "user": "r", "manager": "r", "portal": ""},
    "tier.paid.credit": {"auditor": "r", "user": "r", "manager": "r", "portal": ""},
    "tier.paid.change": {"auditor": "", "user": "", "manager": "", "portal": ""},
    "tier.transfer.report": {"auditor": "r", "user": "r", "manager": "r", "portal": ""},
    "tier.booking": {"auditor": "r", "user": "r", "manager": "r", "portal": ""},
    "tier.booking.line": {"auditor": "r", "user": "r", "manager": "r", "portal": ""},
    "tier.booking.run": {"auditor": "", "user": "", "manager": "rwcu", "portal": ""},
    # Transient: a report that a reader makes for itself.
    "tier.reconciliation": {"auditor": "rwcu", "user": "rwcu", "manager": "rwcu", "portal": ""},
    "tier.reconciliation.line": {"auditor": "rwcu", "user": "rwcu", "manager": "rwcu", "portal": ""},
    "tier.payout": {"auditor": "r", "user": "rwc", "manager": "rwc", "portal": ""},
    "tier.statement": {"auditor": "rwcu", "user": "rwcu", "manager": "rwcu", "portal": ""},
    "tier.wallet.operation": {"auditor": "", "user": "rwcu", "manager": "rwcu", "portal": ""},
}
# What a portal user must not learn of its own wallet.
HIDDEN = ("payee_account_id", "grant_account_id", "overcommit_percent", "sell_below_cost")


@tagged("post_install", "-at_install")
class TestAccess(TierBillingCase):
    """Who may see and change what."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.customer = cls.new_chain()
        cls.sibling = cls.new_wallet("Sibling", cls.dealer)
        cls.wallets = cls.provider | cls.reseller | cls.dealer | cls.customer | cls.sibling
        cls.reseller._topup(1000, "access:reseller")
        cls.dealer._allocate(300, "access:dealer")
        cls.customer._allocate(20, "access:customer")
        cls.sibling._allocate(7, "access:sibling")
        cls.used = cls.usage(cls, cls.customer, 1, "access:usage")
        place_holds(cls.env.cr, [("access", cls.customer.account_id.id, 1)], ["2099-01-01"])
        cls.hold = cls.env["tier.hold"].search([("session_key", "=", "access")])
        cls.transfers = cls.env["tier.transfer"].search([("source_key", "like", "access:")])
        stranger = cls.env["res.partner"].create({"name": "Stranger"})
        cls.users = {
            **{role: cls.staff(role) for role in ("employee", "auditor", "user", "manager")},
            **{
                name: cls.portal_user(wallet, f"access_{name}")
                for name, wallet in (
                    ("customer", cls.customer),
                    ("sibling", cls.sibling),
                    ("dealer", cls.dealer),
                    ("reseller", cls.reseller),
                    ("provider", cls.provider),
                )
            },
            "stranger": new_test_user(cls.env, "access_stranger", "base.group_portal", partner_id=stranger.id),
            "public": cls.env.ref("base.public_user"),
        }

    def model(self, name, role):
        return self.env[name].with_user(self.users[role])

    def as_role(self, records, role):
        """Return the records as a role sees them, with nothing cached."""
        self.env.invalidate_all()
        return records.with_user(self.users[role]).with_context(allowed_company_ids=self.company.ids)

    # ------------------------------------------------------------------
    # Staff
    # ------------------------------------------------------------------

    def test_rights(self):
        for model, rights in RIGHTS.items():
            for role in self.users:
                expected = rights.get(role, "")
                if self.users[role]._is_portal():
                    expected = rights["portal"]
                with self.subTest(model=model, role=role):
                    found = "".join(name[0] for name in OPERATIONS if self.model(model, role).has_access(name))
                    self.assertEqual(found, expected)

    def test_every_model_is_in_the_table(self):
        data = self.env["ir.model.data"].search([("module", "=", "tier_billing"), ("model", "=", "ir.model")])
        models = self.env["ir.model"].browse(data.mapped("res_id")).mapped("model")
        ours = {name for name in models if self.env[name]._original_module == "tier_billing"}
        self.assertEqual({name for name in ours if not self.env[name]._abstract}, set(RIGHTS))

    def test_staff_reads_everything(self):
        for role in ("auditor", "user", "manager"):
            for records in (self.wallets, self.wallets.account_id, self.transfers, self.hold):
                with self.subTest(role=role, model=records._name):
                    self.assertEqual(len(self.as_role(records, role).read()), len(records))

    def test_staff_without_a_role_reads_nothing(self):
        for records in (self.wallets, self.wallets.account_id, self.transfers, self.hold):
            with self.subTest(records._name), self.assertRaises(AccessError):
                self.as_role(records, "employee").read(["id"])

    def test_an_employee_without_a_role_still_reads_partners(self):
        """What this add-on puts on a partner is not in the way of others."""
        names = {"tier_wallet_ids", "tier_wallet_count"}
        self.assertFalse(names & self.model("res.partner", "employee").fields_get().keys())
        self.assertLess(names, self.model("res.partner", "auditor").fields_get().keys())
        partner = self.as_role(self.customer.partner_id, "customer")
        self.assertEqual(partner.read(["tier_wallet_ids"])[0]["tier_wallet_ids"], self.customer.ids)

    def test_an_auditor_changes_nothing(self):
        wallet = self.as_role(self.customer, "auditor")
        for attempt in (
            lambda: wallet.write({"name": "Other"}),
            wallet.copy,
            wallet.unlink,
            wallet.action_suspend,
            wallet.action_activate,
            lambda: self.as_role(self.hold, "auditor").action_release(),
        ):
            with self.assertRaises(AccessError):
                attempt()

    def test_a_user_opens_and_suspends_wallets(self):
        Wallet = self.model("tier.wallet", "user")
        partner = self.env["res.partner"].create({"name": "New"})
        wallet = Wallet.create({"name": "New", "partner_id": partner.id, "parent_id": self.dealer.id})
        wallet.action_suspend()
        self.assertEqual(wallet.state, "suspended")
        self.assertEqual(wallet.account_id.wallet_id, wallet)

    def test_limits_are_for_managers(self):
        limits = {"overcommit_percent": 50, "sell_below_cost": True, "max_concurrent_calls": 3}
        partner = self.env["res.partner"].create({"name": "New"})
        new = {"name": "New", "partner_id": partner.id, "parent_id": self.dealer.id, "payment_mode": "postpaid"}
        for name, value in {**limits, "credit_limit": 100}.items():
            with self.subTest(name):
                with self.assertRaisesRegex(AccessError, "limits"):
                    self.as_role(self.customer, "user").write({"payment_mode": "postpaid", name: value})
                with self.assertRaisesRegex(AccessError, "limits"):
                    self.model("tier.wallet", "user").create({**new, name: value})
        for name, value in {**limits, "credit_valid_days": 30}.items():
            sneaky = self.model("tier.wallet", "user").with_context(**{f"default_{name}": value})
            with self.subTest(default=name), self.assertRaisesRegex(AccessError, "limits"):
                sneaky.create(new)
        # A form sends what is unchanged as well.
        self.as_role(self.customer, "user").write({"name": "Renamed", "credit_limit": 0, "max_concurrent_calls": 0})
        self.as_role(self.customer, "manager").write({"payment_mode": "postpaid", "credit_limit": 100, **limits})
        self.assertEqual(self.customer.credit_limit, 100)

    def test_companies(self):
        """Staff of one company learns nothing of another's money."""
        other = self.env["res.company"].create({"name": "Other company"})
        self.customer.daily_limit = 5
        self.usage(self.customer, 1, "access:limited")
        spent = self.env["tier.spending"].search([("account_id", "=", self.customer.account_id.id)])
        finding = self.env["tier.audit.finding"].create(
            {
                "audit_id": self.env["tier.audit"].create({}).id,
                "check_code": "balance",
                "name": "Fault",
                "account_id": self.customer.account_id.id,
            }
        )
        self.users["manager"].write({"company_ids": [Command.set(other.ids)], "company_id": other.id})
        self.env.invalidate_all()
        for records in (self.wallets, self.wallets.account_id, self.transfers, self.hold, spent, finding):
            with self.subTest(records._name):
                self.assertTrue(records)
                found = records.with_user(self.users["manager"]).search([("id", "in", records.ids)])
                self.assertFalse(found)
                with self.assertRaises(AccessError):
                    records.with_user(self.users["manager"]).read(["id"])

    # ------------------------------------------------------------------
    # Portal
    # ------------------------------------------------------------------

    def test_wallets_in_the_portal(self):
        """One's own and one's direct customers, never beside, above or deeper."""
        for role, visible in {
            "customer": self.customer,
            "sibling": self.sibling,
            "dealer": self.dealer | self.customer | self.sibling,
            "reseller": self.reseller | self.dealer,
            "provider": self.provider | self.reseller,
            "stranger": self.env["tier.wallet"],
        }.items():
            with self.subTest(role):
                found = self.as_role(self.wallets, role).search([])
                self.assertEqual(found, visible)
                for wallet in self.wallets:
                    if wallet in visible:
                        self.as_role(wallet, role).read(["name", "balance", "available", "credit_limit"])
                    else:
                        with self.assertRaises(AccessError):
                            self.as_role(wallet, role).read(["name"])

    def test_transfers_in_the_portal(self):
        """Those that touch one's own wallet; what customers trade among themselves is theirs."""
        for role, keys in {
            "customer": {"customer", "usage"},
            "sibling": {"sibling"},
            "dealer": {"dealer", "customer", "sibling", "usage"},
            "reseller": {"reseller", "dealer"},
            "stranger": set(),
        }.items():
            with self.subTest(role):
                visible = self.transfers.filtered(lambda transfer, keys=keys: transfer.source_key[7:] in keys)
                self.assertEqual(
                    self.as_role(self.transfers, role).search([("source_key", "like", "access:")]), visible
                )
                for transfer in self.transfers - visible:
                    with self.assertRaises(AccessError):
                        self.as_role(transfer, role).read(["amount"])

    def test_a_portal_user_reads_all_that_it_may(self):
        """Every field of ours that a portal user is offered can be read."""
        for records in (self.customer, self.used):
            records = self.as_role(records, "customer")
            names = [
                name
                for name in records.fields_get()
                if any(module.startswith("tier_") for module in records._fields[name]._modules)
            ]
            self.assertGreater(len(names), 10)
            self.assertFalse(set(HIDDEN) & set(names))
            records.read(names)
        self.assertEqual(self.as_role(self.customer, "customer").read(["held"])[0]["held"], 1)

    def test_hidden_fields(self):
        for role in ("customer", "dealer"):
            wallet = self.as_role(self.customer, role)
            for name in HIDDEN:
                with self.subTest(role=role, name=name):
                    with self.assertRaises(AccessError):
                        wallet.read([name])
                    with self.assertRaises(AccessError):
                        wallet.search([(name, "!=", False)])
                    with self.assertRaises(AccessError):
                        wallet.formatted_read_group([], [name], ["__count"])

    def test_nothing_leaks_through_the_parent(self):
        """The name of whom one buys from may be known; what it has may not."""
        wallet = self.as_role(self.customer, "customer")
        self.assertEqual(wallet.read(["parent_id"])[0]["parent_id"], (self.dealer.id, "Dealer"))
        with self.assertRaises(AccessError):
            wallet.parent_id.read(["balance"])
        for domain in (
            [("parent_id.balance", ">", 0)],
            [("parent_id.account_id.balance", ">", 0)],
            [("parent_id.parent_id", "!=", False)],
            [("parent_id.partner_id", "!=", False)],
            [("parent_id", "any", [("state", "=", "active")])],
            [("account_id.balance", ">", 0)],
        ):
            with self.subTest(domain):
                try:
                    found = wallet.search(domain)
                except AccessError:
                    continue
                self.assertFalse(found)
        with self.assertRaises(AccessError):
            wallet.web_read({"parent_id": {"fields": {"display_name": {}, "balance": {}}}})

    def test_nothing_leaks_through_sums(self):
        groups = self.as_role(self.wallets, "dealer").formatted_read_group([], ["parent_id"], ["balance:sum"])
        self.assertEqual(sum(group["balance:sum"] for group in groups), 273 + 20 - 1 + 7 + 1)
        dealer = self.as_role(self.dealer, "dealer")
        self.assertEqual((dealer.children_balance, dealer.child_count), (26, 2))
        reseller = self.as_role(self.reseller, "reseller")
        self.assertEqual((reseller.children_balance, reseller.child_count), (274, 1))
        customer = self.as_role(self.customer, "customer")
        self.assertEqual((customer.children_balance, customer.child_count), (0, 0))
        self.assertEqual((customer.spent_month, customer.paid_month), (1, 20))

    def test_a_portal_user_changes_nothing(self):
        for role, wallet in (("customer", self.customer), ("dealer", self.dealer), ("dealer", self.customer)):
            records = self.as_role(wallet, role)
            for name, attempt in {
                "write": lambda records=records: records.write({"name": "Other"}),
                "limit": lambda records=records: records.write({"credit_limit": 1000}),
                "copy": records.copy,
                "unlink": records.unlink,
                "suspend": records.action_suspend,
                "activate": records.action_activate,
                "post": lambda records=records: records.message_post(body="Hello"),
                "create": lambda records=records: records.create(
                    {"name": "Mine", "partner_id": records.partner_id.id, "parent_id": records.id}
                ),
            }.items():
                with self.subTest(role=role, wallet=wallet.name, attempt=name), self.assertRaises(AccessError):
                    attempt()

    def test_a_portal_user_reads_no_notes(self):
        self.customer._adjust(1, "access:adjust", "He complained a lot")
        self.assertTrue(self.customer.message_ids)
        self.assertFalse(self.as_role(self.customer, "customer").message_ids)

    def test_a_wallet_that_changes_hands_changes_sides_at_once(self):
        """Odoo caches an evaluated rule: it must not hold the wallets of that moment."""
        stranger = self.users["stranger"].partner_id
        self.assertFalse(self.as_role(self.wallets, "stranger").search([]))
        self.customer.partner_id = stranger
        self.assertEqual(self.as_role(self.wallets, "stranger").search([]), self.customer)
        self.assertFalse(self.as_role(self.wallets, "customer").search([]))
        with self.assertRaises(AccessError):
            self.as_role(self.used, "customer").read(["amount"])
        self.as_role(self.used, "stranger").read(["amount"])

    def test_a_customer_that_moves_is_the_old_dealers_no_more(self):
        wallet = self.new_wallet("Moving", self.dealer)
        self.assertIn(wallet, self.as_role(self.wallets, "dealer").search([]))
        wallet.parent_id = self.reseller
        self.assertNotIn(wallet, self.as_role(self.wallets, "dealer").search([]))
        self.assertIn(wallet, self.as_role(self.wallets, "reseller").search([]))

    def test_a_contact_sees_the_wallets_of_its_company(self):
        company = self.env["res.partner"].create({"name": "Firm", "is_company": True})
        contact = self.env["res.partner"].create({"name": "Employee", "parent_id": company.id})
        wallet = self.new_wallet("Firm", self.dealer, partner_id=company.id)
        user = new_test_user(self.env, "access_contact", "base.group_portal", partner_id=contact.id)
        self.assertEqual(self.env["tier.wallet"].with_user(user).search([]), wallet)

    def test_an_archived_wallet_is_still_its_owners(self):
        self.customer.active = False
        self.as_role(self.customer, "customer").read(["balance"])
        with self.assertRaises(AccessError):
            self.as_role(self.customer, "sibling").read(["balance"])
