import uuid

from odoo import http
from odoo.exceptions import AccessError, MissingError, UserError, ValidationError
from odoo.http import request

from .payouts import KEY_LENGTH
from .portal import CUSTOMER, WALLET, TierPortal

PACKAGES = f"{CUSTOMER}/packages"


class TierPackages(TierPortal):
    """What is left of one's packages; a reseller gives packages to its customers."""

    @http.route(f"{WALLET}/packages", type="http", auth="user", website=True)
    def portal_my_packages(self, wallet_id, **kw):
        try:
            wallet = self._tier_wallet(wallet_id)
        except (AccessError, MissingError):
            return request.redirect("/my")
        return self._tier_packages_page(wallet, wallet)

    @http.route(PACKAGES, type="http", auth="user", website=True, methods=["GET"])
    def portal_customer_packages(self, wallet_id, child_id, **kw):
        try:
            wallet = self._tier_wallet(wallet_id)
            child = self._tier_customer(wallet, child_id)
        except (AccessError, MissingError):
            return request.redirect("/my")
        return self._tier_packages_page(wallet, child)

    @http.route(f"{PACKAGES}/add", type="http", auth="user", website=True, methods=["POST"])
    def portal_add_package(self, wallet_id, child_id, package_id="", request_key="", **kw):
        try:
            wallet = self._tier_wallet(wallet_id)
            child = self._tier_customer(wallet, child_id)
            chosen = int(package_id) if package_id.isascii() and package_id.isdigit() else 0
            wallet._sell_package(child, chosen, request_key[:KEY_LENGTH] or str(uuid.uuid4()))
        except (AccessError, MissingError):
            return request.redirect("/my")
        except (UserError, ValidationError) as error:
            return self._tier_packages_page(wallet, child, str(error))
        return request.redirect(f"{self._tier_url(wallet)}/customers/{child.id}/packages", 303)

    @http.route(
        f"{PACKAGES}/<int(max=2147483647):subscription_id>/end",
        type="http",
        auth="user",
        website=True,
        methods=["POST"],
    )
    def portal_end_package(self, wallet_id, child_id, subscription_id, **kw):
        try:
            wallet = self._tier_wallet(wallet_id)
            child = self._tier_customer(wallet, child_id)
            wallet._end_package(child, subscription_id)
        except (AccessError, MissingError):
            return request.redirect("/my")
        except (UserError, ValidationError) as error:
            return self._tier_packages_page(wallet, child, str(error))
        return request.redirect(f"{self._tier_url(wallet)}/customers/{child.id}/packages", 303)

    def _tier_packages_page(self, wallet, of_wallet, error=None):
        """Render the packages of a wallet.

        :param wallet: ``tier.wallet`` of the user
        :param of_wallet: ``tier.wallet`` that has them: the same or a customer
        :param str error: why a change was refused
        """
        own = of_wallet == wallet
        may_sell = not own and wallet._is_of_user() and wallet.sudo().may_sell_packages
        values = self._tier_values(
            "packages" if own else "customer_packages",
            wallet,
            child=of_wallet,
            packages=of_wallet._portal_packages(),
            for_sale=wallet._portal_packages_for_sale(of_wallet) if may_sell else [],
            may_sell=may_sell,
            request_key=str(uuid.uuid4()),
            error=error,
        )
        return request.render("tier_portal.portal_my_packages", values)
