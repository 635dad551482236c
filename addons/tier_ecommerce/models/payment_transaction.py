from decimal import Decimal

from odoo import models


class PaymentTransaction(models.Model):
    _inherit = "payment.transaction"

    def _post_process(self):
        """Override of `payment` to top up wallets, and to take back what is refunded.

        It may run several times for a transaction, in two workers at once too:
        the source keys in the ledger let each amount move once only.
        """
        # First, before orders are confirmed and mails rendered: the accounts
        # of a busy wallet change many times a second, and this transaction
        # fails (and is tried again) if they changed since its first statement.
        self._tier_settle()
        return super()._post_process()

    def _tier_settle(self):
        """Bring the ledger to what these transactions have paid or given back."""
        # sudo: who pays, or refunds from accounting, has no rights on wallets.
        for tx in self.sudo():
            payment = tx.source_transaction_id if tx.operation == "refund" else tx
            # A refund may be processed before the payment that it gives back.
            payment._tier_orders()._tier_credit_paid()
            payment._tier_take_back()

    def _tier_orders(self):
        """Return the orders that a payment is for; a capture has its source's.

        :return: ``sale.order`` records
        """
        self.ensure_one()
        return self.sale_order_ids or self.source_transaction_id.sale_order_ids

    def _tier_is_money(self):
        """Tell whether this transaction brought money of its own.

        An authorization that was captured in parts becomes done with its full
        amount, even if the rest was voided: only the captures brought money.

        :rtype: bool
        """
        self.ensure_one()
        return (
            self.state == "done"
            and self.operation not in ("refund", "validation")
            and not any(
                child.operation == self.operation and child.state in ("done", "cancel")
                for child in self.child_transaction_ids
            )
        )

    def _tier_refunded(self):
        """Return what was given back of these payments.

        :return: a positive amount in their currency
        :rtype: Decimal
        """
        refunds = self.child_transaction_ids.filtered(
            lambda tx: tx.operation == "refund" and tx.state == "done"
        )
        return -sum(map(self.env["tier.wallet"]._to_decimal, refunds.mapped("amount")), Decimal(0))

    def _tier_take_back(self):
        """Take back the share of the credit whose payment was given back.

        All of it, if the payment itself was undone after it had been done.
        """
        self.ensure_one()
        to_decimal = self.env["tier.wallet"]._to_decimal
        if not self.amount:
            return
        reason = self.env._("Refund of payment %s", self.reference)
        undone = self.state in ("cancel", "error")
        share = Decimal(1) if undone else self._tier_refunded() / to_decimal(self.amount)
        self._tier_orders()._tier_credit_lines()._tier_take_back(share, str(self.id), reason)
        # Payments of invoices: credited by the invoice, when it was paid in full.
        for move in self.invoice_ids.filtered("amount_total"):
            share = move.transaction_ids._tier_refunded() / to_decimal(move.amount_total)
            orders = move.invoice_line_ids.sale_line_ids.order_id
            orders._tier_credit_lines()._tier_take_back(share, f"invoice:{move.id}", reason)
