"""Holds: funds that sessions in progress may still spend."""

from odoo.tools import SQL

from .writer import lock_accounts


def place_holds(cr, holds, expires_at, spending=None):
    """Reserve funds for sessions, or change what is reserved.

    The caller holds the accounts' locks (:func:`lock_accounts`) and has
    checked the limits; the database checks them again. One statement.

    :param cr: database cursor
    :param holds: iterable of (session key, account id, amount in its currency);
        an amount of zero still counts as an open session of the account
    :param expires_at: list of naive UTC datetimes, one per hold
    :param spending: what each session may cost the wallet at most, one per hold, for its
        spending limits; None where that is the amount held
    """
    spending = [None] * len(expires_at) if spending is None else spending
    rows = sorted(zip(holds, expires_at, spending, strict=True), key=lambda row: row[0][:2])
    if not rows:
        return
    cr.execute(
        SQL(
            """
            INSERT INTO tier_hold (session_key, account_id, wallet_id, amount, expires_at,
                                   spending, state, create_date, write_date)
            SELECT v.session_key, v.account_id, a.wallet_id, v.amount, v.expires_at, v.spending,
                   'open', now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC'
              FROM unnest(%s::varchar[], %s::integer[], %s::numeric[], %s::timestamp[],
                          %s::numeric[])
                   AS v(session_key, account_id, amount, expires_at, spending)
              JOIN tier_account a ON a.id = v.account_id
            ON CONFLICT (session_key, account_id) DO UPDATE
               SET amount = excluded.amount, expires_at = excluded.expires_at,
                   spending = excluded.spending, state = 'open',
                   write_date = excluded.write_date""",
            [row[0][0] for row in rows],
            [row[0][1] for row in rows],
            [row[0][2] for row in rows],
            [row[1] for row in rows],
            [row[2] for row in rows],
        )
    )


def close_holds(cr, session_keys, state):
    """Give back what sessions still reserve. One statement.

    :param cr: database cursor
    :param session_keys: keys of the sessions
    :param state: why: ``settled``, ``released`` or ``expired``
    :return: number of holds closed
    """
    cr.execute(
        SQL(
            """UPDATE tier_hold SET state = %s, write_date = now() AT TIME ZONE 'UTC'
                WHERE session_key = ANY(%s) AND state = 'open'""",
            state,
            list(session_keys),
        )
    )
    return cr.rowcount


def release_sessions(cr, session_keys):
    """Give back all that these sessions reserve, in the lock order.

    :param cr: database cursor
    :param session_keys: keys of the sessions
    :return: number of holds closed
    """
    cr.execute(
        SQL(
            "SELECT account_id FROM tier_hold WHERE session_key = ANY(%s) AND state = 'open'",
            list(session_keys),
        )
    )
    lock_accounts(cr, [row[0] for row in cr.fetchall()])
    return close_holds(cr, session_keys, "released")


def expire_holds(cr, limit):
    """Close open holds whose time is over.

    Accounts are locked before holds, as everywhere; whatever was settled or
    extended while this waited for the locks is left alone. Leans on the partial
    index on ``expires_at``.

    :param cr: database cursor
    :param limit: number of holds at most
    :return: number of holds closed
    """
    cr.execute(
        SQL(
            """SELECT id, account_id FROM tier_hold
                WHERE state = 'open' AND expires_at < now() AT TIME ZONE 'UTC'
                ORDER BY expires_at LIMIT %s""",
            limit,
        )
    )
    rows = cr.fetchall()
    if not rows:
        return 0
    lock_accounts(cr, [row[1] for row in rows])
    cr.execute(
        SQL(
            """UPDATE tier_hold SET state = 'expired', write_date = now() AT TIME ZONE 'UTC'
                WHERE id = ANY(%s) AND state = 'open'
                  AND expires_at < now() AT TIME ZONE 'UTC'""",
            [row[0] for row in rows],
        )
    )
    return cr.rowcount
