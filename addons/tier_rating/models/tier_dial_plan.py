from odoo import api, fields, models


class TierDialPlan(models.Model):
    """How endpoints dial that do not dial as their switch says: an office in another area, a trunk."""

    _name = "tier.dial.plan"
    _inherit = ["tier.dial.mixin"]
    _description = "Dial Plan"
    _order = "name"
    _check_company_auto = True

    name = fields.Char(required=True)
    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)
    endpoint_ids = fields.One2many("tier.endpoint", "dial_plan_id", "Endpoints")
    endpoint_count = fields.Integer(compute="_compute_endpoint_count")

    @api.depends("endpoint_ids")
    def _compute_endpoint_count(self):
        counts = dict(
            self.env["tier.endpoint"]._read_group([("dial_plan_id", "in", self.ids)], ["dial_plan_id"], ["__count"])
        )
        for plan in self:
            plan.endpoint_count = counts.get(plan._origin, 0)

    @api.constrains("company_id")
    def _check_endpoints(self):
        """A plan goes to no other company while endpoints dial by it."""
        self.sudo().with_context(active_test=False).endpoint_ids._check_company(["dial_plan_id"])

    def action_endpoints(self):
        """Open the endpoints that dial so.

        :return: a window action
        """
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.actions"]._for_xml_id("tier_rating.tier_endpoint_action")
        action["domain"] = [("dial_plan_id", "=", self.id)]
        action["context"] = {"default_dial_plan_id": self.id}
        return action

    def action_test_number(self):
        """Open the dialog that tells what a number means that is dialled so.

        :return: a window action
        """
        self.ensure_one()
        self.check_access("read")
        return self.env["tier.switch.number"]._action_for(dial_plan_id=self.id)
