import io

from lxml import html
from openpyxl import load_workbook

from odoo.tests import HttpCase, tagged

from odoo.addons.tier_portal.tests.common import ChainMixin

FILES = ("", "/pdf", "/csv", "/xlsx")


@tagged("post_install", "-at_install")
class TestPortalStatements(ChainMixin, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._set_up_chain()

    def _rows(self, path, kind):
        response = self.url_open(path)
        self.assertEqual(response.status_code, 200, path)
        tree = html.fromstring(response.text)
        return [
            [" ".join(cell.text_content().split()) for cell in row.xpath("./td")]
            for row in tree.xpath(f"//tr[contains(concat(@class, ' '), 'o_tier_statement_{kind} ')]")
        ]

    def _own(self, wallet):
        return self._own_page(wallet, "statement")

    def _of_customer(self, parent, child):
        return self._customer_page(parent, child, "statement")

    def test_who_gets_which(self):
        """Own wallets and direct customers; no sibling, parent, grandparent or stranger."""
        for role, path, is_customer, allowed in self._who_gets_which("statement"):
            for file_format in FILES if allowed or not is_customer else FILES[:2]:
                with self.subTest(role=role, path=path + file_format):
                    response = self.url_open(path + file_format, allow_redirects=False)
                    if allowed:
                        self.assertEqual(response.status_code, 200)
                    else:
                        self.assertEqual(response.status_code, 303)
                        self.assertTrue(response.headers["Location"].endswith("/my"))

    def test_the_public_has_to_log_in(self):
        for file_format in FILES:
            response = self.url_open(self._own(self.user) + file_format, allow_redirects=False)
            self.assertIn("/web/login", response.headers["Location"])

    def test_own_statement(self):
        self._login("dealer")
        kinds = self._rows(self._own(self.dealer) + "?period=year", "kind")
        self.assertEqual(
            [row[0] for row in kinds], ["Credit received", "Usage of customers", "Credit given to customers", "Usage"]
        )
        self.assertEqual(kinds[0][1:3], ["1", "$ 50.00"])
        self.assertEqual(kinds[1][1:3], ["2", "$ 4.00"])
        [closing] = self._rows(self._own(self.dealer) + "?period=year", "closing")
        # 50 given, 10 passed on, 4.00 sold, 3.20 and 1.60 paid.
        self.assertEqual(closing[-1], "$ 39.20")

    def test_a_reseller_learns_no_more_of_a_customer(self):
        self._login("reseller")
        text = self.url_open(self._of_customer(self.reseller, self.dealer) + "?period=year").text
        self.assertIn("Dealings with others", text)
        for secret in ("Usage of customers", "Credit given to customers", "Partner user", "Chain user"):
            self.assertNotIn(secret, text)
        csv = self.url_open(self._of_customer(self.reseller, self.dealer) + "/csv?period=year").text
        self.assertIn("Dealings with others", csv)
        self.assertNotIn("Usage of customers", csv)
        pdf = self.url_open(self._of_customer(self.reseller, self.dealer) + "/pdf?period=year")
        self.assertNotIn("Usage of customers", pdf.text)

    def test_files(self):
        self._login("user")
        response = self.url_open(self._own(self.user) + "/csv?period=year")
        self.assertEqual(response.headers["Content-Type"], "text/csv; charset=utf-8")
        rows = response.content.decode("utf-8-sig").splitlines()
        self.assertTrue(rows[-1].endswith("Closing balance,,,,,6.0000"), rows[-1])
        response = self.url_open(self._own(self.user) + "/xlsx?period=year")
        sheet = load_workbook(io.BytesIO(response.content)).active
        self.assertEqual(sheet.cell(sheet.max_row, 7).value, 6)
        self.assertIn("Statement", response.headers["Content-Disposition"])
        response = self.url_open(self._own(self.user) + "/exe")
        self.assertEqual(response.status_code, 404)

    def test_odd_periods_show_a_statement(self):
        self._login("user")
        for params in (
            "period=nonsense",
            "period=all",
            "date_begin=2026-07-31&date_end=2026-07-01",
            "date_begin=2999-12-31",
            "date_end=1900-01-01",
            "date_begin=x&date_end=9999-99-99",
        ):
            with self.subTest(params=params):
                self.assertEqual(self.url_open(f"{self._own(self.user)}?{params}").status_code, 200)
                self.assertEqual(self.url_open(f"{self._own(self.user)}/csv?{params}").status_code, 200)
