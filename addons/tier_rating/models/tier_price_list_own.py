from odoo import api, fields, models
from odoo.exceptions import ValidationError


class TierPriceList(models.Model):
    _inherit = "tier.price.list"

    customer_id = fields.Many2one(
        "tier.wallet",
        "Own prices of",
        ondelete="set null",
        index="btree_not_null",
        check_company=True,
        copy=False,
        tracking=True,
        help="The customer that this list was made for: a few rates of its own upon the list it is derived from.",
    )

    @api.constrains("customer_id", "base_id")
    def _check_customer(self):
        for price_list in self:
            if price_list.customer_id and not price_list.base_id:
                raise ValidationError(self.env._("A customer's own prices are derived from another list."))
