import logging

from odoo import Command, api, fields, models
from odoo.tools import SQL

_logger = logging.getLogger(__name__)

# What is left to spend once the sessions in progress have ended for nothing. Their
# holds do not count: a single call may hold all there is and give most of it back,
# and who is warned during each of its calls soon reads no warning any more.
_LEFT = SQL("(a.balance + COALESCE(a.credit_limit, 0))")
# A new wallet that nobody has funded yet has not used up anything.
_USED = SQL("(a.balance <> 0 OR EXISTS (SELECT FROM tier_transfer t WHERE t.from_account_id = a.id))")
_USED_UP = SQL("(%s <= 0 AND %s)", _LEFT, _USED)
_LOW = SQL("(w.low_balance_threshold > 0 AND %s < w.low_balance_threshold AND (%s > 0 OR %s))", _LEFT, _LEFT, _USED)
_WATCHED = SQL("w.active AND w.state <> 'closed' AND w.parent_id IS NOT NULL")


class TierWallet(models.Model):
    """Warnings of low and of used-up credit: by mail, off the charging path, once until it recovers."""

    _inherit = "tier.wallet"

    credit_status = fields.Selection(
        [("none", "None yet"), ("ok", "Sufficient"), ("low", "Low"), ("used_up", "Used up")],
        "Credit",
        compute="_compute_credit_status",
        search="_search_credit_status",
        help="Low: balance and credit limit together are below the threshold. What sessions in "
        "progress hold still counts as there.",
    )
    low_balance_warned_at = fields.Datetime(
        "Warned of low balance", readonly=True, copy=False, groups="base.group_user"
    )
    used_up_warned_at = fields.Datetime(
        "Told that credit is used up", readonly=True, copy=False, groups="base.group_user"
    )
    warn_parent = fields.Boolean(
        "Warn its seller too", help="The parent gets a mail as well when credit is low or used up."
    )

    _low_balance_threshold_positive = models.Constraint(
        "CHECK (low_balance_threshold >= 0)", "The low-balance threshold is zero or more."
    )

    @api.depends("account_id.balance", "account_id.credit_limit", "low_balance_threshold")
    def _compute_credit_status(self):
        """Read the status; one statement for any number of wallets."""
        found = {}
        if self.ids:
            self.env.flush_all()
            self.env.cr.execute(
                SQL(
                    """SELECT w.id, CASE WHEN %s THEN 'used_up' WHEN %s THEN 'low'
                                         WHEN %s <= 0 THEN 'none' ELSE 'ok' END
                         FROM tier_wallet w JOIN tier_account a ON a.id = w.account_id
                        WHERE w.parent_id IS NOT NULL AND w.id = ANY(%s)""",
                    _USED_UP,
                    _LOW,
                    _LEFT,
                    self.ids,
                )
            )
            found = dict(self.env.cr.fetchall())
        for wallet in self:
            wallet.credit_status = found.get(wallet.id, "ok")

    def _search_credit_status(self, operator, value):
        if operator != "in":
            return NotImplemented
        conditions = {
            "used_up": _USED_UP,
            "low": SQL("(%s AND NOT %s)", _LOW, _USED_UP),
            "none": SQL("(%s <= 0 AND NOT %s)", _LEFT, _USED_UP),
            "ok": SQL("(%s > 0 AND %s IS NOT TRUE)", _LEFT, _LOW),
        }
        wanted = [conditions[status] for status in value if status in conditions]
        if not wanted:
            return [("id", "in", [])]
        return [
            (
                "id",
                "in",
                SQL(
                    """(SELECT w.id FROM tier_wallet w JOIN tier_account a ON a.id = w.account_id
                         WHERE %s AND (%s))""",
                    _WATCHED,
                    SQL(" OR ").join(wanted),
                ),
            )
        ]

    # ------------------------------------------------------------------
    # Warnings
    # ------------------------------------------------------------------

    @api.model
    def _warn_of_low_credit(self, limit=200):
        """Warn whose credit has become low or is used up; called by cron.

        One statement finds who recovered, one per batch whom to warn. It may be stopped
        anywhere: a wallet is marked in the transaction that queues its mail.

        :param int limit: wallets per batch
        :return: number of wallets that were warned
        """
        Cron = self.env["ir.cron"]
        self._forget_warnings()
        last, total = 0, 0
        while due := self._find_to_warn(last, limit):
            last, warned = due[-1][0], 0
            for wallet_id, level in due:
                wallet = self.browse(wallet_id)
                try:
                    with self.env.cr.savepoint():
                        wallet._warn(level)
                        self.env.flush_all()
                    warned += 1
                except Exception:
                    # One broken address or template; the others shall know, and this is tried again.
                    self.env.invalidate_all(flush=False)
                    _logger.exception("The warning for wallet %s could not be written", wallet_id)
            total += warned
            if not Cron._commit_progress(warned, remaining=0 if len(due) < limit else limit):
                break
        return total

    @api.model
    def _forget_warnings(self):
        """Let wallets that recovered be warned again. One statement."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                UPDATE tier_wallet w
                   SET low_balance_warned_at = CASE WHEN %(low)s THEN w.low_balance_warned_at END,
                       used_up_warned_at = CASE WHEN %(left)s <= 0 THEN w.used_up_warned_at END
                  FROM tier_account a
                 WHERE a.id = w.account_id
                   AND (w.low_balance_warned_at IS NOT NULL OR w.used_up_warned_at IS NOT NULL)
                   AND ((w.low_balance_warned_at IS NOT NULL AND %(low)s IS NOT TRUE)
                        OR (w.used_up_warned_at IS NOT NULL AND %(left)s > 0))""",
                low=_LOW,
                left=_LEFT,
            )
        )
        self.invalidate_model(["low_balance_warned_at", "used_up_warned_at"])

    @api.model
    def _find_to_warn(self, after, limit):
        """Return whom to warn: the next wallets in the order of their ids.

        Reads the wallets once in the order of the primary key, with their accounts.

        :param int after: id of the last wallet of the batch before
        :param int limit: at most so many
        :return: list of (wallet id, ``low`` or ``used_up``)
        """
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                SELECT w.id, CASE WHEN %(used_up)s THEN 'used_up' ELSE 'low' END
                  FROM tier_wallet w JOIN tier_account a ON a.id = w.account_id
                 WHERE %(watched)s AND w.id > %(after)s
                   AND ((w.used_up_warned_at IS NULL AND %(used_up)s)
                        OR (w.low_balance_warned_at IS NULL AND %(low)s AND NOT %(used_up)s))
                 ORDER BY w.id LIMIT %(limit)s""",
                watched=_WATCHED,
                used_up=_USED_UP,
                low=_LOW,
                after=after,
                limit=limit,
            )
        )
        return self.env.cr.fetchall()

    def _warn(self, level):
        """Queue the mails for one wallet, and note that it was warned.

        :param str level: ``low`` or ``used_up``; the latter says it all, so that no mail
            about low credit follows it
        """
        self.ensure_one()
        now = fields.Datetime.now()
        template = self.env.ref(f"tier_billing.mail_template_credit_{level}")
        reached = self._mail_in_language(template, self.partner_id)
        if self.warn_parent:
            template = self.env.ref("tier_billing.mail_template_customer_credit")
            reached |= self._mail_in_language(template, self.parent_id.partner_id)
        if not reached:
            self.message_post(
                body=self.env._(
                    "Nobody was warned of low credit: %s has no e-mail address.", self.partner_id.display_name
                )
            )
        marks = {"low_balance_warned_at": now}
        if level == "used_up":
            marks["used_up_warned_at"] = now
        self.with_context(tracking_disable=True).write(marks)

    def _mail_in_language(self, template, partner):
        """Queue a mail to a partner and its contacts for invoices, in the language of each.

        :param template: ``mail.template`` of this model
        :param partner: ``res.partner`` to write to
        :return: the partners that have an address
        """
        contacts = partner | partner.child_ids.filtered(lambda contact: contact.type == "invoice")
        readers = contacts.filtered("email_normalized")
        for lang, group in readers.grouped("lang").items():
            template.with_context(tier_lang=lang).send_mail(
                self.id,
                force_send=False,
                email_values={"recipient_ids": [Command.link(reader.id) for reader in group]},
            )
        return readers
