from odoo import fields, models
from odoo.exceptions import UserError


class AccountMove(models.Model):
    """Vendor bills that pay out what resellers earned."""

    _inherit = "account.move"

    tier_payout_ids = fields.One2many(
        "tier.payout", "move_id", "Payouts", copy=False, groups="tier_billing.group_tier_auditor"
    )

    def _tier_documents(self):
        """Override to settle payouts when their bills are cancelled or reversed."""
        bills = self.filtered(lambda move: move.move_type in ("in_invoice", "in_refund"))
        return [*super()._tier_documents(), (bills | bills.reversed_entry_id)._tier_payouts()]

    def _tier_payouts(self):
        """Return the payouts that these bills are for."""
        # sudo: accountants need not have rights on wallets.
        Payout = self.env["tier.payout"].sudo()
        return Payout.search([("move_id", "in", self.ids)]) if self.ids else Payout

    def _post(self, soft=True):
        """Override of `account`: a bill pays out what left the wallet, no more and no less."""
        bills = self.filtered(lambda move: move.move_type == "in_invoice")
        bills._tier_payouts()._check_bill()
        self.filtered(lambda move: move.move_type == "in_refund")._check_payout_refund()
        return super()._post(soft)

    def _check_payout_refund(self):
        """Refuse credit notes for a part of a payout: the wallet gave, and gets back, the whole.

        :raise UserError: naming the bill
        """
        for refund in self:
            bill = refund.reversed_entry_id
            if bill._tier_payouts() and refund.currency_id.compare_amounts(refund.amount_total, bill.amount_total):
                raise UserError(
                    self.env._(
                        "%s pays out of a wallet: make a credit note for the whole of it, or call the payout off.",
                        bill.display_name,
                    )
                )

    def unlink(self):
        """Override of `account`: the money of a bill that is deleted returns to the wallet."""
        payouts = self.filtered(lambda move: move.move_type == "in_invoice")._tier_payouts()
        result = super().unlink()
        self.env["tier.paid.change"]._mark(payouts)
        return result
