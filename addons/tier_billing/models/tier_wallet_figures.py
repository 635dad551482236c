from datetime import datetime

from odoo import api, fields, models

from ..const import MONEY_DIGITS


class TierWallet(models.Model):
    """What a wallet shows of its money. Nothing here is stored."""

    _inherit = "tier.wallet"

    balance = fields.Float(related="account_id.balance")
    held = fields.Float(related="account_id.held", help="Reserved for sessions in progress.")
    open_sessions = fields.Integer(related="account_id.open_sessions")
    available = fields.Float(
        digits=MONEY_DIGITS,
        compute="_compute_available",
        help="Balance plus credit limit, less what sessions in progress reserve.",
    )
    children_balance = fields.Float(
        "Balance of customers",
        digits=MONEY_DIGITS,
        compute="_compute_children_balance",
        help="Sum over direct customers in the same currency.",
    )
    spent_month = fields.Float("Spent this month", digits=MONEY_DIGITS, compute="_compute_month_figures")
    paid_month = fields.Float("Paid in this month", digits=MONEY_DIGITS, compute="_compute_month_figures")
    child_count = fields.Integer("Number of customers", compute="_compute_child_count")

    @api.depends("account_id.balance", "account_id.held", "account_id.credit_limit")
    def _compute_available(self):
        for wallet in self:
            account = wallet.sudo().account_id
            wallet.available = account.balance + account.credit_limit - account.held

    def _compute_child_count(self):
        counts = dict(self._read_group([("parent_id", "in", self.ids)], ["parent_id"], ["__count"]))
        for wallet in self:
            wallet.child_count = counts.get(wallet, 0)

    def _compute_children_balance(self):
        sums = {
            (parent, currency): total
            for parent, currency, total in self._read_group(
                [("parent_id", "in", self.ids)], ["parent_id", "currency_id"], ["balance:sum"]
            )
        }
        for wallet in self:
            wallet.children_balance = sums.get((wallet, wallet.currency_id), 0)

    @api.depends_context("uid")
    def _compute_month_figures(self):
        """Sum this month's transfers; two grouped queries for any number of wallets."""
        today = fields.Date.context_today(self)
        since = datetime(today.year, today.month, 1)
        Transfer = self.env["tier.transfer"].sudo()
        period = [("date", ">=", since)]
        spent = dict(
            Transfer._read_group(
                [("from_wallet_id", "in", self.ids), ("kind", "=", "usage"), *period],
                ["from_account_id"],
                ["amount:sum"],
            )
        )
        refunded = dict(
            Transfer._read_group(
                [("to_wallet_id", "in", self.ids), ("kind", "=", "refund"), *period],
                ["to_account_id"],
                ["amount_to:sum"],
            )
        )
        paid = dict(
            Transfer._read_group(
                [
                    ("to_wallet_id", "in", self.ids),
                    ("kind", "in", ("topup", "allocation")),
                    *period,
                ],
                ["to_account_id"],
                ["amount_to:sum"],
            )
        )
        for wallet in self:
            account = wallet.sudo().account_id
            wallet.spent_month = spent.get(account, 0) - refunded.get(account, 0)
            wallet.paid_month = paid.get(account, 0)
