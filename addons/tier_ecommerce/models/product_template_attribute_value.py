from odoo import models


class ProductTemplateAttributeValue(models.Model):
    _inherit = "product.template.attribute.value"

    def _get_extra_price(self, combination_info):
        """Override of `website_sale`: an amount of credit is its own price, not an extra."""
        if self.product_tmpl_id.is_tier_credit:
            return 0.0
        return super()._get_extra_price(combination_info)
