from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.tier_billing.const import MONEY_DIGITS


class TierBillLine(models.Model):
    """What a customer used of one service and destination. Written by ``tier.bill`` alone."""

    _name = "tier.bill.line"
    _description = "Line of a Reseller's Bill"
    _order = "bill_id, sequence, id"

    bill_id = fields.Many2one("tier.bill", required=True, readonly=True, index=True, ondelete="cascade")
    sequence = fields.Integer(readonly=True)
    # Its words are copied: a destination that gets another name later changes no bill.
    name = fields.Char("Description", required=True, readonly=True)
    calls = fields.Integer("Number", readonly=True)
    quantity = fields.Float(digits=(16, 3), readonly=True, help="Billed seconds or units.")
    unit = fields.Char(readonly=True)
    used = fields.Char(compute="_compute_used", help="The quantity as people read it.")
    is_time = fields.Boolean(readonly=True)
    amount = fields.Float(digits=MONEY_DIGITS, readonly=True)
    currency_id = fields.Many2one(related="bill_id.currency_id")

    @api.depends("quantity", "unit", "is_time")
    def _compute_used(self):
        for line in self:
            line.used = line._quantity_text()

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        lines._check_draft()
        return lines

    # pylint: disable-next=method-required-super
    def write(self, vals):
        raise UserError(self.env._("The lines of a bill are made of its charges and stay as they are."))

    @api.ondelete(at_uninstall=False)
    def _check_draft(self):
        """Refuse another line on a bill that was issued, or one less."""
        if any(bill.state != "draft" for bill in self.bill_id):
            raise UserError(self.env._("The bill was issued: it stays as it is."))

    def _quantity_text(self):
        """Return the quantity as people read it: hours, minutes and seconds, or units.

        :rtype: str
        """
        self.ensure_one()
        if not self.is_time:
            return f"{self.quantity:g} {self.unit or ''}".strip()
        minutes, seconds = divmod(abs(round(self.quantity)), 60)
        hours, minutes = divmod(minutes, 60)
        return f"{'−' if self.quantity < 0 else ''}{hours}:{minutes:02}:{seconds:02}"
