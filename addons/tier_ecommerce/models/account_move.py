from odoo import models


class AccountMove(models.Model):
    _inherit = "account.move"

    def _invoice_paid_hook(self):
        """Override of `account` to credit orders that are paid by an invoice.

        A payment in the shop has credited its order before its invoice is
        paid: what was credited then is not credited again.
        """
        result = super()._invoice_paid_hook()
        # sudo: who registers a payment need not have rights on wallets.
        for move in self.sudo().filtered(lambda move: move.move_type == "out_invoice"):
            for order in move.invoice_line_ids.sale_line_ids.order_id:
                order._tier_credit_lines()._tier_credit_up_to(
                    order._tier_share(order._tier_paid_by_invoices()),
                    f"invoice:{move.id}",
                    self.env._(
                        "Order %(order)s, invoice %(invoice)s", order=order.name, invoice=move.name
                    ),
                )
        return result
