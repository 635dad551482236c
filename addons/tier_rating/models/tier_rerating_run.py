import logging
import time

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

from odoo.addons.tier_billing import ledger

from .. import rerating

_logger = logging.getLogger(__name__)

# A button works for so long itself, so that what is small is done at once; the job goes on with the rest.
PATIENCE = 15
JOB_SECONDS = 240


class TierRerating(models.Model):
    """How a run proceeds: batch by batch, each a short transaction of its own.

    A process that dies in the middle leaves whole batches behind, and whoever comes next goes on
    from there. The run's own row is locked by each batch, so that two who work on one run take
    turns and never do the same events.
    """

    _inherit = "tier.rerating"

    def _apart(self, function):
        """Call ``function(run)`` in a short transaction of its own, with all rights."""
        self.env.flush_all()
        result = ledger.cursor.in_short_transaction(
            self.env.registry, lambda cr: function(self.with_env(self.env(cr=cr)).sudo())
        )
        self.env.invalidate_all()
        return result

    def _begin(self, state, sources, **values):
        """Bring a run into another state; who is there already is left alone.

        :param str state: to reach
        :param sources: states from which it may be reached
        :param values: columns to set with it
        :raise UserError: from any other state, or where something is missing
        """
        # Nothing is written here: all is done in transactions of their own.
        ledger.cursor.see_commits(self.env.cr)
        self._apart(lambda run: run._enter(state, sources, values))

    def _enter(self, state, sources, values):
        found = self._lock()
        if found == state or (state, found) == ("posting", "posted"):
            return
        if found not in sources:
            states = dict(self._fields["state"]._description_selection(self.env))
            raise UserError(
                self.env._(
                    "%(name)s is in state “%(state)s”: this cannot be done.", name=self.name, state=states[found]
                )
            )
        if state == "posting":
            self._check_may_post()
        elif state in ("draft", "cancelled"):
            self._forget()
            values = {**values, "computed_at": False, "next_at": False, "next_ref": 0}
            values.update(looked_at_count=0, unchanged_count=0, changed_count=0, left_count=0)
        self._progress({"state": state, **values})

    def _lock(self):
        """Lock the run's row for the rest of the transaction and return its state as it is now."""
        self.env.cr.execute(SQL("SELECT state FROM tier_rerating WHERE id = %s FOR UPDATE", self.id))
        row = self.env.cr.fetchone()
        if not row:
            raise UserError(self.env._("This re-rating was deleted."))
        self.invalidate_recordset()
        return row[0]

    def _check_may_post(self):
        """Refuse to post without a reason, or what a second person has to agree with.

        :raise UserError: no reason
        :raise AccessError: the user may not post this run
        """
        if not (self.reason or "").strip():
            raise UserError(self.env._("Give a reason: every tier whose price changes reads it."))
        if self.needs_other:
            raise AccessError(
                self.env._("This moves more than the limit for approval: another billing manager has to post it.")
            )

    def _forget(self):
        """Drop what was computed, and keep what was chosen one by one."""
        for table in ("tier_rerating_share", "tier_rerating_line"):
            self.env.cr.execute(SQL("DELETE FROM %s WHERE rerating_id = %s", SQL.identifier(table), self.id))
        if self.by_hand:
            self.env.cr.execute(
                SQL(
                    """UPDATE tier_rerating_event SET state = 'chosen', reason = NULL, detail = NULL
                        WHERE rerating_id = %s""",
                    self.id,
                )
            )
        else:
            self.env.cr.execute(SQL("DELETE FROM tier_rerating_event WHERE rerating_id = %s", self.id))
        self.env.invalidate_all()

    # ------------------------------------------------------------------
    # Batches
    # ------------------------------------------------------------------

    def _proceed(self, seconds=PATIENCE):
        """Work on a run for a while; what is left then is for the scheduled job.

        :param seconds: for how long
        :return: whether it is finished
        :rtype: bool
        """
        self.ensure_one()
        until = time.monotonic() + seconds
        while self._apart(lambda run: run._step()):
            if time.monotonic() > until:
                self.env.ref("tier_rating.ir_cron_rerating").sudo()._trigger()
                return False
        return True

    def _step(self):
        """Do the next batch, in a short transaction.

        :return: whether there is more to do
        :rtype: bool
        """
        state = self._lock()
        if state == "computing":
            return self._compute_batch()
        if state == "posting":
            return self._post_batch()
        return False

    def _compute_batch(self):
        events = rerating.choose.next_events(self, rerating.BATCH)
        if not events:
            self._end_computing()
            return False
        event_ids = [event_id for event_id, _moment in events]
        compared = rerating.compare.compare(self.env, event_ids, as_charged=self.price_lists == "charged")
        if self.by_hand:
            self.env.cr.execute(
                SQL("DELETE FROM tier_rerating_event WHERE rerating_id = %s AND event_id = ANY(%s)", self.id, event_ids)
            )
        rerating.rows.store(self.env, self.id, compared)
        self.env.cr.execute(
            SQL(
                """UPDATE tier_rerating
                      SET looked_at_count = looked_at_count + %s, unchanged_count = unchanged_count + %s,
                          changed_count = changed_count + %s, left_count = left_count + %s,
                          next_at = %s, next_ref = %s
                    WHERE id = %s""",
                len(events),
                compared.unchanged,
                len(compared.changed),
                len(compared.left),
                events[-1][1],
                events[-1][0],
                self.id,
            )
        )
        return True

    def _end_computing(self):
        # What was chosen by hand and is charged no more, or never was.
        self.env.cr.execute(
            SQL(
                """UPDATE tier_rerating_event SET state = 'left', reason = 'not_charged'
                    WHERE rerating_id = %s AND state = 'chosen'""",
                self.id,
            )
        )
        never = self.env.cr.rowcount
        rerating.rows.summarise(self.env, self.id)
        self._progress(
            {
                "state": "computed",
                "computed_at": fields.Datetime.now(),
                "left_count": self.left_count + never,
                "looked_at_count": self.looked_at_count + never,
            }
        )

    def _post_batch(self):
        posted = rerating.post.post(self.env, self, rerating.BATCH)
        if posted is None:
            rerating.rows.summarise(self.env, self.id)
            self._progress({"state": "posted"})
            return False
        self.env.cr.execute(
            SQL(
                """UPDATE tier_rerating
                      SET posted_count = posted_count + %s, changed_count = changed_count - %s,
                          left_count = left_count + %s, overrun_count = overrun_count + %s
                    WHERE id = %s""",
                posted.posted,
                posted.left,
                posted.left,
                posted.overruns,
                self.id,
            )
        )
        return True

    @api.model
    def _cron_proceed(self):
        """Go on with runs that a button began, or that a process left in the middle."""
        Cron = self.env["ir.cron"]
        runs = self.search([("state", "in", ("computing", "posting"))], order="id")
        for done, run in enumerate(runs, 1):
            try:
                run._proceed(JOB_SECONDS)
            except Exception:
                _logger.exception("Re-rating %s cannot go on", run.id)
            Cron._commit_progress(1, remaining=len(runs) - done)
