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
        return self._tier_own_wallets(company)

    def _tier_shop_wallets_or_problem(self, company):
        """Return the wallets to choose from, and if there are none what to do about it.

        :param company: ``res.company`` that sells
        :return: ``tier.wallet`` records and a sentence for the visitor, one of them empty
        :rtype: tuple
        """
        if self.env.user._is_public():
            return (
                self.env["tier.wallet"],
                self.env._("Please sign in to buy calling credit: it goes to your own wallet."),
            )
        wallets = self._tier_shop_wallets(company)
        if not wallets:
            return wallets, self.env._(
                "You have no active wallet for calling credit yet. Ask %s to open one for you, then come back.",
                company.sudo().name,
            )
        return wallets, ""
