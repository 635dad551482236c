from decimal import Decimal

from odoo import fields, models
from odoo.exceptions import UserError


class TierBelowCostCheck(models.TransientModel):
    """Compares selling price lists with what their sellers pay."""

    _name = "tier.below.cost.check"
    _description = "Check of Prices Against Cost"

    price_list_ids = fields.Many2many("tier.price.list", string="Price lists", help="Empty: all that customers buy by.")
    service_id = fields.Many2one(
        "tier.service",
        required=True,
        default=lambda self: self.env.ref("tier_rating.service_voice", raise_if_not_found=False),
    )
    unit = fields.Char(related="service_id.unit")
    day = fields.Date("Prices of", required=True, default=fields.Date.context_today)
    quantity = fields.Integer(
        "Sample", required=True, default=180, help="Seconds of a call, or units, that margins are reckoned for."
    )
    least_percent = fields.Float(
        "Least margin (%)", digits=(16, 2), help="Warn of what leaves less than this. Zero: of losses only."
    )

    def action_check(self):
        """Look for what is sold below cost, and show it.

        :return: a window action
        """
        self.ensure_one()
        BelowCost = self.env["tier.below.cost"]
        self.check_access("write")
        if self.quantity < 1:
            raise UserError(self.env._("A sample has one second, or unit, at least."))
        lists = self.price_list_ids
        lists = lists or self.env["tier.price.list"].search([])._sold()  # pylint: disable=no-search-all
        lists.check_access("read")
        BelowCost._check(lists, self.service_id, self.day, self.quantity, Decimal(str(self.least_percent)))
        action = self.env["ir.actions.actions"]._for_xml_id("tier_rating.tier_below_cost_action")
        return {**action, "domain": [("price_list_id", "in", lists.ids)], "target": "main"}
