"""Short transactions of their own for the charging path."""

import random
import time
from contextlib import contextmanager

from psycopg2 import errors
from psycopg2.extensions import ISOLATION_LEVEL_READ_COMMITTED

from odoo.sql_db import Cursor

# What a second attempt can cure: a lost race, never a wrong request.
RETRYABLE = (errors.DeadlockDetected, errors.SerializationFailure, errors.LockNotAvailable)
ATTEMPTS = 5


@contextmanager
def short_transaction(registry):
    """Yield a cursor that commits on success and rolls back on an error.

    Odoo's cursors are REPEATABLE READ: two of them that update one wallet
    cannot both succeed, and the loser is retried after a sleep of up to
    seconds. The charging path locks its accounts explicitly, so READ COMMITTED
    is both correct and free of such retries.

    The commit outlives a rollback of the caller's own transaction: whatever is
    written through it needs an idempotency key.

    :param registry: the database's registry
    """
    with registry.cursor() as cr:
        # In tests the registry hands out a wrapper around the test's own
        # transaction, whose isolation is fixed.
        if not isinstance(cr, Cursor):
            yield cr
            return
        cr.connection.set_isolation_level(ISOLATION_LEVEL_READ_COMMITTED)
        yield cr
        _commit(cr)


def are_apart(registry):
    """Tell whether its cursors are transactions of their own, so that threads can have one each.

    In tests they are wrappers around the one of the test.

    :param registry: the database's registry
    """
    with registry.cursor() as cr:
        return isinstance(cr, Cursor)


def _commit(cr):
    """Commit, with the accounts unlocked before the disk has it, and wait for the disk then.

    Who charges the same reseller goes on while this waits: otherwise a busy account
    changes as often as the disk turns. The log is in the order of the locks, so that what
    others build upon this is never on the disk before it; and nobody is told that it is
    done before it is there.

    :param cr: database cursor
    """
    cr.flush()
    cr.execute("SELECT set_config('synchronous_commit', 'off', true), pg_current_xact_id_if_assigned() IS NULL")
    only_read = cr.fetchone()[1]
    cr.commit()  # pylint: disable=invalid-commit
    if not only_read:
        # A commit of nothing, after which the log is on the disk up to here.
        cr.execute("SELECT pg_logical_emit_message(true, 'tier', '')")


@contextmanager
def single_statements(registry):
    """Yield a cursor each of whose statements is a transaction and commits by itself.

    For what one statement does whole, as :func:`.writer.post` does a lone transfer: one
    trip to the server rather than three, so that a busy account is locked for as short as
    can be: it may even be unlocked before the disk has the commit, which the writer then
    waits for by itself. Reads see what is committed, as in :func:`short_transaction`.

    :param registry: the database's registry
    """
    with registry.cursor() as cr:
        if isinstance(cr, Cursor):
            cr.connection.autocommit = True
            cr.execute("SET tier.early = 'allowed'")
        yield cr


def see_commits(cr):
    """Let a transaction that has written nothing yet see what others commit from here on.

    Odoo's transactions see the database as of their first statement and may not
    lock a row that has changed since. An account with calls in progress changes
    many times a second, so that moving its money by hand would fail as often as
    it is tried again. The ledger locks what it reads; READ COMMITTED is enough.

    For what a person starts by a button or a form, as its first step, outside of
    savepoints. It does nothing where something was written already.

    :param cr: database cursor of a request
    """
    if not isinstance(cr, Cursor):
        return
    cr.execute("SELECT pg_current_xact_id_if_assigned() IS NULL")
    if cr.fetchone()[0]:
        # Ends the transaction, which was only read in; the pool sets the level
        # back when the connection serves another request.
        cr.connection.set_isolation_level(ISOLATION_LEVEL_READ_COMMITTED)


def in_short_transaction(registry, function):
    """Run ``function(cr)`` in a short transaction, again if it lost a race.

    :param registry: the database's registry
    :param function: called with a cursor; must be safe to repeat
    :return: what the function returned
    :raise psycopg2.Error: the last error, when every attempt failed
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with short_transaction(registry) as cr:
                return function(cr)
        except RETRYABLE:
            if attempt == ATTEMPTS:
                raise
            # The lock order makes deadlocks rare; spread the few that are left.
            time.sleep(random.uniform(0, 0.01 * 2**attempt))
    raise AssertionError("unreachable")
