from odoo import fields, models


class TierPriceList(models.Model):
    _inherit = "tier.price.list"

    below_cost_count = fields.Integer("Below cost", compute="_compute_below_cost_count")

    def _compute_below_cost_count(self):
        counts = dict(
            self.env["tier.below.cost"]._read_group(
                [("price_list_id", "in", self.ids), ("is_loss", "=", True)], ["price_list_id"], ["__count"]
            )
        )
        for price_list in self:
            price_list.below_cost_count = counts.get(price_list, 0)

    def _cost_list(self):
        """Return the list that whoever sells by this one buys by.

        :rtype: tier.price.list
        """
        self.ensure_one()
        return self.sudo().brand_id.wallet_id.price_list_id.with_env(self.env)

    def _sold(self):
        """Return those that customers buy by, and whose sellers buy by another."""
        lists = self.sudo().filtered(lambda price_list: price_list.wallet_ids.parent_id)
        return lists.filtered(lambda price_list: price_list._cost_list() not in (price_list, self.browse())).with_env(
            self.env
        )

    def action_below_cost(self):
        """Open what the list sells below cost.

        :return: a window action
        """
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id("tier_rating.tier_below_cost_action")
        return {**action, "domain": [("price_list_id", "=", self.id)]}
