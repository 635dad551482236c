from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL

from .. import ledger
from ..const import MONEY_DIGITS


class TierAccount(models.Model):
    """A ledger account: a wallet's own money, or a contra account."""

    _name = "tier.account"
    _description = "Ledger Account"
    _order = "company_id, kind, id"
    _check_company_auto = True

    kind = fields.Selection(
        [
            ("wallet", "Wallet"),
            ("world", "World"),
            ("earnings", "Earnings"),
            ("outside", "Outside"),
            ("exchange", "Exchange"),
        ],
        required=True,
        help="Wallet: what a partner has with its parent. World: money that came in or went "
        "out of the company. Earnings: what the provider has earned. Outside: what a reseller "
        "collected itself. Exchange: the other side of a conversion.",
    )
    company_id = fields.Many2one("res.company", required=True, ondelete="restrict")
    currency_id = fields.Many2one("res.currency", required=True, ondelete="restrict")
    wallet_id = fields.Many2one("tier.wallet", ondelete="restrict", index="btree_not_null")
    balance = fields.Float(
        digits=MONEY_DIGITS,
        readonly=True,
        default=0,
        help="Transfers in less transfers out; kept by the database.",
    )
    held = fields.Float(
        digits=MONEY_DIGITS,
        readonly=True,
        default=0,
        help="Reserved for sessions in progress; kept by the database.",
    )
    open_sessions = fields.Integer(readonly=True, default=0)
    credit_limit = fields.Float(digits=MONEY_DIGITS, default=0)
    unlimited = fields.Boolean(help="No check of funds: the provider and contra accounts.")
    daily_limit = fields.Float("Daily spending limit", digits=MONEY_DIGITS, default=0)
    monthly_limit = fields.Float("Monthly spending limit", digits=MONEY_DIGITS, default=0)
    credit_expires_on = fields.Date("Credit valid until")
    tz = fields.Char(
        "Time zone", readonly=True, help="Where the days of spending limits and of expiry begin: that of the company."
    )

    _identity = models.UniqueIndex(
        "(kind, company_id, currency_id, COALESCE(wallet_id, 0))",
        "There is one account of each kind per company, currency and wallet.",
    )
    _expiry = models.Index("(credit_expires_on) WHERE credit_expires_on IS NOT NULL")

    # The database checks it as well, see ledger/schema.sql: not by a constraint, which each change of a
    # balance would evaluate.
    @api.constrains("credit_limit", "daily_limit", "monthly_limit")
    def _check_limits(self):
        for account in self:
            if not all(0 <= account[name] < 1e12 for name in ("credit_limit", "daily_limit", "monthly_limit")):
                raise ValidationError(self.env._("A credit or spending limit is zero or more, and below one trillion."))

    @api.depends("kind", "wallet_id", "currency_id")
    def _compute_display_name(self):
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        for account in self:
            owner = account.wallet_id.sudo().name
            if account.kind == "wallet":
                account.display_name = owner
            elif owner:
                account.display_name = self.env._("%(kind)s of %(owner)s", kind=kinds[account.kind], owner=owner)
            else:
                account.display_name = f"{kinds.get(account.kind, '')} {account.currency_id.name}"

    @api.model
    def _get(self, kind, company, currency, wallet=None):
        """Return the account of this identity, created when it is the first use.

        Two transactions may ask for the same new account at once: the unique
        index lets one create it and the other find it.

        :param str kind: a value of ``kind``
        :param company: ``res.company`` record
        :param currency: ``res.currency`` record
        :param wallet: ``tier.wallet`` record that owns it, if any
        :return: ``tier.account`` record
        """
        wallet_id = wallet.id if wallet else None
        identity = SQL(
            "kind = %s AND company_id = %s AND currency_id = %s AND COALESCE(wallet_id, 0) = %s",
            kind,
            company.id,
            currency.id,
            wallet_id or 0,
        )
        self.env.cr.execute(SQL("SELECT id FROM tier_account WHERE %s", identity))
        row = self.env.cr.fetchone()
        if not row:
            self.env.cr.execute(
                SQL(
                    """INSERT INTO tier_account (kind, company_id, currency_id, wallet_id, balance,
                              held, open_sessions, credit_limit, unlimited, create_uid, create_date,
                              write_uid, write_date)
                       VALUES (%s, %s, %s, %s, 0, 0, 0, 0, %s, %s, now() AT TIME ZONE 'UTC', %s,
                               now() AT TIME ZONE 'UTC')
                       ON CONFLICT DO NOTHING RETURNING id""",
                    kind,
                    company.id,
                    currency.id,
                    wallet_id,
                    kind != "wallet",
                    self.env.uid,
                    self.env.uid,
                )
            )
            row = self.env.cr.fetchone()
        if not row:
            self.env.cr.execute(SQL("SELECT id FROM tier_account WHERE %s", identity))
            row = self.env.cr.fetchone()
        return self.browse(row[0])

    def _recount_spending(self):
        """Count anew what these accounts spent, after their limits or time zone changed."""
        if self:
            self.env.flush_all()
            ledger.spending.recount(self.env.cr, self.ids, fields.Datetime.now())
            self.env["tier.wallet"].invalidate_model(["daily_left", "monthly_left"])

    @api.model
    def _set_time_zone(self, companies):
        """Let the days of limits and of expiry begin in the time zone of their company.

        :param companies: ``res.company`` records
        """
        for company in companies:
            zone = company.partner_id.tz or "UTC"
            accounts = self.search(
                [
                    ("company_id", "=", company.id),
                    ("tz", "not in", (False, zone)),
                    ("kind", "=", "wallet"),
                ]
            )
            accounts.tz = zone
            accounts.filtered(lambda account: account.daily_limit or account.monthly_limit)._recount_spending()

    # pylint: disable-next=method-required-super
    def copy(self, default=None):
        raise UserError(self.env._("A ledger account cannot be duplicated."))

    @api.model
    def _is_conserved(self):
        """Tell whether the whole ledger adds up; see ``tier.audit``.

        Reads every transfer: for audits, not for pages.

        :rtype: bool
        """
        return self.env["tier.audit"]._is_clean()
