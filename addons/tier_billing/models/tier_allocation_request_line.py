from odoo import fields, models

from ..const import MONEY_DIGITS


class TierAllocationRequestLine(models.Model):
    """What one wallet is to get by a request."""

    _name = "tier.allocation.request.line"
    _description = "Allocation Request Line"

    request_id = fields.Many2one("tier.allocation.request", required=True, index=True, ondelete="cascade")
    wallet_id = fields.Many2one("tier.wallet", required=True, index=True, ondelete="restrict", readonly=True)
    amount = fields.Float(digits=MONEY_DIGITS, required=True, readonly=True)
    currency_id = fields.Many2one(related="wallet_id.currency_id")
    company_id = fields.Many2one(related="request_id.company_id", store=True)
    source_key = fields.Char(required=True, readonly=True)
    refusal = fields.Char(readonly=True, help="Why it was skipped.")
