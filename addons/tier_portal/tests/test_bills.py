from datetime import timedelta

from lxml import html

from odoo import http
from odoo.exceptions import AccessError
from odoo.tests import HttpCase, TransactionCase, tagged
from odoo.tests.common import JsonRpcException
from odoo.tools import mute_logger

from odoo.addons.tier_portal.tests.common import BILLS, ChainMixin

NO_ID = 2**31 - 1
OWNERS = ("reseller", "stranger", "dealer", "sibling", "user")
STEPS = ("issue", "refresh", "cancel", "send", "delete", "change")
# Who reads which bill: the reseller of each, and its customer once it is issued.
READERS = {
    "dealer's draft": {"dealer"},
    "dealer's": {"dealer", "user"},
    "reseller's": {"reseller", "dealer"},
    "to the sibling": {"reseller", "sibling"},
}


class BillsMixin(ChainMixin):
    @classmethod
    def _set_up_bills(cls):
        cls._set_up_chain()
        cls.first = (cls.month + timedelta(hours=20)).date().replace(day=1)
        cls.last = cls.first + timedelta(days=27)
        cls.bills = {
            "dealer's": cls._bill(cls.dealer, cls.user),
            "reseller's": cls._bill(cls.reseller, cls.dealer),
            "to the sibling": cls._bill(cls.reseller, cls.sibling, tax_name="VAT", tax_percent=19),
        }
        for bill in cls.bills.values():
            bill.action_issue()
        cls.bills["dealer's draft"] = cls._bill(cls.dealer, cls.user, kind="statement")
        cls.env.flush_all()
        cls.env.invalidate_all()

    @classmethod
    def _bill(cls, wallet, child, **values):
        return cls.env["tier.bill"].create(
            {
                "wallet_id": wallet.id,
                "child_id": child.id,
                "date_from": cls.first,
                "date_to": cls.last,
                **values,
            }
        )


@tagged("post_install", "-at_install")
class TestBillAccess(BillsMixin, TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._set_up_bills()

    def test_who_reads_which(self):
        for role in OWNERS:
            user = self.users[role]
            allowed = self.env["tier.bill"].union(*(bill for name, bill in self.bills.items() if role in READERS[name]))
            with self.subTest(role=role):
                self.assertEqual(self.env["tier.bill"].with_user(user).search([]).sudo(), allowed.sorted("id", True))
                lines = self.env["tier.bill.line"].with_user(user).search([])
                self.assertEqual(lines.bill_id.sudo(), allowed.sorted("id", True) & lines.sudo().bill_id)
                self.assertEqual(set(lines.sudo().ids), set(allowed.line_ids.ids))
                for name, bill in self.bills.items():
                    self.assertEqual(bill.with_user(user).has_access("read"), role in READERS[name], name)

    def test_nobody_writes_past_the_buttons(self):
        for role, user in self.users.items():
            for model in BILLS:
                for operation in ("write", "create", "unlink"):
                    with self.subTest(role=role, model=model, operation=operation):
                        self.assertFalse(self.env[model].with_user(user).has_access(operation))
            for name, bill in self.bills.items():
                for method in ("action_issue", "action_refresh", "action_cancel", "action_send"):
                    with self.subTest(role=role, bill=name, method=method), self.assertRaises(AccessError):
                        getattr(bill.with_user(user), method)()

    def test_a_reseller_acts_on_its_own_only(self):
        for name, bill in self.bills.items():
            for role in OWNERS:
                if bill.wallet_id == getattr(self, role):
                    continue
                for step in STEPS:
                    args = [{"note": "x"}] if step == "change" else ["x"] if step == "cancel" else []
                    with self.subTest(bill=name, role=role, step=step), self.assertRaises(AccessError):
                        bill.with_user(self.users[role])._portal_do(step, *args)
        for role in ("user", "reseller", "stranger"):
            with self.subTest(role), self.assertRaises(AccessError):
                self.env["tier.bill"].with_user(self.users[role])._portal_create(
                    self.dealer, {"child_id": self.user.id, "date_from": self.first, "date_to": self.last}
                )

    def test_a_reseller_sets_no_figures(self):
        dealer = self.users["dealer"]
        bill = (
            self.env["tier.bill"]
            .with_user(dealer)
            ._portal_create(
                self.dealer.with_user(dealer),
                {
                    "child_id": self.user.id,
                    "kind": "statement",
                    "date_from": self.first,
                    "date_to": self.last,
                    "amount_total": 1000,
                    "state": "issued",
                    "wallet_id": self.reseller.id,
                },
            )
        )
        self.assertEqual((bill.state, bill.amount_total, bill.sudo().wallet_id), ("draft", 4, self.dealer))

    def test_figures_of_the_seller_are_no_part_of_it(self):
        """What the dealer paid for it, and earned, stands nowhere on what the user reads."""
        bill = self.bills["dealer's"].with_user(self.users["user"])
        values = str(bill.read()) + str(bill.line_ids.read())
        self.assertIn("4.0", values)
        for secret in ("3.2", "0.8", "1.6"):
            self.assertNotIn(secret, values)
        with self.assertRaises(AccessError):
            bill.search([("wallet_id.price_list_id", "!=", False)])


@tagged("post_install", "-at_install")
class TestBillPages(BillsMixin, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._set_up_bills()

    def _login(self, role):
        self.authenticate(f"portal_{role}", f"portal_{role}")

    def _post(self, path, **data):
        data["csrf_token"] = http.Request.csrf_token(self)
        return self.url_open(path, data=data, allow_redirects=False)

    def _path(self, wallet, bill=None):
        return f"/my/wallets/{wallet.id}/bills" + (f"/{bill.id}" if bill else "")

    def _numbers(self, path):
        tree = html.fromstring(self.url_open(path).text)
        return [
            " ".join(row.xpath("./td")[0].text_content().split())
            for row in tree.xpath("//tr[contains(@class, 'o_tier_bill') and not(contains(@class, 'o_tier_bill_'))]")
        ]

    def test_every_role_reaches_its_own_pages_only(self):
        for role in OWNERS:
            self._login(role)
            for owner in OWNERS:
                wallet = getattr(self, owner)
                response = self.url_open(self._path(wallet), allow_redirects=False)
                self.assertEqual(response.status_code, 200 if role == owner else 303)
                for name, bill in self.bills.items():
                    allowed = role == owner and role in READERS[name]
                    for suffix in ("", "/pdf"):
                        with self.subTest(role=role, owner=owner, bill=name, suffix=suffix):
                            path = self._path(wallet, bill) + suffix
                            response = self.url_open(path, allow_redirects=False)
                            self.assertEqual(response.status_code, 200 if allowed else 303)
                            if not allowed:
                                self.assertTrue(response.headers["Location"].endswith("/my"))
            self.assertEqual(
                self.url_open(f"{self._path(getattr(self, role))}/{NO_ID}", allow_redirects=False).status_code, 303
            )

    def test_lists(self):
        self._login("dealer")
        self.assertEqual(self._numbers(self._path(self.dealer)), ["Draft Statement", "INV/00001 Invoice"])
        self.assertEqual(self._numbers(self._path(self.dealer) + "?side=received"), ["INV/00001 Invoice"])
        self._login("user")
        self.assertEqual(self._numbers(self._path(self.user) + "?side=given"), [])
        self.assertEqual(self._numbers(self._path(self.user)), ["INV/00001 Invoice"])

    def test_a_customer_has_no_buttons(self):
        self._login("user")
        text = self.url_open(self._path(self.user, self.bills["dealer's"])).text
        self.assertIn("INV/00001", text)
        self.assertNotIn("Cancel the bill", text)
        self.assertNotIn("Send by mail", text)
        path = self._path(self.user, self.bills["dealer's"])
        for step in STEPS:
            self._post(f"{path}/{step}", reason="x", note="x")
        self.assertEqual(self.bills["dealer's"].state, "issued")
        response = self.url_open(self._path(self.user) + "/new", allow_redirects=False)
        self.assertEqual(response.status_code, 303)

    def test_the_whole_way(self):
        self._call(self.user, 600, "4930555555", minutes=60)
        self._login("dealer")
        form = {"child_id": self.user.id, "date_from": self.first, "date_to": self.last}
        response = self._post(
            f"{self._path(self.dealer)}/new", **form, tax_name="VAT", tax_percent="19,0", note="Thanks"
        )
        self.assertEqual(response.status_code, 303)
        bill = self.env["tier.bill"].search([("wallet_id", "=", self.dealer.id)], limit=1)
        self.assertEqual((bill.amount_total, bill.tax_name, bill.note), (11.9, "VAT", "Thanks"))
        path = self._path(self.dealer, bill)
        self._post(f"{path}/change", **form, tax_percent="10", tax_included="on", kind="invoice")
        self.assertEqual((bill.amount_untaxed, bill.amount_tax, bill.amount_total), (9.09, 0.91, 10))
        self._post(f"{path}/refresh")
        self._post(f"{path}/issue")
        self._post(f"{path}/issue")
        self.assertEqual((bill.state, bill.name), ("issued", "INV/00002"))
        self.assertIn("it stays as it is", self._post(f"{path}/change", **form, note="More").text)
        self.assertIn(
            "it stays as it is", self._post(f"{path}/delete").text.replace("cancel it instead", "it stays as it is")
        )
        self.assertIn("has no mail address", self._post(f"{path}/send").text)
        self.user.partner_id.email = "user@example.com"
        self.assertEqual(self._post(f"{path}/send").status_code, 303)
        self.assertTrue(self.env["mail.mail"].search([("model", "=", "tier.bill"), ("res_id", "=", bill.id)]))
        self._post(f"{path}/cancel", reason="Wrong <b>address</b>")
        self.assertEqual((bill.state, bill.cancel_reason), ("cancelled", "Wrong <b>address</b>"))
        self.assertNotIn("<b>address", self.url_open(path).text)
        self._post(f"{self._path(self.dealer)}/new", **form)
        draft = self.env["tier.bill"].search([("wallet_id", "=", self.dealer.id)], limit=1)
        self.assertEqual((draft.amount_total, draft.tax_percent), (10, 0))
        self._post(f"{self._path(self.dealer, draft)}/delete")
        self.assertFalse(draft.exists())

    def test_all_customers_at_once(self):
        self._login("reseller")
        base = self._path(self.reseller)
        form = {"child_id": "all", "date_from": self.first, "date_to": self.last}
        # Both were billed already.
        self.assertTrue(self._post(f"{base}/new", **form).headers["Location"].endswith("made=0"))
        self._call(self.sibling, 60, "4930777777", minutes=70)
        self._call(self.user, 60, "4930777778", minutes=80)
        self.assertTrue(self._post(f"{base}/new", **form, tax_percent="10").headers["Location"].endswith("made=2"))
        drafts = self.env["tier.bill"].search([("wallet_id", "=", self.reseller.id), ("state", "=", "draft")])
        self.assertEqual(sorted(drafts.mapped("amount_total")), [0.88, 0.99])
        self.assertTrue(self._post(f"{base}/new", **form).headers["Location"].endswith("made=0"))
        self.assertIn("Issue all drafts (2)", " ".join(self.url_open(base).text.split()))
        self.assertTrue(self._post(f"{base}/all/issue").headers["Location"].endswith("issued=2"))
        self.assertEqual(sorted(drafts.mapped("name")), ["INV/00003", "INV/00004"])
        self.assertTrue(self._post(f"{base}/all/issue").headers["Location"].endswith("issued=0"))
        # Who has no address is left out.
        self.sibling.partner_id.email = "sibling@example.com"
        self.assertTrue(self._post(f"{base}/all/send").headers["Location"].endswith("sent=2"))
        self.assertTrue(self._post(f"{base}/all/send").headers["Location"].endswith("sent=0"))
        sent = self.env["tier.bill"].search([("wallet_id", "=", self.reseller.id), ("sent_on", "!=", False)])
        self.assertEqual(sent.child_id, self.sibling)
        for made in (2, 0):
            response = self._post(f"{base}/new", **form, kind="statement")
            self.assertTrue(response.headers["Location"].endswith(f"made={made}"))

    def test_nobody_else_does_it_for_all(self):
        for role in ("user", "reseller", "sibling", "stranger"):
            self._login(role)
            for step in ("issue", "send"):
                with self.subTest(role=role, step=step):
                    response = self._post(f"{self._path(self.dealer)}/all/{step}")
                    self.assertTrue(response.headers["Location"].endswith("/my"))
            self._post(
                f"{self._path(self.dealer)}/new",
                child_id="all",
                kind="statement",
                date_from=self.first,
                date_to=self.last,
            )
        self.assertEqual(self.bills["dealer's draft"].state, "draft")
        self.assertEqual(self.env["tier.bill"].search_count([("wallet_id", "=", self.dealer.id)]), 2)

    def test_bad_forms_say_so(self):
        self._login("dealer")
        good = {"child_id": self.user.id, "date_from": self.first, "date_to": self.last}
        count = self.env["tier.bill"].search_count([])
        for change, words in (
            ({"date_from": ""}, "Choose the first"),
            ({"date_to": "yesterday"}, "Choose the first"),
            ({"date_from": self.last, "date_to": self.first}, "before the first one"),
            ({"tax_percent": "nan"}, "between 0 and 100"),
            ({"tax_percent": "-1"}, "between 0 and 100"),
            ({"tax_percent": "1e400"}, "between 0 and 100"),
            ({"tax_percent": "many"}, "between 0 and 100"),
        ):
            with self.subTest(change):
                response = self._post(f"{self._path(self.dealer)}/new", **{**good, **change})
                self.assertEqual(response.status_code, 200)
                self.assertIn(words, response.text)
        # Somebody else's customer, and nobody.
        for child in (self.sibling.id, self.dealer.id, NO_ID, 2**40, "x", "", "²"):
            with self.subTest(child):
                response = self._post(f"{self._path(self.dealer)}/new", **{**good, "child_id": child})
                self.assertEqual(response.status_code, 303)
        self.assertEqual(self.env["tier.bill"].search_count([]), count)

    def test_staff_acts_with_its_own_rights(self):
        """An auditor looks at a reseller's pages, and changes nothing there."""
        self.env["res.users"].with_context(no_reset_password=True).create(
            {
                "name": "Auditor",
                "login": "bill_auditor",
                "password": "bill_auditor",
                "group_ids": [(6, 0, [self.env.ref("tier_billing.group_tier_auditor").id])],
            }
        )
        self.authenticate("bill_auditor", "bill_auditor")
        draft = self.bills["dealer's draft"]
        path = self._path(self.dealer, draft)
        self.assertEqual(self.url_open(path).status_code, 200)
        for step in STEPS:
            self._post(f"{path}/{step}", note="x", date_from=self.first, date_to=self.last)
        for child in (self.user.id, "all"):
            self._post(f"{self._path(self.dealer)}/new", child_id=child, date_from=self.first, date_to=self.last)
        for step in ("issue", "send"):
            self._post(f"{self._path(self.dealer)}/all/{step}")
        self.assertEqual((draft.exists().state, draft.note), ("draft", False))
        self.assertEqual(self.env["tier.bill"].search_count([("wallet_id", "=", self.dealer.id)]), 2)

    def test_no_step_without_a_token(self):
        self._login("dealer")
        path = self._path(self.dealer, self.bills["dealer's draft"])
        with mute_logger("odoo.http"):
            response = self.url_open(f"{path}/issue", data={"a": 1})
        self.assertEqual(response.status_code, 400)
        self.assertEqual(self.bills["dealer's draft"].state, "draft")

    def test_over_rpc(self):
        self._login("dealer")
        draft = self.bills["dealer's draft"]
        for method, args in (
            ("action_issue", []),
            ("action_cancel", []),
            ("write", [{"note": "x"}]),
            ("write", [{"amount_total": 1}]),
            ("unlink", []),
            ("_portal_do", ["issue"]),
            ("_set", [{"state": "issued"}]),
        ):
            with self.subTest(method), mute_logger("odoo.http"), self.assertRaises(JsonRpcException):
                self.make_jsonrpc_request(
                    f"/web/dataset/call_kw/tier.bill/{method}",
                    {"model": "tier.bill", "method": method, "args": [draft.ids, *args], "kwargs": {}},
                )
        self.assertEqual((draft.state, draft.amount_total), ("draft", 4))
