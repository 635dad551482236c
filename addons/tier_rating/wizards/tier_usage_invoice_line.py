from odoo import fields, models


class TierUsageInvoiceLine(models.TransientModel):
    """What one wallet would be invoiced."""

    _name = "tier.usage.invoice.line"
    _description = "Usage to Invoice"

    wizard_id = fields.Many2one("tier.usage.invoice", required=True, ondelete="cascade")
    wallet_id = fields.Many2one("tier.wallet", required=True, ondelete="cascade")
    currency_id = fields.Many2one(related="wallet_id.currency_id")
    calls = fields.Integer()
    usage = fields.Monetary(help="Without tax.")
    covered = fields.Monetary("From balance", help="What the wallet's own balance has paid already.")
    amount = fields.Monetary("To pay")
