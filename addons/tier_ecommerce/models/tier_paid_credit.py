from odoo import fields, models


class TierPaidCredit(models.Model):
    _inherit = "tier.paid.credit"

    sale_line_id = fields.Many2one(
        "sale.order.line", "Order line", readonly=True, ondelete="restrict", index="btree_not_null"
    )
