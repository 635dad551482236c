from decimal import Decimal

from odoo import models


class AccountMove(models.Model):
    """Invoices of orders: the order credits its wallets, for the shop may have done so already."""

    _inherit = "account.move"

    def _tier_orders(self):
        """Return the orders that these moves invoice."""
        return self.invoice_line_ids.sale_line_ids.order_id

    def _tier_documents(self):
        """Override of `tier_billing` to settle orders beside the invoices themselves."""
        orders = self._tier_orders()
        return [*super()._tier_documents(), orders.filtered(lambda order: order._tier_is_credit())]

    def unlink(self):
        """Override of `account`: an order whose invoice is gone is less paid."""
        self._tier_mark()
        return super().unlink()

    def _tier_credit_lines(self):
        """Override of `tier_billing`: lines of orders are credited by their orders."""
        return super()._tier_credit_lines().filtered(lambda line: not line.sale_line_ids)

    def _tier_money(self):
        """Override of `tier_billing`: less what online payments of this invoice gave back.

        What was given back with a credit note is counted with that, and
        payments in the shop give back what they credited by themselves.
        """
        payments = self.transaction_ids.filtered(lambda tx: not tx._tier_orders())
        refunds = payments.child_transaction_ids.filtered(lambda tx: tx.operation == "refund" and tx.state == "done")
        return super()._tier_money() - sum((refund._tier_open_refund() for refund in refunds), Decimal(0))
