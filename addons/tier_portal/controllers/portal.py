from odoo import http
from odoo.exceptions import AccessError, MissingError
from odoo.fields import Domain
from odoo.http import request

from odoo.addons.portal.controllers.portal import CustomerPortal, pager

from .. import formatting
from .searchbar import Searchbar

# What a database id can be: larger numbers are no page of ours.
WALLET = "/my/wallets/<int(max=2147483647):wallet_id>"
CUSTOMER = f"{WALLET}/customers/<int(max=2147483647):child_id>"
PAGE = "/page/<int:page>"
# Shown on a wallet's first page of each list.
LATEST = 5


class TierPortal(CustomerPortal):
    """The pages of wallets: for customers, and for resellers of their customers."""

    def _prepare_home_portal_values(self, counters):
        values = super()._prepare_home_portal_values(counters)
        if "tier_wallet_count" in counters:
            Wallet = request.env["tier.wallet"]
            values["tier_wallet_count"] = (
                Wallet.search_count(Wallet._portal_own_domain()) if Wallet.has_access("read") else 0
            )
        return values

    # ------------------------------------------------------------------
    # Access
    # ------------------------------------------------------------------

    def _tier_wallet(self, wallet_id):
        """Return a wallet that the user may look at as its owner does.

        :param int wallet_id: from the address
        :return: ``tier.wallet`` with the rights of the user
        :raise AccessError: it is somebody else's
        :raise MissingError: there is none
        """
        self._document_check_access("tier.wallet", wallet_id)
        wallet = request.env["tier.wallet"].browse(wallet_id)
        if not wallet._portal_is_own():
            raise AccessError(request.env._("This is somebody else's wallet."))
        return wallet

    def _tier_customer(self, wallet, child_id):
        """Return a direct customer of a wallet.

        :param wallet: ``tier.wallet`` of the user
        :param int child_id: from the address
        :return: ``tier.wallet`` with the rights of the user
        :raise AccessError: it is no customer of this wallet
        :raise MissingError: there is none
        """
        self._document_check_access("tier.wallet", child_id)
        child = request.env["tier.wallet"].browse(child_id)
        if child.parent_id != wallet:
            raise AccessError(request.env._("This is no customer of yours."))
        return child

    # ------------------------------------------------------------------
    # Pages
    # ------------------------------------------------------------------

    @http.route("/my/wallets", type="http", auth="user", website=True)
    def portal_my_wallets(self, **kw):
        Wallet = request.env["tier.wallet"]
        wallets = Wallet
        if Wallet.has_access("read"):
            wallets = Wallet.search(Wallet._portal_own_domain(), order="name, id")
        if len(wallets) == 1:
            return request.redirect(self._tier_url(wallets))
        figures = wallets._portal_figures() if wallets else {}
        values = self._tier_values("wallets", wallets=wallets, figures=figures)
        return request.render("tier_portal.portal_my_wallets", values)

    @http.route(WALLET, type="http", auth="user", website=True)
    def portal_my_wallet(self, wallet_id, **kw):
        try:
            wallet = self._tier_wallet(wallet_id)
        except (AccessError, MissingError):
            return request.redirect("/my")
        Charge, Transfer = request.env["tier.charge"], request.env["tier.transfer"]
        calls = Charge.search(Charge._portal_domain(wallet), limit=LATEST)
        payments = Transfer.search(Transfer._portal_domain(wallet), limit=LATEST)
        values = self._tier_values(
            "wallet",
            wallet,
            figures=wallet._portal_figures()[wallet.id],
            calls=calls._portal_rows(),
            payments=payments._portal_rows(wallet),
        )
        if values["is_reseller"]:
            customers, totals, count = wallet._portal_customers(wallet._portal_month(), order="margin", limit=LATEST)
            values.update(customers=customers, totals=totals, customer_count=count)
            values["digits"] = self._tier_digits(wallet, totals, customers)
        return request.render("tier_portal.portal_my_wallet", values)

    @http.route([f"{WALLET}/calls", f"{WALLET}/calls{PAGE}"], type="http", auth="user", website=True)
    def portal_my_calls(self, wallet_id, page=1, **kw):
        try:
            wallet = self._tier_wallet(wallet_id)
        except (AccessError, MissingError):
            return request.redirect("/my")
        values = self._tier_values("calls", wallet)
        self._tier_add_calls(values, wallet, f"{self._tier_url(wallet)}/calls", page, kw)
        return request.render("tier_portal.portal_my_calls", values)

    @http.route([f"{WALLET}/payments", f"{WALLET}/payments{PAGE}"], type="http", auth="user", website=True)
    def portal_my_payments(self, wallet_id, page=1, **kw):
        try:
            wallet = self._tier_wallet(wallet_id)
        except (AccessError, MissingError):
            return request.redirect("/my")
        Transfer = request.env["tier.transfer"]
        searchbar = Searchbar.payments(request.env, f"{self._tier_url(wallet)}/payments", kw)
        domain = Transfer._portal_domain(wallet, searchbar.filterby) & searchbar.period.domain()
        pages = self._tier_pager(searchbar, Transfer.search_count(domain), page)
        transfers = Transfer.search(domain, order=searchbar.order, limit=self._items_per_page, offset=pages["offset"])
        values = self._tier_values(
            "payments",
            wallet,
            payments=transfers._portal_rows(wallet),
            pager=pages,
            **searchbar.values(),
        )
        return request.render("tier_portal.portal_my_payments", values)

    @http.route([f"{WALLET}/customers", f"{WALLET}/customers{PAGE}"], type="http", auth="user", website=True)
    def portal_my_customers(self, wallet_id, page=1, **kw):
        try:
            wallet = self._tier_wallet(wallet_id)
        except (AccessError, MissingError):
            return request.redirect("/my")
        searchbar = Searchbar.customers(request.env, f"{self._tier_url(wallet)}/customers", kw)
        # The pager cuts the same list that the totals are made of: no second query.
        step = self._items_per_page
        customers, totals, count = wallet._portal_customers(searchbar.period, searchbar.search, searchbar.order)
        pages = self._tier_pager(searchbar, count, page)
        customers = customers[pages["offset"] : pages["offset"] + step]
        values = self._tier_values(
            "customers",
            wallet,
            customers=customers,
            totals=totals,
            customer_count=count,
            digits=self._tier_digits(wallet, totals, customers),
            pager=pages,
            **searchbar.values(),
        )
        return request.render("tier_portal.portal_my_customers", values)

    @http.route([CUSTOMER, f"{CUSTOMER}{PAGE}"], type="http", auth="user", website=True)
    def portal_my_customer(self, wallet_id, child_id, page=1, **kw):
        try:
            wallet = self._tier_wallet(wallet_id)
            child = self._tier_customer(wallet, child_id)
        except (AccessError, MissingError):
            return request.redirect("/my")
        sales = wallet._portal_sales(wallet._portal_month(), child)
        values = self._tier_values(
            "customer",
            wallet,
            child=child,
            figures=child._portal_figures()[child.id],
            sales=sales.get(child.id) or {"calls": 0, "attempts": 0, "sale": 0, "cost": 0, "margin": 0},
        )
        url = f"{self._tier_url(wallet)}/customers/{child.id}"
        self._tier_add_calls(values, wallet, url, page, kw, child)
        return request.render("tier_portal.portal_my_customer", values)

    # ------------------------------------------------------------------
    # Values
    # ------------------------------------------------------------------

    def _tier_url(self, wallet):
        return f"/my/wallets/{wallet.id}"

    def _tier_values(self, tier_page, wallet=None, **values):
        """Return what every page of ours needs.

        :param str tier_page: name of the page, for breadcrumbs and tabs
        :param wallet: ``tier.wallet`` of the user that the page is about
        :param values: added
        :rtype: dict
        """
        result = self._prepare_portal_layout_values()
        result.update(page_name=f"tier_{tier_page}", tier_page=tier_page, wallet=wallet)
        if wallet:
            Wallet = request.env["tier.wallet"]
            result["wallet_url"] = self._tier_url(wallet)
            result["is_reseller"] = bool(Wallet.search_count([("parent_id", "=", wallet.id)], limit=1))
        result.update(values)
        return result

    def _tier_digits(self, wallet, totals, customers):
        """Return the decimals in which a reseller's sales and margins read well."""
        amounts = [row[name] for row in (totals, *customers) for name in ("sale", "cost", "margin")]
        return formatting.digits_for(wallet.currency_id, amounts)

    def _tier_pager(self, searchbar, total, page):
        return pager(
            url=searchbar.url,
            url_args=searchbar.url_args(),
            total=total,
            page=page,
            step=self._items_per_page,
        )

    def _tier_add_calls(self, values, wallet, url, page, params, child=None):
        """Add a searchable list of calls to a page's values.

        :param dict values: added to
        :param wallet: ``tier.wallet`` whose share is shown
        :param str url: of the page
        :param int page: number of the list's page
        :param dict params: of the request
        :param child: ``tier.wallet``, to list what this customer used
        """
        Charge = request.env["tier.charge"]
        searchbar = Searchbar.calls(request.env, url, params)
        domain = Domain.AND(
            [
                Charge._portal_domain(wallet, child),
                Charge._portal_search_domain(searchbar.search_in, searchbar.search),
                searchbar.period.domain(),
                searchbar.filter_domain,
            ]
        )
        # Sums and number in one: the pager needs the number anyhow.
        [(count, sale, cost, margin)] = Charge._read_group(
            domain, [], ["__count", "sale:sum", "cost:sum", "margin:sum"]
        )
        sums = {"sale": sale or 0, "cost": cost or 0, "margin": margin or 0}
        pages = self._tier_pager(searchbar, count, page)
        charges = Charge.search(domain, order=searchbar.order, limit=self._items_per_page, offset=pages["offset"])
        values.update(
            calls=charges._portal_rows(),
            call_count=count,
            call_sums=sums,
            digits=formatting.digits_for(wallet.currency_id, sums.values()),
            pager=pages,
            **searchbar.values(),
        )
