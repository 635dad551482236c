from odoo.http import request, route

from odoo.addons.website_sale.controllers.main import WebsiteSale


class TierWebsiteSale(WebsiteSale):
    @route("/shop/credit", type="http", auth="user", website=True, sitemap=False)
    def shop_credit(self, tier_wallet_id=None, **_kwargs):
        """Open the calling credit of this shop, perhaps for one wallet.

        :param tier_wallet_id: id of the wallet to preselect; checked by the page
        :return: a redirection
        """
        product = request.env["product.template"]._get_tier_credit_product(request.website)
        if not product:
            return request.redirect(self._get_shop_path())
        choice = {"tier_wallet_id": tier_wallet_id} if tier_wallet_id else None
        return request.redirect_query(product.website_url, choice)

    def _prepare_product_values(self, product, category, **kwargs):
        """Override of `website_sale` to offer the buyer's wallets."""
        values = super()._prepare_product_values(product, category, **kwargs)
        if product.is_tier_credit:
            wallets, problem = request.env.user.partner_id._tier_shop_wallets_or_problem(request.website.company_id)
            values["tier_wallets"] = wallets
            values["tier_problem"] = problem
            values["tier_wallet_choice"] = kwargs.get("tier_wallet_id")
        return values

    def _check_cart(self, order_sudo):
        """Override of `website_sale`: nobody buys credit without signing in."""
        redirection = super()._check_cart(order_sudo)
        if (
            not redirection
            and request.env.user._is_public()
            and any(order_sudo.order_line.product_id.mapped("is_tier_credit"))
        ):
            redirection = request.redirect("/web/login?redirect=/shop/checkout")
        return redirection

    def _get_shop_payment_errors(self, order):
        """Override of `website_sale` to say why credit cannot be paid."""
        errors = super()._get_shop_payment_errors(order)
        if order.state == "draft" and (problem := order._tier_cart_problem()):
            errors.append((request.env._("Your calling credit cannot be paid."), problem))
        return errors
