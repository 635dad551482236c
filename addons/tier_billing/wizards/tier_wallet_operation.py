import uuid

from odoo import api, fields, models
from odoo.exceptions import AccessError

from .. import ledger
from ..const import MONEY_DIGITS


class TierWalletOperation(models.TransientModel):
    """Move money in or out of a wallet by hand."""

    _name = "tier.wallet.operation"
    _description = "Wallet Operation"

    wallet_id = fields.Many2one("tier.wallet", required=True, ondelete="cascade")
    operation = fields.Selection(
        [
            ("topup", "Top up (money came in)"),
            ("allocate", "Allocate from the parent"),
            ("reclaim", "Reclaim to the parent"),
            ("adjust", "Adjust (plus or minus)"),
        ],
        required=True,
        default="allocate",
    )
    amount = fields.Float(digits=MONEY_DIGITS, required=True)
    currency_id = fields.Many2one(related="wallet_id.currency_id")
    parent_id = fields.Many2one(related="wallet_id.parent_id")
    parent_available = fields.Float(related="wallet_id.parent_id.available", string="Parent has")
    parent_currency_id = fields.Many2one(related="wallet_id.parent_id.currency_id", string="Parent's currency")
    wallet_available = fields.Float(related="wallet_id.available", string="Wallet has")
    reason = fields.Char()
    # Fixed when the dialog opens: a second click repeats the key, not the money.
    source_key = fields.Char(required=True, readonly=True, default=lambda self: f"operation:{uuid.uuid4()}")

    @api.onchange("wallet_id")
    def _onchange_wallet_id(self):
        if self.wallet_id and not self.wallet_id.parent_id and self.operation != "adjust":
            self.operation = "topup"

    def action_apply(self):
        """Carry out the operation; repeating it changes nothing.

        :return: an action that closes the dialog
        """
        self.ensure_one()
        ledger.cursor.see_commits(self.env.cr)
        wallet = self.wallet_id
        wallet.check_access("write")
        if self.operation == "topup":
            wallet._topup(self.amount, self.source_key, self.reason)
        elif self.operation == "allocate":
            wallet._allocate(self.amount, self.source_key, self.reason)
        elif self.operation == "reclaim":
            wallet._reclaim(self.amount, self.source_key, self.reason)
        else:
            if not self.env.user.has_group("tier_billing.group_tier_manager"):
                raise AccessError(self.env._("Only a billing manager adjusts a balance."))
            wallet._adjust(self.amount, self.source_key, self.reason)
        return {"type": "ir.actions.act_window_close"}
