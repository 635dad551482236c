"""How long a scheduled action works before it lets the scheduler end its own transaction."""

import time

from odoo.tools import config

from odoo.addons.base.models.ir_cron import MIN_TIME_PER_JOB

#: Seconds, a system parameter.
PARAMETER, DEFAULT_S = "tier_rating.import_seconds", 180
# Of the time after which a server ends a scheduled action by force: others may have come first.
SHARE, LARGEST_SHARE = 0.5, 0.75


class Shift:
    """A bounded time for work that can be left off and gone on with.

    Odoo's scheduler locks a job's row in a transaction with a snapshot, which stays open while the job runs, and it
    runs an action that tells of more work up to ten times in it. As long as a snapshot is open, the database keeps
    every version of every account that the batches of an import change, and each batch walks through those of all
    batches before. So an import stops when its shift is over, and the next run has another transaction.

    :param float seconds: how long it is; None for no end
    :param float latest: the most that it is ever prolonged to
    :param float begun: on the monotonic clock; now by default
    """

    def __init__(self, seconds=None, latest=None, begun=None):
        begun = time.monotonic() if begun is None else begun
        self._end = None if seconds is None else begun + seconds
        self._latest = None if latest is None else begun + latest

    @classmethod
    def of(cls, env):
        """Return that of the scheduled action that runs: the time counts from the job's begin, however often it is run.

        :param env: of the action
        """
        text = env["ir.config_parameter"].sudo().get_param(PARAMETER) or ""
        seconds = int(text) if text.isdecimal() and int(text) else DEFAULT_S
        limit = config["limit_time_real_cron"]
        if limit <= 0:
            limit = config["limit_time_real"]
        latest = None
        if limit > 0:
            seconds, latest = min(seconds, limit * SHARE), limit * LARGEST_SHARE
        end = env.context.get("cron_end_time")
        return cls(seconds, latest, None if end is None else end - MIN_TIME_PER_JOB)

    def is_over(self):
        """Tell whether to stop after what is being done."""
        return self._end is not None and time.monotonic() >= self._end

    def prolong(self, seconds):
        """See to it that there are so many seconds left, as far as the server allows.

        :param float seconds: what getting to where the last run stopped has taken: at least as long is worked then
        """
        if self._end is not None:
            self._end = max(self._end, time.monotonic() + seconds)
            if self._latest is not None:
                self._end = min(self._end, self._latest)


def come_again(env, remaining):
    """Have the scheduler end its transaction, and run this action again as soon as the others had their turn.

    :param env: of the action, whose shift is over
    :param int remaining: how much there is to do still
    """
    cron = env["ir.cron"]
    if remaining and (cron_id := env.context.get("cron_id")):
        # What the scheduler notes by itself is found a minute later; this wakes it.
        cron.browse(cron_id).sudo()._trigger()
    cron._commit_progress(remaining=remaining)
