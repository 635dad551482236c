"""A shop with a customer who has a wallet, and Odoo's demo payment provider."""

from odoo.fields import Command
from odoo.tests import HttpCase, tagged

from odoo.addons.tier_billing.tests.common import ChainBuilder


@tagged("post_install", "-at_install")
class ShopHttpCase(ChainBuilder, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Our test database always has it; a skipped test would prove nothing.
        module = cls.env["ir.module.module"]._get("payment_demo")
        assert module.state == "installed", "these tests need the module payment_demo"
        cls.payment_provider = cls.env.ref("payment.payment_provider_demo")
        cls.payment_provider.write({"state": "test", "is_published": True})
        cls.website = cls.env["website"].get_current_website()
        cls.company = cls.website.company_id
        cls.currency = cls.company.currency_id
        # One price for all: what the demo's price lists do is not under test.
        cls.env["product.pricelist"].search([]).active = False
        cls.website.account_on_checkout = "optional"

        cls.top = cls.new_wallet("Provider", currency_id=cls.currency.id)
        cls.wallet = cls.new_wallet("Ada", cls.top)
        cls.buyer = cls.wallet.partner_id
        cls.buyer.write(
            {
                "email": "ada@meyer.example",
                "phone": "+1 555 0100",
                "street": "4 Linden Way",
                "city": "Springfield",
                "zip": "10115",
                "country_id": cls.env.ref("base.us").id,
                "state_id": cls.env.ref("base.state_us_5").id,
            }
        )
        cls.user = cls.portal_user(cls.wallet, "shop_ada")
        cls.credit = cls.env.ref("tier_ecommerce.product_credit")
        cls.credit20 = cls.credit.product_variant_ids.filtered(lambda p: p.lst_price == 20)

    def add(self, product=None, quantity=1, **values):
        """Put a product into the cart as the browser does.

        :return: the answer of the shop
        """
        product = product or self.credit20
        return self.make_jsonrpc_request(
            "/shop/cart/add",
            {
                "product_template_id": product.product_tmpl_id.id,
                "product_id": product.id,
                "quantity": quantity,
                **values,
            },
        )

    def cart(self, partner=None):
        """Return the cart of a buyer."""
        return self.env["sale.order"].search(
            [("partner_id", "=", (partner or self.buyer).id), ("state", "=", "draft")], limit=1
        )

    def lines(self):
        """Return (wallet, quantity) of each line in the buyer's cart."""
        return [(line.tier_wallet_id.name, line.product_uom_qty) for line in self.cart().order_line]

    def warning(self, **values):
        """Return what the shop says when it refuses to add credit."""
        answer = self.add(**values)
        self.assertEqual(answer["quantity"], 0)
        return answer["notification_info"]["warning"]

    def start_payment(self, order):
        """Start the payment of a cart as the payment page does.

        :return: the reference of the transaction
        """
        self.url_open("/shop/checkout?try_skip_step=true")
        method = self.env.ref("payment_demo.payment_method_demo")
        answer = self.make_jsonrpc_request(
            f"/shop/payment/transaction/{order.id}",
            {
                "access_token": order._portal_ensure_token(),
                "provider_id": self.payment_provider.id,
                "payment_method_id": method.id,
                "token_id": None,
                "flow": "direct",
                "tokenization_requested": False,
                "landing_route": "/shop/payment/validate",
                "amount": order.amount_total,
            },
        )
        return answer["reference"]

    def simulate(self, reference, state):
        """Have the demo provider report the state of a payment."""
        self.make_jsonrpc_request(
            "/payment/demo/simulate_payment",
            {"reference": reference, "payment_details": "4242", "simulated_state": state},
        )

    def poll(self):
        """Ask for the state of the payment as the waiting page does."""
        return self.make_jsonrpc_request("/payment/status/poll")

    def second_wallet(self):
        """Give the buyer another wallet."""
        return self.new_wallet("Studio", self.top, partner_id=self.buyer.id)

    def new_customer(self, login):
        """Create a portal user without a wallet."""
        return self.env["res.users"].create(
            {
                "name": login,
                "login": login,
                "password": login,
                "group_ids": [Command.set([self.env.ref("base.group_portal").id])],
            }
        )
