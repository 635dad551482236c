from odoo import api, fields, models
from odoo.exceptions import UserError

from .. import ledger
from ..const import MONEY_DIGITS
from .ledger_link import LedgerLink


class TierHold(models.Model):
    """Funds that one ledger account reserves for one session in progress."""

    _name = "tier.hold"
    _description = "Hold"
    _order = "id desc"
    _rec_name = "session_key"

    session_key = fields.Char(required=True, readonly=True)
    account_id = LedgerLink("tier.account", required=True, readonly=True, index=True)
    wallet_id = LedgerLink("tier.wallet", readonly=True, index="btree_not_null")
    amount = fields.Float(digits=MONEY_DIGITS, required=True, readonly=True)
    spending = fields.Float(
        digits=MONEY_DIGITS,
        readonly=True,
        help="What the session may cost this wallet at most. The amount held is less where "
        "a customer's payment brings the funds.",
    )
    currency_id = fields.Many2one(related="account_id.currency_id")
    state = fields.Selection(
        [
            ("open", "Open"),
            ("settled", "Settled"),
            ("released", "Released"),
            ("expired", "Expired"),
        ],
        required=True,
        readonly=True,
    )
    expires_at = fields.Datetime(required=True, readonly=True)

    _session_account = models.UniqueIndex("(session_key, account_id)", "A session holds funds of an account once.")
    _open_by_expiry = models.Index("(expires_at) WHERE state = 'open'")
    _open_by_account = models.Index("(account_id) WHERE state = 'open'")
    _amount_positive = models.Constraint("CHECK (amount >= 0 AND amount < 1e12)", "A hold is zero or more.")

    def init(self):
        # The triggers need all of the ledger's tables: after the last of them,
        # whatever the order in which the models are loaded.
        self.pool.post_init(ledger.schema.install, self.env.cr)

    @api.model_create_multi
    # pylint: disable-next=method-required-super
    def create(self, vals_list):
        raise UserError(self.env._("Holds are placed by sessions, not created directly."))

    # pylint: disable-next=method-required-super
    def write(self, vals):
        raise UserError(self.env._("A hold is not changed; release it instead."))

    # pylint: disable-next=method-required-super
    def unlink(self):
        raise UserError(self.env._("A hold is not deleted; release it instead."))

    def action_release(self):
        """Give the funds back by hand, for a session that is known to be dead."""
        self.check_access("write")
        keys = self.mapped("session_key")
        # Their accounts change with every call in progress.
        ledger.cursor.see_commits(self.env.cr)
        ledger.reserve.release_sessions(self.env.cr, keys)
        self.env.invalidate_all()

    @api.model
    def _expire(self, limit=1000):
        """Close holds whose session went silent; called by cron.

        Batches in short transactions, so that calls in progress never wait long.

        :param int limit: holds per transaction
        :return: number of holds closed
        """
        total = 0
        while True:
            closed = ledger.cursor.in_short_transaction(
                self.env.registry, lambda cr: ledger.reserve.expire_holds(cr, limit)
            )
            total += closed
            if closed < limit:
                break
        self.env.invalidate_all()
        return total
