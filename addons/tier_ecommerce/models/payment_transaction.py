from decimal import Decimal

from odoo import models

from odoo.addons.tier_billing import ledger


class PaymentTransaction(models.Model):
    _inherit = "payment.transaction"

    def _post_process(self):
        """Override of `payment` to top up wallets, and to take back what is refunded.

        It may run several times for a transaction, in two workers at once too:
        the source keys in the ledger let each amount move once only.
        """
        self._tier_settle()
        return super()._post_process()

    def _tier_settle(self):
        """Bring the ledger to what these transactions have paid or given back.

        A wallet with many calls changes many times a second. Post-processing
        is a long transaction of REPEATABLE READ: it could never touch such an
        account, and while it rendered its mails would stop the calls. Hence
        the ledger is written in a short transaction before, provided that the
        payment's state is committed. If post-processing fails then, the credit
        stays: the money is there, and the next attempt finds its key.
        """
        # sudo: who pays, or refunds from accounting, has no rights on wallets.
        for tx in self.sudo():
            if tx._tier_is_credit() and not ledger.cursor.in_short_transaction(
                self.env.registry, tx._tier_settle_apart
            ):
                tx._tier_settle_here()

    def _tier_settle_apart(self, cr):
        """Settle in another transaction, if it knows the same of this payment.

        :param cr: cursor of that transaction
        :return: whether it did
        """
        # The caller's own locks could be in the way: fail rather than wait for ever.
        cr.execute("SET LOCAL lock_timeout = '3s'")
        tx = self.with_env(self.env(cr=cr))
        if not tx.exists() or tx.state != self.state:
            return False
        tx._tier_settle_here()
        return True

    def _tier_settle_here(self):
        """Settle in the current transaction."""
        self.ensure_one()
        payment = self._tier_payment()
        payment._tier_credit_lines().order_id._tier_lock()
        # A refund may be processed before the payment that it gives back.
        payment._tier_orders()._tier_credit_paid()
        payment._tier_take_back()
        # What their invoices credit depends on what was paid, or given back, here.
        orders = payment._tier_orders().filtered("invoice_ids") | payment.invoice_ids._tier_orders()
        self.env["tier.paid.change"]._mark(orders.filtered(lambda order: order._tier_is_credit()))
        self.env["tier.paid.change"]._mark(payment.invoice_ids._tier_concerned())

    def _tier_payment(self):
        """Return the payment that this transaction is, or gives back."""
        self.ensure_one()
        return self.source_transaction_id if self.operation == "refund" else self

    def _tier_orders(self):
        """Return the orders that a payment is for; a capture has its source's.

        :return: ``sale.order`` records
        """
        self.ensure_one()
        return self.sale_order_ids or self.source_transaction_id.sale_order_ids

    def _tier_credit_lines(self):
        """Return the lines of credit that a transaction may move money for.

        :return: ``sale.order.line`` records
        """
        payment = self._tier_payment()
        orders = payment._tier_orders() | payment.invoice_ids._tier_orders()
        return orders.order_line.filtered(lambda line: line.tier_wallet_id or line.product_id.is_tier_credit)

    def _tier_is_credit(self):
        """Tell whether a transaction may move money for credit.

        :rtype: bool
        """
        return bool(self._tier_credit_lines() or self._tier_payment().invoice_ids._tier_concerned())

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

    def _tier_is_undone(self):
        """Tell whether this payment came to nothing, perhaps after it had been done."""
        return self.state in ("cancel", "error")

    def _tier_refunded(self):
        """Return what was given back of these payments.

        :return: a positive amount in their currency
        :rtype: Decimal
        """
        refunds = self.child_transaction_ids.filtered(lambda tx: tx.operation == "refund" and tx.state == "done")
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
        refunded = self._tier_refunded() / to_decimal(self.amount)
        share = Decimal(1) if self._tier_is_undone() else refunded
        self._tier_orders()._tier_credit_lines()._tier_take_back(share, str(self.id), reason)

    def _tier_open_refund(self):
        """Return what of this refund no credit note accounts for.

        :return: a positive amount in its currency
        :rtype: Decimal
        """
        self.ensure_one()
        to_decimal = self.env["tier.wallet"]._to_decimal
        _liquidity, receivable, _writeoff = self.payment_id._seek_for_lines() if self.payment_id.move_id else [()] * 3
        if not receivable:
            return -to_decimal(self.amount)
        return abs(to_decimal(sum(receivable.mapped("amount_residual_currency"))))
