"""Why a number costs what it does, on the portal: one's own price, or that of a customer of one's own."""

from lxml import html

from odoo import Command
from odoo.tests import HttpCase, tagged

from odoo.addons.tier_portal.tests.common import OWNERS, TZ, ChainMixin

ASKED = "search=%2B49 30 123456&used=2.5&time=10:15"
# What a minute costs whom.
PRICES = {"reseller": "0.70", "stranger": "0.60", "dealer": "0.80", "sibling": "0.90", "user": "1.00"}


@tagged("post_install", "-at_install")
class TestRateWhy(ChainMixin, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._set_up_chain()

    def _page(self, path):
        response = self.url_open(path)
        self.assertEqual(response.status_code, 200, path)
        return html.fromstring(response.text)

    @staticmethod
    def _texts(tree, name):
        nodes = tree.xpath(f"//*[contains(concat(' ', @class, ' '), ' {name} ')]")
        return [" ".join(node.text_content().split()) for node in nodes]

    def _why(self, path):
        return self._texts(self._page(path), "o_tier_why")

    def test_in_plain_steps(self):
        self._login("user")
        [why] = self._why(f"{self._own_page(self.user, 'rates')}?{ASKED}")
        for words in (
            "+49 30 123456",
            "0:02:30",
            "10:15 UTC",
            "Chain Germany",
            "1.00 USD / minute",
            "150 s used, billed as 180 s (in steps of 60 s)",
            "180 s × 1.00 USD / minute = 3.00 USD",
            "Half up, 4 decimals → 3.00 USD",
        ):
            self.assertIn(words, why)

    def test_everybody_sees_their_own_price_only(self):
        """Nothing of lists, brands, seller, costs or other customers, on no page and in no role."""
        secrets = {"Brand for": None, "Mark-up": None, "mark-up": None}
        for name in (*OWNERS, "provider"):
            secrets[f"Chain {name}"] = secrets[f"Partner {name}"] = name
        for role, path, is_customer, allowed in self._who_gets_which("rates"):
            path = f"{path}?{ASKED}"
            with self.subTest(role=role, path=path):
                if not allowed:
                    response = self.url_open(path, allow_redirects=False)
                    self.assertEqual(response.status_code, 303)
                    continue
                tree = self._page(path)
                # The page is about a wallet, under the head of the reader's own.
                about = next(name for name in OWNERS if f"/{getattr(self, name).id}/rates" in path)
                known = {role, about}
                [main] = tree.xpath("//div[@id='wrap']") or [tree]
                whole = " ".join(main.text_content().split())
                for text, owner in secrets.items():
                    if owner not in known:
                        self.assertNotIn(text, whole)
                for shown in (*self._texts(tree, "o_tier_why"), *self._texts(tree, "o_tier_answer")):
                    self.assertIn(PRICES[about], shown)
                    for name, price in PRICES.items():
                        if name != about:
                            self.assertNotIn(price, shown)
                self.assertTrue(self._texts(tree, "o_tier_why"))
                self.assertEqual(is_customer, role != about)

    def test_nothing_of_what_a_price_derives_from(self):
        own = self.user.price_list_id
        own.write({"base_id": self.dealer.price_list_id.id, "markup_percent": 77})
        own.rate_ids.unlink()
        self.env["tier.price.markup"].create(
            {"price_list_id": own.id, "kind": "prefix", "prefix": "4930", "markup_percent": 66}
        )
        for role, path in (
            ("user", self._own_page(self.user, "rates")),
            ("dealer", self._customer_page(self.dealer, self.user, "rates")),
        ):
            self._login(role)
            [why] = self._why(f"{path}?{ASKED}")
            self.assertIn("1.328 USD / minute", why)
            for secret in ("77", "66", "0.80", "0.8 ", "dealer", "Rate"):
                self.assertNotIn(secret, why)

    def test_the_amount_is_what_is_charged(self):
        self._login("user")
        for seconds, used in ((150, "2:30"), (60, "1"), (61, "1.02"), (600, "10,0")):
            [amount] = self._texts(
                self._page(f"{self._own_page(self.user, 'rates')}?search=%2B49301234567&used={used}"),
                "o_tier_why_amount",
            )
            before = self.user.balance
            self.user.price_list_id.flush_recordset()
            self._call(self.user, seconds, f"4930{seconds:07}", minutes=60)
            self.assertEqual(amount, f"{before - self.user.balance:.2f} USD")

    def test_the_hour_is_that_of_the_brand(self):
        own = self.user.price_list_id
        own.brand_id.tz = TZ
        band = self.env["tier.time.band"].create(
            {
                "name": "Evening",
                "code": "why",
                "line_ids": [Command.create({"hour_from": 20, "hour_to": 22, "weekday_to": "7"})],
            }
        )
        self.env["tier.rate"].create({"price_list_id": own.id, "prefix": "49", "price": 1.5, "band_id": band.id})
        self._login("user")
        url = f"{self._own_page(self.user, 'rates')}?search=%2B4930123456&used=2&day=2026-07-01"
        self.assertIn("1.50 USD / minute, time of day: Evening", self._why(f"{url}&time=20:30")[0])
        self.assertIn("Part in Evening", self._why(f"{url}&time=19:59")[0])
        [why] = self._why(url)
        self.assertIn("12:00 Europe/Berlin", why)
        self.assertNotIn("Evening", why)

    def test_refusals(self):
        self._login("user")
        url = f"{self._own_page(self.user, 'rates')}?{ASKED}"
        self.reseller.state = "suspended"
        [why] = self._why(url)
        self.assertIn("This does not go through at present", why)
        self.assertNotIn("uspended", why)
        self.reseller.state = "active"
        self.user.price_list_id.rate_ids.blocked = True
        self.assertIn("Destination barred", self._why(url)[0])
        self.assertFalse(self._why(f"{self._own_page(self.user, 'rates')}?search=%2B33 1 2345678"))

    def test_odd_parameters_show_a_page(self):
        self._login("user")
        url = f"{self._own_page(self.user, 'rates')}?search=%2B49 30 123456"
        for used in ("abc", "0", "-1", "1e99", "NaN", "Infinity", "1:99", "9" * 40, "0.0000001", "%2500"):
            with self.subTest(used=used):
                tree = self._page(f"{url}&used={used}")
                self.assertFalse(self._texts(tree, "o_tier_why"))
                self.assertTrue(self._texts(tree, "invalid-feedback"))
                self.assertTrue(self._texts(tree, "o_tier_answer"))
        for params in (
            "used=",
            "used=%00",
            "time=nonsense",
            "time=25:00",
            "time=10:00%2B02:00",
            "used=<script>alert(1)</script>",
        ):
            with self.subTest(params=params):
                response = self.url_open(f"{url}&{params}")
                self.assertEqual(response.status_code, 200)
                self.assertNotIn("<script>alert(1)", response.text)

    def test_other_services(self):
        data = self.env.ref("tier_rating.service_data")
        for wallet, price in ((self.user, 0.3), (self.dealer, 0.2), (self.reseller, 0.1)):
            self.env["tier.rate"].create(
                {"price_list_id": wallet.price_list_id.id, "prefix": "roam", "price": price, "service_id": data.id}
            )
        self._login("user")
        [why] = self._why(f"{self._own_page(self.user, 'rates')}?service={data.code}&search=roaming&used=2.5")
        self.assertIn("2.5 MB × 0.30 USD / GB = 0.00075 USD", why)
        self.assertIn("4 decimals → 0.0008 USD", why)
        self.assertFalse(self._why(f"{self._own_page(self.user, 'rates')}?service={data.code}&search=nothing"))
