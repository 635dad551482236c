"""Who may put credit into the cart, for which wallet, and what the pages say."""

from unittest.mock import patch

from odoo.exceptions import ValidationError
from odoo.tests import JsonRpcException
from odoo.tools import mute_logger

from .http_common import ShopHttpCase


class TestWhoMayBuy(ShopHttpCase):
    def test_visitor_is_asked_to_sign_in(self):
        page = self.url_open(self.credit.website_url).text
        self.assertIn("Please sign in to buy calling credit", page)
        self.assertIn(f"/web/login?redirect={self.credit.website_url}", page)
        self.assertNotIn('id="add_to_cart"', page)
        count = self.env["sale.order.line"].search_count([])
        self.assertIn("Please sign in", self.warning())
        self.assertIn("Please sign in", self.warning(tier_wallet_id=self.wallet.id))
        self.assertEqual(self.env["sale.order.line"].search_count([]), count)

    def test_entry_asks_visitor_to_sign_in_and_comes_back(self):
        answer = self.url_open(f"/shop/credit?tier_wallet_id={self.wallet.id}")
        self.assertIn("/web/login", answer.url)
        self.assertIn("shop%2Fcredit%3Ftier_wallet_id", answer.url)

    def test_guest_with_an_address_is_no_buyer(self):
        """A visitor who gave an address has a partner of his own, and yet is not signed in."""
        self.add(product=self.new_goods())
        order = self.env["sale.order"].search([("website_id", "=", self.website.id)], limit=1)
        order.partner_id = self.buyer
        self.assertIn("Please sign in", self.warning(tier_wallet_id=self.wallet.id))
        self.assertFalse(order._tier_credit_lines())

    def test_customer_without_wallet(self):
        user = self.new_customer("shop_joe")
        self.authenticate("shop_joe", "shop_joe")
        page = self.url_open("/shop/credit").text
        self.assertIn("You have no active wallet for calling credit yet", page)
        self.assertIn(self.company.name, page)
        self.assertIn("/contactus", page)
        self.assertNotIn('id="add_to_cart"', page)
        warning = self.warning()
        self.assertIn("You have no active wallet", warning)
        self.assertIn(f"Ask {self.company.name} to open one", warning)
        self.assertFalse(self.cart(user.partner_id).order_line)
        self.assertNotIn("Buy credit", self.url_open("/my/home").text)

    def test_suspended_wallet_is_none(self):
        self.wallet.action_suspend()
        self.authenticate("shop_ada", "shop_ada")
        self.assertIn("You have no active wallet", self.warning(tier_wallet_id=self.wallet.id))

    def test_provider_does_not_buy_from_itself(self):
        self.portal_user(self.top, "shop_top")
        self.authenticate("shop_top", "shop_top")
        self.assertIn("You have no active wallet", self.warning(tier_wallet_id=self.top.id))

    def test_only_own_wallets(self):
        below = self.new_wallet("Below", self.wallet)
        beside = self.new_wallet("Beside", self.top)
        self.authenticate("shop_ada", "shop_ada")
        for choice in (below.id, beside.id, self.top.id, -1, 10**12, "x", [self.wallet.id], True):
            with self.subTest(choice):
                self.assertIn("cannot be topped up by you", self.warning(tier_wallet_id=choice))
        self.assertFalse(self.cart().order_line)

    def test_own_wallet(self):
        self.authenticate("shop_ada", "shop_ada")
        page = self.url_open("/shop/credit").text
        self.assertIn('id="add_to_cart"', page)
        self.assertIn("Wallet to top up", page)
        self.assertNotIn("<select", page.split("Wallet to top up")[1].split("add_to_cart")[0])
        answer = self.add(quantity=2, tier_wallet_id=str(self.wallet.id))
        self.assertEqual(answer["quantity"], 2)
        self.add()
        self.assertEqual(self.lines(), [("Ada", 3)])
        self.assertIn("Wallet: Ada", self.url_open("/shop/cart").text)
        self.assertIn("Buy credit", self.url_open("/my/home").text)

    def test_aide_of_the_buyer_buys_for_it(self):
        aide = self.new_customer("shop_aide")
        aide.partner_id.parent_id = self.buyer
        self.authenticate("shop_aide", "shop_aide")
        self.add()
        self.assertEqual(self.cart(aide.partner_id).order_line.tier_wallet_id, self.wallet)

    def test_several_wallets(self):
        studio = self.second_wallet()
        self.authenticate("shop_ada", "shop_ada")
        page = self.url_open(f"/shop/credit?tier_wallet_id={studio.id}").text
        choice = page.split("Wallet to top up")[1].split("</select>")[0]
        self.assertIn("selected=", choice.split("Studio")[0].split("<option")[-1])
        self.assertIn("choose one on the page of the product", self.warning())
        for wallet in (self.wallet, studio, studio):
            self.add(tier_wallet_id=wallet.id)
        self.assertCountEqual(self.lines(), [("Ada", 1), ("Studio", 2)])

    def test_quantity_changed_in_the_cart_keeps_the_wallet(self):
        self.second_wallet()
        self.authenticate("shop_ada", "shop_ada")
        self.add(tier_wallet_id=self.wallet.id)
        line = self.cart().order_line
        self.make_jsonrpc_request(
            "/shop/cart/update", {"line_id": line.id, "quantity": 4, "product_id": line.product_id.id}
        )
        self.assertEqual(self.lines(), [("Ada", 4)])
        self.make_jsonrpc_request("/shop/cart/update", {"line_id": line.id, "quantity": 0})
        self.assertEqual(self.lines(), [])

    def test_order_again(self):
        order = self.env["sale.order"].create(
            {
                "partner_id": self.buyer.id,
                "website_id": self.website.id,
                "order_line": [(0, 0, {"product_id": self.credit20.id})],
            }
        )
        order.action_confirm()
        self.authenticate("shop_ada", "shop_ada")
        self.make_jsonrpc_request("/my/orders/reorder", {"order_id": order.id})
        self.assertEqual(self.lines(), [("Ada", 1)])

    def test_shop_without_credit(self):
        self.credit.is_published = False
        self.authenticate("shop_ada", "shop_ada")
        self.assertTrue(self.url_open("/shop/credit").url.endswith("/shop"))

    def test_listing_leads_to_the_page_of_the_product(self):
        page = self.url_open(f"/shop?search={self.credit.name}").text
        self.assertIn(self.credit.name, page)
        self.assertNotIn("o_wsale_product_btn_primary", page)

    def new_goods(self):
        return self.env["product.product"].create(
            {"name": "Telephone", "type": "service", "list_price": 30, "is_published": True}
        )


class TestPayInTheShop(ShopHttpCase):
    def setUp(self):
        super().setUp()
        self.authenticate("shop_ada", "shop_ada")
        self.add()
        self.order = self.cart()

    def test_paid_polled_and_swept_by_the_cron_is_credited_once(self):
        reference = self.start_payment(self.order)
        self.simulate(reference, "done")
        self.assertBalances(self.wallet, "0")
        for _again in range(2):
            self.assertEqual(self.poll()["state"], "done")
            self.assertBalances(self.wallet, "20")
        self.simulate(reference, "done")
        self.poll()
        with patch.object(self.env.cr, "commit"):
            transactions = self.env["payment.transaction"].search([("reference", "=", reference)])
            transactions.is_post_processed = False
            self.env["payment.transaction"]._cron_post_process()
        self.assertBalances(self.wallet, "20")
        self.assertEqual(self.order.state, "sale")

        self.url_open("/shop/payment/validate")
        page = " ".join(self.url_open("/shop/confirmation").text.split())
        amount = " ".join(self.currency.format(20).split())
        amount = f"<strong>{amount}</strong> was credited to wallet Ada; your balance is"
        self.assertIn(amount, page)

    def check_page(self, state, words):
        """Pay, have the payment reach a state, and look at the last page."""
        with self.assertNothingMoves():
            self.simulate(self.start_payment(self.order), state)
            self.poll()
        self.url_open("/shop/payment/validate")
        page = " ".join(self.url_open("/shop/confirmation").text.split())
        self.assertIn(words, page)

    def test_page_of_a_pending_payment(self):
        self.check_page("pending", "Wallet Ada is credited as soon as your payment has arrived.")

    def test_page_of_a_cancelled_payment(self):
        self.check_page("cancel", "Nothing was credited to wallet Ada: the payment did not go through.")

    def test_page_of_a_failed_payment(self):
        self.check_page("error", "Nothing was credited to wallet Ada: the payment did not go through.")

    @mute_logger("odoo.http")
    def test_wallet_suspended_since(self):
        self.wallet.action_suspend()
        page = self.url_open("/shop/payment").text
        self.assertIn("Your calling credit cannot be paid.", page)
        self.assertIn("is not active or not yours", page)
        with self.assertRaisesRegex(JsonRpcException, "ValidationError"):
            self.start_payment(self.order)
        with self.assertRaisesRegex(ValidationError, "not active or not yours"):
            self.order._check_cart_is_ready_to_be_paid()
        self.assertFalse(self.order.transaction_ids)

    def test_another_user_signs_in_with_this_cart(self):
        other = self.new_wallet("Bea", self.top)
        self.portal_user(other, "shop_bea")
        self.order.partner_id = other.partner_id
        self.assertEqual(self.order.order_line.tier_wallet_id, other)
        joe = self.new_customer("shop_joe")
        self.order.partner_id = joe.partner_id
        self.assertFalse(self.order.order_line.tier_wallet_id)
        self.assertIn("not active or not yours", self.order._tier_cart_problem())

    def test_cart_recovered_by_a_visitor(self):
        """The link in the mail on an abandoned cart opens it without signing in."""
        token = self.order._portal_ensure_token()
        self.authenticate(None, None)
        self.url_open(f"/shop/cart?id={self.order.id}&access_token={token}&revive_method=squash")
        answer = self.url_open("/shop/checkout")
        self.assertIn("/web/login", answer.url)

    def test_prices_name_no_extra(self):
        self.assertNotIn("variant_price_extra", self.url_open(self.credit.website_url).text)
