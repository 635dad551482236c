from odoo.tests import HttpCase, JsonRpcException, tagged
from odoo.tools import mute_logger

from .common import ChainBuilder


@tagged("post_install", "-at_install")
class TestRpc(ChainBuilder, HttpCase):
    """What can be called from a browser, by whom."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.customer = cls.new_chain()
        cls.sibling = cls.new_wallet("Sibling", cls.dealer)
        cls.reseller._topup(100, "rpc:reseller")
        cls.dealer._allocate(50, "rpc:dealer")
        cls.customer._allocate(20, "rpc:customer")
        cls.portal_user(cls.customer, "rpc_customer")
        cls.portal_user(cls.dealer, "rpc_dealer")
        for role in ("auditor", "user", "manager"):
            cls.staff(role)
        cls.env.flush_all()

    def call(self, model, method, *args, **kwargs):
        return self.make_jsonrpc_request(
            f"/web/dataset/call_kw/{model}/{method}",
            {"model": model, "method": method, "args": list(args), "kwargs": kwargs},
        )

    def assertRefused(self, model, method, *args, error="AccessError", **kwargs):
        """The call ends with an error of this kind."""
        with (
            self.subTest(model=model, method=method),
            mute_logger("odoo.http"),
            self.assertRaisesRegex(JsonRpcException, rf"exceptions\.{error}"),
        ):
            self.call(model, method, *args, **kwargs)

    def test_a_customer(self):
        self.authenticate("rpc_customer", "rpc_customer")
        own, other = self.customer.ids, self.sibling.ids
        self.assertEqual(self.call("tier.wallet", "search_read", [], ["name"]), [{"id": own[0], "name": "User"}])
        self.assertEqual(self.call("tier.wallet", "read", own, ["balance"])[0]["balance"], 20)
        self.assertEqual(self.call("tier.transfer", "search_count", []), 1)
        with self.assertNothingMoves():
            self.assertRefused("tier.wallet", "read", other, ["balance"])
            self.assertRefused("tier.wallet", "read", self.dealer.ids, ["balance"])
            self.assertRefused("tier.wallet", "read", own, ["overcommit_percent"])
            self.assertRefused("tier.wallet", "write", own, {"credit_limit": 1000})
            self.assertRefused("tier.wallet", "write", own, {"account_id": self.provider.account_id.id})
            self.assertRefused("tier.wallet", "create", {"name": "x", "partner_id": self.customer.partner_id.id})
            self.assertRefused("tier.wallet", "unlink", own)
            self.assertRefused("tier.wallet", "action_activate", own)
            self.assertRefused("tier.wallet", "message_post", own, body="x")
            for method in ("_topup", "_allocate", "_adjust", "_withdraw"):
                self.assertRefused("tier.wallet", method, own, 100, "rpc:evil")
            self.assertRefused("tier.transfer", "_post", [])
            self.assertRefused("tier.transfer", "read", self.transfer("rpc:dealer").ids, ["amount"])
            self.assertRefused("tier.account", "search_read", [], ["balance"])
            self.assertRefused("tier.account", "name_search", "")
            self.assertRefused("tier.account", "read", self.customer.account_id.ids, ["balance"])
            self.assertRefused("tier.hold", "search_read", [], ["amount"])
            self.assertRefused("tier.hold", "_expire")
            self.assertRefused(
                "tier.wallet.operation", "create", {"wallet_id": own[0], "operation": "topup", "amount": 100}
            )
        self.assertBalances(self.customer, 20)

    def transfer(self, key):
        return self.env["tier.transfer"].search([("source_key", "=", key)])

    def test_a_dealer(self):
        self.authenticate("rpc_dealer", "rpc_dealer")
        names = {row["name"] for row in self.call("tier.wallet", "search_read", [], ["name"])}
        self.assertEqual(names, {"Dealer", "User", "Sibling"})
        with self.assertNothingMoves():
            self.assertRefused("tier.wallet", "read", self.reseller.ids, ["balance"])
            self.assertRefused("tier.wallet", "_allocate", self.customer.ids, 10, "rpc:evil")
            self.assertRefused("tier.wallet", "write", self.customer.ids, {"parent_id": self.reseller.id})
            self.assertRefused("tier.wallet", "action_suspend", self.customer.ids)

    def test_an_auditor(self):
        self.authenticate("tier_auditor", "tier_auditor")
        self.assertEqual(self.call("tier.wallet", "read", self.customer.ids, ["balance"])[0]["balance"], 20)
        with self.assertNothingMoves():
            self.assertRefused("tier.wallet", "write", self.customer.ids, {"name": "x"})
            self.assertRefused("tier.wallet", "_topup", self.customer.ids, 100, "rpc:evil")
            self.assertRefused(
                "tier.wallet.operation", "create", {"wallet_id": self.customer.id, "operation": "topup", "amount": 1}
            )

    def test_a_billing_user(self):
        self.authenticate("tier_user", "tier_user")
        values = {"wallet_id": self.customer.id, "operation": "allocate", "amount": 5}
        operation = self.call("tier.wallet.operation", "create", values)
        self.call("tier.wallet.operation", "action_apply", [operation])
        self.call("tier.wallet.operation", "action_apply", [operation])
        self.env.invalidate_all()
        self.assertBalances(self.customer, 25, self.dealer, 25)
        with self.assertNothingMoves():
            adjust = self.call("tier.wallet.operation", "create", {**values, "operation": "adjust", "reason": "x"})
            self.assertRefused("tier.wallet.operation", "action_apply", [adjust])
            self.assertRefused("tier.wallet", "write", self.customer.ids, {"max_concurrent_calls": 9})
            self.assertRefused("tier.wallet", "write", self.customer.ids, {"account_id": self.provider.account_id.id})
            self.assertRefused("tier.wallet", "unlink", self.sibling.ids)
            self.assertRefused("tier.wallet", "_topup", self.customer.ids, 100, "rpc:evil")
            self.assertRefused("tier.account", "write", self.customer.account_id.ids, {"credit_limit": 1000})
            self.assertRefused("tier.account", "write", self.customer.account_id.ids, {"unlimited": True})

    def test_a_manager(self):
        """Sets limits, and still moves no money past the ledger."""
        self.authenticate("tier_manager", "tier_manager")
        self.call("tier.wallet", "write", self.customer.ids, {"payment_mode": "postpaid", "credit_limit": 10})
        self.env.invalidate_all()
        self.assertEqual(self.customer.available, 30)
        with self.assertNothingMoves():
            self.assertRefused("tier.account", "write", self.customer.account_id.ids, {"unlimited": True})
            self.assertRefused("tier.wallet", "write", self.customer.ids, {"account_id": self.provider.account_id.id})
            self.assertRefused("tier.transfer", "create", {"kind": "topup", "amount": 100}, error="UserError")
            self.assertRefused("tier.transfer", "unlink", self.transfer("rpc:dealer").ids, error="UserError")

    def test_nobody_approves_their_own(self):
        """What is above the company's limit takes two managers, whatever a client sends."""
        self.company.tier_approval_limit = 10
        self.authenticate("tier_manager", "tier_manager")
        values = {"wallet_id": self.customer.id, "operation": "topup", "amount": 50}
        operation = self.call("tier.wallet.operation", "create", values)
        request = self.call("tier.wallet.operation", "action_apply", [operation])["res_id"]
        with self.assertNothingMoves():
            self.assertRefused("tier.allocation.request", "action_approve", [request])
            self.assertRefused("tier.allocation.request", "write", [request], {"requested_by_id": 1})
            self.assertRefused("tier.allocation.request", "create", {"operation": "topup"})
            self.assertRefused("tier.allocation.request", "_execute", [request])
            self.assertRefused("tier.wallet", "_distribute", [])
            self.assertRefused("tier.wallet", "_move_below", self.customer.ids, self.reseller.id, "rpc:evil", "x")
            self.authenticate("tier_user", "tier_user")
            self.assertRefused("tier.allocation.request", "action_approve", [request])
            self.authenticate("rpc_dealer", "rpc_dealer")
            self.assertRefused("tier.allocation.request", "action_approve", [request])
            self.assertRefused("tier.allocation.request", "read", [request], ["total"])
