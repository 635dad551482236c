from odoo import api, models


class TierRate(models.Model):
    _inherit = "tier.rate"

    @api.depends("prefix", "destination_id")
    @api.depends_context("tier_item_names")
    def _compute_display_name(self):
        """Override: where items are chosen they are called by their names, not by their codes."""
        result = super()._compute_display_name()
        if self.env.context.get("tier_item_names"):
            for rate in self:
                rate.display_name = rate.destination_id.name or rate.prefix
        return result
