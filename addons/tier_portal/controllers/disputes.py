from odoo import http
from odoo.exceptions import AccessError, MissingError, UserError, ValidationError
from odoo.http import request

from odoo.addons.portal.controllers.portal import pager

from .portal import LATEST, PAGE, WALLET, TierPortal

CHARGE = f"{WALLET}/calls/<int(max=2147483647):charge_id>"
DISPUTES = f"{WALLET}/disputes"
DISPUTE = f"{DISPUTES}/<int(max=2147483647):dispute_id>"
# Enough to tell what is wrong with a call.
LONGEST_REASON = 2000


class TierDisputes(TierPortal):
    """One call, and contesting what it cost."""

    # ------------------------------------------------------------------
    # Access
    # ------------------------------------------------------------------

    def _tier_charge(self, wallet, charge_id):
        """Return a charge of a wallet of the user's.

        :param wallet: ``tier.wallet`` of the user
        :param int charge_id: from the address
        :raise AccessError: it is another wallet's
        :raise MissingError: there is none
        """
        self._document_check_access("tier.charge", charge_id)
        charge = request.env["tier.charge"].browse(charge_id)
        if charge.wallet_id != wallet:
            raise AccessError(request.env._("This is no charge of this wallet."))
        return charge

    def _tier_dispute(self, wallet, dispute_id):
        """Return a dispute of a wallet of the user's; see :meth:`_tier_charge`."""
        self._document_check_access("tier.dispute", dispute_id)
        dispute = request.env["tier.dispute"].browse(dispute_id)
        if dispute.wallet_id != wallet:
            raise AccessError(request.env._("This is no dispute of this wallet."))
        return dispute

    # ------------------------------------------------------------------
    # Pages
    # ------------------------------------------------------------------

    @http.route(CHARGE, type="http", auth="user", website=True)
    def portal_my_call(self, wallet_id, charge_id, **kw):
        try:
            wallet = self._tier_wallet(wallet_id)
            charge = self._tier_charge(wallet, charge_id)
        except (AccessError, MissingError):
            return request.redirect("/my")
        return self._tier_call_page(wallet, charge)

    @http.route(f"{CHARGE}/contest", type="http", auth="user", website=True, methods=["POST"])
    def portal_contest(self, wallet_id, charge_id, reason="", **kw):
        try:
            wallet = self._tier_wallet(wallet_id)
            charge = self._tier_charge(wallet, charge_id)
            dispute = charge._contest(reason[:LONGEST_REASON])
        except (AccessError, MissingError):
            return request.redirect("/my")
        except (UserError, ValidationError) as error:
            return self._tier_call_page(wallet, charge, error=str(error), reason=reason)
        return request.redirect(f"{self._tier_url(wallet)}/disputes/{dispute.id}", 303)

    @http.route([DISPUTES, f"{DISPUTES}{PAGE}"], type="http", auth="user", website=True)
    def portal_my_disputes(self, wallet_id, page=1, **kw):
        try:
            wallet = self._tier_wallet(wallet_id)
        except (AccessError, MissingError):
            return request.redirect("/my")
        Dispute = request.env["tier.dispute"]
        domain = [("wallet_id", "=", wallet.id)]
        url = f"{self._tier_url(wallet)}/disputes"
        step = self._items_per_page
        pages = pager(url=url, total=Dispute.search_count(domain), page=page, step=step)
        disputes = Dispute.search(domain, limit=step, offset=pages["offset"])
        values = self._tier_values("disputes", wallet, disputes=disputes._portal_rows(), pager=pages)
        return request.render("tier_portal.portal_my_disputes", values)

    @http.route(DISPUTE, type="http", auth="user", website=True)
    def portal_my_dispute(self, wallet_id, dispute_id, **kw):
        try:
            wallet = self._tier_wallet(wallet_id)
            dispute = self._tier_dispute(wallet, dispute_id)
        except (AccessError, MissingError):
            return request.redirect("/my")
        # The portal user reads its own charges; of others there are none in its dispute.
        charges = dispute.line_ids.charge_id
        values = self._tier_values(
            "dispute",
            wallet,
            dispute=dispute,
            row=dispute._portal_rows()[0],
            calls=charges._portal_rows(),
        )
        return request.render("tier_portal.portal_my_dispute", values)

    # ------------------------------------------------------------------
    # Values
    # ------------------------------------------------------------------

    def _tier_call_page(self, wallet, charge, error=None, reason=""):
        """Render one call with what it cost, and the form to contest that.

        :param wallet: ``tier.wallet`` of the user
        :param charge: ``tier.charge`` of that wallet
        :param str error: why it could not be contested
        :param str reason: what the user wrote, not to be lost
        """
        Line = request.env["tier.dispute.line"]
        disputes = Line.search([("charge_id", "=", charge.id)], limit=LATEST).dispute_id
        values = self._tier_values(
            "call",
            wallet,
            charge=charge,
            call=charge._portal_rows()[0],
            disputes=disputes._portal_rows(),
            may_contest=not disputes and charge._portal_may_contest(),
            longest_reason=LONGEST_REASON,
            error=error,
            reason=reason,
        )
        return request.render("tier_portal.portal_my_call", values)
