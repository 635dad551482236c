import logging
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal

from odoo import api, fields, models
from odoo.tools import SQL

from .. import ledger
from .tier_wallet_control import plain

_logger = logging.getLogger(__name__)


class TierWallet(models.Model):
    """How long credit is valid, and what becomes of it afterwards."""

    _inherit = "tier.wallet"

    credit_valid_days = fields.Integer(
        "Top-up valid for (days)",
        tracking=True,
        help="A top-up or allocation moves the end of validity to so many days later. Zero: it does not move.",
    )
    _credit_valid_days_positive = models.Constraint(
        "CHECK (credit_valid_days >= 0 AND credit_valid_days <= 36500)",
        "Credit is valid for zero to 36,500 days.",
    )

    def _topup(self, amount, source_key, reason=None):
        """Override: money that comes in may prolong the validity of credit."""
        known = self._is_posted(source_key)
        transfers = super()._topup(amount, source_key, reason)
        if not known:
            self._prolong_validity(transfers)
        return transfers

    def _allocate(self, amount, source_key, reason=None):
        """Override: money that comes in may prolong the validity of credit."""
        known = self._is_posted(source_key)
        transfers = super()._allocate(amount, source_key, reason)
        if not known:
            self._prolong_validity(transfers)
        return transfers

    @api.model
    def _prolong_validity(self, transfers):
        """Let credit be valid for so many days from today; never for less than it is.

        :param transfers: what was just posted; every wallet that it credited is concerned
        """
        later = defaultdict(self.sudo().browse)
        for wallet in transfers.sudo().to_wallet_id.filtered("credit_valid_days"):
            account = wallet.account_id
            today = ledger.spending.local_day(fields.Datetime.now(), wallet._time_zone())
            until = today + timedelta(days=wallet.credit_valid_days)
            if not account.credit_expires_on or account.credit_expires_on < until:
                later[until] |= wallet
        for until, wallets in later.items():
            wallets.write({"credit_expires_on": until})

    @api.model
    def _expire_credits(self, limit=100):
        """Take back what is left of credit whose last day is over; called by cron.

        Each wallet in a short transaction of its own, for what expires goes to an
        account that every call pays into. Idempotent, so it may be stopped anywhere.

        :param int limit: wallets per batch
        :return: number of wallets whose credit expired
        """
        Cron = self.env["ir.cron"]
        last, total = 0, 0
        while wallets := self._find_expired(last, limit):
            last = wallets[-1].id
            done = 0
            for wallet in wallets:
                try:
                    done += ledger.cursor.in_short_transaction(
                        self.env.registry,
                        lambda cr, wallet=wallet: wallet.with_env(self.env(cr=cr))._expire_credit(),
                    )
                except Exception:
                    _logger.exception("Credit of wallet %s could not be expired", wallet.id)
            total += done
            if not Cron._commit_progress(done, remaining=0 if len(wallets) < limit else limit):
                break
        self.env.invalidate_all()
        return total

    @api.model
    def _find_expired(self, after, limit):
        """Return wallets with credit left whose last day is over, in the order of their ids.

        Leans on the partial index on the date of expiry.

        :param int after: id of the last wallet of the batch before
        :param int limit: at most so many
        """
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                SELECT a.wallet_id
                  FROM tier_account a
                 WHERE a.credit_expires_on < tier_local_day(%(now)s::timestamp, a.tz)
                   AND a.credit_expires_on < %(now)s::date + 1
                   AND a.kind = 'wallet' AND a.balance > 0 AND a.held = 0 AND a.open_sessions = 0
                   AND a.unlimited IS NOT TRUE AND a.wallet_id > %(after)s
                   AND NOT EXISTS (
                       SELECT FROM tier_transfer
                        WHERE source_key = 'expiry:' || a.wallet_id || ':' || a.credit_expires_on)
                 ORDER BY a.wallet_id LIMIT %(limit)s""",
                now=fields.Datetime.now(),
                after=after,
                limit=limit,
            )
        )
        return self.browse(row[0] for row in self.env.cr.fetchall())

    def _expire_credit(self):
        """Post what is left of expired credit, unless a session still holds of it.

        It goes to the provider's earnings; credit that a reseller granted goes back
        to the reseller's outside account.

        :return: whether something was posted
        :rtype: bool
        """
        self.ensure_one()
        wallet, root = self.sudo(), self._root()
        account = wallet.account_id
        taker = wallet.grant_account_id
        if wallet.money == "inside":
            taker = self.env["tier.account"].sudo()._get("earnings", root.company_id, root.currency_id, root)
        key = f"expiry:{wallet.id}:{account.credit_expires_on}"
        reason = self.env._("Credit was valid until %s", account.credit_expires_on)
        self.env.flush_all()
        # The amount is known under the lock only; for the locks any amount will do.
        probe = wallet._movement("expiry", account, taker, Decimal(1), key, reason)
        state = ledger.writer.lock_accounts(self.env.cr, (), [probe])[account.id]
        if (
            state.expires_on != account.credit_expires_on
            or ledger.spending.local_day(fields.Datetime.now(), state.tz) <= state.expires_on
            or state.balance <= 0
            or state.held
            or state.open_sessions
            or wallet._is_posted(key)
        ):
            return False
        movement = wallet._movement("expiry", account, taker, state.balance, key, reason)
        self.env["tier.transfer"].sudo()._post([movement])
        wallet.message_post(
            body=self.env._(
                "%(amount)s %(currency)s of credit expired: it was valid until %(date)s.",
                amount=plain(state.balance),
                currency=wallet.currency_id.name,
                date=state.expires_on,
            )
        )
        return True
