from odoo import api, fields, models
from odoo.exceptions import UserError


class TierWalletMove(models.TransientModel):
    _inherit = "tier.wallet.move"

    price_list_id = fields.Many2one(
        "tier.price.list",
        ondelete="cascade",
        domain="[('brand_id.wallet_id', 'parent_of', parent_id)]",
        help="What it pays the new parent: a list of the parent's own brand or of one above it. Without one, "
        "no session of it or below it can begin.",
    )

    @api.onchange("parent_id")
    def _onchange_parent_id(self):
        """Keep the list it has if the new parent may give it as well."""
        price_list = self.wallet_id.price_list_id
        self.price_list_id = price_list if self._may_give(price_list) else False

    def _may_give(self, price_list):
        """Tell whether the new parent may give a price list: its own, or of those above it.

        :param price_list: ``tier.price.list``, may be empty
        :rtype: bool
        """
        owner = price_list.brand_id.wallet_id.id
        return bool(owner) and f"/{owner}/" in f"/{self.parent_id.parent_path}"

    def _apply(self):  # pylint: disable=missing-return
        if self.price_list_id and not self._may_give(self.price_list_id):
            raise UserError(
                self.env._(
                    "%(list)s is not a price list of %(parent)s.",
                    list=self.price_list_id.name,
                    parent=self.parent_id.name,
                )
            )
        super()._apply()
        if self.price_list_id:
            self.wallet_id.price_list_id = self.price_list_id
        elif not self.wallet_id.price_list_id:
            self.wallet_id.message_post(
                body=self.env._("It has no price list now: no session of it or below it can begin.")
            )
