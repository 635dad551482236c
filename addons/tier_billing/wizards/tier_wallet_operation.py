import uuid

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from .. import ledger
from ..const import MONEY_DIGITS
from ..ledger.grants import Grant

# What gives back needs nobody's approval.
RETURNS = ("reclaim", "close")


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
            ("close", "Return what is left to the parent and close"),
        ],
        required=True,
        default="allocate",
    )
    amount = fields.Float(digits=MONEY_DIGITS)
    currency_id = fields.Many2one(related="wallet_id.currency_id")
    parent_id = fields.Many2one(related="wallet_id.parent_id")
    parent_available = fields.Float(related="wallet_id.parent_id.available", string="Parent has")
    parent_currency_id = fields.Many2one(related="wallet_id.parent_id.currency_id", string="Parent's currency")
    wallet_available = fields.Float(related="wallet_id.available", string="Wallet has")
    reason = fields.Char()
    needs_approval = fields.Boolean(compute="_compute_needs_approval")
    # Fixed when the dialog opens: a second click repeats the key, not the money.
    source_key = fields.Char(required=True, readonly=True, default=lambda self: f"operation:{uuid.uuid4()}")

    @api.depends("wallet_id", "operation", "amount")
    def _compute_needs_approval(self):
        for operation in self:
            operation.needs_approval = (
                bool(operation.wallet_id) and operation.operation not in RETURNS and operation._approval_needed()
            )

    @api.onchange("wallet_id")
    def _onchange_wallet_id(self):
        if self.wallet_id and not self.wallet_id.parent_id and self.operation != "adjust":
            self.operation = "topup"

    def action_apply(self):
        """Carry out the operation, or ask a second person to; repeating it changes nothing.

        :return: an action that closes the dialog, or the one that shows the request
        """
        self.ensure_one()
        ledger.cursor.see_commits(self.env.cr)
        wallet = self.wallet_id
        wallet.check_access("write")
        if self.operation == "adjust" and not self.env.user.has_group("tier_billing.group_tier_manager"):
            raise AccessError(self.env._("Only a billing manager adjusts a balance."))
        if self.operation not in RETURNS and self._approval_needed():
            return self._file_request()
        if self.operation == "topup":
            wallet._topup(self.amount, self.source_key, self.reason)
        elif self.operation == "allocate":
            wallet._allocate(self.amount, self.source_key, self.reason)
        elif self.operation == "reclaim":
            wallet._reclaim(self.amount, self.source_key, self.reason)
        elif self.operation == "close":
            wallet._close(self.source_key, self.reason)
        else:
            wallet._adjust(self.amount, self.source_key, self.reason)
        return {"type": "ir.actions.act_window_close"}

    def _approval_needed(self):
        """Tell whether a second person has to agree: not to what was done already."""
        wallet = self.wallet_id
        amount = abs(wallet._to_decimal(self.amount))
        totals = wallet._in_company_currency({wallet.currency_id: amount}, wallet.company_id)
        return wallet.company_id._tier_needs_approval(totals) and not wallet._is_posted(self.source_key)

    def _file_request(self):
        """Put the operation before a second person.

        :return: the action that shows the request
        """
        wallet = self.wallet_id
        amount = wallet._to_decimal(self.amount)
        wallet._check_amount(abs(amount) if self.operation == "adjust" else amount)
        grant = Grant(wallet.id, self.amount, self.source_key, label=wallet.name)
        if self.operation == "adjust" and not (self.reason or "").strip():
            raise UserError(self.env._("An adjustment needs a reason."))
        if self.operation == "allocate":
            for why in wallet._distribute([grant], dry_run=True).refused.values():
                raise UserError(why)
        request = self.env["tier.allocation.request"]._file(
            self.operation, [grant], wallet.company_id, self.source_key, self.reason
        )
        return request._get_records_action()
