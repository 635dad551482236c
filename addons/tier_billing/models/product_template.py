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

    def _get_product_accounts(self):
        """Override of `account`: credit that is sold is owed to the buyer, no income.

        An income account on the product itself wins.
        """
        accounts = super()._get_product_accounts()
        clearing = (self.company_id or self.env.company).tier_clearing_account_id
        if self.is_tier_credit and clearing and not self.property_account_income_id:
            accounts["income"] = clearing
        return accounts
