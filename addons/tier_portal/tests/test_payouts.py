from lxml import html

from odoo import http
from odoo.tests import HttpCase, tagged

from .common import ChainMixin


@tagged("post_install", "-at_install")
class TestPayouts(ChainMixin, HttpCase):
    """A reseller asks on its page; nobody else does for it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.ref("base.USD").position = "before"
        cls._set_up_chain()
        cls.env["res.company"].browse(cls.reseller.company_id.id)._tier_setup_accounting()

    def page(self, role, wallet, status=200):
        self.authenticate(f"portal_{role}", f"portal_{role}")
        response = self.url_open(f"/my/wallets/{wallet.id}/payouts", allow_redirects=False)
        self.assertEqual(response.status_code, status)
        tree = html.fromstring(response.text)
        main = tree.xpath("//main")
        return " ".join(main[0].text_content().split()) if main else "", tree

    def post(self, role, wallet, path, **values):
        self.authenticate(f"portal_{role}", f"portal_{role}")
        values["csrf_token"] = http.Request.csrf_token(self)
        return self.url_open(f"/my/wallets/{wallet.id}/payouts/{path}", data=values, allow_redirects=False)

    def payouts(self):
        self.env.invalidate_all()
        return self.env["tier.payout"].search([("wallet_id", "in", (self.reseller | self.dealer | self.user).ids)])

    def test_ask_take_back_and_ask_again(self):
        # Margins of the month: dealer's two minutes, the user's four, the sibling's one.
        text, tree = self.page("reseller", self.reseller)
        self.assertIn("Can be paid out $ 0.80", text.replace("\xa0", " "))
        key = tree.xpath("//input[@name='request_key']/@value")[0]
        for _click in range(2):
            response = self.post(
                "reseller", self.reseller, "request", amount="0,50", note="<b>Bank</b>", request_key=key
            )
            self.assertEqual(response.status_code, 303)
        payout = self.payouts()
        self.assertEqual((payout.amount, payout.state, payout.note), (0.5, "requested", "<b>Bank</b>"))
        self.assertEqual(payout.requested_by_id, self.users["reseller"])
        text, tree = self.page("reseller", self.reseller)
        self.assertIn(payout.name, text)
        self.assertIn("<b>Bank</b>", text)
        self.assertEqual(self.post("reseller", self.reseller, f"{payout.id}/cancel").status_code, 303)
        self.assertEqual(self.payouts().state, "cancelled")
        response = self.post("reseller", self.reseller, "request", amount="0.80", request_key="again")
        self.assertEqual(response.status_code, 303)
        payout = self.payouts()[0]
        payout.action_approve()
        self.env.flush_all()
        text, _tree = self.page("reseller", self.reseller)
        self.assertIn("Approved", text)
        self.assertIn("Can be paid out $ 0.00", text.replace("\xa0", " "))
        # Decided: there is nothing to take back any more.
        response = self.post("reseller", self.reseller, f"{payout.id}/cancel")
        self.assertEqual(response.status_code, 200)
        self.assertIn("decided already", response.text)
        self.assertEqual(self.payouts()[0].state, "approved")

    def test_what_cannot_be_asked_for(self):
        for amount in ("0.81", "0", "-1", "", "NaN", "1e400", "a lot", "0.001"):
            with self.subTest(amount):
                response = self.post("reseller", self.reseller, "request", amount=amount, note="Keep me")
                self.assertEqual(response.status_code, 200)
                self.assertIn("alert-warning", response.text)
                self.assertIn("Keep me", response.text)
        self.assertFalse(self.payouts())

    def test_nobody_else(self):
        self.post("reseller", self.reseller, "request", amount="0.50", request_key="own")
        payout = self.payouts()
        for role in ("stranger", "dealer", "sibling", "user"):
            with self.subTest(role):
                self.page(role, self.reseller, 303)
                self.assertEqual(
                    self.post(role, self.reseller, "request", amount="0.10").headers["Location"].split("/")[-1], "my"
                )
                own = getattr(self, role)
                self.post(role, self.reseller, f"{payout.id}/cancel")
                self.post(role, own, f"{payout.id}/cancel")
        # The reseller looks at its dealer's wallet, but the money is the dealer's.
        self.page("reseller", self.dealer, 303)
        self.post("reseller", self.dealer, "request", amount="0.10")
        self.assertEqual(self.payouts(), payout)
        self.assertEqual(payout.state, "requested")

    def test_tab_for_resellers_only(self):
        for role, shown in (("reseller", True), ("dealer", True), ("user", False)):
            with self.subTest(role):
                self.authenticate(f"portal_{role}", f"portal_{role}")
                page = self.url_open(f"/my/wallets/{getattr(self, role).id}").text
                self.assertEqual("/payouts" in page, shown)
