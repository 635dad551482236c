from decimal import Decimal

from odoo import models


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    def _tier_money_share(self):
        """Override of `tier_billing`: what was paid in the shop is credited by its own payment."""
        transaction = self.move_id.origin_payment_id.payment_transaction_id
        if transaction and (transaction._tier_is_undone() or transaction._tier_payment()._tier_orders()):
            return Decimal(0)
        return super()._tier_money_share()
