from lxml import html

from odoo import Command, http
from odoo.exceptions import AccessError
from odoo.tests import HttpCase, TransactionCase, tagged
from odoo.tests.common import JsonRpcException
from odoo.tools import mute_logger

from odoo.addons.tier_portal.tests.common import ChainMixin
from odoo.addons.tier_rating.charging.refund import refund

NO_ID = 2**31 - 1
OWNERS = ("reseller", "stranger", "dealer", "sibling", "user")


class DisputeMixin(ChainMixin):
    """The chain with its calls, and one open dispute of the user, the dealer and the sibling each."""

    @classmethod
    def _set_up_disputes(cls):
        cls._set_up_chain()
        cls.disputes = {
            "user": cls._dispute(cls.user, "4930111111"),
            "dealer": cls._dispute(cls.dealer, "4930222222"),
            "sibling": cls._dispute(cls.sibling, "4930333333"),
        }
        cls.env.flush_all()

    @classmethod
    def _charge_of(cls, wallet, number):
        return cls.env["tier.charge"].search(
            [("wallet_id", "=", wallet.id), ("number", "=", number), ("reverses_id", "=", False)]
        )

    @classmethod
    def _dispute(cls, wallet, number):
        return cls.env["tier.dispute"].create(
            {
                "wallet_id": wallet.id,
                "reason": f"Dead line to {number}",
                "line_ids": [Command.create({"charge_id": cls._charge_of(wallet, number).id})],
            }
        )


@tagged("post_install", "-at_install")
class TestDisputeAccess(DisputeMixin, TransactionCase):
    """Own disputes, and nobody else's: not a sibling's, not the parent's, not the customer's."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._set_up_disputes()

    def test_each_role_reads_its_own(self):
        for role in OWNERS:
            own = self.disputes.get(role, self.env["tier.dispute"])
            with self.subTest(role=role):
                for model, expected in (("tier.dispute", own), ("tier.dispute.line", own.line_ids)):
                    found = self.env[model].with_user(self.users[role]).search([])
                    self.assertEqual(found.sudo(), expected)
                for owner, dispute in self.disputes.items():
                    for records in (dispute, dispute.line_ids):
                        readable = records.with_user(self.users[role]).has_access("read")
                        self.assertEqual(readable, owner == role, (role, owner, records._name))

    def test_portal_users_change_nothing(self):
        for role, user in self.users.items():
            for model in ("tier.dispute", "tier.dispute.line"):
                for operation in ("write", "create", "unlink"):
                    with self.subTest(role=role, model=model, operation=operation):
                        self.assertFalse(self.env[model].with_user(user).has_access(operation))
        dispute = self.disputes["user"].with_user(self.users["user"])
        for method in ("action_review", "action_accept", "action_reject", "action_reopen"):
            with self.subTest(method), self.assertRaises(AccessError):
                getattr(dispute, method)()
        self.assertEqual(self.disputes["user"].state, "new")

    def test_the_event_stays_with_the_staff(self):
        line = self.disputes["user"].line_ids.with_user(self.users["user"])
        self.assertEqual((line.number, line.amount), ("4930111111", 3))
        with self.assertRaises(AccessError):
            line.read(["event_id"])
        with self.assertRaises(AccessError):
            line.search([("charge_id.event_id.charge_ids.cost", ">", 0)])

    def test_contesting_somebody_elses_charge(self):
        for role, wallet, number in (
            ("user", self.dealer, "49301234567"),
            ("reseller", self.dealer, "49301234567"),
            ("sibling", self.user, "49301234567"),
        ):
            with self.subTest(role=role), self.assertRaises(AccessError):
                self._charge_of(wallet, number).with_user(self.users[role])._contest("mine")

    def test_notes_and_followers(self):
        """What staff notes is not for the customer; what it answers is."""
        dispute = self.disputes["user"]
        dispute.message_post(body="Calls often", subtype_xmlid="mail.mt_note")
        dispute.message_post(body="We look at it", subtype_xmlid="mail.mt_comment")
        seen = (
            self.env["mail.message"]
            .with_user(self.users["user"])
            .search([("model", "=", "tier.dispute"), ("res_id", "=", dispute.id)])
        )
        self.assertEqual([str(body) for body in seen.mapped("body")], ["<p>We look at it</p>"])
        for role in ("dealer", "sibling"):
            found = (
                self.env["mail.message"]
                .with_user(self.users[role])
                .search([("model", "=", "tier.dispute"), ("res_id", "=", dispute.id)])
            )
            self.assertFalse(found, role)

    def test_figures_after_a_refund(self):
        """A refund is no call; its money is in every sum."""
        dealer = self.dealer.with_user(self.users["dealer"])
        before = dealer._portal_sales(dealer._portal_month())[self.user.id]
        refund(self.env, self._charge_of(self.user, "4930111111").event_id.ids, "outage")
        self.env.invalidate_all()
        after = dealer._portal_sales(dealer._portal_month())[self.user.id]
        self.assertEqual((after["calls"], after["attempts"]), (before["calls"], before["attempts"]))
        self.assertAlmostEqual(before["sale"] - after["sale"], 3)
        self.assertAlmostEqual(before["margin"] - after["margin"], 0.6)
        user = self.user.with_user(self.users["user"])
        figures = user._portal_figures()[self.user.id]
        self.assertEqual((figures["calls"], figures["spent"], figures["balance"]), (2, 1, 9))


@tagged("post_install", "-at_install")
class TestDisputePages(DisputeMixin, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._set_up_disputes()

    def _login(self, role):
        self.authenticate(f"portal_{role}", f"portal_{role}")

    def _main(self, response):
        self.assertEqual(response.status_code, 200)
        tree = html.fromstring(response.text).xpath("//main")[0]
        return " ".join(tree.text_content().split()), tree

    def _assert_sent_home(self, response, path):
        self.assertEqual(response.status_code, 303, path)
        self.assertEqual(response.headers["Location"].split("://")[-1].split("/", 1)[-1], "my", path)

    def _contest(self, wallet, charge, reason="The line was dead"):
        return self.url_open(
            f"/my/wallets/{wallet.id}/calls/{charge.id}/contest",
            data={"csrf_token": http.Request.csrf_token(self), "reason": reason},
            allow_redirects=False,
        )

    def test_a_customer_contests_a_call(self):
        """From the list of calls to the dispute, its decision and what comes back."""
        self._login("user")
        charge = self._charge_of(self.user, "49301234567")
        base = f"/my/wallets/{self.user.id}"
        _text, tree = self._main(self.url_open(f"{base}/calls"))
        self.assertTrue(tree.xpath(f"//a[@href='{base}/calls/{charge.id}']"))
        text, tree = self._main(self.url_open(f"{base}/calls/{charge.id}"))
        self.assertIn("Contest this charge", text)
        self.assertTrue(tree.xpath(f"//form[@action='{base}/calls/{charge.id}/contest']"))
        response = self._contest(self.user, charge)
        dispute = self.env["tier.dispute"].search([("line_ids.charge_id", "=", charge.id)])
        self.assertEqual(response.status_code, 303)
        self.assertTrue(response.headers["Location"].endswith(f"{base}/disputes/{dispute.id}"))
        self.assertEqual((dispute.wallet_id, dispute.reason, dispute.amount), (self.user, "The line was dead", 1))
        self.assertEqual(dispute.create_uid, self.users["user"])
        text, _tree = self._main(self.url_open(f"{base}/disputes/{dispute.id}"))
        self.assertIn("Your provider looks at it", text)
        dispute.answer = "You are right."
        text, _tree = self._main(self.url_open(f"{base}/disputes/{dispute.id}"))
        self.assertNotIn("You are right.", text, "not before it is decided")
        dispute.action_accept()
        text, _tree = self._main(self.url_open(f"{base}/disputes/{dispute.id}"))
        self.assertIn("is back in your wallet", text)
        self.assertIn("You are right.", text)
        text, _tree = self._main(self.url_open(f"{base}/disputes"))
        self.assertIn("Accepted", text)
        self.assertNotIn(self.disputes["dealer"].name, text)
        text, tree = self._main(self.url_open(f"{base}/calls"))
        self.assertIn("Refunded", text)
        back = charge.search([("reverses_id", "=", charge.id)])
        text, _tree = self._main(self.url_open(f"{base}/calls/{back.id}"))
        self.assertNotIn("Contest this charge", text)

    def test_a_double_submit_gives_one_dispute(self):
        self._login("user")
        charge = self._charge_of(self.user, "49301234567")
        places = {self._contest(self.user, charge).headers["Location"] for _ in range(3)}
        self.assertEqual(len(places), 1)
        self.assertEqual(self.env["tier.dispute"].search_count([("line_ids.charge_id", "=", charge.id)]), 1)

    def test_a_reseller_contests_its_own_charge(self):
        self._login("dealer")
        charge = self._charge_of(self.dealer, "49301234567")
        text, _tree = self._main(self.url_open(f"/my/wallets/{self.dealer.id}/calls/{charge.id}"))
        self.assertIn("Chain user", text)
        self._contest(self.dealer, charge)
        dispute = self.env["tier.dispute"].search([("line_ids.charge_id", "=", charge.id)])
        self.assertAlmostEqual(dispute.amount, 0.8)
        # Its customer contests the same call meanwhile, and learns nothing of whose dispute that is.
        self._login("user")
        text, _tree = self._main(self._contest(self.user, self._charge_of(self.user, "49301234567")))
        self.assertIn("is being looked at in a dispute already", text)
        self.assertNotIn(dispute.name, text)

    def test_what_cannot_be_contested(self):
        self._login("user")
        free = self._charge_of(self.user, "49301239999")
        text, _tree = self._main(self.url_open(f"/my/wallets/{self.user.id}/calls/{free.id}"))
        self.assertNotIn("Contest this charge", text)
        text, _tree = self._main(self._contest(self.user, free))
        self.assertIn("Nothing was paid", text)
        charge = self._charge_of(self.user, "49301234567")
        for reason in ("", "   "):
            text, _tree = self._main(self._contest(self.user, charge, reason))
            self.assertIn("Tell what is wrong", text)
        self._contest(self.user, charge, "<script>alert(1)</script>" + "x" * 5000)
        dispute = self.env["tier.dispute"].search([("line_ids.charge_id", "=", charge.id)])
        self.assertEqual(len(dispute.reason), 2000)
        response = self.url_open(f"/my/wallets/{self.user.id}/disputes/{dispute.id}")
        self.assertNotIn("<script>alert(1)", response.text)
        dispute.answer = "No"
        dispute.action_reject()
        text, _tree = self._main(self._contest(self.user, charge, "again"))
        self.assertIn(f"decided on in dispute {dispute.name}", text)

    def test_hostile_ids(self):
        for role in OWNERS:
            self._login(role)
            mine = getattr(self, role)
            for owner in (*OWNERS, "provider"):
                wallet = getattr(self, owner)
                if owner == role:
                    continue
                foreign = [f"/my/wallets/{wallet.id}/disputes"]
                for charge in self.env["tier.charge"].search([("wallet_id", "=", wallet.id)], limit=2):
                    foreign += [f"/my/wallets/{w.id}/calls/{charge.id}" for w in (wallet, mine)]
                    for w in (wallet, mine):
                        with self.subTest(role=role, owner=owner, charge=charge.id):
                            self._assert_sent_home(self._contest(w, charge), charge)
                if owner in self.disputes:
                    dispute = self.disputes[owner]
                    foreign += [f"/my/wallets/{w.id}/disputes/{dispute.id}" for w in (wallet, mine)]
                for path in foreign:
                    with self.subTest(role=role, path=path):
                        self._assert_sent_home(self.url_open(path, allow_redirects=False), path)
            for path in (f"calls/{NO_ID}", f"disputes/{NO_ID}", "disputes/0", "calls/0"):
                path = f"/my/wallets/{mine.id}/{path}"
                self._assert_sent_home(self.url_open(path, allow_redirects=False), path)
        self.assertEqual(
            self.env["tier.dispute"].search_count(
                [("wallet_id", "in", [getattr(self, owner).id for owner in (*OWNERS, "provider")])]
            ),
            3,
        )

    def test_without_the_token_of_the_form(self):
        self._login("user")
        charge = self._charge_of(self.user, "49301234567")
        with mute_logger("odoo.http"):
            response = self.url_open(
                f"/my/wallets/{self.user.id}/calls/{charge.id}/contest", data={"reason": "no token"}
            )
        self.assertEqual(response.status_code, 400)
        self.assertEqual(self.url_open(f"/my/wallets/{self.user.id}/calls/{charge.id}/contest").status_code, 405)
        self.assertFalse(self.env["tier.dispute"].search([("line_ids.charge_id", "=", charge.id)]))

    # ------------------------------------------------------------------
    # The web client's own calls
    # ------------------------------------------------------------------

    def _call_kw(self, model, method, *args, **kwargs):
        return self.make_jsonrpc_request(
            f"/web/dataset/call_kw/{model}/{method}",
            {"model": model, "method": method, "args": list(args), "kwargs": kwargs},
        )

    def _assert_refused(self, model, method, *args):
        with mute_logger("odoo.http"), self.assertRaises(JsonRpcException) as caught:
            self._call_kw(model, method, *args)
        self.assertIn(caught.exception.args[0], ("odoo.exceptions.AccessError", "odoo.exceptions.UserError"))

    def test_rpc(self):
        own, other = self.disputes["user"], self.disputes["sibling"]
        self._login("user")
        found = self._call_kw("tier.dispute", "search_read", [], ["id"])
        self.assertEqual([row["id"] for row in found], own.ids)
        self._assert_refused("tier.dispute", "read", other.ids, ["amount"])
        self._assert_refused("tier.dispute.line", "read", other.line_ids.ids, ["amount"])
        charge = self._charge_of(self.user, "49301234567")
        for method, args in (
            ("action_review", []),
            ("action_accept", []),
            ("action_reject", []),
            ("action_reopen", []),
            ("_move", [{"state": "accepted"}]),
            ("_decide", ["accepted"]),
            ("write", [{"state": "accepted"}]),
            ("write", [{"reason": "another"}]),
            ("unlink", []),
        ):
            with self.subTest(method=method, args=args):
                self._assert_refused("tier.dispute", method, own.ids, *args)
        values = {"wallet_id": self.user.id, "reason": "x", "line_ids": [[0, 0, {"charge_id": charge.id}]]}
        self._assert_refused("tier.dispute", "create", [values])
        self._assert_refused("tier.dispute.line", "create", [{"dispute_id": own.id, "charge_id": charge.id}])
        self._assert_refused("tier.charge", "_contest", charge.ids, "x")
        self._assert_refused("tier.charge", "action_contest", charge.ids)
        self._assert_refused("tier.usage.event", "_refund", [charge.event_id.id], "x")
        self._assert_refused("tier.usage.refund", "create", [{"reason": "x"}])
        self._assert_refused("tier.dispute", "message_post", other.ids)

    def test_the_conversation(self):
        """The customer answers on its own dispute, and on nobody else's."""
        own, other = self.disputes["user"], self.disputes["sibling"]
        self._login("user")
        post = {"body": "Listen to the record", "message_type": "comment", "subtype_xmlid": "mail.mt_comment"}
        self.make_jsonrpc_request(
            "/mail/message/post", {"thread_model": "tier.dispute", "thread_id": own.id, "post_data": post}
        )
        message = own.message_ids[0]
        self.assertIn("Listen to the record", message.body)
        self.assertEqual(message.author_id, self.users["user"].partner_id)
        with mute_logger("odoo.http"), self.assertRaises(JsonRpcException):
            self.make_jsonrpc_request(
                "/mail/message/post", {"thread_model": "tier.dispute", "thread_id": other.id, "post_data": post}
            )

    def test_staff(self):
        """Billing users contest for a customer who telephones; auditors do not, nor do they write to it."""
        charge = self._charge_of(self.user, "49301234567")
        for group, may in (("auditor", False), ("user", True)):
            login = f"staff_{group}"
            self.env["res.users"].with_context(no_reset_password=True).create(
                {
                    "name": login,
                    "login": login,
                    "password": login,
                    "group_ids": [Command.set([self.env.ref(f"tier_billing.group_tier_{group}").id])],
                }
            )
            self.authenticate(login, login)
            if not may:
                self._assert_sent_home(self._contest(self.user, charge), group)
                self._assert_refused("tier.dispute", "action_accept", self.disputes["user"].ids)
                self._assert_refused("tier.dispute", "message_post", self.disputes["user"].ids)
                self._assert_refused("tier.dispute", "create", [{"wallet_id": self.user.id, "reason": "x"}])
                continue
            self._contest(self.user, charge)
            dispute = self.env["tier.dispute"].search([("line_ids.charge_id", "=", charge.id)])
            self._call_kw("tier.dispute", "action_accept", dispute.ids)
            self.assertEqual(dispute.state, "accepted")
            self._assert_refused("tier.dispute", "write", dispute.ids, {"state": "new"})
            self._assert_refused("tier.dispute", "unlink", dispute.ids)
