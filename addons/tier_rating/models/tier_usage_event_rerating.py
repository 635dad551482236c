from odoo import fields, models


class TierUsageEvent(models.Model):
    _inherit = "tier.usage.event"

    rerating_count = fields.Integer(
        "Re-ratings", compute="_compute_rerating_count", help="Runs that would correct it, have, or left it as it is."
    )

    def _compute_rerating_count(self):
        counts = dict(
            self.env["tier.rerating.event"]._read_group([("event_id", "in", self.ids)], ["event_id"], ["__count"])
        )
        for event in self:
            event.rerating_count = counts.get(event, 0)

    def action_reratings(self):
        """Open the runs that looked at this event.

        :return: a window action
        """
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.actions"]._for_xml_id("tier_rating.tier_rerating_event_action")
        action["domain"] = [("event_id", "=", self.id)]
        return action

    def action_rerate(self):
        """Begin a re-rating of the selected events.

        :return: a window action on it
        """
        self.check_access("read")
        run = self.env["tier.rerating"]._choose(self)
        return {
            "type": "ir.actions.act_window",
            "res_model": run._name,
            "res_id": run.id,
            "view_mode": "form",
        }
