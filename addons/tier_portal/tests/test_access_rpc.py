from odoo.tests import HttpCase, tagged
from odoo.tests.common import JsonRpcException
from odoo.tools import mute_logger

from odoo.addons.tier_portal.tests.common import ChainMixin, closed_models
from odoo.addons.tier_portal.tests.test_access_matrix import WALLETS

DENIED = "odoo.exceptions.AccessError"
# The ledger refuses whoever asks before Odoo looks who it is.
REFUSED = (DENIED, "odoo.exceptions.UserError")


@tagged("post_install", "-at_install")
class TestAccessRpc(ChainMixin, HttpCase):
    """What portal users can do with the web client's own calls."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._set_up_chain()

    def _call_kw(self, model, method, *args, **kwargs):
        return self.make_jsonrpc_request(
            f"/web/dataset/call_kw/{model}/{method}",
            {"model": model, "method": method, "args": list(args), "kwargs": kwargs},
        )

    def _login(self, role):
        self.authenticate(f"portal_{role}", f"portal_{role}")

    def _assert_refused(self, model, method, *args, **kwargs):
        with mute_logger("odoo.http"), self.assertRaises(JsonRpcException) as caught:
            self._call_kw(model, method, *args, **kwargs)
        self.assertIn(caught.exception.args[0], REFUSED, (model, method))

    def _assert_denied(self, model, method, *args, **kwargs):
        with mute_logger("odoo.http"), self.assertRaises(JsonRpcException) as caught:
            self._call_kw(model, method, *args, **kwargs)
        self.assertEqual(caught.exception.args[0], DENIED, (model, method))

    def test_wallets_are_read_by_role(self):
        names = ("provider", "reseller", "stranger", "dealer", "sibling", "user")
        for role, visible in WALLETS.items():
            self._login(role)
            found = self._call_kw("tier.wallet", "search_read", [], ["id", "balance"])
            expected = {getattr(self, name).id for name in visible}
            self.assertEqual({row["id"] for row in found}, expected)
            for name in names:
                wallet_id = getattr(self, name).id
                with self.subTest(role=role, wallet=name):
                    if name in visible:
                        [row] = self._call_kw("tier.wallet", "read", [wallet_id], ["balance"])
                        self.assertEqual(row["id"], wallet_id)
                    else:
                        self._assert_denied("tier.wallet", "read", [wallet_id], ["balance"])

    def test_closed_models_are_closed(self):
        self._login("reseller")
        for model in closed_models(self.env):
            with self.subTest(model=model):
                self._assert_denied(model, "search_read", [], ["id"])
                self._assert_denied(model, "read", [1], ["id"])
                self._assert_denied(model, "web_search_read", [], {"id": {}})
                self._assert_refused(model, "create", [{}])
                # A form that is not saved computes too.
                self._assert_denied(model, "onchange", [], {}, [], {"display_name": {}})

    def test_public_is_refused(self):
        with mute_logger("odoo.http"), self.assertRaises(JsonRpcException) as caught:
            self._call_kw("tier.wallet", "search_read", [], ["id"])
        self.assertEqual(caught.exception.args[0], "odoo.http.SessionExpiredException")

    def test_nothing_is_written(self):
        self._login("reseller")
        charge = self.env["tier.charge"].search([("wallet_id", "=", self.reseller.id)], limit=1)
        transfer = self.env["tier.transfer"].search([("to_wallet_id", "=", self.reseller.id)], limit=1)
        for record, values in (
            (self.reseller, {"credit_limit": 1000}),
            (self.reseller, {"payment_mode": "postpaid"}),
            (self.reseller, {"partner_id": self.users["stranger"].partner_id.id}),
            (self.dealer, {"state": "suspended"}),
            (self.dealer, {"active": False}),
            (transfer, {"amount": 0}),
            (charge, {"cost": 0}),
        ):
            with self.subTest(record=record, values=values):
                self._assert_refused(record._name, "write", record.ids, values)
                self._assert_refused(record._name, "web_save", record.ids, values, {"id": {}})
                self._assert_refused(record._name, "unlink", record.ids)
                self._assert_refused(record._name, "create", [values])
                self._assert_refused(record._name, "onchange", [], values, [], {"id": {}})
        self._assert_refused("tier.wallet", "copy", self.dealer.ids)
        self._assert_refused("tier.wallet", "action_archive", self.dealer.ids)
        self._assert_refused("tier.wallet", "message_post", self.dealer.ids, body="<p>from a customer</p>")

    def test_no_method_moves_money(self):
        self._login("reseller")
        before = self.reseller.balance, self.dealer.balance
        for method, args in (
            ("_topup", ["1000", "stolen"]),
            ("_withdraw", ["1", "stolen"]),
            ("_allocate", ["1", "stolen"]),
            ("_reclaim", ["1", "stolen"]),
            ("_adjust", ["1", "stolen", "why not"]),
            ("_portal_figures", []),
            ("_portal_customers", []),
        ):
            with self.subTest(method=method):
                self._assert_refused("tier.wallet", method, self.reseller.ids, *args)
        for model, method, args in (
            ("tier.transfer", "_post", [[]]),
            ("tier.usage.event", "_charge", [[]]),
            ("tier.usage.event", "_retry", [[1]]),
            ("tier.usage.event", "action_retry", [[1]]),
            ("tier.session", "_authorize", [[]]),
            ("tier.hold", "_expire", []),
            ("tier.hold", "action_release", [[1]]),
            ("tier.usage.import", "action_import", [[1]]),
            ("tier.wallet", "action_suspend", [self.dealer.ids]),
            ("tier.wallet", "action_activate", [self.dealer.ids]),
            ("tier.wallet.operation", "action_apply", [[1]]),
            ("tier.wallet.operation", "create", [[{"wallet_id": self.reseller.id, "amount": 1}]]),
            ("tier.wallet.operation", "default_get", [["source_key"]]),
        ):
            with self.subTest(model=model, method=method):
                if (model, method) == ("tier.wallet.operation", "default_get"):
                    # Only fresh defaults: without create they lead nowhere.
                    self._call_kw(model, method, *args)
                    continue
                self._assert_refused(model, method, *args)
        self.env.invalidate_all()
        self.assertEqual((self.reseller.balance, self.dealer.balance), before)
        self.assertEqual(self.dealer.state, "active")

    def test_links_lead_to_names_only(self):
        """Nested reads give the display name of what is not one's own, nothing more."""
        self._login("user")
        [row] = self._call_kw(
            "tier.wallet",
            "web_read",
            self.user.ids,
            {"parent_id": {"fields": {"display_name": {}}}, "currency_id": {}},
        )
        self.assertEqual(row["parent_id"]["id"], self.dealer.id)
        for model, record, specification in (
            ("tier.wallet", self.user, {"parent_id": {"fields": {"balance": {}}}}),
            ("tier.wallet", self.user, {"account_id": {"fields": {"balance": {}}}}),
        ):
            with self.subTest(specification=specification):
                try:
                    with mute_logger("odoo.http"):
                        [row] = self._call_kw(model, "web_read", record.ids, specification)
                except JsonRpcException as error:
                    self.assertEqual(error.args[0], DENIED)
                else:
                    self.assertFalse({"balance"} & set(next(iter(row.values())) or ()), row)

    def test_groups_count_own_rows_only(self):
        self._login("reseller")
        [row] = self._call_kw("tier.charge", "formatted_read_group", [], [], ["margin:sum", "__count"])
        self.assertEqual(row["__count"], 5)
        self.assertAlmostEqual(row["margin:sum"], 0.80)
        self._assert_denied("tier.wallet", "formatted_read_group", [], ["account_id.balance"], ["__count"])

    def test_notes_of_the_staff_stay_with_the_staff(self):
        self.dealer.message_post(body="Pays late", subtype_xmlid="mail.mt_note")
        self.dealer._adjust("-1", "chain:adjust", "Goodwill withdrawn")
        for role in ("dealer", "reseller"):
            self._login(role)
            [row] = self._call_kw("tier.wallet", "read", self.dealer.ids, ["message_ids"])
            self.assertEqual(row["message_ids"], [])
            found = self._call_kw(
                "mail.message",
                "search_read",
                [("model", "=", "tier.wallet"), ("res_id", "=", self.dealer.id)],
                ["body"],
            )
            self.assertEqual(found, [])
