"""The one charging path: authorize, settle and import are the same code.

A batch of requests goes in; chains are looked up, prices computed by the pure
engine, accounts locked in one order, limits checked, transfers and holds
written. A handful of statements and one transaction, whatever the batch's
length; a single call is a batch of one.

* :mod:`.usage`: what comes in
* :mod:`.books`: price lists kept in memory
* :mod:`.markups`: mark-ups of derived lists for some numbers only, kept in memory
* :mod:`.numbers`: special numbers, such as emergency calls, kept in memory
* :mod:`.catalogue`: chains, price lists and rates, read for a whole batch
* :mod:`.offers`: what a number costs on one price list
* :mod:`.sources`: all of these for one batch, at the rates of :mod:`.conversions`
* :mod:`.pricing`: who pays what on every tier, as :mod:`.priced` says it
* :mod:`.packages`: included units that are used before money
* :mod:`.fees`: what packages cost in each period
* :mod:`.volumes`, :mod:`.volume_plans`: prices by the volume of a period
* :mod:`.resolve`: whose usage it is
* :mod:`.guests`: rooms, whose usage is that of the guest of the moment
* :mod:`.dial_plans`: endpoints that dial otherwise than their switch says
* :mod:`.tables`: the rows that are written
* :mod:`.settle`: charge usage, and retry what waits in suspense
* :mod:`.refund`: undo what was charged; :mod:`.fee_refund`: fees of packages that were used
* :mod:`.intake`: a stream of records, batch by batch; :mod:`.turns`: two batches at once; :mod:`.shift`: for how
  long; :mod:`.reader`: until the next run
* :mod:`.authorize`: grant a session and hold its funds
"""

from psycopg2 import errors

from odoo import api

from odoo.addons.tier_billing import ledger

from . import authorize, books, catalogue, fee_refund, fees, markups, numbers, pricing, refund, settle, usage

# Events per transaction. More gains little and keeps locks for longer.
BATCH = 1000
# Each lost race makes another event known, so that it ends; five were too few where many sides replay one file.
ATTEMPTS = 50
# The unique index that lets an event be charged once.
EVENT_KEY = "tier_usage_event_source_key_unique"


def run(env, function, *args):
    """Run one batch in a short READ COMMITTED transaction, again if it lost a race.

    The commit is the batch's own: it outlives a rollback of the caller, which
    is safe because every batch is idempotent.

    :param env: the caller's environment
    :param function: one of the batch functions; takes an environment first
    :param args: passed on
    :return: what the function returned
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return ledger.cursor.in_short_transaction(
                env.registry,
                lambda cr: function(api.Environment(cr, env.uid, {}), *args),
            )
        except errors.UniqueViolation as error:
            # Somebody else charged an event of this batch in the same moment: now it is known.
            if error.diag.constraint_name != EVENT_KEY or attempt == ATTEMPTS:
                raise
    raise AssertionError("unreachable")


__all__ = [
    "BATCH",
    "authorize",
    "books",
    "catalogue",
    "fee_refund",
    "fees",
    "markups",
    "numbers",
    "pricing",
    "refund",
    "run",
    "settle",
    "usage",
]
