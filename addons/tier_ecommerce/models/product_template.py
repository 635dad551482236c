from odoo import api, fields, models
from odoo.exceptions import ValidationError


class ProductTemplate(models.Model):
    _inherit = "product.template"

    is_tier_credit = fields.Boolean(
        "Calling Credit",
        help="Paying for this product tops up the buyer's wallet by its price without tax, "
        "converted by the rate of the day when the wallet has another currency. A discount on "
        "the line lowers the credit; a coupon on the whole order does not.",
    )

    @api.constrains("is_tier_credit", "type")
    def _check_tier_credit_is_service(self):
        for product in self:
            if product.is_tier_credit and product.type != "service":
                raise ValidationError(
                    self.env._(
                        "%s is calling credit: there is nothing to ship, so it must be a service.",
                        product.name,
                    )
                )

    def _website_show_quick_add(self):
        """Override of `website_sale`: the wallet is chosen on the page of the product."""
        return not self.is_tier_credit and super()._website_show_quick_add()

    @api.model
    def _get_tier_credit_product(self, website):
        """Return the calling credit that a shop sells.

        :param website: ``website`` of the shop
        :return: the first published product, or none
        """
        return self.search(
            [
                ("is_tier_credit", "=", True),
                ("is_published", "=", True),
                *website.sale_product_domain(),
            ],
            order="website_sequence, id",
            limit=1,
        )
