from odoo import models


class ResPartner(models.Model):
    _inherit = "res.partner"

    def _tier_shop_wallets(self, company):
        """Return the wallets that this partner may top up in a company's shop.

        Only its own: neither those below, nor the provider's, which has no
        parent to buy from.

        :param company: ``res.company`` that sells
        :return: active ``tier.wallet`` records, with rights to read them
        """
        # A buyer of a company acts for it, as in the portal's record rules.
        # sudo: the shop's visitors have no other rights on wallets.
        return (
            self.env["tier.wallet"]
            .sudo()
            .search(
                [
                    ("partner_id.commercial_partner_id", "=", self.commercial_partner_id.id),
                    ("company_id", "=", company.id),
                    ("parent_id", "!=", False),
                    ("state", "=", "active"),
                ]
            )
        )
