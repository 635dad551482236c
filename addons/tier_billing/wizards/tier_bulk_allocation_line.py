from odoo import fields, models

from ..const import MONEY_DIGITS


class TierBulkAllocationLine(models.TransientModel):
    """What one wallet gets by a bulk allocation."""

    _name = "tier.bulk.allocation.line"
    _description = "Bulk Allocation Line"

    bulk_id = fields.Many2one("tier.bulk.allocation", required=True, index=True, ondelete="cascade")
    label = fields.Char("Who", readonly=True)
    wallet_id = fields.Many2one("tier.wallet", readonly=True, ondelete="cascade")
    parent_id = fields.Many2one(related="wallet_id.parent_id", string="Parent")
    amount = fields.Float(digits=MONEY_DIGITS, readonly=True)
    currency_id = fields.Many2one(related="wallet_id.currency_id")
    refusal = fields.Char("Why not", readonly=True)
    in_ledger = fields.Boolean(readonly=True, help="Refused for want of funds and the like: worth another try.")
