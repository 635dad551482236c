from odoo import api, fields, models


class TierPriceList(models.Model):
    """Prices by volume of a list."""

    _inherit = "tier.price.list"

    volume_plan_ids = fields.One2many("tier.volume.plan", "price_list_id", "Volume prices", copy=True)
    # Kept, so that charging asks for plans only where there are some.
    has_volume = fields.Boolean(compute="_compute_has_volume", store=True)

    @api.depends("volume_plan_ids.active")
    def _compute_has_volume(self):
        for price_list in self:
            price_list.has_volume = any(price_list.volume_plan_ids.mapped("active"))
