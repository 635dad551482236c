"""Up to which number the rows of a table are all decided: committed, or never to come.

Numbers come from a sequence, but transactions commit in any order: whoever has read up to
number 1000 may find number 990 committed a moment later. A transaction that takes a number
locks the sequence, in a mode that disturbs nobody, until it ends (PostgreSQL, ``nextval``:
a RowExclusiveLock that pg_locks shows). So what nobody holds any more is decided, and
charging does nothing for it and never waits.
"""

import time

from odoo.tools import SQL

# A batch of charges lasts a fraction of a second.
PATIENCE = 20
PAUSE = 0.05


def decided(cr, table, patience=PATIENCE):
    """Return up to which id every row of a table is visible to the next transaction, or lost for good.

    Statements that read the rows must begin after this has returned: under READ COMMITTED those
    that follow, else those of another transaction.

    :param cr: database cursor
    :param str table: its name, from our code; its ids come from its own sequence
    :param float patience: seconds to wait for transactions in progress
    :return: int; None if one of them lasted longer
    """
    name = SQL.identifier(f"{table}_id_seq")
    cr.execute(SQL("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM %s", name))
    last = cr.fetchone()[0]
    cr.execute(SQL("SELECT %s::regclass::oid", f"{table}_id_seq"))
    sequence = cr.fetchone()[0]
    pending = _holders(cr, sequence)
    deadline = time.monotonic() + patience
    while pending:
        if time.monotonic() > deadline:
            return None
        time.sleep(PAUSE)
        # Who has begun since takes higher numbers.
        pending &= _holders(cr, sequence)
    return last


def _holders(cr, sequence):
    """Return the transactions of others that have taken a number and have not ended."""
    cr.execute(
        SQL(
            """SELECT virtualtransaction FROM pg_locks
                WHERE locktype = 'relation' AND relation = %s AND granted
                  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                  AND pid IS DISTINCT FROM pg_backend_pid()""",
            sequence,
        )
    )
    return {row[0] for row in cr.fetchall()}
