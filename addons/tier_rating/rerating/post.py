"""The difference of a run, posted: on every edge of an event or on none."""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from odoo import fields
from odoo.tools import SQL

from odoo.addons.tier_billing.ledger import writer
from odoo.addons.tier_billing.ledger.writer import Movement

ZERO = Decimal(0)
# Of a stored rate; see tier.transfer.
RATE_STEP = Decimal(1).scaleb(-12)


@dataclass(slots=True)
class Posted:
    """What became of a batch.

    :param posted: events that were corrected
    :param left: events that were not, for they changed after they were compared
    :param overruns: wallets' shares for which the funds were not there
    """

    posted: int = 0
    left: int = 0
    overruns: int = 0


class Share(NamedTuple):
    """One tier's part of a correction, as it was computed; ``payee_id`` is None for the provider."""

    event_id: int
    wallet_id: int
    account_id: int
    payee_id: int | None
    transfer_id: int | None
    cost: Decimal
    received: Decimal
    transfer_rate: Decimal


def post(env, run, limit):
    """Post what a run computed for the next events that it has not posted yet.

    Some ten statements for any number of events, in the caller's transaction, which should be
    short. Usage is never refused: who has not the funds for a higher price overruns them, and the
    charge says so.

    :param env: environment of the transaction
    :param run: ``tier.rerating`` record, locked by the caller
    :param int limit: events at most
    :rtype: Posted, or None when nothing is left to post
    """
    env.cr.execute(
        SQL(
            """SELECT event_id FROM tier_rerating_event
                WHERE rerating_id = %s AND state = 'changed' ORDER BY id LIMIT %s""",
            run.id,
            limit,
        )
    )
    event_ids = [row[0] for row in env.cr.fetchall()]
    if not event_ids:
        return None
    ready, left = _lock(env, run.id, event_ids)
    _note(env, run.id, "left", left)
    if not ready:
        return Posted(left=len(left))
    date = fields.Datetime.now()
    shares = _shares(env, run.id, ready)
    moved = {share: _movements(run, share, date) for share in shares}
    movements = [movement for each in moved.values() for movement in each]
    states = writer.lock_accounts(env.cr, (), movements) if movements else {}
    transfers = writer.post(env.cr, movements, env.uid)
    overrun = _overruns(moved, states)
    _insert_charges(env, run.id, moved, transfers, overrun, date)
    _note(env, run.id, "posted", dict.fromkeys(ready))
    return Posted(len(ready), len(left), len(overrun))


def transfer_key(run_id, event_id, wallet_id, is_back=False):
    """Return the source key of the transfer by which a run corrects what a wallet paid for an event.

    :param bool is_back: money goes back to who paid
    :rtype: str
    """
    return f"rerate:{run_id}:{event_id}:{wallet_id}{':back' if is_back else ''}"


def movements_of(cost, received, *, forward, back):
    """Return what moves a difference between two accounts.

    Between two currencies the amounts of both sides may differ in opposite directions, by
    rounding or because the exchange rate of the day was entered late: then there are two.

    :param Decimal cost: more that the payer pays, in its currency; below zero: less
    :param Decimal received: more that arrives at the payee, in its currency
    :param forward: :class:`Movement` from the payer to the payee, without amounts
    :param back: the same from the payee to the payer
    :return: list of :class:`Movement`, what moves the payer's side first
    """
    there = forward._replace(amount=max(cost, ZERO), amount_to=max(received, ZERO))
    again = back._replace(amount=max(-received, ZERO), amount_to=max(-cost, ZERO))
    found = [movement for movement in (there, again) if movement.amount or movement.amount_to]
    return found[::-1] if cost < 0 else found


def _lock(env, run_id, event_ids):
    """Lock events that are to be corrected, and tell which have changed since they were compared.

    In the order in which imports, retries and refunds lock: by source key. Who waited for
    another run finds a charge that is newer than the one it was computed from.

    :return: (ids of those that can be corrected, dict of the others to why)
    """
    env.cr.execute(
        SQL(
            "SELECT id, state FROM tier_usage_event WHERE id = ANY(%s) ORDER BY source_key FOR UPDATE",
            event_ids,
        )
    )
    left = dict.fromkeys(event_ids, "not_charged")
    left.update((event_id, state) for event_id, state in env.cr.fetchall() if state == "refunded")
    env.cr.execute(
        SQL(
            """
            SELECT x.event_id,
                   CASE WHEN x.state <> 'charged' THEN NULL
                        WHEN EXISTS (SELECT FROM tier_dispute_line d WHERE d.event_id = x.event_id AND d.is_open)
                        THEN 'contested'
                        WHEN bool_or(w.state = 'closed') THEN 'closed'
                        WHEN bool_or(x.payee_id IS NOT NULL AND w.payee_account_id <> x.payee_id) THEN 'moved'
                        WHEN bool_or(x.last_charge_id <> (SELECT max(id) FROM tier_charge c
                                                           WHERE c.event_id = x.event_id AND c.wallet_id = x.wallet_id))
                        THEN 'changed_since'
                        ELSE 'ready' END
              FROM (SELECT s.*, e.state FROM tier_rerating_share s JOIN tier_usage_event e ON e.id = s.event_id
                     WHERE s.rerating_id = %s AND s.event_id = ANY(%s)) x
              JOIN tier_wallet w ON w.id = x.wallet_id
             GROUP BY x.event_id, x.state""",
            run_id,
            event_ids,
        )
    )
    for event_id, found in env.cr.fetchall():
        if found:
            left[event_id] = found
    ready = [event_id for event_id, found in left.items() if found == "ready"]
    for event_id in ready:
        del left[event_id]
    return ready, left


def _shares(env, run_id, event_ids):
    """Read what each tier of these events is to pay more or less, the payer's first."""
    env.cr.execute(
        SQL(
            """
            SELECT event_id, wallet_id, account_id, payee_id, transfer_id, (new_cost - old_cost)::text,
                   (new_received - old_received)::text, transfer_rate::text
              FROM tier_rerating_share WHERE rerating_id = %s AND event_id = ANY(%s)
             ORDER BY event_id, tier DESC""",
            run_id,
            event_ids,
        )
    )
    return [Share(*row[:5], *map(Decimal, row[5:])) for row in env.cr.fetchall()]


def _movements(run, share, date):
    """Return what moves a share's difference; nothing for the provider, whose carrier is not in the ledger."""
    if share.payee_id is None:
        return []
    key = (run.id, share.event_id, share.wallet_id)
    rate = share.transfer_rate
    common = {"amount": ZERO, "amount_to": ZERO, "date": date, "reason": run._posting_reason()}
    forward = Movement(
        transfer_key(*key),
        "usage",
        share.account_id,
        share.payee_id,
        rate=rate,
        reverses=share.transfer_id,
        **common,
    )
    back = Movement(
        transfer_key(*key, is_back=True),
        "rebate",
        share.payee_id,
        share.account_id,
        rate=(1 / rate).quantize(RATE_STEP) if rate else ZERO,
        reverses=share.transfer_id,
        **common,
    )
    return movements_of(share.cost, share.received, forward=forward, back=back)


def _overruns(moved, states):
    """Follow the balances through the events and tell who fell below what it may spend.

    :param moved: dict of :class:`Share` to its movements, event by event
    :param states: accounts as read under their locks; brought forward
    :return: set of (event id, wallet id)
    """
    events = defaultdict(list)
    for share, movements in moved.items():
        events[share.event_id].append((share, movements))
    found = set()
    for event_id, pairs in events.items():
        net = defaultdict(Decimal)
        for _share, movements in pairs:
            for movement in movements:
                net[movement.from_account] -= movement.amount
                net[movement.to_account] += movement.amount_to
        for account_id, amount in net.items():
            states[account_id].balance += amount
        for share, _its_movements in pairs:
            state = states.get(share.account_id)
            if state and not state.unlimited and net[share.account_id] < 0 and state.balance + state.credit_limit < 0:
                found.add((event_id, share.wallet_id))
    return found


def _insert_charges(env, run_id, moved, transfers, overrun, date):
    """Add what each tier's amounts differ by to its charges; see the package's words.

    A tier for which nothing changes learns nothing of the others. Nothing was consumed by it, hence
    no quantity. It stays with the destination of the charge that it corrects, so that sums by
    destination tell what each cost in the end.
    """
    rows = [
        (
            share.event_id,
            share.wallet_id,
            transfers[movements[0].source_key] if movements else None,
            (share.event_id, share.wallet_id) in overrun,
        )
        for share, movements in moved.items()
    ]
    env.cr.execute(
        SQL(
            """
            INSERT INTO tier_charge (
                event_id, company_id, wallet_id, child_id, tier, service_id, destination_id,
                date, answered, currency_id, quantity, billed_quantity, sale, cost, margin,
                rate, price_list_id, prefix, rate_ref, transfer_id, overrun, reverses_id, rerating_id)
            SELECT c.event_id, c.company_id, c.wallet_id, c.child_id, c.tier, c.service_id,
                   c.destination_id, %(date)s, c.answered, c.currency_id, 0, s.new_billed - s.old_billed,
                   s.new_sale - s.old_sale, s.new_cost - s.old_cost,
                   CASE WHEN c.child_id IS NULL THEN 0
                        ELSE (s.new_sale - s.new_cost) - (s.old_sale - s.old_cost) END,
                   s.rate, s.price_list_id, s.prefix, s.rate_ref, v.transfer_id, v.overrun, s.last_charge_id,
                   s.rerating_id
              FROM unnest(%(events)s::integer[], %(wallets)s::integer[], %(transfers)s::integer[],
                          %(overruns)s::boolean[]) AS v(event_id, wallet_id, transfer_id, overrun)
              JOIN tier_rerating_share s ON s.rerating_id = %(run)s AND s.event_id = v.event_id
               AND s.wallet_id = v.wallet_id
              JOIN tier_charge c ON c.id = s.first_charge_id
             WHERE v.transfer_id IS NOT NULL
                OR (s.new_sale, s.new_cost, s.new_billed) <> (s.old_sale, s.old_cost, s.old_billed)
             ORDER BY c.event_id, c.tier DESC""",
            run=run_id,
            date=date,
            events=[row[0] for row in rows],
            wallets=[row[1] for row in rows],
            transfers=[row[2] for row in rows],
            overruns=[row[3] for row in rows],
        )
    )


def _note(env, run_id, state, reasons):
    """Note what became of events.

    :param str state: of ``tier.rerating.event``
    :param dict reasons: event id to why, or None
    """
    if reasons:
        env.cr.execute(
            SQL(
                """UPDATE tier_rerating_event e SET state = %s, reason = v.reason
                     FROM unnest(%s::integer[], %s::varchar[]) AS v(event_id, reason)
                    WHERE e.rerating_id = %s AND e.event_id = v.event_id""",
                state,
                list(reasons),
                list(reasons.values()),
                run_id,
            )
        )
