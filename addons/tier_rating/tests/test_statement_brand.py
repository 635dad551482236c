import base64

from PIL import Image

from odoo.tools.image import image_to_base64

from .common import TierRatingCase


class TestStatementBrand(TierRatingCase):
    """A statement bears the name of who sells to the wallet, and of nobody above."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_selling_chain()
        cls.dealer.brand_ids.name = "Blue Line"

    def _print(self, wallet):
        statement = self.env["tier.statement"].create({"wallet_id": wallet.id})
        html, _type = self.env["ir.actions.report"]._render_qweb_html(
            "tier_billing.tier_statement_report", statement.ids
        )
        return html.decode()

    def test_the_sellers_brand(self):
        text = self._print(self.user)
        self.assertIn("Blue Line", text)
        for above in ("Brand of Reseller", "Brand of Provider", self.company.name):
            self.assertNotIn(above, text)

    def test_its_logo(self):
        logo = image_to_base64(Image.new("RGB", (8, 8), "blue"), "PNG")
        self.dealer.brand_ids.logo = logo
        issuer = self.user._statement_issuer()
        self.assertEqual((issuer["name"], bool(issuer["logo"])), ("Blue Line", True))
        self.assertTrue(base64.b64decode(issuer["logo"]).startswith(b"\x89PNG"))
        self.assertIn("data:image/png;base64", self._print(self.user))

    def test_without_a_brand(self):
        loner = self.new_wallet("Loner", self.user)
        self.assertEqual(loner._statement_issuer()["name"], "User")

    def test_a_list_of_somebody_else_lends_no_name(self):
        self.user.price_list_id = self.reseller.price_list_id
        self.assertEqual(self.user._statement_issuer()["name"], "Blue Line")
