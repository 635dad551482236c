from datetime import timedelta
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from odoo.addons.tier_billing import ledger
from odoo.addons.tier_billing.const import MONEY_DIGITS
from odoo.addons.tier_billing.statements import layout

from ..billing import collect
from ..billing.totals import totals
from ..invoicing.amounts import round_to, spread

# What a draft is made of: who sold what to whom, when.
SOURCE_FIELDS = frozenset(("kind", "wallet_id", "child_id", "brand_id", "date_from", "date_to"))
# What a reseller adds to it.
TEXT_FIELDS = frozenset(("note", "tax_name", "tax_percent", "tax_included"))

# What issuing, sending and cancelling set.
ISSUED_FIELDS = ("name", "number", "issued_on", "sent_on", "cancel_reason")


class TierBill(models.Model):
    """What a reseller gives its own direct customer: an invoice or a statement, in its own name.

    It is made of the reseller's own charges and touches neither the provider's books nor the
    ledger. A charge stands on one invoice at most. What was issued is never changed; it can be
    cancelled, which sets its charges free for another.
    """

    _name = "tier.bill"
    _description = "Reseller's Bill"
    _inherit = ["mail.thread"]
    _order = "id desc"
    _check_company_auto = True

    name = fields.Char("Number", readonly=True, copy=False)
    number = fields.Integer("Place in the series", readonly=True, copy=False)
    kind = fields.Selection([("invoice", "Invoice"), ("statement", "Statement")], required=True, default="invoice")
    state = fields.Selection(
        [("draft", "Draft"), ("issued", "Issued"), ("cancelled", "Cancelled")],
        required=True,
        readonly=True,
        copy=False,
        default="draft",
        tracking=True,
    )
    wallet_id = fields.Many2one("tier.wallet", "Reseller", required=True, index=True, ondelete="restrict")
    child_id = fields.Many2one("tier.wallet", "Customer", required=True, index=True, ondelete="restrict")
    company_id = fields.Many2one(related="wallet_id.company_id", store=True)
    currency_id = fields.Many2one(related="wallet_id.currency_id", store=True)
    brand_id = fields.Many2one(
        "tier.brand",
        ondelete="set null",
        domain="[('wallet_id', '=', wallet_id)]",
        help="Whose name and logo it bears. Empty: that of the customer's price list, or the reseller's own.",
    )
    date_from = fields.Date("From", required=True, default=lambda self: self._last_month()[0])
    date_to = fields.Date("To", required=True, default=lambda self: self._last_month()[1])
    tz = fields.Char("Time zone", readonly=True, help="Where the days of the period begin: that of the company.")
    start_at = fields.Datetime(readonly=True)
    stop_at = fields.Datetime(readonly=True)
    issued_on = fields.Date(readonly=True, copy=False)
    sent_on = fields.Date("Mailed on", readonly=True, copy=False)
    cancel_reason = fields.Char(readonly=True, copy=False)
    note = fields.Text(help="Terms of payment, legal texts. Printed below the sums.")
    tax_name = fields.Char(help="What the tax is called, such as VAT.")
    tax_percent = fields.Float("Tax (%)", digits=(6, 3))
    tax_included = fields.Boolean("Prices include the tax")
    line_ids = fields.One2many("tier.bill.line", "bill_id", "Lines", readonly=True)
    call_count = fields.Integer("Number of calls", readonly=True)
    late_count = fields.Integer(
        "Recorded late", readonly=True, help="Usage of before the period, recorded after it was billed."
    )
    amount_untaxed = fields.Float("Without tax", digits=MONEY_DIGITS, readonly=True)
    amount_tax = fields.Float("Tax", digits=MONEY_DIGITS, readonly=True)
    amount_total = fields.Float("Total", digits=MONEY_DIGITS, readonly=True)
    # As they were when it was issued, whoever moves or is renamed later.
    seller_name = fields.Char(readonly=True)
    seller_address = fields.Text(readonly=True)
    seller_logo = fields.Binary(readonly=True, attachment=True)
    customer_name = fields.Char(readonly=True)
    customer_address = fields.Text(readonly=True)

    _number_once = models.UniqueIndex("(wallet_id, kind, number) WHERE number > 0", "A number is given once.")
    _name_once = models.UniqueIndex("(wallet_id, name) WHERE name IS NOT NULL", "A number is given once.")
    _periods = models.Index("(child_id, wallet_id, start_at)")
    _in_order = models.Constraint("CHECK (date_from <= date_to)", "The last day is before the first one.")
    _tax = models.Constraint(
        "CHECK (COALESCE(tax_percent, 0) >= 0 AND COALESCE(tax_percent, 0) < 100)",
        "A tax is between 0 and 100 %.",
    )

    @api.depends("name", "kind")
    def _compute_display_name(self):
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        for bill in self:
            bill.display_name = f"{kinds.get(bill.kind, '')} {bill.name or self.env._('Draft')}"

    # ------------------------------------------------------------------
    # Keeping it as it was
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_settable(vals)
        # Said in full: what is left out could come as a default in the context.
        initial = dict.fromkeys(ISSUED_FIELDS, False) | {"state": "draft"}
        bills = super().create([{**vals, **initial} for vals in vals_list])
        for bill in bills:
            bill._check_parties()
        bills._collect()
        return bills

    def write(self, vals):
        facts = vals.keys() & self._fields.keys() - {"message_main_attachment_id"}
        facts = {name for name in facts if not name.startswith(("message_", "activity_", "access_"))}
        if facts:
            self._check_settable({name: vals[name] for name in facts})
            if any(bill.state != "draft" for bill in self):
                raise UserError(self.env._("The bill was issued: it stays as it is."))
        result = super().write(vals)
        if SOURCE_FIELDS & facts:
            for bill in self:
                bill._check_parties()
        if facts:
            self._collect()
        return result

    @api.constrains("date_from", "date_to", "tax_percent")
    def _check_sane(self):
        """Say it in words before the database refuses it."""
        for bill in self:
            if bill.date_to < bill.date_from:
                raise ValidationError(self.env._("The last day is before the first one."))
            if not 0 <= bill.tax_percent < 100:
                raise ValidationError(self.env._("The tax is a percentage between 0 and 100."))

    def _check_settable(self, vals):
        """Refuse values that are computed, or set by the buttons."""
        if vals.keys() & self._fields.keys() - SOURCE_FIELDS - TEXT_FIELDS - {"message_ids", "message_follower_ids"}:
            raise UserError(self.env._("What a bill says follows from its charges; its buttons decide its state."))

    @api.ondelete(at_uninstall=False)
    def _unlink_drafts_only(self):
        if any(bill.state != "draft" for bill in self):
            raise UserError(self.env._("The bill was issued: cancel it instead, its number stays."))

    # pylint: disable-next=method-required-super
    def copy(self, default=None):
        raise UserError(self.env._("A bill cannot be duplicated: its charges stand on one only."))

    def _check_parties(self):
        """Refuse a bill to whom the reseller does not sell."""
        self.ensure_one()
        wallet, child = self.sudo().wallet_id, self.sudo().child_id
        if not wallet.parent_id:
            raise ValidationError(self.env._("The provider invoices its customers in Invoicing."))
        sold = self.env["tier.charge"].sudo().search_count
        if child.parent_id != wallet and not sold(
            [("wallet_id", "=", wallet.id), ("child_id", "=", child.id)], limit=1
        ):
            raise ValidationError(self.env._("%s is no customer of this reseller.", child.name))
        if self.sudo().brand_id and self.sudo().brand_id.wallet_id != wallet:
            raise ValidationError(self.env._("%s is no brand of this reseller.", self.sudo().brand_id.name))

    # ------------------------------------------------------------------
    # What is on it
    # ------------------------------------------------------------------

    def _collect(self):
        """Read drafts anew from the charges: lines, sums, names and addresses."""
        for bill in self.sudo():
            tz = bill.wallet_id._statement_tz()
            start, stop = layout.span(bill.date_from, bill.date_to, tz)
            bill._set({"tz": tz, "start_at": start, "stop_at": stop, **bill._parties()})
            self.env.flush_all()
            if bill.kind == "invoice":
                collect.link(self.env.cr, bill)
            else:
                collect.release(self.env.cr, bill)
            bill._set_lines(collect.summarise(self.env.cr, bill))

    def _set_lines(self, found):
        """Write the lines and the sums.

        :param found: list of :class:`..billing.collect.Line`
        """
        step = Decimal(repr(self.currency_id.rounding))
        total = round_to(sum((line.amount for line in found), Decimal(0)), step)
        amounts = spread([line.amount for line in found], total, step)
        self.line_ids.unlink()
        language = self.child_id.partner_id.lang or self.env.lang
        services = self.env["tier.service"].with_context(lang=language)
        self.env["tier.bill.line"].create(
            [
                {
                    "bill_id": self.id,
                    "sequence": sequence,
                    "name": " – ".join(
                        filter(
                            None,
                            (
                                services.browse(line.service_id).name,
                                self.env["tier.destination"].browse(line.destination_id).name,
                            ),
                        )
                    )
                    or self.env._("Usage"),
                    "calls": line.calls,
                    "quantity": line.quantity,
                    "unit": services.browse(line.service_id).unit,
                    "is_time": services.browse(line.service_id).is_time,
                    "amount": amount,
                }
                for sequence, (line, amount) in enumerate(zip(found, amounts, strict=True))
            ]
        )
        sums = totals(total, Decimal(str(self.tax_percent or 0)), self.tax_included, step)
        self._set(
            {
                "amount_untaxed": sums.untaxed,
                "amount_tax": sums.tax,
                "amount_total": sums.total,
                "call_count": sum(line.calls for line in found),
                "late_count": collect.count_late(self.env.cr, self),
            }
        )

    def _parties(self):
        """Return who sells and who buys, as they are now.

        :return: dict of values
        """
        seller, buyer = self.wallet_id.partner_id, self.child_id.partner_id
        brand = self._brand()
        return {
            "seller_name": brand.name or seller.name,
            "seller_address": self._address(seller),
            "seller_logo": brand.logo or seller.image_256,
            "customer_name": buyer.name,
            "customer_address": self._address(buyer),
        }

    def _brand(self):
        """Return what the reseller sells to this customer under, empty if it has no brand."""
        if self.brand_id or self.child_id.parent_id == self.wallet_id:
            return self.brand_id or self.child_id._selling_brand()
        # It buys from somebody else by now.
        return self.wallet_id.brand_ids[:1]

    def _address(self, partner):
        """Return a postal address with the tax number below it."""
        return "\n".join(filter(None, (self.wallet_id._statement_address(partner), partner.vat)))

    def _set(self, vals):
        """Write past :meth:`write`: the only way to set what follows from charges and buttons."""
        return super().write(vals)  # pylint: disable=super-method-mismatch

    # ------------------------------------------------------------------
    # Issuing
    # ------------------------------------------------------------------

    def action_refresh(self):
        """Read the drafts anew: what was recorded since is on them."""
        self._claim("draft", ("draft",))
        self._collect()

    def action_issue(self):
        """Give drafts their numbers, for good; pressing twice gives one number."""
        ledger.cursor.see_commits(self.env.cr)
        for bill in self._claim("issued", ("draft",)).sudo().sorted("id"):
            if not bill.line_ids:
                raise UserError(
                    self.env._("%s used nothing in this period that is not billed already.", bill.customer_name)
                )
            number, name = self.env["tier.bill.series"]._take(bill.wallet_id, bill.kind)
            bill._set(
                {
                    **bill._parties(),
                    "state": "issued",
                    "number": number,
                    "name": name,
                    "issued_on": bill._today(),
                }
            )

    def action_cancel(self):
        """Cancel what was issued: the number stays, the charges may be billed anew."""
        self._cancel(self.env._("Cancelled by hand"))

    def _cancel(self, reason):
        """See :meth:`action_cancel`.

        :param str reason: printed on it
        """
        bills = self._claim("cancelled", ("issued",))
        collect.release(self.env.cr, bills)
        bills.sudo()._set({"state": "cancelled", "cancel_reason": reason})

    def _claim(self, target, sources):
        """Lock bills for a step and return those that are still to be taken.

        :param str target: state to reach; who is there already is left alone, unless it may stay
        :param sources: states from which it may be reached
        :raise UserError: for one in any other state
        """
        self.check_access("write")
        self.env.flush_all()
        self.env.cr.execute("SELECT id FROM tier_bill WHERE id = ANY(%s) ORDER BY id FOR UPDATE", [self.ids])
        self.invalidate_recordset()
        waiting = self.filtered(lambda bill: bill.state != target or target in sources)
        for bill in waiting:
            if bill.state not in sources:
                states = dict(self._fields["state"]._description_selection(self.env))
                raise UserError(
                    self.env._(
                        "%(bill)s is in state “%(state)s” and stays there.",
                        bill=bill.display_name,
                        state=states[bill.state],
                    )
                )
        return waiting

    def action_send(self):
        """Mail what was issued to the customer, with the PDF."""
        self.check_access("write")
        template = self.env.ref("tier_rating.mail_template_bill")
        for bill in self.sudo():
            if bill.state != "issued":
                raise UserError(self.env._("Issue the bill first."))
            if not bill.child_id.partner_id.email:
                raise UserError(self.env._("%s has no mail address.", bill.customer_name))
            template.sudo().send_mail(bill.id)
            bill._set({"sent_on": bill._today()})

    def action_print(self):
        """Print the bill.

        :return: a report action
        """
        self.check_access("read")
        return self.env.ref("tier_rating.tier_bill_report").report_action(self, config=False)

    @api.model
    def _last_month(self):
        """Return the first and the last day of last month."""
        last = fields.Date.context_today(self).replace(day=1) - timedelta(days=1)
        return last.replace(day=1), last

    def _today(self):
        """Return which day it is where the bill's days begin."""
        return fields.Datetime.context_timestamp(self.with_context(tz=self.tz), fields.Datetime.now()).date()

    def _file_name(self):
        """Return the name of the PDF without its extension."""
        self.ensure_one()
        return f"{self.display_name} {self.sudo().customer_name}".replace("/", "-")

    def _amount_text(self, amount):
        """Return an amount of this bill, in the reader's language."""
        step = self.currency_id.decimal_places
        return layout.money(self.env, Decimal(repr(amount)), self.currency_id, step)
