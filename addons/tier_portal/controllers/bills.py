from datetime import timedelta

from odoo import fields, http
from odoo.exceptions import AccessError, MissingError, UserError, ValidationError
from odoo.fields import Domain
from odoo.http import request

from odoo.addons.portal.controllers.portal import pager
from odoo.addons.tier_billing.controllers.statement import statement_response

from .. import period
from .portal import PAGE, WALLET, TierPortal

BILLS = f"{WALLET}/bills"
BILL = f"{BILLS}/<int(max=2147483647):bill_id>"
STEPS = "<any(issue,refresh,cancel,send,delete):step>"
# Enough for terms of payment and a legal text.
LONGEST_NOTE = 4000
LONGEST_WORDS = 100


class TierBills(TierPortal):
    """Bills that a reseller gives its customers, and those that a customer got."""

    # ------------------------------------------------------------------
    # Access
    # ------------------------------------------------------------------

    def _tier_bill(self, wallet, bill_id):
        """Return a bill that a wallet gave or got.

        :param wallet: ``tier.wallet`` of the user
        :param int bill_id: from the address
        :raise AccessError: it is somebody else's
        :raise MissingError: there is none
        """
        self._document_check_access("tier.bill", bill_id)
        bill = request.env["tier.bill"].browse(bill_id)
        got = bill.child_id == wallet and bill.state != "draft"
        if bill.wallet_id != wallet and not got:
            raise AccessError(request.env._("This is no bill of this wallet."))
        return bill

    def _tier_own_bill(self, wallet, bill_id):
        """Return a bill that a wallet gave; see :meth:`_tier_bill`."""
        bill = self._tier_bill(wallet, bill_id)
        if bill.wallet_id != wallet:
            raise AccessError(request.env._("This is no bill of this wallet."))
        return bill

    # ------------------------------------------------------------------
    # Pages
    # ------------------------------------------------------------------

    @http.route([BILLS, f"{BILLS}{PAGE}"], type="http", auth="user", website=True)
    def portal_my_bills(self, wallet_id, page=1, side=None, **kw):
        try:
            wallet = self._tier_wallet(wallet_id)
        except (AccessError, MissingError):
            return request.redirect("/my")
        return self._tier_bill_list(wallet, page, side)

    def _tier_bill_list(self, wallet, page=1, side=None, error=None):
        """Render the list of bills.

        :param wallet: ``tier.wallet`` of the user
        :param int page: number of the list's page
        :param str side: given or received; what the wallet mostly has by default
        :param str error: why something was refused
        """
        Bill = request.env["tier.bill"]
        may_bill = self._tier_may_bill(wallet)
        if side not in ("given", "received"):
            side = "given" if may_bill else "received"
        domain = Bill._portal_domain(wallet, side)
        step = self._items_per_page
        url = f"{self._tier_url(wallet)}/bills"
        pages = pager(url=url, url_args={"side": side}, total=Bill.search_count(domain), page=page, step=step)
        bills = Bill.search(domain, limit=step, offset=pages["offset"])
        counts = dict(Bill._read_group(domain, ["state"], ["__count"])) if side == "given" else {}
        values = self._tier_values(
            "bills",
            wallet,
            bills=bills._portal_rows(),
            side=side,
            may_bill=may_bill,
            drafts=counts.get("draft", 0),
            unsent=Bill.search_count(domain & Domain("state", "=", "issued") & Domain("sent_on", "=", False))
            if counts.get("issued")
            else 0,
            done={name: self._tier_id(request.params.get(name)) for name in ("made", "issued", "sent")},
            done_any=any(name in request.params for name in ("made", "issued", "sent")),
            error=error,
            pager=pages,
        )
        return request.render("tier_portal.portal_my_bills", values)

    @http.route(f"{BILLS}/new", type="http", auth="user", website=True, methods=["GET", "POST"])
    def portal_new_bill(self, wallet_id, **kw):
        try:
            wallet = self._tier_wallet(wallet_id)
        except (AccessError, MissingError):
            return request.redirect("/my")
        if not self._tier_may_bill(wallet):
            return request.redirect(f"{self._tier_url(wallet)}/bills")
        if request.httprequest.method != "POST":
            last = fields.Date.context_today(request.env["res.users"]).replace(day=1) - timedelta(days=1)
            form = request.env["tier.bill"]._portal_defaults(wallet)
            form.update(child_id=kw.get("customer"), date_from=last.replace(day=1), date_to=last)
            return self._tier_bill_form(wallet, form)
        try:
            # A refused draft leaves nothing behind, or its charges would be taken.
            with request.env.cr.savepoint():
                if kw.get("child_id") == "all":
                    bill = request.env["tier.bill"]._portal_create_all(wallet, self._tier_bill_values(kw))
                    return request.redirect(f"{self._tier_url(wallet)}/bills?made={len(bill)}", 303)
                child = self._tier_customer(wallet, self._tier_id(kw.get("child_id")))
                vals = {**self._tier_bill_values(kw), "child_id": child.id}
                bill = request.env["tier.bill"]._portal_create(wallet, vals)
        except (UserError, ValidationError) as error:
            if isinstance(error, (AccessError, MissingError)):
                return request.redirect("/my")
            return self._tier_bill_form(wallet, kw, error=str(error))
        return request.redirect(f"{self._tier_url(wallet)}/bills/{bill.id}", 303)

    @http.route(BILL, type="http", auth="user", website=True)
    def portal_my_bill(self, wallet_id, bill_id, **kw):
        try:
            wallet = self._tier_wallet(wallet_id)
            bill = self._tier_bill(wallet, bill_id)
        except (AccessError, MissingError):
            return request.redirect("/my")
        return self._tier_bill_page(wallet, bill)

    @http.route(f"{BILLS}/all/<any(issue,send):step>", type="http", auth="user", website=True, methods=["POST"])
    def portal_all_bills(self, wallet_id, step, **kw):
        done, error = 0, None
        try:
            wallet = self._tier_wallet(wallet_id)
            done = request.env["tier.bill"]._portal_do_all(wallet, step)
        except (AccessError, MissingError):
            return request.redirect("/my")
        except UserError as refusal:
            error = str(refusal)
        if error:
            return self._tier_bill_list(wallet, error=error)
        return request.redirect(f"{self._tier_url(wallet)}/bills?{'issued' if step == 'issue' else 'sent'}={done}", 303)

    @http.route(f"{BILL}/pdf", type="http", auth="user", website=True)
    def portal_bill_pdf(self, wallet_id, bill_id, **kw):
        try:
            bill = self._tier_bill(self._tier_wallet(wallet_id), bill_id)
        except (AccessError, MissingError):
            return request.redirect("/my")
        report = request.env["ir.actions.report"].sudo()
        content, _type = report._render_qweb_pdf("tier_rating.tier_bill_report", bill.ids)
        return statement_response(content, "application/pdf", f"{bill._file_name()}.pdf")

    @http.route(f"{BILL}/change", type="http", auth="user", website=True, methods=["GET", "POST"])
    def portal_change_bill(self, wallet_id, bill_id, **kw):
        try:
            wallet = self._tier_wallet(wallet_id)
            bill = self._tier_own_bill(wallet, bill_id)
            if request.httprequest.method != "POST":
                return self._tier_bill_form(wallet, bill.read(self._tier_form_fields())[0], bill=bill)
            try:
                with request.env.cr.savepoint():
                    bill._portal_do("change", self._tier_bill_values(kw))
            except (UserError, ValidationError) as error:
                if isinstance(error, (AccessError, MissingError)):
                    raise
                return self._tier_bill_form(wallet, kw, bill=bill, error=str(error))
        except (AccessError, MissingError):
            return request.redirect("/my")
        return request.redirect(f"{self._tier_url(wallet)}/bills/{bill.id}", 303)

    @http.route(f"{BILL}/{STEPS}", type="http", auth="user", website=True, methods=["POST"])
    def portal_bill_step(self, wallet_id, bill_id, step, reason="", **kw):
        try:
            wallet = self._tier_wallet(wallet_id)
            bill = self._tier_own_bill(wallet, bill_id)
            args = [reason.strip()[:LONGEST_WORDS] or request.env._("No reason told")] if step == "cancel" else []
            bill._portal_do(step, *args)
        except (AccessError, MissingError):
            return request.redirect("/my")
        except (UserError, ValidationError) as error:
            return self._tier_bill_page(wallet, bill, error=str(error))
        if step == "delete":
            return request.redirect(f"{self._tier_url(wallet)}/bills", 303)
        suffix = "?sent=1" if step == "send" else ""
        return request.redirect(f"{self._tier_url(wallet)}/bills/{bill.id}{suffix}", 303)

    # ------------------------------------------------------------------
    # Values
    # ------------------------------------------------------------------

    def _tier_may_bill(self, wallet):
        """Tell whether the owner of a wallet bills customers: a reseller, but not the provider."""
        children = request.env["tier.wallet"].search_count([("parent_id", "=", wallet.id)], limit=1)
        return bool(children and wallet.sudo().parent_id)

    def _tier_form_fields(self):
        """Return the names of the fields of the form."""
        return ["kind", "date_from", "date_to", "note", "tax_name", "tax_percent", "tax_included"]

    def _tier_id(self, text):
        """Return the id that a form field holds, 0 if it holds none."""
        return int(text) if text and text.isascii() and text.isdigit() and int(text) < 2**31 else 0

    def _tier_bill_values(self, form):
        """Return what a form says, checked.

        :param dict form: of the request
        :rtype: dict
        :raise ValidationError: naming what is wrong
        """
        first, last = period.parse(form.get("date_from")), period.parse(form.get("date_to"))
        if not first or not last:
            raise ValidationError(request.env._("Choose the first and the last day."))
        if last < first:
            raise ValidationError(request.env._("The last day is before the first one."))
        try:
            percent = float((form.get("tax_percent") or "0").replace(",", "."))
        except ValueError:
            percent = -1
        # Not a number is below nothing and above nothing.
        if not 0 <= percent < 100:
            raise ValidationError(request.env._("The tax is a percentage between 0 and 100."))
        return {
            "kind": "statement" if form.get("kind") == "statement" else "invoice",
            "date_from": first,
            "date_to": last,
            "note": (form.get("note") or "").replace("\x00", "").strip()[:LONGEST_NOTE],
            "tax_name": (form.get("tax_name") or "").replace("\x00", "").strip()[:LONGEST_WORDS],
            "tax_percent": percent,
            "tax_included": bool(form.get("tax_included")),
        }

    def _tier_bill_form(self, wallet, form, bill=None, error=None):
        """Render the form of a draft.

        :param wallet: ``tier.wallet`` of the reseller
        :param dict form: what is in it
        :param bill: ``tier.bill`` that is changed, None for a new one
        :param str error: why it was refused
        """
        customers = request.env["tier.wallet"].search([("parent_id", "=", wallet.id)], order="name, id")
        values = self._tier_values(
            "bill_form",
            wallet,
            form=form,
            chosen=self._tier_id(str(form.get("child_id") or "")),
            customers=customers,
            bill=bill,
            error=error,
            longest_note=LONGEST_NOTE,
            longest_words=LONGEST_WORDS,
        )
        return request.render("tier_portal.portal_bill_form", values)

    def _tier_bill_page(self, wallet, bill, error=None):
        """Render a bill.

        :param wallet: ``tier.wallet`` of the user
        :param bill: ``tier.bill`` that it gave or got
        :param str error: why a step was refused
        """
        values = self._tier_values(
            "bill",
            wallet,
            bill=bill,
            row=bill._portal_rows()[0],
            is_own=bill.wallet_id == wallet,
            error=error,
            sent=bool(request.params.get("sent")),
        )
        return request.render("tier_portal.portal_my_bill", values)
