from odoo import models


class TierUsageEvent(models.Model):
    _inherit = "tier.usage.event"

    def _is_contested(self):
        """Tell whether an open dispute is about this event, on whatever tier.

        :rtype: bool
        """
        Line = self.env["tier.dispute.line"].sudo()
        return bool(Line.search_count([("event_id", "in", self.ids), ("is_open", "=", True)], limit=1))
