from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from .. import ledger
from ..const import MONEY_DIGITS, MONEY_LIMIT

# Kept on the ledger account, under the same lock as the balance.
CONTROL_FIELDS = ("daily_limit", "monthly_limit", "credit_expires_on")
# For managers to set, as the other limits of a wallet.
MANAGED_FIELDS = (*CONTROL_FIELDS, "credit_valid_days")


class TierWallet(models.Model):
    """What stops a wallet from spending, apart from its funds."""

    _inherit = "tier.wallet"

    daily_limit = fields.Float(
        "Daily spending limit",
        digits=MONEY_DIGITS,
        compute="_compute_credit_control",
        inverse="_inverse_credit_control",
        tracking=True,
        help="What this wallet may spend in a day of its company's time zone; for a reseller that is "
        "what all calls of its customers cost it. Zero: no limit.",
    )
    monthly_limit = fields.Float(
        "Monthly spending limit",
        digits=MONEY_DIGITS,
        compute="_compute_credit_control",
        inverse="_inverse_credit_control",
        tracking=True,
        help="What this wallet may spend in a calendar month. Zero: no limit.",
    )
    daily_left = fields.Float(
        "Left today",
        digits=MONEY_DIGITS,
        compute="_compute_left",
        help="What the daily limit leaves for further sessions; those in progress count in full.",
    )
    monthly_left = fields.Float("Left this month", digits=MONEY_DIGITS, compute="_compute_left")
    credit_expires_on = fields.Date(
        "Credit valid until",
        compute="_compute_credit_control",
        inverse="_inverse_credit_control",
        search="_search_credit_expires_on",
        tracking=True,
        help="The last day on which the credit may be used. What is left afterwards goes to the "
        "provider, or back to the reseller that granted it. Empty: credit does not expire.",
    )
    blocked_by_id = fields.Many2one(
        "tier.wallet",
        "Blocked by",
        compute="_compute_blocked_by_id",
        groups="base.group_user",
        help="The nearest wallet above that is suspended or closed: nothing below it starts a session.",
    )

    # ------------------------------------------------------------------
    # Limits
    # ------------------------------------------------------------------

    @api.depends("account_id.daily_limit", "account_id.monthly_limit", "account_id.credit_expires_on")
    def _compute_credit_control(self):
        for wallet in self:
            account = wallet.sudo().account_id
            wallet.daily_limit = account.daily_limit
            wallet.monthly_limit = account.monthly_limit
            wallet.credit_expires_on = account.credit_expires_on

    def _inverse_credit_control(self):
        recount = self.env["tier.account"].sudo()
        for wallet in self:
            for limit in (wallet.daily_limit, wallet.monthly_limit):
                if not 0 <= limit < MONEY_LIMIT:
                    raise ValidationError(
                        self.env._("A spending limit of %s is zero or more, and below one trillion.", wallet.name)
                    )
            account = wallet.sudo().account_id
            counted, zone = bool(account.daily_limit or account.monthly_limit), account.tz
            account.write(
                {
                    "daily_limit": wallet.daily_limit,
                    "monthly_limit": wallet.monthly_limit,
                    "credit_expires_on": wallet.credit_expires_on,
                    "tz": wallet._time_zone(),
                }
            )
            if (account.daily_limit or account.monthly_limit) and (not counted or zone != account.tz):
                recount |= account
        recount._recount_spending()

    def _time_zone(self):
        """Return where this wallet's days begin: the time zone of its company."""
        return self.company_id.sudo().partner_id.tz or "UTC"

    @api.depends_context("uid")
    def _compute_left(self):
        """Read what the limits leave; one statement for any number of wallets."""
        self.env.flush_all()
        left = self._spending_left()
        for wallet in self:
            limits = left.get(wallet.id, {})
            wallet.daily_left = limits.get(ledger.spending.DAILY, 0)
            wallet.monthly_left = limits.get(ledger.spending.MONTHLY, 0)

    def _spending_left(self):
        """Return what the spending limits leave now.

        :return: dict of wallet id to dict of limit to amount
        """
        now = fields.Datetime.now()
        accounts = {
            wallet.account_id.id: wallet.id
            for wallet in self.sudo()
            if wallet.account_id and (wallet.daily_limit or wallet.monthly_limit)
        }
        if not accounts:
            return {}
        states = ledger.writer.read_accounts(self.env.cr, list(accounts))
        spending = ledger.spending.Spending(self.env.cr, states, [now])
        return {accounts[key]: {left.limit: left.amount for left in spending.limits(key, now)} for key in states}

    def _search_credit_expires_on(self, operator, value):
        return [("account_id.credit_expires_on", operator, value)]

    # ------------------------------------------------------------------
    # State
    # ------------------------------------------------------------------

    @api.depends("parent_path")
    def _compute_blocked_by_id(self):
        """Find who above stops a wallet; one query for any number of wallets."""
        above = {
            wallet: [int(step) for step in reversed((wallet.parent_path or "").split("/")[:-2])] for wallet in self
        }
        stopped = {
            wallet.id
            for wallet in self.sudo()
            .with_context(active_test=False)
            .search([("id", "in", list({step for path in above.values() for step in path})), ("state", "!=", "active")])
        }
        for wallet, path in above.items():
            wallet.blocked_by_id = next((step for step in path if step in stopped), False)

    def action_close(self):
        """Close wallets for good; they need to be empty."""
        ledger.cursor.see_commits(self.env.cr)
        self.write({"state": "closed"})

    def _close(self, source_key, reason=None):
        """Return what is left to the parent and close, both or neither.

        :param str source_key: names the return
        :param str reason: free text
        :raise UserError: with sessions in progress, with a debt, or without a parent
        """
        self.ensure_one()
        self.env.flush_all()
        # What it has is known under the lock only; that of the parent's side is taken with it.
        accounts = (self.account_id | self.sudo().grant_account_id).ids
        state = ledger.writer.lock_accounts(self.env.cr, accounts)[self.account_id.id]
        if self.state != "closed" and state.balance > 0 and not state.held and not self._is_posted(source_key):
            self._reclaim(state.balance, source_key, reason or self.env._("Returned at closing"))
        self.write({"state": "closed"})

    def _check_closable(self):
        """Refuse to close a wallet with money in it, or on hold.

        :raise UserError: naming the amount and what to do about it
        """
        open_ones = self.filtered(lambda wallet: wallet.state != "closed").sudo()
        self.env.flush_all()
        states = ledger.writer.lock_accounts(self.env.cr, open_ones.account_id.ids)
        for wallet in open_ones:
            state = states[wallet.account_id.id]
            amount = {"wallet": wallet.name, "currency": wallet.currency_id.name}
            if state.open_sessions or state.held:
                raise UserError(
                    self.env._(
                        "%(wallet)s has %(count)s sessions in progress that hold %(amount)s %(currency)s: "
                        "close it when they have ended.",
                        count=state.open_sessions,
                        **amount,
                        amount=plain(state.held),
                    )
                )
            if state.balance > 0:
                raise UserError(
                    self.env._(
                        "%(wallet)s still has %(amount)s %(currency)s: return it to the parent with Move funds, "
                        "or pay it out, then close the wallet.",
                        **amount,
                        amount=plain(state.balance),
                    )
                )
            if state.balance < 0:
                raise UserError(
                    self.env._(
                        "%(wallet)s owes %(amount)s %(currency)s: top it up or adjust it to zero, "
                        "then close the wallet.",
                        **amount,
                        amount=plain(-state.balance),
                    )
                )

    # ------------------------------------------------------------------
    # Writing
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        if any(vals.get(name) for vals in vals_list for name in MANAGED_FIELDS):
            self._check_sets_limits()
        controls = [{name: vals[name] for name in CONTROL_FIELDS if vals.get(name)} for vals in vals_list]
        wallets = super().create(
            [{name: value for name, value in vals.items() if name not in CONTROL_FIELDS} for vals in vals_list]
        )
        if any(wallet.credit_valid_days for wallet in wallets):
            self._check_sets_limits()  # a default may have brought it
        # The ledger account that keeps them exists from here on.
        for wallet, control in zip(wallets, controls, strict=True):
            if control:
                wallet.write(control)
        return wallets

    def write(self, vals):
        managed = [name for name in MANAGED_FIELDS if name in vals]
        if managed and not self.env.su:
            self.check_access("write")
            if any(
                self._fields[name].convert_to_cache(vals[name], wallet) != wallet[name]
                for wallet in self
                for name in managed
            ):
                self._check_sets_limits()
        if vals.get("state") == "closed":
            self.check_access("write")
            self._check_closable()
        result = super().write(vals)
        if "state" in vals:
            # That of everybody below, in this transaction: no query for those not read yet.
            self.env["tier.wallet"].invalidate_model(["blocked_by_id"])
        return result

    def web_save(self, vals, specification, next_id=None):
        """Override of ``web``: a limit of a wallet with calls in progress can be saved."""
        if any(name in vals for name in (*CONTROL_FIELDS, "credit_limit")):
            ledger.cursor.see_commits(self.env.cr)
        return super().web_save(vals, specification, next_id=next_id)


def plain(amount):
    """Return an exact amount as people write it."""
    return f"{amount.normalize():f}"
