from odoo import fields, models


class TierWallet(models.Model):
    """Whose cost a wallet's usage is, in Odoo's analytic accounting."""

    _name = "tier.wallet"
    _inherit = ["tier.wallet", "analytic.mixin"]

    analytic_distribution = fields.Json(
        "Departments",
        groups="base.group_user",
        help="The analytic accounts that bear the cost of what is used here and below, where nothing nearer says "
        "otherwise.",
    )
    analytic_precision = fields.Integer(groups="base.group_user")
    distribution_analytic_account_ids = fields.Many2many(groups="base.group_user")
