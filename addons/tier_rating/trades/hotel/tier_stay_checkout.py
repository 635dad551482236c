from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.tier_billing.const import MONEY_DIGITS


class TierStayCheckout(models.TransientModel):
    """What the guest gets back or owes, before the stay ends."""

    _name = "tier.stay.checkout"
    _description = "Check-out"

    stay_id = fields.Many2one("tier.stay", required=True, ondelete="cascade")
    currency_id = fields.Many2one(related="stay_id.currency_id")
    # What the guest is told: the exact text, fixed when the dialog opens.
    told = fields.Char(compute="_compute_told", store=True, precompute=True, readonly=True)
    due = fields.Float("The guest pays", digits=MONEY_DIGITS, compute="_compute_amounts")
    returned = fields.Float("The guest gets back", digits=MONEY_DIGITS, compute="_compute_amounts")
    by_invoice = fields.Boolean("Pays by invoice", help="The wallet stays suspended until the invoice is paid.")
    waiting_count = fields.Integer(
        "In suspense", compute="_compute_waiting_count", help="Usage of the guest that could not be priced yet."
    )
    can_invoice = fields.Boolean(compute="_compute_amounts")
    must_invoice = fields.Boolean(compute="_compute_amounts")

    @api.depends("stay_id")
    def _compute_told(self):
        for checkout in self:
            checkout.told = f"{checkout.stay_id._balance_now():f}" if checkout.stay_id.wallet_id else "0"

    @api.depends("stay_id")
    def _compute_waiting_count(self):
        Event = self.env["tier.usage.event"]
        for checkout in self:
            wallet = checkout.stay_id.wallet_id
            waiting = [("wallet_id", "=", wallet.id), ("state", "=", "suspense")]
            checkout.waiting_count = Event.search_count(waiting) if wallet else 0

    @api.depends("told")
    def _compute_amounts(self):
        for checkout in self:
            balance = Decimal(checkout.told or 0)
            checkout.due = max(-balance, Decimal(0))
            checkout.returned = max(balance, Decimal(0))
            checkout.can_invoice = balance < 0 and checkout.stay_id.payment == "account"
            # Usage of a postpaid wallet that the provider collects for is invoiced in Invoicing.
            checkout.must_invoice = balance < 0 and bool(checkout.stay_id.wallet_id._invoiced_by_usage())

    def action_apply(self):
        """End the stay; repeating it changes nothing.

        :return: the report action of the folio
        """
        self.ensure_one()
        self.check_access("write")
        invoice = self.must_invoice or self.by_invoice
        if invoice and not self.can_invoice:
            raise UserError(self.env._("A guest who pays by invoice has a room's account and something to pay."))
        self.stay_id._check_out(Decimal(self.told), invoice)
        return {**self.stay_id.action_folio(), "close_on_report_download": True}
