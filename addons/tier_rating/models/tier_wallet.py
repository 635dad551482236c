from odoo import api, fields, models

from odoo.addons.tier_billing.const import MONEY_DIGITS
from odoo.addons.tier_billing.models.ledger_link import refuse_if_linked

from .. import rollup


class TierWallet(models.Model):
    _inherit = "tier.wallet"

    price_list_id = fields.Many2one(
        "tier.price.list",
        ondelete="restrict",
        check_company=True,
        index="btree_not_null",
        tracking=True,
        groups="base.group_user",
        help="What this wallet pays its parent. On the provider's own wallet: what its carrier charges.",
    )
    endpoint_ids = fields.One2many("tier.endpoint", "wallet_id", "Endpoints", groups="base.group_user")
    brand_ids = fields.One2many("tier.brand", "wallet_id", "Brands", groups="base.group_user")
    call_count = fields.Integer(
        "Calls this month", compute="_compute_usage_figures", help="Sessions that were answered."
    )
    sale_month = fields.Float(
        "Sold this month",
        digits=MONEY_DIGITS,
        compute="_compute_usage_figures",
        groups="base.group_user",
    )
    cost_month = fields.Float(
        "Cost this month",
        digits=MONEY_DIGITS,
        compute="_compute_usage_figures",
        groups="base.group_user",
    )
    margin_month = fields.Float(
        "Margin this month",
        digits=MONEY_DIGITS,
        compute="_compute_usage_figures",
        groups="base.group_user",
    )

    @api.depends_context("uid", "tz")
    def _compute_usage_figures(self):
        """Sum this month's charges, refunds included; one statement for any number of wallets."""
        figures = rollup.month.since(self.env, self._origin.ids, self._month_start())
        for wallet in self:
            count, sale, cost, margin = figures.get(wallet._origin.id, (0, 0, 0, 0))
            wallet.call_count = count
            wallet.sale_month = sale
            wallet.cost_month = cost
            wallet.margin_month = margin

    def action_charges(self):
        """Open what this wallet sold and paid, at first the calls of this month.

        :return: a window action
        """
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id("tier_rating.tier_charge_action")
        action["domain"] = [("wallet_id", "=", self.id)]
        action["context"] = {"search_default_date": 1, "search_default_answered": 1}
        # Not so in the menu: over all wallets, reports read sums.
        action["view_mode"] = "list,pivot,graph"
        action["views"] = [(False, "list"), (False, "pivot"), (False, "graph")]
        return action

    @api.ondelete(at_uninstall=False)
    def _unlink_except_in_use(self):
        refuse_if_linked(
            self,
            ("tier.charge", "wallet_id"),
            ("tier.usage.event", "wallet_id"),
            ("tier.session", "wallet_id"),
        )
