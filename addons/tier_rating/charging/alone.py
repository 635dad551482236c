"""Work that one process at a time does, without a transaction that stays open meanwhile."""

from contextlib import contextmanager

from odoo.sql_db import db_connect
from odoo.tools import SQL


@contextmanager
def alone(registry, name):
    """Yield whether nobody else does the work of that name; nobody else begins it until the block's end.

    The lock is a connection's and not a transaction's: it goes with the process that dies, and lets the
    database forget old versions of rows meanwhile.

    :param registry: the database's registry
    :param str name: of the work
    """
    # Not of the registry, which in tests hands out the test's own connection.
    with db_connect(registry.db_name).cursor() as cr:
        cr.connection.autocommit = True
        cr.execute(SQL("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", name))
        is_ours = cr.fetchone()[0]
        try:
            yield is_ours
        finally:
            if is_ours:
                cr.execute(SQL("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", name))
