from odoo import fields, models
from odoo.tools import SQL


class TierTransferReport(models.Model):
    _inherit = "tier.transfer.report"
    _depends = {"tier.wallet": ["price_list_id"], "tier.price.list": ["brand_id"]}

    brand_id = fields.Many2one(
        "tier.brand",
        readonly=True,
        help="What the customer in this movement buys under, by the price list that it has now.",
    )

    def _columns(self, gives):
        """Override of ``tier_billing`` to add the brand."""
        return [*super()._columns(gives), ("brand_id", SQL("l.brand_id"))]

    def _tables(self, side, other):
        """Override of ``tier_billing`` to find the brand of the lower of two wallets."""
        return SQL(
            """%s
               LEFT JOIN tier_price_list l ON l.id = CASE
                    WHEN o.tier > w.tier THEN o.price_list_id
                    -- That of the provider's own wallet is its carrier's.
                    WHEN w.tier > 0 THEN w.price_list_id END""",
            super()._tables(side, other),
        )
