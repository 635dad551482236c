from odoo import models


class TierWallet(models.Model):
    _inherit = "tier.wallet"

    def _selling_brand(self):
        """Return the brand that this wallet's parent sells to it under.

        :return: ``tier.brand`` of the parent: that of the wallet's price list, else the parent's
            first; empty if it has none
        """
        self.ensure_one()
        brands = self.sudo().parent_id.brand_ids
        listed = self.sudo().price_list_id.brand_id
        return listed if listed in brands else brands[:1]

    def _statement_issuer(self):
        """Give out statements under the seller's brand.

        :rtype: dict
        """
        issuer = super()._statement_issuer()
        brand = self._selling_brand()
        if brand:
            issuer.update(name=brand.name, logo=brand.logo or issuer["logo"])
        return issuer
