from odoo.tests import tagged

from .http_common import ShopHttpCase


@tagged("post_install", "-at_install")
class TestBuyCreditTour(ShopHttpCase):
    def test_customer_buys_credit(self):
        """From the account's home to the new balance, paid with Odoo's demo provider."""
        self.start_tour("/my/home", "tier_ecommerce_buy_credit", login="shop_ada")
        self.assertBalances(self.wallet, "20")
        order = self.env["sale.order"].search([("partner_id", "=", self.buyer.id)])
        self.assertEqual(order.state, "sale")
        self.assertEqual(order.order_line.tier_wallet_id, self.wallet)

    def test_customer_chooses_among_wallets(self):
        studio = self.second_wallet()
        self.start_tour("/shop/credit", "tier_ecommerce_choose_wallet", login="shop_ada")
        self.assertEqual(self.cart().order_line.tier_wallet_id, studio)
