from odoo import api, fields, models
from odoo.exceptions import UserError


class TierWallet(models.Model):
    _inherit = "tier.wallet"

    has_own_prices = fields.Boolean(compute="_compute_own_prices", groups="base.group_user")
    own_rate_count = fields.Integer("Own prices", compute="_compute_own_prices", groups="base.group_user")

    @api.depends("price_list_id.customer_id", "price_list_id.rate_ids", "price_list_id.markup_ids")
    def _compute_own_prices(self):
        for wallet in self:
            price_list = wallet.price_list_id
            wallet.has_own_prices = price_list.customer_id == wallet and bool(price_list)
            wallet.own_rate_count = price_list.rate_count + len(price_list.markup_ids) if wallet.has_own_prices else 0

    def action_own_prices(self):
        """Open the wallet's own price list, made now if it has none.

        The new list derives from the one that the wallet had, without a mark-up: nothing changes
        until it gets rates, or mark-ups, of its own.

        :return: a window action
        :raise UserError: the wallet buys from nobody, or by no list
        """
        self.ensure_one()
        if not self.has_own_prices:
            self._make_own_prices()
        action = self.env["ir.actions.actions"]._for_xml_id("tier_rating.tier_price_list_action")
        return {**action, "views": [(False, "form")], "view_mode": "form", "res_id": self.price_list_id.id}

    def _make_own_prices(self):
        """Put a list of its own between the wallet and the list that it buys by.

        :rtype: tier.price.list
        """
        self.check_access("write")
        base = self.price_list_id
        if not self.parent_id or not base:
            raise UserError(self.env._("%s has no price list that own prices could be based on.", self.display_name))
        own = self.env["tier.price.list"].create(
            {
                "name": self.env._("%(list)s for %(customer)s", list=base.name, customer=self.name),
                "brand_id": base.brand_id.id,
                "currency_id": base.currency_id.id,
                "base_id": base.id,
                "customer_id": self.id,
            }
        )
        self.price_list_id = own
        return own

    def action_drop_own_prices(self):
        """Buy by the list again that the own one is based on; the own one is archived."""
        for wallet in self:
            own = wallet.price_list_id
            if not wallet.has_own_prices:
                raise UserError(self.env._("%s has no prices of its own.", wallet.display_name))
            if own.wallet_ids - wallet or own.derived_ids:
                raise UserError(self.env._("Other wallets or price lists are based on %s.", own.display_name))
            wallet.price_list_id = own.base_id
            own.active = False
