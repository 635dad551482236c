"""Walking through the events by age, each once; set by set."""

from typing import NamedTuple

from odoo.tools import SQL

# Digits that hide who was called; what is left tells the network. The practice of call lists.
HIDDEN_DIGITS = 4


def _masked(column):
    """Return a number without its last digits; what is not called is no number but a resource's code."""
    return SQL(
        """CASE WHEN e.service_id NOT IN (SELECT id FROM tier_service WHERE is_time) THEN %(column)s
                ELSE left(%(column)s, greatest(length(%(column)s) - %(hidden)s, 0))
                     || repeat('*', least(length(%(column)s), %(hidden)s)) END""",
        column=SQL.identifier("e", column),
        hidden=HIDDEN_DIGITS,
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
