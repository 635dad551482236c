from odoo import models


class AccountMove(models.Model):
    _inherit = "account.move"

    def _tier_orders(self):
        """Return the orders that these moves invoice."""
        return self.invoice_line_ids.sale_line_ids.order_id

    def _invoice_paid_hook(self):
        """Override of `account` to credit orders that are paid by an invoice.

        Payments in the shop credit their order themselves: the invoice gives
        what is paid beyond them.
        """
        result = super()._invoice_paid_hook()
        # sudo: who registers a payment need not have rights on wallets.
        for move in self.sudo().filtered(lambda move: move.move_type == "out_invoice"):
            for order in move._tier_orders().filtered(lambda order: order._tier_credit_lines()):
                order._tier_lock()
                order._tier_credit_lines()._tier_credit_up_to(
                    order._tier_share(order._tier_paid_by_invoices()),
                    f"invoice:{move.id}",
                    self.env._("Order %(order)s, invoice %(invoice)s", order=order.name, invoice=move.name),
                    # Its credit may be in the ledger already and not to be seen from here.
                    before=order._tier_share(order._tier_paid_in_shop()),
                )
        return result
