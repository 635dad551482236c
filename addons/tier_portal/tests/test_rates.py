"""The rates on the portal: one's own price, and what one's customers pay; nobody else's."""

import io

from lxml import html
from openpyxl import load_workbook

from odoo.tests import HttpCase, tagged

from odoo.addons.tier_portal.tests.common import ChainMixin

FILES = ("", "/page/2", "/csv", "/xlsx", "/pdf")


@tagged("post_install", "-at_install")
class TestPortalRates(ChainMixin, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._set_up_chain()
        cls.list = cls.user.price_list_id
        cls.list.rate_ids.initial_increment = 30
        cls.list.brand_id.connection_charge = 0.05
        cls.eur = cls.env.ref("base.EUR")
        cls.eur.active = True
        cls.env["res.currency.rate"].search([("currency_id", "in", (cls.eur | cls.usd).ids)]).unlink()
        own, other = (cls.eur, cls.usd) if cls.env.company.currency_id == cls.eur else (cls.usd, cls.eur)
        cls.env["res.currency.rate"].create(
            {"currency_id": other.id, "name": "2026-01-01", "rate": 2 if own == cls.eur else 0.5}
        )

    def _own(self, wallet):
        return self._own_page(wallet, "rates")

    def _of_customer(self, parent, child):
        return self._customer_page(parent, child, "rates")

    def _rows(self, path):
        response = self.url_open(path)
        self.assertEqual(response.status_code, 200, path)
        tree = html.fromstring(response.text)
        return [
            [" ".join(cell.text_content().split()) for cell in row.xpath("./td")]
            for row in tree.xpath("//tr[contains(concat(@class, ' '), 'o_tier_rate ')]")
        ]

    def _answers(self, path):
        tree = html.fromstring(self.url_open(path).text)
        return [" ".join(node.text_content().split()) for node in tree.xpath("//*[contains(@class, 'o_tier_answer')]")]

    def test_who_gets_which(self):
        """Own rates and those of direct customers; no sibling's, parent's, grandparent's or stranger's."""
        for role, path, _is_customer, allowed in self._who_gets_which("rates"):
            for suffix in FILES[:4] if allowed else FILES[:3]:
                with self.subTest(role=role, path=path + suffix):
                    response = self.url_open(path + suffix, allow_redirects=False)
                    if allowed:
                        self.assertEqual(response.status_code, 200)
                    else:
                        self.assertEqual(response.status_code, 303)
                        self.assertTrue(response.headers["Location"].endswith("/my"))

    def test_the_public_has_to_log_in(self):
        for suffix in FILES:
            response = self.url_open(self._own(self.user) + suffix, allow_redirects=False)
            self.assertIn("/web/login", response.headers["Location"])

    def test_only_the_own_price(self):
        self.list.base_id = self.dealer.price_list_id
        self.list.markup_percent = 77
        self.list.rate_ids.unlink()
        self._login("user")
        [row] = self._rows(self._own(self.user))
        self.assertEqual(row[0], "Chain Germany 49 by the minute")
        self.assertIn("1.416", row[2])
        text = self.url_open(self._own(self.user)).text
        files = [self.url_open(f"{self._own(self.user)}/{name}").text for name in ("csv", "pdf")]
        for secret in ("77", "0.80", "0.8 ", self.dealer.price_list_id.name, self.dealer.name, "mark-up"):
            # Ids and colours of the page's frame have digits of their own.
            body = html.fromstring(text).xpath("//div[contains(@class, 'o_tier_table')]")[0].text_content()
            self.assertNotIn(secret, body)
            self.assertNotIn(secret, files[0])

    def test_a_price_with_its_terms(self):
        self._login("user")
        [row] = self._rows(self._own(self.user))
        self.assertEqual(row[1:5], ["49", "1.00 + 0.05", "0.05", "30 s, then every 60 s"])

    def test_a_pasted_number(self):
        self._login("user")
        for text in ("%2B49 30 123456", "0049 (0)30-123456", "tel:%2B4930123456"):
            [answer] = self._answers(f"{self._own(self.user)}?search={text}")
            self.assertIn("1.00 USD per minute", answer)
        [answer] = self._answers(f"{self._own(self.user)}?search=%2B33 1 2345678")
        self.assertIn("There is no rate", answer)
        self.assertFalse(self._rows(f"{self._own(self.user)}?search=%2B33 1 2345678"))

    def test_search_and_pages(self):
        self.env["tier.rate"].create(
            [{"price_list_id": self.list.id, "prefix": str(prefix), "price": 0.1} for prefix in range(7000, 7100)]
        )
        self._login("user")
        url = self._own(self.user)
        self.assertEqual([len(self._rows(f"{url}/page/{page}")) for page in (1, 2, 3)], [40, 40, 21])
        self.assertEqual(len(self._rows(f"{url}?search=705")), 10)
        self.assertEqual(len(self._rows(f"{url}?search=chain")), 1)
        self.assertEqual(len(self._rows(f"{url}?search=nowhere")), 0)

    def test_a_currency_of_choice_is_for_information(self):
        self._login("user")
        path = f"{self._own(self.user)}?currency=EUR"
        self.assertIn("0.50", self._rows(path)[0][2])
        text = " ".join(html.fromstring(self.url_open(path).text).text_content().split())
        self.assertIn("1 USD = 0.50 EUR", text)
        self.assertIn("For information only: you are charged in USD", text)

    def test_files(self):
        self._login("user")
        response = self.url_open(f"{self._own(self.user)}/csv")
        self.assertEqual(response.headers["Content-Type"], "text/csv; charset=utf-8")
        lines = response.content.decode("utf-8-sig").splitlines()
        self.assertEqual(lines[1], "49,Chain Germany,,,1,USD,minute,0.05,30,60,,,,")
        response = self.url_open(f"{self._own(self.user)}/xlsx?currency=EUR&search=49")
        sheet = load_workbook(io.BytesIO(response.content)).active
        self.assertEqual(sheet.cell(sheet.max_row, 5).value, 0.5)
        self.assertIn("Rates", response.headers["Content-Disposition"])
        self.assertEqual(self.url_open(f"{self._own(self.user)}/pdf").status_code, 200)
        self.assertEqual(self.url_open(f"{self._own(self.user)}/exe").status_code, 404)

    def test_without_a_price_list(self):
        self.user.price_list_id = False
        self._login("user")
        text = self.url_open(self._own(self.user)).text
        self.assertIn("There are no rates for you yet", text)
        self.assertEqual(self.url_open(f"{self._own(self.user)}/csv", allow_redirects=False).status_code, 303)

    def test_odd_parameters_show_a_page(self):
        self._login("user")
        for params in (
            "search=%00",
            "search=%25",
            "search=" + "9" * 300,
            "service=nonsense&currency=XXX",
            "day=nonsense",
            "day=0001-01-01",
            "day=2999-12-31",
            "search='%3Bdrop table tier_rate",
            "search=%3Cscript%3Ealert(1)%3C/script%3E",
        ):
            for suffix in ("", "/csv", "/page/999"):
                with self.subTest(params=params, suffix=suffix):
                    response = self.url_open(f"{self._own(self.user)}{suffix}?{params}")
                    self.assertEqual(response.status_code, 200)
                    self.assertNotIn("<script>alert(1)", response.text)
