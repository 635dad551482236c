from odoo.exceptions import AccessError
from odoo.tests import HttpCase, JsonRpcException, tagged
from odoo.tools import mute_logger

from .common import NOON, RatingBuilder, TierRatingCase

OPERATIONS = ("read", "write", "create", "unlink")
PRICES = {"auditor": "r", "user": "r", "manager": "rwcu", "portal": ""}
RECORDS = {"auditor": "r", "user": "r", "manager": "r", "portal": ""}
# What each role may do to each model at all: by the first letters of the operations.
RIGHTS = {
    "tier.service": PRICES,
    "tier.destination": {**PRICES, "portal": "r"},
    "tier.time.band": PRICES,
    "tier.time.band.line": PRICES,
    "tier.brand": PRICES,
    "tier.price.list": PRICES,
    "tier.price.markup": PRICES,
    "tier.below.cost": RECORDS,
    "tier.below.cost.check": {"auditor": "", "user": "rwcu", "manager": "rwcu", "portal": ""},
    "tier.holiday.calendar": PRICES,
    "tier.holiday": PRICES,
    "tier.holiday.import": {"auditor": "", "user": "", "manager": "rwcu", "portal": ""},
    "tier.price.explain": {"auditor": "rwcu", "user": "rwcu", "manager": "rwcu", "portal": ""},
    "tier.number.class": PRICES,
    "tier.number.class.line": PRICES,
    "tier.rate": PRICES,
    "tier.rate.step": PRICES,
    "tier.package": PRICES,
    "tier.package.subscription": PRICES,
    "tier.package.balance": RECORDS,
    "tier.package.use": RECORDS,
    "tier.package.hold": RECORDS,
    "tier.volume.plan": PRICES,
    "tier.volume.plan.tier": PRICES,
    "tier.volume.counter": RECORDS,
    "tier.volume.use": RECORDS,
    "tier.volume.carry": RECORDS,
    "tier.switch": PRICES,
    "tier.suspense.retry": {"auditor": "", "user": "rwc", "manager": "rwc", "portal": ""},
    "tier.switch.number": {"auditor": "", "user": "rwc", "manager": "rwc", "portal": ""},
    "tier.switch.token": {"auditor": "", "user": "", "manager": "rc", "portal": ""},
    "tier.record.mapping": PRICES,
    "tier.record.mapping.line": PRICES,
    "tier.dial.plan": PRICES,
    "tier.endpoint": {"auditor": "r", "user": "rwcu", "manager": "rwcu", "portal": ""},
    "tier.session": RECORDS,
    "tier.usage.event": RECORDS,
    "tier.usage.hour": RECORDS,
    "tier.usage.day": RECORDS,
    "tier.usage.kept": RECORDS,
    "tier.usage.retention": RECORDS,
    "tier.usage.rollup": RECORDS,
    "tier.charge": {**RECORDS, "portal": "r"},
    "tier.charge.invoice": RECORDS,
    "tier.usage.invoice": {"auditor": "", "user": "rwcu", "manager": "rwcu", "portal": ""},
    "tier.usage.invoice.line": {"auditor": "", "user": "rwcu", "manager": "rwcu", "portal": ""},
    "tier.usage.import": {"auditor": "r", "user": "rwc", "manager": "rwc", "portal": ""},
    "tier.rate.sheet": {"auditor": "rwcu", "user": "rwcu", "manager": "rwcu", "portal": ""},
    "tier.rate.import": {"auditor": "", "user": "", "manager": "rwcu", "portal": ""},
    "tier.deck": {"auditor": "r", "user": "r", "manager": "rwc", "portal": ""},
    "tier.deck.line": {"auditor": "r", "user": "r", "manager": "r", "portal": ""},
    "tier.deck.sender": {"auditor": "r", "user": "r", "manager": "rwcu", "portal": ""},
    "tier.deck.sender.column": {"auditor": "r", "user": "r", "manager": "rwcu", "portal": ""},
    "tier.deck.compare": {"auditor": "rwcu", "user": "rwcu", "manager": "rwcu", "portal": ""},
    "tier.deck.difference": {"auditor": "r", "user": "r", "manager": "r", "portal": ""},
    "tier.rate.import.column": {"auditor": "", "user": "", "manager": "rwcu", "portal": ""},
    "tier.bill": {"auditor": "r", "user": "rwcu", "manager": "rwcu", "portal": "r"},
    "tier.bill.line": {"auditor": "r", "user": "r", "manager": "r", "portal": "r"},
    "tier.bill.series": {"auditor": "r", "user": "r", "manager": "rw", "portal": ""},
    "tier.bill.charge": {"auditor": "r", "user": "r", "manager": "r", "portal": ""},
    "tier.rerating": {"auditor": "r", "user": "rwcu", "manager": "rwcu", "portal": ""},
    "tier.rerating.line": RECORDS,
    "tier.rerating.event": RECORDS,
    "tier.rerating.share": RECORDS,
    "tier.dispute": {"auditor": "r", "user": "rwc", "manager": "rwc", "portal": "r"},
    "tier.dispute.line": {"auditor": "r", "user": "rcu", "manager": "rcu", "portal": "r"},
    "tier.chargeback": PRICES,
    "tier.chargeback.line": RECORDS,
    "tier.hotel": PRICES,
    "tier.room": PRICES,
    "tier.stay": {"auditor": "r", "user": "rwcu", "manager": "rwcu", "portal": ""},
    "tier.stay.room": RECORDS,
    "tier.stay.extra": {"auditor": "", "user": "rwcu", "manager": "rwcu", "portal": ""},
    "tier.stay.move": {"auditor": "", "user": "rwcu", "manager": "rwcu", "portal": ""},
    "tier.stay.checkout": {"auditor": "", "user": "rwcu", "manager": "rwcu", "portal": ""},
    "tier.usage.refund": {"auditor": "", "user": "rwcu", "manager": "rwcu", "portal": ""},
}
# What a portal user must not learn: what its parent sells it from, and what it earns on others.
HIDDEN_OF_WALLET = ("price_list_id", "brand_ids", "endpoint_ids", "sale_month", "cost_month", "margin_month")
HIDDEN_OF_CHARGE = ("price_list_id", "prefix", "rate_ref")


class SoldCase(RatingBuilder):
    """A chain of four tiers with a second user, and a call of each."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.customer = cls.new_selling_chain()
        cls.sibling = cls.new_wallet("Sibling", cls.dealer)
        cls.sell(cls.sibling, {"49": "0.90"})
        cls.new_endpoint(cls.sibling, "sibling")
        cls.customer._topup(10, "access:customer")
        cls.sibling._topup(10, "access:sibling")
        cls.charge(
            cls, cls.call("access:1"), cls.call("access:2", account="sibling"), cls.call("access:3", account="x")
        )
        cls.authorize(cls, cls.request("access:s"))
        cls.charges = cls.env["tier.charge"].search([("event_id.source_key", "like", "access:")])
        cls.events = cls.env["tier.usage.event"].search([("source_key", "like", "access:")])

    @classmethod
    def charge_of(cls, wallet):
        return cls.charges.filtered(lambda charge: charge.wallet_id == wallet)


@tagged("post_install", "-at_install")
class TestAccess(SoldCase, TierRatingCase):
    """Who may see prices and calls, and who may change them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
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
            "public": cls.env.ref("base.public_user"),
        }

    def as_role(self, records, role):
        """Return the records as a role sees them, with nothing cached."""
        self.env.invalidate_all()
        return records.with_user(self.users[role]).with_context(allowed_company_ids=self.company.ids)

    def test_rights(self):
        for model, rights in RIGHTS.items():
            for role, user in self.users.items():
                expected = rights["portal"] if user._is_portal() else rights.get(role, "")
                with self.subTest(model=model, role=role):
                    Model = self.env[model].with_user(user)
                    found = "".join(name[0] for name in OPERATIONS if Model.has_access(name))
                    self.assertEqual(found, expected)

    def test_every_model_is_in_the_table(self):
        data = self.env["ir.model.data"].search([("module", "=", "tier_rating"), ("model", "=", "ir.model")])
        models = self.env["ir.model"].browse(data.mapped("res_id")).mapped("model")
        ours = {name for name in models if self.env[name]._original_module == "tier_rating"}
        self.assertEqual({name for name in ours if not self.env[name]._abstract}, set(RIGHTS))

    def test_staff_reads_everything(self):
        for role in ("auditor", "user", "manager"):
            for records in (self.charges, self.events, self.customer.price_list_id, self.customer.endpoint_ids):
                with self.subTest(role=role, model=records._name):
                    self.assertEqual(len(self.as_role(records, role).read()), len(records))

    def test_a_billing_user_sets_no_price(self):
        rate = self.as_role(self.customer.price_list_id.rate_ids, "user")
        for attempt in (
            lambda: rate.write({"price": 0}),
            rate.unlink,
            lambda: rate.price_list_id.write({"markup_percent": 1}),
            lambda: rate.price_list_id.brand_id.write({"connection_charge": 0}),
        ):
            with self.assertRaises(AccessError):
                attempt()

    def test_who_retries(self):
        waiting = self.events.filtered(lambda event: event.state == "suspense")
        for role in ("auditor", "customer", "employee"):
            with self.subTest(role), self.assertRaises(AccessError):
                self.as_role(waiting, role).action_retry()
        with self.enter_registry_test_mode():
            self.as_role(waiting, "user").action_retry()

    # ------------------------------------------------------------------
    # Portal
    # ------------------------------------------------------------------

    def test_charges_in_the_portal(self):
        """One's own share only: what one paid, and what one's customers paid to oneself."""
        for role, wallet in (
            ("customer", self.customer),
            ("sibling", self.sibling),
            ("dealer", self.dealer),
            ("reseller", self.reseller),
            ("provider", self.provider),
        ):
            with self.subTest(role):
                visible = self.charge_of(wallet)
                self.assertEqual(self.as_role(self.charges, role).search([]), visible)
                self.as_role(visible, role).read(["sale", "cost", "margin", "number", "caller"])
                for charge in self.charges - visible:
                    with self.assertRaises(AccessError):
                        self.as_role(charge, role).read(["cost"])

    def test_no_sum_tells_of_others(self):
        groups = self.as_role(self.charges, "dealer").formatted_read_group(
            [], ["child_id"], ["sale:sum", "cost:sum", "margin:sum"]
        )
        found = {group["child_id"][0]: (group["sale:sum"], group["cost:sum"], group["margin:sum"]) for group in groups}
        self.assertEqual(
            {key: tuple(round(n, 6) for n in row) for key, row in found.items()},
            {self.customer.id: (1, 0.8, 0.2), self.sibling.id: (0.9, 0.8, 0.1)},
        )

    def test_hidden_fields(self):
        for role, records, names in (
            ("customer", self.customer, HIDDEN_OF_WALLET),
            ("dealer", self.customer, HIDDEN_OF_WALLET),
            ("customer", self.charge_of(self.customer), HIDDEN_OF_CHARGE),
            ("dealer", self.charge_of(self.dealer), HIDDEN_OF_CHARGE),
        ):
            records = self.as_role(records, role)
            for name in names:
                with self.subTest(role=role, model=records._name, name=name):
                    with self.assertRaises(AccessError):
                        records.read([name])
                    if records._fields[name].store:
                        with self.assertRaises(AccessError):
                            records.search([(name, "!=", False)])

    def test_nothing_leaks_through_the_event(self):
        """An event has rows of every tier, and what the switch said of the caller."""
        charge = self.as_role(self.charge_of(self.customer), "customer")
        self.assertEqual(charge.read(["event_id"])[0]["event_id"][1], "4930123456")
        for domain in (
            [("event_id.charge_ids.cost", ">", 0)],
            [("event_id.wallet_id.balance", ">", 0)],
            [("event_id.source_ip", "!=", False)],
            [("child_id.price_list_id", "!=", False)],
            [("wallet_id.parent_id.balance", ">", 0)],
            [("transfer_id.to_wallet_id.balance", ">", 0)],
        ):
            with self.subTest(domain):
                try:
                    found = charge.search(domain)
                except AccessError:
                    continue
                self.assertFalse(found)
        with self.assertRaises(AccessError):
            charge.web_read({"event_id": {"fields": {"raw": {}, "user_agent": {}}}})

    def test_a_portal_user_reads_all_that_it_may(self):
        for records in (self.customer, self.charge_of(self.customer)):
            records = self.as_role(records, "customer")
            names = [
                name
                for name in records.fields_get()
                if any(m.startswith("tier_") for m in records._fields[name]._modules)
            ]
            records.read(names)

    def test_figures_of_calls(self):
        with self.subTest("a customer"):
            self.assertEqual(self.as_role(self.customer, "customer").call_count, self.calls_this_month())
        with self.subTest("its dealer"):
            self.assertEqual(self.as_role(self.customer, "dealer").call_count, self.calls_this_month())

    def calls_this_month(self):
        now = self.env.cr.now()
        return int((now.year, now.month) <= (NOON.year, NOON.month))

    def test_a_portal_user_changes_nothing(self):
        charge = self.as_role(self.charge_of(self.customer), "customer")
        destination = self.as_role(self.env["tier.destination"].create({"name": "Test"}), "customer")
        for attempt in (
            lambda: charge.write({"cost": 0}),
            charge.unlink,
            lambda: charge.create({"event_id": 1, "wallet_id": self.customer.id, "currency_id": self.coin.id}),
            lambda: destination.write({"name": "Mine"}),
            lambda: self.as_role(self.customer, "customer").write({"price_list_id": False}),
            lambda: self.as_role(self.customer.endpoint_ids, "customer").write({"identifier": "mine"}),
        ):
            with self.assertRaises(AccessError):
                attempt()

    # ------------------------------------------------------------------
    # Records of fact
    # ------------------------------------------------------------------

    def test_nobody_writes_charges_or_sessions(self):
        session = self.env["tier.session"].search([("session_key", "=", "access:s")])
        for records in (self.charges, session):
            for role in ("user", "manager"):
                with self.subTest(role=role, model=records._name):
                    own = self.as_role(records, role)
                    for method, values in (("write", {"wallet_id": self.customer.id}), ("create", {})):
                        with self.assertRaises(AccessError):
                            getattr(own, method)(values)
                    with self.assertRaises(AccessError):
                        own.unlink()


@tagged("post_install", "-at_install")
class TestRpc(SoldCase, HttpCase):
    """What can be called from a browser, by whom."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.portal_user(cls.customer, "rpc_customer")
        for role in ("auditor", "user"):
            cls.staff(role)
        cls.env.flush_all()

    def call_kw(self, model, method, *args, **kwargs):
        return self.make_jsonrpc_request(
            f"/web/dataset/call_kw/{model}/{method}",
            {"model": model, "method": method, "args": list(args), "kwargs": kwargs},
        )

    def assertRefused(self, model, method, *args, error="AccessError", **kwargs):
        with (
            self.subTest(model=model, method=method),
            mute_logger("odoo.http"),
            self.assertRaisesRegex(JsonRpcException, rf"exceptions\.{error}"),
        ):
            self.call_kw(model, method, *args, **kwargs)

    def test_a_customer(self):
        self.authenticate("rpc_customer", "rpc_customer")
        rows = self.call_kw("tier.charge", "search_read", [], ["cost", "sale", "number", "child_id"])
        self.assertEqual([(row["cost"], row["sale"], row["child_id"]) for row in rows], [(1, 0, False)])
        with self.assertNothingMoves():
            self.assertRefused("tier.charge", "read", self.charge_of(self.dealer).ids, ["margin"])
            self.assertRefused("tier.charge", "read", self.charge_of(self.customer).ids, ["rate_ref"])
            self.assertRefused("tier.usage.event", "search_read", [], ["number"])
            self.assertRefused("tier.usage.event", "action_retry", self.events.ids)
            self.assertRefused("tier.usage.event", "_charge", [])
            self.assertRefused("tier.session", "_authorize", [])
            self.assertRefused("tier.session", "search_read", [], ["number"])
            self.assertRefused("tier.rate", "search_read", [], ["price"])
            self.assertRefused("tier.price.list", "name_search", "")
            self.assertRefused("tier.brand", "search_read", [], ["markup_percent"])
            self.assertRefused("tier.endpoint", "search_read", [], ["identifier"])
            self.assertRefused("tier.endpoint", "create", {"wallet_id": self.customer.id, "identifier": "mine"})
            self.assertRefused("tier.usage.import", "create", {"name": "x", "switch_id": 1})
            self.assertRefused("tier.rate.import", "create", {"price_list_id": self.customer.price_list_id.id})
            self.assertRefused("tier.demo", "_load")
            self.assertRefused("tier.wallet", "read", self.customer.ids, ["price_list_id"])

    def test_staff(self):
        switch = self.new_switch("rpc")
        record = self.env["tier.usage.import"].create({"name": "x", "switch_id": switch.id, "data": b"eA=="})
        self.authenticate("tier_auditor", "tier_auditor")
        with self.assertNothingMoves():
            self.assertRefused("tier.usage.import", "action_import", record.ids)
            self.assertRefused("tier.usage.event", "action_retry", self.events.ids)
            self.assertRefused("tier.usage.event", "write", self.events.ids, {"state": "charged"}, error="UserError")
            self.assertRefused("tier.rate", "write", self.customer.price_list_id.rate_ids.ids, {"price": 0})
        self.authenticate("tier_user", "tier_user")
        self.call_kw("tier.usage.import", "action_import", record.ids)
        record.invalidate_recordset()
        self.assertEqual((record.state, record.suspense_count), ("done", 1))
