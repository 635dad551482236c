from odoo import api, models


class ProductTemplate(models.Model):
    _inherit = "product.template"

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
