import logging

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from odoo.addons.tier_billing import ledger

from .. import rollup

_logger = logging.getLogger(__name__)

# Charges that are added in one transaction.
BATCH = 200_000


class TierUsageRollup(models.Model):
    """How far charges are summed; one row for the whole database.

    The row is locked while charges are added, and moves on in the same transaction: so each charge
    is added once, whoever is killed and whoever runs at the same time.
    """

    _name = "tier.usage.rollup"
    _description = "State of the Sums of Usage"
    _log_access = False
    _rec_name = "counted_at"

    until_id = fields.Integer(required=True, readonly=True, default=0, help="Number of the last charge that is in.")
    counted_at = fields.Datetime("Counted until", readonly=True)

    _single = models.UniqueIndex("((true))", "There is one state.")

    @api.model_create_multi
    # pylint: disable-next=method-required-super
    def create(self, vals_list):
        raise UserError(self.env._("Usage is summed by itself."))

    @api.model
    def _cron_add(self):
        """Add what was charged since; called by cron.

        In transactions of their own, of a bounded number of charges each. A charge counts when all
        charges with lower numbers are committed or lost: see :mod:`..rollup.horizon`.
        """
        registry = self.env.registry
        until = ledger.cursor.in_short_transaction(registry, lambda cr: rollup.horizon.decided(cr, "tier_charge"))
        if until is None:
            _logger.warning("A transaction charges for longer than %s s; summed later", rollup.horizon.PATIENCE)
            return
        more = True
        while more:
            more = ledger.cursor.in_short_transaction(registry, lambda cr: self._add_batch(cr, until))
            if not self.env["ir.cron"]._commit_progress(1, remaining=int(more)):
                break

    @api.model
    def _add_batch(self, cr, until):
        """Add some of the charges that are not in the sums yet.

        :param cr: database cursor of a short transaction
        :param int until: number of the last charge that is decided
        :return: whether there are more
        :rtype: bool
        """
        after = self._lock(cr)
        stop = min(until, after + BATCH)
        if stop > after:
            rollup.sums.add(cr, after, stop)
        self._note(cr, max(stop, after))
        return stop < until

    @staticmethod
    def _lock(cr):
        """Lock the state, so that nobody else adds.

        :return: number of the last charge that is in
        :rtype: int
        """
        cr.execute("INSERT INTO tier_usage_rollup (until_id) VALUES (0) ON CONFLICT DO NOTHING")
        cr.execute("SELECT until_id FROM tier_usage_rollup FOR UPDATE")
        return cr.fetchone()[0]

    @staticmethod
    def _note(cr, until):
        cr.execute(SQL("UPDATE tier_usage_rollup SET until_id = %s, counted_at = now() AT TIME ZONE 'UTC'", until))

    @api.model
    def _rebuild(self):
        """Sum all charges anew, in one transaction: until it commits, readers see the old sums.

        :return: number of the last charge that is in, or None if charging did not pause long enough
        """
        registry = self.env.registry
        until = ledger.cursor.in_short_transaction(registry, lambda cr: rollup.horizon.decided(cr, "tier_charge"))
        if until is not None:
            ledger.cursor.in_short_transaction(registry, lambda cr: self._rebuild_until(cr, until))
        return until

    def _rebuild_until(self, cr, until):
        """Sum the charges up to a number anew, and no others.

        :param cr: database cursor of a short transaction
        :param int until: number of the last charge that is decided
        """
        until = max(until, self._lock(cr))
        rollup.sums.clear(cr)
        for after in range(0, until, BATCH):
            rollup.sums.add(cr, after, min(until, after + BATCH))
        self._note(cr, until)

    @api.model
    def _differences(self):
        """Compare the sums with the charges that are in them, wallet by wallet.

        :return: list of (wallet id, expected, found, name of the figure); empty if all is well
        """
        self.env.flush_all()
        self.env.cr.execute(rollup.sums.differences(SQL("(SELECT COALESCE(max(until_id), 0) FROM tier_usage_rollup)")))
        return self.env.cr.fetchall()

    @api.model
    def _counted_at(self):
        """Return until when usage is summed.

        :return: naive UTC ``datetime``, False if never
        """
        # sudo: a moment, nobody's figures.
        return self.sudo().search([], limit=1).counted_at
