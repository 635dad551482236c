import uuid

from odoo import api, fields, models
from odoo.exceptions import AccessError

from .. import ledger
from ..const import MONEY_DIGITS


class TierWalletMove(models.TransientModel):
    """Put a wallet below another parent."""

    _name = "tier.wallet.move"
    _description = "Move Wallet"

    wallet_id = fields.Many2one("tier.wallet", required=True, ondelete="cascade")
    company_id = fields.Many2one(related="wallet_id.company_id")
    old_parent_id = fields.Many2one(related="wallet_id.parent_id", string="Now below")
    money = fields.Selection(related="wallet_id.money")
    balance = fields.Float(related="wallet_id.balance", digits=MONEY_DIGITS)
    currency_id = fields.Many2one(related="wallet_id.currency_id")
    below_count = fields.Integer("Wallets below it", compute="_compute_below_count")
    parent_id = fields.Many2one(
        "tier.wallet",
        "New parent",
        required=True,
        ondelete="cascade",
        domain="[('company_id', '=', company_id), ('state', '!=', 'closed'), "
        "'!', ('id', 'child_of', wallet_id), ('id', '!=', old_parent_id)]",
    )
    reason = fields.Char(required=True)
    # Fixed when the dialog opens: a second click repeats the key, not the money.
    source_key = fields.Char(required=True, readonly=True, default=lambda self: f"move:{uuid.uuid4()}")

    @api.depends("wallet_id")
    def _compute_below_count(self):
        Wallet = self.env["tier.wallet"].with_context(active_test=False)
        for move in self:
            below = [("id", "child_of", move.wallet_id.id), ("id", "!=", move.wallet_id.id)]
            move.below_count = Wallet.search_count(below) if move.wallet_id else 0

    def action_apply(self):
        """Move the wallet, in one transaction; repeating it changes nothing.

        :return: an action that closes the dialog
        """
        self.ensure_one()
        ledger.cursor.see_commits(self.env.cr)
        if not self.env.user.has_group("tier_billing.group_tier_manager"):
            raise AccessError(self.env._("Only a billing manager moves a wallet."))
        self.wallet_id.check_access("write")
        self.parent_id.check_access("read")
        self._apply()
        return {"type": "ir.actions.act_window_close"}

    def _apply(self):
        """Move the wallet; add-ons set there what depends on the parent."""
        self.wallet_id._move_below(self.parent_id, self.source_key, self.reason)
