"""Charges that wait for an invoice: counting them, and putting them onto one."""

from dataclasses import dataclass
from decimal import Decimal

from odoo.tools import SQL

from . import linked


def _waiting(env, wallet_ids):
    """Return what waits for an invoice, as what stands after FROM: wallets ``w`` and charges ``c``.

    A wallet that was prepaid before has paid for its earlier usage; see ``tier.wallet.postpaid_since``. Leans on
    the unique index of the links, and see :mod:`.linked`.
    """
    return SQL(
        """tier_wallet w
           JOIN (%s) c ON c.wallet_id = w.id AND c.answered
                AND c.date >= COALESCE(w.postpaid_since, '-infinity')
                AND NOT EXISTS (SELECT FROM tier_charge_invoice l WHERE l.charge_id = c.id)""",
        linked.may_wait(env, wallet_ids),
    )


@dataclass(frozen=True, slots=True)
class Waiting:
    """What of one wallet waits for an invoice; amounts are exact, in its currency.

    :param calls: events until the end of the period
    :param due: what they cost
    :param carry: what earlier invoices rounded away (above zero) or up (below)
    :param funds: what the wallet would have if all usage that is known were paid for,
        invoices that are still to be paid not counted
    """

    calls: int
    due: Decimal
    carry: Decimal
    funds: Decimal


def waiting(env, wallet_ids, stop):
    """Sum what waits, one statement for any number of wallets.

    :param env: environment of the transaction; rights are the caller's to check
    :param wallet_ids: ids of ``tier.wallet``
    :param datetime stop: naive UTC; usage before this moment is due
    :return: dict of wallet id to :class:`Waiting`, without those that have nothing due
    """
    env.flush_all()
    env.cr.execute(
        SQL(
            """
            SELECT w.id, s.calls, s.due::text, COALESCE(r.carry, 0)::text,
                   (a.balance + s.due + s.newer + COALESCE(r.carry, 0))::text
              FROM (SELECT w.id, count(*) FILTER (WHERE c.date < %(stop)s) AS calls,
                           COALESCE(sum(c.cost) FILTER (WHERE c.date < %(stop)s), 0) AS due,
                           COALESCE(sum(c.cost) FILTER (WHERE c.date >= %(stop)s), 0) AS newer
                      FROM %(waiting)s
                     GROUP BY w.id) s
              JOIN tier_wallet w ON w.id = s.id
              JOIN tier_account a ON a.id = w.account_id
              LEFT JOIN (SELECT tier_usage_wallet_id, sum(tier_usage_cost - tier_usage_billed) AS carry
                           FROM account_move WHERE tier_usage_wallet_id = ANY(%(wallets)s)
                          GROUP BY tier_usage_wallet_id) r ON r.tier_usage_wallet_id = w.id
             WHERE s.calls > 0""",
            waiting=_waiting(env, wallet_ids),
            stop=stop,
            wallets=list(wallet_ids),
        )
    )
    return {row[0]: Waiting(row[1], *map(Decimal, row[2:])) for row in env.cr.fetchall()}


def link(env, moves, stop):
    """Put what waits onto invoices, one statement for any number of charges.

    Whoever invoices the same wallet at the same time gets the charges first or not at
    all: the unique index decides.

    :param env: environment of the transaction; rights are the caller's to check
    :param dict moves: id of ``tier.wallet`` to id of its ``account.move``
    :param datetime stop: naive UTC; usage before this moment
    :return: dict of id of ``account.move`` to the (calls, cost) that came onto it
    """
    env.flush_all()
    env.cr.execute(
        SQL(
            """
            INSERT INTO tier_charge_invoice (charge_id, move_id, create_uid, create_date, write_uid, write_date)
            SELECT c.id, v.move_id, %(uid)s, now() AT TIME ZONE 'UTC', %(uid)s, now() AT TIME ZONE 'UTC'
              FROM unnest(%(wallets)s::integer[], %(moves)s::integer[]) AS v(wallet_id, move_id),
                   %(waiting)s
             WHERE w.id = v.wallet_id AND c.date < %(stop)s
             ORDER BY c.id
            ON CONFLICT (charge_id) DO NOTHING""",
            uid=env.uid,
            wallets=list(moves),
            moves=list(moves.values()),
            waiting=_waiting(env, moves),
            stop=stop,
        )
    )
    _forget_links(env)
    env.cr.execute(
        SQL(
            """SELECT l.move_id, count(*), sum(c.cost)::text
                 FROM tier_charge_invoice l JOIN tier_charge c ON c.id = l.charge_id
                WHERE l.move_id = ANY(%s) GROUP BY l.move_id""",
            list(moves.values()),
        )
    )
    return {row[0]: (row[1], Decimal(row[2])) for row in env.cr.fetchall()}


def note_totals(env, totals):
    """Note on invoices what their charges cost, exactly, and what of it they bill.

    :param env: environment of the transaction
    :param dict totals: id of ``account.move`` to (calls, cost, billed)
    """
    env.flush_all()
    env.cr.execute(
        SQL(
            """UPDATE account_move m
                  SET tier_usage_calls = v.calls, tier_usage_cost = v.cost, tier_usage_billed = v.billed
                 FROM unnest(%s::integer[], %s::integer[], %s::numeric[], %s::numeric[])
                      AS v(id, calls, cost, billed)
                WHERE m.id = v.id""",
            list(totals),
            *(list(column) for column in zip(*totals.values(), strict=True)),
        )
    )
    env["account.move"].invalidate_model(["tier_usage_calls", "tier_usage_cost", "tier_usage_billed"])


def release(env, move_ids):
    """Let the charges of invoices go: the next invoice takes them.

    :param env: environment of the transaction
    :param move_ids: ids of ``account.move``
    """
    env.flush_all()
    env.cr.execute(SQL("DELETE FROM tier_charge_invoice WHERE move_id = ANY(%s)", list(move_ids)))
    note_totals(env, {move_id: (0, Decimal(0), Decimal(0)) for move_id in move_ids})
    _forget_links(env)


def _forget_links(env):
    """Have the ORM read anew what stands on which invoice."""
    env["tier.charge.invoice"].invalidate_model()
    env["tier.charge"].invalidate_model(["invoice_link_ids", "invoice_id"])
    env["account.move"].invalidate_model(["tier_charge_link_ids"])
