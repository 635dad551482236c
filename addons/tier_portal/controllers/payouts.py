import uuid

from odoo import http
from odoo.exceptions import AccessError, MissingError, UserError, ValidationError
from odoo.http import request

from odoo.addons.portal.controllers.portal import pager

from .. import formatting
from .portal import PAGE, WALLET, TierPortal

PAYOUTS = f"{WALLET}/payouts"
# Room for a bank account and a greeting.
LONGEST_NOTE = 1000
# What a request key of ours is long.
KEY_LENGTH = 36


class TierPayouts(TierPortal):
    """A reseller asks for what it earned, and sees what became of it."""

    @http.route([PAYOUTS, f"{PAYOUTS}{PAGE}"], type="http", auth="user", website=True, methods=["GET"])
    def portal_my_payouts(self, wallet_id, page=1, **kw):
        try:
            wallet = self._tier_wallet(wallet_id)
        except (AccessError, MissingError):
            return request.redirect("/my")
        return self._tier_payouts_page(wallet, page)

    @http.route(f"{PAYOUTS}/request", type="http", auth="user", website=True, methods=["POST"])
    def portal_request_payout(self, wallet_id, amount="", note="", request_key="", **kw):
        try:
            wallet = self._tier_wallet(wallet_id)
            # A comma is a decimal point to half of Europe; grouping is nobody's in a form.
            wallet._request_payout(
                amount.strip().replace(",", "."), note[:LONGEST_NOTE], request_key[:KEY_LENGTH] or str(uuid.uuid4())
            )
        except (AccessError, MissingError):
            return request.redirect("/my")
        except (UserError, ValidationError) as error:
            return self._tier_payouts_page(wallet, error=str(error), amount=amount, note=note)
        return request.redirect(f"{self._tier_url(wallet)}/payouts", 303)

    @http.route(
        f"{PAYOUTS}/<int(max=2147483647):payout_id>/cancel", type="http", auth="user", website=True, methods=["POST"]
    )
    def portal_cancel_payout(self, wallet_id, payout_id, **kw):
        try:
            wallet = self._tier_wallet(wallet_id)
            wallet._withdraw_payout_request(payout_id)
        except (AccessError, MissingError):
            return request.redirect("/my")
        except UserError as error:
            return self._tier_payouts_page(wallet, error=str(error))
        return request.redirect(f"{self._tier_url(wallet)}/payouts", 303)

    def _tier_payouts_page(self, wallet, page=1, error=None, amount="", note=""):
        """Render what can be paid out, the form to ask for it, and what was asked for.

        :param wallet: ``tier.wallet`` of the user
        :param int page: number of the list's page
        :param str error: why a request was refused
        :param str amount: what was typed, not to be lost
        :param str note: likewise
        """
        # sudo: payouts of this wallet only, which is the user's.
        Payout = request.env["tier.payout"].sudo()
        domain = [("wallet_id", "=", wallet.id)]
        url, step = f"{self._tier_url(wallet)}/payouts", self._items_per_page
        pages = pager(url=url, total=Payout.search_count(domain), page=page, step=step)
        payouts = Payout.search(domain, limit=step, offset=pages["offset"])
        margin, own_funds = wallet._payout_margin_left(), float(wallet._own_funds())
        values = self._tier_values(
            "payouts",
            wallet,
            payouts=payouts._portal_rows(),
            pager=pages,
            limit=float(wallet._payout_limit()),
            margin=None if margin is None else float(margin),
            own_funds=own_funds,
            # Why not all of it can be paid: it ends in fractions of a cent.
            digits=formatting.digits_for(wallet.currency_id, [float(margin or 0), own_funds]),
            requested=float(wallet._payouts_requested()),
            may_request=wallet._is_of_user(),
            longest_note=LONGEST_NOTE,
            request_key=str(uuid.uuid4()),
            error=error,
            amount=amount,
            note=note,
        )
        return request.render("tier_portal.portal_my_payouts", values)
