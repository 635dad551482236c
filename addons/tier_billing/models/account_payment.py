from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from .tier_paid_change import LOCK_PAYMENT


class AccountPayment(models.Model):
    """Payments without an invoice that credit a wallet: advances.

    Their counterpart is the account of sold credit instead of a receivable, so
    that no invoice can be settled with the same money.
    """

    _inherit = "account.payment"

    tier_wallet_id = fields.Many2one(
        "tier.wallet",
        "Wallet",
        ondelete="restrict",
        index="btree_not_null",
        copy=False,
        check_company=True,
        help="Credit this wallet as soon as the payment is posted; take the credit back if money is sent.",
    )
    tier_paid_credit_ids = fields.One2many(
        "tier.paid.credit", "payment_id", "Credited to wallets", groups="tier_billing.group_tier_auditor"
    )

    @api.depends("tier_wallet_id")
    def _compute_destination_account_id(self):
        """Override of `account`: an advance settles no receivable."""
        result = super()._compute_destination_account_id()
        for payment in self.filtered("tier_wallet_id"):
            payment.destination_account_id = payment.company_id.tier_clearing_account_id
        return result

    @api.constrains("tier_wallet_id", "partner_id", "partner_type", "destination_account_id")
    def _check_tier_wallet(self):
        # sudo: accountants need not have rights on wallets.
        for payment in self.sudo().filtered("tier_wallet_id"):
            clearing = payment.company_id.tier_clearing_account_id
            if not clearing or payment.destination_account_id != clearing:
                raise ValidationError(
                    self.env._(
                        "An advance for a wallet is booked on the account of sold credit: set that account "
                        "in the settings of wallets first."
                    )
                )
            if payment.partner_type != "customer" or not payment.tier_wallet_id._tier_is_of(payment.partner_id):
                raise ValidationError(
                    self.env._(
                        "%(wallet)s is neither a wallet of %(partner)s nor of one of its customers.",
                        wallet=payment.tier_wallet_id.name,
                        partner=payment.partner_id.display_name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        """Override of `account`: a payment may be created with a state."""
        payments = super().create(vals_list)
        payments._tier_mark()
        return payments

    def write(self, vals):
        """Override of `account`: posting and cancelling change what is paid."""
        if "tier_wallet_id" in vals:
            for payment in self:
                if payment.state != "draft" and payment.tier_wallet_id.id != (vals["tier_wallet_id"] or False):
                    raise UserError(self.env._("Reset %s to draft to change its wallet.", payment.display_name))
        result = super().write(vals)
        if {"state", "tier_wallet_id"} & vals.keys():
            self._tier_mark()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_credited(self):
        for payment in self.sudo():
            if payment.tier_paid_credit_ids:
                raise UserError(
                    self.env._(
                        "%s has credited a wallet and stays in its history: cancel it instead.", payment.display_name
                    )
                )

    def _tier_mark(self):
        """Have these payments, and the invoices that they pay, settled after the commit."""
        # sudo: who registers payments need not have rights on wallets.
        payments = self.sudo()
        self.env["tier.paid.change"]._mark(payments._tier_concerned())
        payments.move_id._tier_mark()

    def _tier_concerned(self):
        """Return the payments that credit a wallet, or have."""
        return self.filtered(lambda payment: payment.tier_wallet_id or payment.sudo().tier_paid_credit_ids)

    def _tier_is_money(self):
        """Tell whether this payment has brought, or sent, its money.

        :rtype: bool
        """
        self.ensure_one()
        return self.state in ("in_process", "paid") and (not self.move_id or self.move_id.state == "posted")

    def _tier_root(self):
        """Return the documents that settle these payments: themselves."""
        return self

    def _tier_lock(self):
        """Let one transaction at a time settle these documents, until it ends."""
        self.env["tier.paid.change"]._lock(LOCK_PAYMENT, self.ids)

    def _tier_settle(self):
        """Bring the ledger to what this payment brought."""
        self.ensure_one()
        amount = Decimal(0)
        if self.tier_wallet_id and self._tier_is_money():
            amount = self.env["tier.wallet"]._to_decimal(self.amount)
        self.env["tier.paid.credit"]._bring_to(
            f"account.payment:{self.id}",
            {(self.tier_wallet_id, self.currency_id): amount if self.payment_type == "inbound" else -amount}
            if amount
            else {},
            self.env._("Payment %s", self.name or self.display_name),
            payment_id=self.id,
        )
