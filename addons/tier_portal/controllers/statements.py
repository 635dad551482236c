from odoo import http
from odoo.exceptions import AccessError, MissingError
from odoo.http import request

from odoo.addons.tier_billing.controllers.statement import statement_response

from .portal import CUSTOMER, WALLET, TierPortal
from .searchbar import Searchbar

FILE = "<any(pdf,csv,xlsx):file_format>"


class TierStatements(TierPortal):
    """Statements of own wallets, and of customers as far as they concern their reseller."""

    @http.route(f"{WALLET}/statement", type="http", auth="user", website=True)
    def portal_my_statement(self, wallet_id, **kw):
        try:
            wallet = self._tier_wallet(wallet_id)
        except (AccessError, MissingError):
            return request.redirect("/my")
        return self._tier_statement_page(wallet, wallet, f"{self._tier_url(wallet)}/statement", kw)

    @http.route(f"{WALLET}/statement/{FILE}", type="http", auth="user", website=True)
    def portal_my_statement_file(self, wallet_id, file_format, **kw):
        try:
            wallet = self._tier_wallet(wallet_id)
        except (AccessError, MissingError):
            return request.redirect("/my")
        return self._tier_statement_file(wallet, file_format, kw)

    @http.route(f"{CUSTOMER}/statement", type="http", auth="user", website=True)
    def portal_customer_statement(self, wallet_id, child_id, **kw):
        try:
            wallet = self._tier_wallet(wallet_id)
            child = self._tier_customer(wallet, child_id)
        except (AccessError, MissingError):
            return request.redirect("/my")
        return self._tier_statement_page(wallet, child, f"{self._tier_url(wallet)}/customers/{child.id}/statement", kw)

    @http.route(f"{CUSTOMER}/statement/{FILE}", type="http", auth="user", website=True)
    def portal_customer_statement_file(self, wallet_id, child_id, file_format, **kw):
        try:
            wallet = self._tier_wallet(wallet_id)
            child = self._tier_customer(wallet, child_id)
        except (AccessError, MissingError):
            return request.redirect("/my")
        return self._tier_statement_file(child, file_format, kw)

    # ------------------------------------------------------------------
    # Values
    # ------------------------------------------------------------------

    def _tier_statement_page(self, wallet, of_wallet, url, params):
        """Render a statement.

        :param wallet: ``tier.wallet`` of the user
        :param of_wallet: ``tier.wallet`` that the statement is of: the same or a customer
        :param str url: of the page
        :param dict params: of the request
        """
        searchbar = Searchbar.statement(request.env, url, params)
        first, last = searchbar.closed_days()
        values = self._tier_values(
            "statement" if of_wallet == wallet else "customer_statement",
            wallet,
            child=of_wallet,
            page=of_wallet._statement_page(first, last),
            files=[
                (file_format, f"{url}/{file_format.lower()}?date_begin={first}&date_end={last}")
                for file_format in ("PDF", "XLSX", "CSV")
            ],
            **searchbar.values(),
        )
        return request.render("tier_portal.portal_my_statement", values)

    def _tier_statement_file(self, of_wallet, file_format, params):
        """Return a statement to download.

        :param of_wallet: ``tier.wallet`` whose access was checked
        :param str file_format: pdf, csv or xlsx
        :param dict params: of the request
        """
        first, last = Searchbar.statement(request.env, "", params).closed_days()
        # The user has no access to the wizard; the statement goes by who the user is, even so.
        statement = (
            request.env["tier.statement"]
            .sudo()
            .create({"wallet_id": of_wallet.id, "period": "custom", "date_from": first, "date_to": last})
        )
        if file_format == "pdf":
            report = request.env["ir.actions.report"].sudo()
            content, _type = report._render_qweb_pdf("tier_billing.tier_statement_report", statement.ids)
            mime = "application/pdf"
        else:
            content, mime = of_wallet._statement_file(first, last, file_format)
        return statement_response(content, mime, f"{statement._file_name()}.{file_format}")
