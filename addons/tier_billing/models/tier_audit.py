import logging
import time

from odoo import api, fields, models
from odoo.tools import SQL

_logger = logging.getLogger(__name__)

# Findings kept per check: the first ones tell what is wrong.
KEPT = 100


class TierAudit(models.Model):
    """One check of the ledger's invariants over the whole database.

    The database keeps them by itself; this proves it, after a restore, an upgrade
    or somebody's work in SQL. It reads every transfer and writes only its result.
    """

    _name = "tier.audit"
    _description = "Money Audit"
    _order = "id desc"

    date = fields.Datetime("Run on", required=True, readonly=True, default=fields.Datetime.now)
    user_id = fields.Many2one("res.users", "Run by", readonly=True, default=lambda self: self.env.user)
    seconds = fields.Float("Took (s)", digits=(10, 2), readonly=True)
    transfer_count = fields.Integer("Transfers", readonly=True)
    account_count = fields.Integer("Accounts", readonly=True)
    finding_ids = fields.One2many("tier.audit.finding", "audit_id", "Findings", readonly=True)
    finding_count = fields.Integer("Faults", readonly=True)
    state = fields.Selection([("clean", "Clean"), ("faulty", "Faults found")], readonly=True)

    @api.depends("date")
    def _compute_display_name(self):
        for audit in self:
            audit.display_name = self.env._("Audit of %s", fields.Datetime.to_string(audit.date))

    @api.model
    def _checks(self):
        """Return the checks; other add-ons add theirs.

        :return: dict of code to (label, ``SQL`` that selects faults as account id, wallet id,
            expected, found, detail)
        """
        return {
            "balance": (
                self.env._("Balance is transfers in less transfers out"),
                SQL(
                    """
                    SELECT a.id, a.wallet_id, COALESCE(s.total, 0), a.balance, NULL
                      FROM tier_account a
                      LEFT JOIN (SELECT account_id, sum(delta) AS total
                                   FROM (SELECT from_account_id AS account_id, -amount AS delta
                                           FROM tier_transfer
                                         UNION ALL
                                         SELECT to_account_id, amount_to FROM tier_transfer
                                         UNION ALL
                                         SELECT exchange_in_id, amount FROM tier_transfer
                                          WHERE exchange_in_id IS NOT NULL
                                         UNION ALL
                                         SELECT exchange_out_id, -amount_to FROM tier_transfer
                                          WHERE exchange_out_id IS NOT NULL) moves
                                  GROUP BY account_id) s ON s.account_id = a.id
                     WHERE a.balance <> COALESCE(s.total, 0)"""
                ),
            ),
            "held": (
                self.env._("Held is the sum of open holds"),
                SQL(
                    """
                    SELECT a.id, a.wallet_id, COALESCE(h.total, 0), a.held,
                           a.open_sessions || ' sessions counted, ' || COALESCE(h.sessions, 0)
                           || ' holds open'
                      FROM tier_account a
                      LEFT JOIN (SELECT account_id, sum(amount) AS total, count(*) AS sessions
                                   FROM tier_hold WHERE state = 'open' GROUP BY account_id) h
                        ON h.account_id = a.id
                     WHERE a.held <> COALESCE(h.total, 0)
                        OR a.open_sessions <> COALESCE(h.sessions, 0)"""
                ),
            ),
            "conserved": (
                self.env._("All accounts of a company and currency sum to zero"),
                SQL(
                    """
                    SELECT NULL, NULL, 0, sum(a.balance), c.name || ', company ' || a.company_id
                      FROM tier_account a JOIN res_currency c ON c.id = a.currency_id
                     GROUP BY a.company_id, c.name HAVING sum(a.balance) <> 0"""
                ),
            ),
            "fits": (
                self.env._("Transfers fit the currencies and wallets of their accounts"),
                SQL(
                    """
                    SELECT f.id, f.wallet_id, t.amount, t.amount_to, t.source_key
                      FROM tier_transfer t
                      LEFT JOIN tier_account f ON f.id = t.from_account_id
                      LEFT JOIN tier_account r ON r.id = t.to_account_id
                     WHERE f.id IS NULL OR r.id IS NULL
                        OR t.currency_id <> f.currency_id OR t.currency_to_id <> r.currency_id
                        OR t.company_id <> f.company_id OR t.company_id <> r.company_id
                        OR t.from_wallet_id IS DISTINCT FROM f.wallet_id
                        OR t.to_wallet_id IS DISTINCT FROM r.wallet_id
                        OR (t.currency_id = t.currency_to_id AND t.amount <> t.amount_to)"""
                ),
            ),
            "reversal": (
                self.env._("No transfer is undone twice, or by more than it moved"),
                SQL(
                    """
                    SELECT o.from_account_id, o.from_wallet_id, o.amount, sum(back.amount),
                           o.source_key
                      FROM tier_transfer t JOIN tier_transfer o ON o.id = t.reverses_id,
                           -- What was taken back too much may be given again.
                           LATERAL (SELECT CASE WHEN t.from_account_id = o.to_account_id
                                                THEN t.amount_to ELSE -t.amount END AS amount) back
                     GROUP BY o.id HAVING sum(back.amount) > o.amount"""
                ),
            ),
            "spending": (
                self.env._("What limits count as spent is usage less refunds, by day of this month"),
                SQL(
                    """
                    WITH limited AS (
                        SELECT id, wallet_id, tz,
                               date_trunc('month', now() AT TIME ZONE COALESCE(tz, 'UTC'))::date AS first
                          FROM tier_account
                         WHERE kind = 'wallet' AND (daily_limit > 0 OR monthly_limit > 0)),
                    moved AS (
                        SELECT a.id, tier_local_day(COALESCE(o.date, t.date), a.tz) AS day, t.amount
                          FROM limited a
                          JOIN tier_transfer t ON t.from_account_id = a.id AND t.kind = 'usage'
                           AND t.date >= a.first - 2
                          LEFT JOIN tier_transfer o ON o.id = t.reverses_id
                        UNION ALL
                        SELECT a.id, tier_local_day(COALESCE(o.date, t.date), a.tz), -t.amount_to
                          FROM limited a
                          JOIN tier_transfer t ON t.to_account_id = a.id AND t.kind IN ('refund', 'rebate')
                          LEFT JOIN tier_transfer o ON o.id = t.reverses_id)
                    SELECT a.id, a.wallet_id, COALESCE(m.amount, 0), COALESCE(s.amount, 0), d.day::text
                      FROM limited a
                      JOIN (SELECT id, day FROM moved
                            UNION SELECT account_id, day FROM tier_spending) d
                        ON d.id = a.id AND d.day >= a.first
                      LEFT JOIN (SELECT id, day, sum(amount) AS amount FROM moved GROUP BY id, day) m
                        ON m.id = d.id AND m.day = d.day
                      LEFT JOIN tier_spending s ON s.account_id = d.id AND s.day = d.day
                     WHERE COALESCE(m.amount, 0) <> COALESCE(s.amount, 0)"""
                ),
            ),
            "unsettled": (
                self.env._("What was paid is credited within the hour"),
                SQL(
                    """
                    SELECT NULL::integer, NULL::integer, 0, count(*), res_model || ' ' || res_id
                      FROM tier_paid_change WHERE create_date < now() AT TIME ZONE 'UTC' - interval '1 hour'
                     GROUP BY res_model, res_id"""
                ),
            ),
        }

    @api.model
    def _is_clean(self):
        """Tell whether every check holds, without keeping a result.

        :rtype: bool
        """
        self.env.flush_all()
        for _label, query in self._checks().values():
            self.env.cr.execute(SQL("SELECT EXISTS (%s)", query))
            if self.env.cr.fetchone()[0]:
                return False
        return True

    @api.model
    def _run(self):
        """Run all checks on one consistent view of the database.

        Odoo's transactions are REPEATABLE READ, so calls that are charged
        meanwhile do not disturb it.

        :return: the ``tier.audit`` record
        """
        begin = time.monotonic()
        self.env.flush_all()
        cr = self.env.cr
        findings, count = [], 0
        for code, (label, query) in self._checks().items():
            cr.execute(query)
            rows = cr.fetchmany(KEPT)
            count += cr.rowcount
            findings += [
                {
                    "check_code": code,
                    "name": label,
                    "account_id": row[0],
                    "wallet_id": row[1],
                    "expected": row[2] or 0,
                    "found": row[3] or 0,
                    "detail": row[4],
                }
                for row in rows
            ]
        cr.execute("SELECT (SELECT count(*) FROM tier_transfer), (SELECT count(*) FROM tier_account)")
        transfers, accounts = cr.fetchone()
        audit = self.sudo().create(
            {
                "user_id": self.env.uid,
                "seconds": time.monotonic() - begin,
                "transfer_count": transfers,
                "account_count": accounts,
                "finding_count": count,
                "state": "faulty" if count else "clean",
                "finding_ids": [fields.Command.create(values) for values in findings],
            }
        )
        if count:
            _logger.error("Money audit: %s faults; see the audit of %s", count, audit.date)
        return audit

    @api.model
    def _run_nightly(self):
        """Run the audit and call the billing managers if it finds a fault; called by cron."""
        audit = self._run()
        if audit.state != "faulty":
            return
        managers = self.env.ref("tier_billing.group_tier_manager").all_user_ids
        for partner in managers.filtered(lambda user: not user.share).partner_id:
            partner.activity_schedule(
                "mail.mail_activity_data_warning",
                summary=self.env._("The money audit found %s faults", audit.finding_count),
                note=self.env._("See Ledger, Money audit: %s", audit.display_name),
                user_id=partner.user_ids[:1].id,
            )

    def action_run(self):
        """Run the audit now.

        :return: a window action on its result
        """
        self.check_access("read")
        audit = self._run()
        return {
            "type": "ir.actions.act_window",
            "res_model": self._name,
            "res_id": audit.id,
            "view_mode": "form",
        }


class TierAuditFinding(models.Model):
    """One fault that an audit found."""

    _name = "tier.audit.finding"
    _description = "Money Audit Finding"
    _order = "id"

    audit_id = fields.Many2one("tier.audit", required=True, readonly=True, ondelete="cascade", index=True)
    check_code = fields.Char(required=True, readonly=True)
    name = fields.Char("Check", required=True, readonly=True)
    account_id = fields.Many2one("tier.account", readonly=True, ondelete="set null")
    wallet_id = fields.Many2one("tier.wallet", readonly=True, ondelete="set null")
    expected = fields.Float(digits=(20, 6), readonly=True)
    found = fields.Float(digits=(20, 6), readonly=True)
    detail = fields.Char(readonly=True)
