from odoo import api, models


class AccountPartialReconcile(models.Model):
    _inherit = "account.partial.reconcile"

    @api.model_create_multi
    def create(self, vals_list):
        """Override of `account`: an invoice is paid, or a credit note given back."""
        partials = super().create(vals_list)
        partials._tier_moves()._tier_mark()
        return partials

    def unlink(self):
        """Override of `account`: an invoice is not paid any more."""
        moves = self._tier_moves()
        result = super().unlink()
        moves.exists()._tier_mark()
        return result

    def _tier_moves(self):
        """Return the journal entries that these reconcile."""
        return (self.debit_move_id | self.credit_move_id).move_id
