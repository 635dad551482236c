from odoo import models


class TierDemo(models.AbstractModel):
    _name = "tier.demo"
    _description = "Demo"
