from odoo import fields, models


class TierSwitchToken(models.TransientModel):
    """Shows a token once. Nothing of it is stored."""

    _name = "tier.switch.token"
    _description = "Token of a Switch"

    token = fields.Char(store=False, readonly=True)
    url = fields.Char("Address", store=False, readonly=True)
