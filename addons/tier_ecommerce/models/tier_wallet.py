from odoo import fields, models


class TierWallet(models.Model):
    _inherit = "tier.wallet"

    shop_order_count = fields.Integer(
        "Shop orders", compute="_compute_shop_order_count", groups="sales_team.group_sale_salesman"
    )

    def _compute_shop_order_count(self):
        counts = dict(
            self.env["sale.order.line"]._read_group(
                [("tier_wallet_id", "in", self.ids), ("state", "!=", "cancel")],
                ["tier_wallet_id"],
                ["order_id:count_distinct"],
            )
        )
        for wallet in self:
            wallet.shop_order_count = counts.get(wallet, 0)

    def action_shop_orders(self):
        """Open the orders that top up this wallet.

        :return: a window action
        """
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id("sale.action_orders")
        action["domain"] = [("order_line.tier_wallet_id", "=", self.id)]
        action["context"] = {"create": False}
        return action
