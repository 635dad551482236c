from datetime import datetime, time

import pytz

from odoo import api, fields, models
from odoo.tools import SQL, formatLang

from ..const import MONEY_DIGITS

# What a parent, the shop or an invoice brings; what customers pay is sales.
PAID_KINDS = ("topup", "allocation")
# What of usage was given back: all of it, or the part by which its price was lowered.
BACK_KINDS = ("refund", "rebate")


class TierWallet(models.Model):
    """What a wallet shows of its money. Nothing here is stored.

    Each figure costs the same few statements for one wallet and for thousands.
    """

    _inherit = "tier.wallet"

    balance = fields.Float(related="account_id.balance")
    held = fields.Float(related="account_id.held", help="Reserved for sessions in progress.")
    open_sessions = fields.Integer(related="account_id.open_sessions")
    available = fields.Float(
        digits=MONEY_DIGITS,
        compute="_compute_available",
        help="Balance plus credit limit, less what sessions in progress reserve.",
    )
    spent_month = fields.Float(
        "Spent this month",
        digits=MONEY_DIGITS,
        compute="_compute_month_figures",
        help="Usage less refunds since the first of the month in your time zone.",
    )
    paid_month = fields.Float(
        "Paid in this month",
        digits=MONEY_DIGITS,
        compute="_compute_month_figures",
        help="Top-ups and allocations since the first of the month in your time zone.",
    )
    child_count = fields.Integer("Number of customers", compute="_compute_child_count")
    children_balance = fields.Float(
        "Balance of customers",
        digits=MONEY_DIGITS,
        compute="_compute_children_balance",
        help="Sum over direct customers in the same currency.",
    )
    children_abroad = fields.Char(
        "In other currencies",
        compute="_compute_children_balance",
        groups="base.group_user",
        help="Balance of direct customers that have another currency.",
    )
    children_spent_month = fields.Float(
        "Spent by customers this month",
        digits=MONEY_DIGITS,
        compute="_compute_children_spent_month",
        groups="base.group_user",
        help="Usage less refunds of direct customers in the same currency, since the first of the month.",
    )

    @api.model
    def _month_start(self):
        """Return when this month began where the user is.

        The user's time zone, not the company's: lists and filters show dates in
        it, so that a figure is the sum of the list behind it, on the portal too.

        :return: naive UTC ``datetime``
        """
        first = fields.Date.context_today(self).replace(day=1)
        return self.env.tz.localize(datetime.combine(first, time.min)).astimezone(pytz.utc).replace(tzinfo=None)

    @api.depends("account_id.balance", "account_id.held", "account_id.credit_limit")
    def _compute_available(self):
        for wallet in self:
            account = wallet.sudo().account_id
            wallet.available = account.balance + account.credit_limit - account.held

    def _compute_child_count(self):
        counts = dict(self._read_group([("parent_id", "in", self.ids)], ["parent_id"], ["__count"]))
        for wallet in self:
            wallet.child_count = counts.get(wallet._origin, 0)

    @api.depends_context("lang")
    def _compute_children_balance(self):
        """Sum what customers have; one grouped query, with the rights of who looks."""
        sums = {}
        for parent, currency, total in self._read_group(
            [("parent_id", "in", self.ids)], ["parent_id", "currency_id"], ["balance:sum"]
        ):
            sums.setdefault(parent.id, {})[currency] = total
        for wallet in self:
            totals = sums.get(wallet._origin.id, {})
            wallet.children_balance = totals.pop(wallet.currency_id, 0)
            wallet.children_abroad = ", ".join(
                formatLang(self.env, total, currency_obj=currency) for currency, total in totals.items()
            )

    @api.depends_context("uid", "tz")
    def _compute_month_figures(self):
        """Sum this month's transfers; two grouped queries for any number of wallets.

        Leans on the indexes of tier.transfer on (account, date).
        """
        accounts = {wallet.id: wallet._origin.sudo().account_id.id for wallet in self}
        period = [("date", ">=", self._month_start())]
        # sudo: a reseller may know these sums of a direct customer, whose transfers
        # it cannot read; only the accounts of the wallets at hand.
        Transfer = self.env["tier.transfer"].sudo()
        spent, paid = {}, {}
        for account, total in Transfer._read_group(
            [("from_account_id", "in", list(accounts.values())), ("kind", "=", "usage"), *period],
            ["from_account_id"],
            ["amount:sum"],
        ):
            spent[account.id] = total
        for account, kind, total in Transfer._read_group(
            [("to_account_id", "in", list(accounts.values())), ("kind", "in", (*BACK_KINDS, *PAID_KINDS)), *period],
            ["to_account_id", "kind"],
            ["amount_to:sum"],
        ):
            if kind in BACK_KINDS:
                spent[account.id] = spent.get(account.id, 0) - total
            else:
                paid[account.id] = paid.get(account.id, 0) + total
        for wallet in self:
            account_id = accounts[wallet.id]
            wallet.spent_month = spent.get(account_id, 0)
            wallet.paid_month = paid.get(account_id, 0)

    @api.depends_context("uid", "tz")
    def _compute_children_spent_month(self):
        """Sum what direct customers spent; one statement for any number of wallets."""
        self.env.flush_all()
        # By the index on parent_id, then by those of tier_transfer on (account, date).
        rows = self.env.execute_query(
            SQL(
                """
                SELECT w.parent_id, sum(COALESCE(s.amount, 0) - COALESCE(r.amount, 0))
                  FROM tier_wallet w
                  JOIN tier_wallet p ON p.id = w.parent_id AND p.currency_id = w.currency_id
                 CROSS JOIN LATERAL (
                       SELECT sum(amount) AS amount FROM tier_transfer
                        WHERE from_account_id = w.account_id AND kind = 'usage' AND date >= %(since)s) s
                 CROSS JOIN LATERAL (
                       SELECT sum(amount_to) AS amount FROM tier_transfer
                        WHERE to_account_id = w.account_id AND kind IN ('refund', 'rebate') AND date >= %(since)s) r
                 WHERE w.parent_id = ANY(%(ids)s)
                 GROUP BY w.parent_id""",
                ids=self.ids,
                since=self._month_start(),
            )
        )
        spent = dict(rows)
        for wallet in self:
            wallet.children_spent_month = spent.get(wallet._origin.id, 0)

    # ------------------------------------------------------------------
    # What is behind the figures
    # ------------------------------------------------------------------

    def action_spent(self):
        """Open what this wallet spent this month.

        :return: a window action
        """
        account_id = self._account_to_show()
        return self._transfers_this_month(
            self.env._("Spent by %s", self.name),
            [
                "|",
                *("&", ("from_account_id", "=", account_id), ("kind", "=", "usage")),
                *("&", ("to_account_id", "=", account_id), ("kind", "in", BACK_KINDS)),
            ],
        )

    def action_paid(self):
        """Open what was paid into this wallet this month.

        :return: a window action
        """
        return self._transfers_this_month(
            self.env._("Paid in by %s", self.name),
            [("to_account_id", "=", self._account_to_show()), ("kind", "in", PAID_KINDS)],
        )

    def _account_to_show(self):
        """Return the id of the ledger account whose movements a button shows."""
        self.ensure_one()
        self.check_access("read")
        return self.account_id.id

    def _transfers_this_month(self, name, domain):
        """Return the action that lists transfers, at first those of this month.

        :param str name: title
        :param list domain: which of them
        """
        action = self.env["ir.actions.actions"]._for_xml_id("tier_billing.tier_transfer_action")
        action.update(name=name, domain=domain, context={"search_default_month": 1})
        return action
