from odoo import fields, models


class TierEndpoint(models.Model):
    """Whose cost an extension's usage is."""

    _name = "tier.endpoint"
    _inherit = ["tier.endpoint", "analytic.mixin"]

    analytic_distribution = fields.Json(
        "Departments",
        help="The analytic accounts that bear the cost of what this one uses. Empty: those of its wallet.",
    )
