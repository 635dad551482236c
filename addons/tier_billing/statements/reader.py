"""What happened to a wallet's money in a period, from the ledger alone."""

from datetime import date
from decimal import Decimal
from typing import NamedTuple

from odoo.tools import SQL


class Kind(NamedTuple):
    """All movements of one kind and direction; ``amount`` is signed, in the wallet's currency."""

    kind: str
    received: bool
    count: int
    amount: Decimal


class Movement(NamedTuple):
    """One movement, or what was alike on one day; ``amount`` is signed.

    ``balance`` is that of the wallet afterwards, None for who may not follow it.
    """

    day: date
    kind: str
    received: bool
    count: int
    amount: Decimal
    reason: str
    balance: Decimal | None


class Statement(NamedTuple):
    """A wallet's money in a period.

    :param opening: sum of all that moved before the period
    :param closing: sum of all that moved up to its end
    :param kinds: sequence of :class:`Kind`; their sum is closing less opening
    :param movements: sequence of :class:`Movement`, the oldest first
    :param late: movements that were recorded only after the period had ended
    :param proven: whether the closing balance and what moved since make the
        balance that the database keeps
    """

    opening: Decimal
    closing: Decimal
    kinds: tuple
    movements: tuple
    late: int
    proven: bool


# Both sides of the account's transfers. Whose business a movement is follows from the other
# side: ``customers`` for the wallet's own customers; ``concerns`` for what the wallet's parent
# knows anyhow, being one side of it, and for money that came from or went to the world.
# Leans on the indexes of from_account_id and to_account_id.
_MOVES = """
    SELECT m.*, COALESCE(w.parent_id = %(wallet)s, FALSE) AS customers,
           (COALESCE(o.wallet_id = %(parent)s, FALSE) OR o.kind = 'world'
            OR (o.kind = 'earnings' AND m.kind IN ('adjustment', 'expiry'))) AS concerns
      FROM (SELECT id, kind, date, create_date, reason, FALSE AS received, -amount AS amount,
                   to_account_id AS other_id
              FROM tier_transfer WHERE from_account_id = %(account)s
             UNION ALL
            SELECT id, kind, date, create_date, reason, TRUE, amount_to, from_account_id
              FROM tier_transfer WHERE to_account_id = %(account)s) m
      JOIN tier_account o ON o.id = m.other_id
      LEFT JOIN tier_wallet w ON w.id = o.wallet_id
"""


def read(cr, wallet_id, account_id, parent_id, span, tz, as_parent=False):
    """Read a statement.

    Every sum is made of the transfers themselves, none is inferred from another: that opening
    balance and movements make the closing balance, and that with what came after they make
    the balance that the database keeps, is found, not defined.

    :param cr: database cursor
    :param int wallet_id: the wallet
    :param int account_id: its ledger account
    :param int parent_id: the wallet that it buys from, None for the provider's
    :param span: tuple of two naive UTC moments: from, up to but not including
    :param str tz: name of the time zone that days are told in
    :param bool as_parent: for the wallet's parent: what the wallet does with its own customers
        is one sum of the kind ``own``, without movements and balances
    :rtype: Statement
    """
    start, stop = span
    moves = SQL(_MOVES, account=account_id, wallet=wallet_id, parent=parent_id or 0)
    cr.execute(
        SQL(
            """
            WITH moves AS (%(moves)s)
            SELECT part, kind, received, count(*), sum(amount)::text,
                   count(*) FILTER (WHERE part = 'within' AND create_date >= %(stop)s)
              FROM (SELECT CASE WHEN date < %(start)s THEN 'before'
                                WHEN date < %(stop)s THEN 'within' ELSE 'after' END AS part,
                           CASE WHEN %(all)s OR concerns THEN kind ELSE 'own' END AS kind,
                           received AND (%(all)s OR concerns) AS received, amount, create_date
                      FROM moves) m
             GROUP BY 1, 2, 3
             UNION ALL
            SELECT 'balance', NULL, NULL, 0, balance::text, 0 FROM tier_account WHERE id = %(account)s
            """,
            moves=moves,
            start=start,
            stop=stop,
            all=not as_parent,
            account=account_id,
        )
    )
    sums = dict.fromkeys(("before", "within", "after", "balance"), Decimal(0))
    kinds, late = [], 0
    for part, kind, received, count, amount, recorded_late in cr.fetchall():
        sums[part] += Decimal(amount)
        if part == "within":
            kinds.append(Kind(kind, received, count, Decimal(amount)))
            late += recorded_late
    opening = sums["before"]
    closing = opening + sums["within"]
    return Statement(
        opening=opening,
        closing=closing,
        kinds=tuple(sorted(kinds, key=lambda row: (row.kind == "own", not row.received, row.kind))),
        movements=tuple(_movements(cr, moves, span, tz, opening, as_parent)),
        late=late,
        proven=closing + sums["after"] == sums["balance"],
    )


def _movements(cr, moves, span, tz, opening, as_parent):
    """Yield the movements of the period.

    Usage and what is done with customers is summed by day, else a reseller's month would
    fill a book; what comes from above or from outside stands by itself.
    """
    start, stop = span
    cr.execute(
        SQL(
            """
            WITH moves AS (%(moves)s)
            SELECT (date AT TIME ZONE 'UTC' AT TIME ZONE %(tz)s)::date AS day, kind, received,
                   count(*), sum(amount)::text,
                   CASE WHEN min(reason) = max(reason) AND count(reason) = count(*) THEN min(reason) END
              FROM moves
             WHERE date >= %(start)s AND date < %(stop)s AND (%(all)s OR concerns)
             GROUP BY day, kind, received,
                      CASE WHEN customers OR kind IN ('usage', 'refund', 'rebate') THEN NULL ELSE id END
             ORDER BY day, received DESC, min(id)
            """,
            moves=moves,
            tz=tz,
            start=start,
            stop=stop,
            all=not as_parent,
        )
    )
    balance = opening
    for day, kind, received, count, amount, reason in cr.fetchall():
        balance += Decimal(amount)
        yield Movement(day, kind, received, count, Decimal(amount), reason or "", None if as_parent else balance)
