from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    tier_raw_days = fields.Integer(related="company_id.tier_raw_days", readonly=False)
    tier_details_months = fields.Integer(related="company_id.tier_details_months", readonly=False)
