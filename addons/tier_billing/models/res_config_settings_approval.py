from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    tier_approval_limit = fields.Float(related="company_id.tier_approval_limit", readonly=False)
    tier_approval_currency_id = fields.Many2one(related="company_id.currency_id", string="Currency of approval")
