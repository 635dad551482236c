from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import HttpCase, freeze_time, tagged
from odoo.tests.common import JsonRpcException
from odoo.tools import mute_logger

from .common import RatingBuilder, TierRatingCase
from .test_dispute import DisputeBuilder

# What each member of staff may do: read, write, create, unlink.
RIGHTS = {
    "tier.dispute": {"none": "", "auditor": "r", "user": "rwc", "manager": "rwc"},
    "tier.dispute.line": {"none": "", "auditor": "r", "user": "rcu", "manager": "rcu"},
    "tier.usage.refund": {"none": "", "auditor": "", "user": "rwcu", "manager": "rwcu"},
}
OPERATIONS = {"r": "read", "w": "write", "c": "create", "u": "unlink"}


@freeze_time("2026-11-25")
@tagged("post_install", "-at_install")
class TestDisputeRights(DisputeBuilder, TierRatingCase):
    """Who of the staff reads, contests and decides."""

    def setUp(self):
        super().setUp()
        self.build()

    def test_matrix(self):
        users = {role: self.staff(role) for role in ("none", "auditor", "user", "manager")}
        for model, rights in RIGHTS.items():
            for role, letters in rights.items():
                user = users[role]
                for letter, operation in OPERATIONS.items():
                    with self.subTest(model=model, role=role, operation=operation):
                        self.assertEqual(self.env[model].with_user(user).has_access(operation), letter in letters)

    def test_only_billing_users_decide(self):
        dispute = self.dispute()
        for role in ("none", "auditor"):
            user = self.staff(role)
            for method in ("action_review", "action_accept", "action_reject", "action_reopen"):
                with self.subTest(role=role, method=method), self.assertRaises(AccessError):
                    getattr(dispute.with_user(user), method)()
        self.assertEqual((dispute.state, self.event("k:1").state), ("new", "charged"))
        dispute.with_user(self.staff("manager")).action_accept()
        self.assertEqual(self.event("k:1").state, "refunded")

    def test_an_auditor_writes_to_no_customer(self):
        dispute = self.dispute()
        with self.assertRaises(AccessError):
            dispute.with_user(self.staff("auditor")).message_post(body="Hello", subtype_xmlid="mail.mt_comment")
        dispute.with_user(self.staff("user")).message_post(body="Hello", subtype_xmlid="mail.mt_comment")

    def test_another_company(self):
        dispute = self.dispute()
        other = self.env["res.company"].create({"name": "Elsewhere"})
        user = self.staff("user")
        user.write({"company_ids": [Command.set(other.ids)], "company_id": other.id})
        for records in (dispute, dispute.line_ids):
            self.assertFalse(records.with_user(user).search([]))
            self.assertFalse(records.with_user(user).has_access("read"))
        with self.assertRaises(AccessError):
            dispute.with_user(user).action_accept()


@freeze_time("2026-11-25")
@tagged("post_install", "-at_install")
class TestDisputeRpc(DisputeBuilder, RatingBuilder, HttpCase):
    """The same over the web client's own calls."""

    def setUp(self):
        super().setUp()
        self.build()
        self.contested = self.dispute()

    def _call_kw(self, model, method, *args):
        return self.make_jsonrpc_request(
            f"/web/dataset/call_kw/{model}/{method}",
            {"model": model, "method": method, "args": list(args), "kwargs": {}},
        )

    def _assert_refused(self, model, method, *args):
        with mute_logger("odoo.http"), self.assertRaises(JsonRpcException) as caught:
            self._call_kw(model, method, *args)
        self.assertIn(caught.exception.args[0], ("odoo.exceptions.AccessError", "odoo.exceptions.UserError"))

    def test_staff(self):
        ids = self.contested.ids
        values = {"wallet_id": self.user.id, "reason": "x", "line_ids": [[0, 0, {"charge_id": self.share("k:2").id}]]}
        for role in ("none", "auditor"):
            self.staff(role)
            self.authenticate(f"tier_{role}", f"tier_{role}")
            for method, *args in (
                ("action_review", ids),
                ("action_accept", ids),
                ("action_reject", ids),
                ("write", ids, {"answer": "x"}),
                ("create", [values]),
                ("unlink", ids),
                ("message_post", ids),
            ):
                with self.subTest(role=role, method=method):
                    self._assert_refused("tier.dispute", method, *args)
            self._assert_refused("tier.usage.refund", "create", [{"reason": "x"}])
            self._assert_refused("tier.usage.event", "_refund", self.event("k:1").ids, "x")
        self.staff("user")
        self.authenticate("tier_user", "tier_user")
        for vals in ({"state": "accepted"}, {"decided_by_id": 1}, {"wallet_id": self.dealer.id}):
            self._assert_refused("tier.dispute", "write", ids, vals)
            self._assert_refused("tier.dispute", "web_save", ids, vals, {"id": {}})
        self._assert_refused("tier.dispute", "_move", ids, {"state": "accepted"})
        self._assert_refused("tier.dispute", "create", [{**values, "state": "accepted"}])
        self._assert_refused("tier.dispute.line", "write", self.contested.line_ids.ids, {"amount": 100})
        self._assert_refused("tier.dispute", "unlink", ids)
        [second] = self._call_kw("tier.dispute", "create", [values])
        self._call_kw("tier.dispute", "write", [second], {"answer": "No"})
        self._call_kw("tier.dispute", "action_reject", [second])
        self._call_kw("tier.dispute", "action_accept", ids)
        self.env.invalidate_all()
        self.assertEqual(self.env["tier.dispute"].browse([second, *ids]).mapped("state"), ["rejected", "accepted"])
        self.assertEqual((self.event("k:1").state, self.event("k:2").state), ("refunded", "charged"))
