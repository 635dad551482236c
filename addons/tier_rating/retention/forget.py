"""Walking through the events by age, each once; set by set."""

from typing import NamedTuple

from odoo.tools import SQL

# Digits that hide who was called; what is left tells the network. The practice of call lists.
HIDDEN_DIGITS = 4


def _hidden(column):
    """Return a number without its last digits."""
    return SQL(
        """left(%(column)s, greatest(length(%(column)s) - %(hidden)s, 0))
           || repeat('*', least(length(%(column)s), %(hidden)s))""",
        column=column,
        hidden=HIDDEN_DIGITS,
    )


def _masked(column):
    """Return a number of an event without its last digits; what is not called is no number but a resource's code."""
    column = SQL.identifier("e", column)
    return SQL(
        "CASE WHEN e.service_id NOT IN (SELECT id FROM tier_service WHERE is_time) THEN %s ELSE %s END",
        column,
        _hidden(column),
    )


class Kind(NamedTuple):
    """What is forgotten: the assignments that do it, and for which events it has to wait.

    :param SQL change: the list of assignments
    :param SQL needed: condition under which an event ``e`` keeps it for now
    """

    change: SQL
    needed: SQL


_SUSPENSE = SQL("e.state = 'suspense'")
# Who has still to pay, or to be told what for. By the indexes on the event of disputes and charges,
# and on the charge of what stands on invoices and bills.
_UNDECIDED = SQL(
    """EXISTS (SELECT FROM tier_dispute_line d WHERE d.event_id = e.id AND d.is_open)
    OR EXISTS (SELECT FROM tier_charge c
                 JOIN tier_wallet w ON w.id = c.wallet_id AND w.payment_mode = 'postpaid' AND w.money = 'inside'
                                   AND w.parent_id IS NOT NULL
                WHERE c.event_id = e.id AND c.answered AND c.date >= COALESCE(w.postpaid_since, '-infinity')
                  AND NOT EXISTS (SELECT FROM tier_charge_invoice l JOIN account_move m ON m.id = l.move_id
                                   WHERE l.charge_id = c.id AND m.state = 'posted'))
    OR EXISTS (SELECT FROM tier_charge c
                 JOIN tier_bill_charge l ON l.charge_id = c.id
                 JOIN tier_bill b ON b.id = l.bill_id AND b.state = 'draft'
                WHERE c.event_id = e.id)"""
)
KINDS = {
    "raw": Kind(SQL("raw = NULL"), _SUSPENSE),
    "details": Kind(
        SQL(
            """raw = NULL, accounts = NULL, source_ip = NULL, source_port = NULL, user_agent = NULL,
               caller = %s, callee = %s, number = %s, details_removed = true""",
            _masked("caller"),
            _masked("callee"),
            _masked("number"),
        ),
        SQL("(%s OR %s)", _SUSPENSE, _UNDECIDED),
    ),
}


def walk(cr, company_id, kind, after, before, limit):
    """Forget one kind of detail of the next events in the order in which they were received.

    What is needed still, or busy, is noted in ``tier_usage_kept`` for :func:`look_again`. Leans on the
    primary key, whose order is that of receiving.

    :param cr: database cursor of a short transaction
    :param int company_id: whose events
    :param str kind: of :data:`KINDS`
    :param int after: id of the last event that was walked past
    :param datetime before: naive UTC; events received later stop the walk
    :param int limit: most events to look at
    :return: (id of the last event now, number of events looked at)
    """
    cr.execute(
        SQL(
            """
            SELECT id, create_date < %s FROM tier_usage_event
             WHERE id > %s AND company_id = %s ORDER BY id LIMIT %s""",
            before,
            after,
            company_id,
            limit,
        )
    )
    ids = []
    for event_id, is_old in cr.fetchall():
        if not is_old:
            break
        ids.append(event_id)
    if not ids:
        return after, 0
    done = _change(cr, kind, ids)
    cr.execute(
        SQL(
            """INSERT INTO tier_usage_kept (kind, event_id, company_id)
               SELECT %s, unnest(%s::integer[]), %s ON CONFLICT DO NOTHING""",
            kind,
            sorted(set(ids) - done),
            company_id,
        )
    )
    return ids[-1], len(ids)


def walk_sessions(cr, company_id, after, before, limit):
    """Hide who was called in the next sessions, in the order in which they were asked for.

    Nobody needs it: what is contested or invoiced is the event, which keeps its own number for as long. A session is
    the company's of its wallet; without one, of the switch whose code begins its key; without that, everybody's.
    Leans on the primary key.

    :param cr: database cursor of a short transaction
    :param int company_id: whose sessions
    :param int after: id of the last session that was walked past
    :param datetime before: naive UTC; sessions that were asked for later stop the walk
    :param int limit: most sessions to look at
    :return: (id of the last session now, number of sessions looked at)
    """
    cr.execute(
        SQL(
            "SELECT id, COALESCE(create_date < %s, true) FROM tier_session WHERE id > %s ORDER BY id LIMIT %s",
            before,
            after,
            limit,
        )
    )
    ids = []
    for session_id, is_old in cr.fetchall():
        if not is_old:
            break
        ids.append(session_id)
    if not ids:
        return after, 0
    cr.execute(
        SQL(
            """
            WITH own AS (
                SELECT s.id FROM tier_session s LEFT JOIN tier_wallet w ON w.id = s.wallet_id
                 WHERE s.id = ANY(%(ids)s) AND s.number IS NOT NULL
                   AND CASE WHEN w.id IS NOT NULL THEN w.company_id = %(company)s ELSE
                       EXISTS (SELECT FROM tier_switch x
                                WHERE x.company_id = %(company)s AND starts_with(s.session_key, x.code || ':'))
                       OR NOT EXISTS (SELECT FROM tier_switch x WHERE starts_with(s.session_key, x.code || ':')) END
                 ORDER BY s.session_key FOR NO KEY UPDATE OF s)
            UPDATE tier_session s SET number = %(masked)s FROM own WHERE s.id = own.id""",
            ids=ids,
            company=company_id,
            masked=_hidden(SQL.identifier("s", "number")),
        )
    )
    return ids[-1], len(ids)


def look_again(cr, company_id, kind, after, limit):
    """Forget of kept events what is not needed any more.

    :param cr: database cursor of a short transaction
    :param int company_id: whose events
    :param str kind: of :data:`KINDS`
    :param int after: id of the last event that was looked at
    :param int limit: most events to look at
    :return: (id of the last event now, number of events looked at)
    """
    cr.execute(
        SQL(
            """SELECT event_id FROM tier_usage_kept
                WHERE kind = %s AND company_id = %s AND event_id > %s ORDER BY event_id LIMIT %s""",
            kind,
            company_id,
            after,
            limit,
        )
    )
    ids = [row[0] for row in cr.fetchall()]
    if not ids:
        return after, 0
    done = _change(cr, kind, ids)
    cr.execute(SQL("DELETE FROM tier_usage_kept WHERE kind = %s AND event_id = ANY(%s)", kind, list(done)))
    return ids[-1], len(ids)


def _change(cr, kind, ids):
    """Change those of the events that may be; who is being charged or refunded just now may not.

    :return: set of the ids that were changed
    """
    cr.execute(
        SQL(
            """
            WITH free AS (
                SELECT e.id FROM tier_usage_event e
                 WHERE e.id = ANY(%(ids)s) AND NOT %(needed)s
                 ORDER BY e.source_key FOR NO KEY UPDATE OF e SKIP LOCKED)
            UPDATE tier_usage_event e SET %(change)s FROM free WHERE e.id = free.id RETURNING e.id""",
            ids=ids,
            needed=KINDS[kind].needed,
            change=KINDS[kind].change,
        )
    )
    return {row[0] for row in cr.fetchall()}
