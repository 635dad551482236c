from decimal import Decimal

from odoo import models
from odoo.tools import SQL


class TierWallet(models.Model):
    _inherit = "tier.wallet"

    def _payout_margin(self):
        """Override of ``tier_billing``: what charges of customers with inside money left.

        Reads all charges of the wallet, by the index on (wallet, date): for a page or a
        request, not for lists.
        """
        self.ensure_one()
        [(margin,)] = self.env.execute_query(
            SQL(
                """SELECT COALESCE(sum(c.margin), 0)::text
                     FROM tier_charge c JOIN tier_wallet w ON w.id = c.child_id
                    WHERE c.wallet_id = %s AND w.money = 'inside'""",
                self._origin.id or None,
            )
        )
        return Decimal(margin)
