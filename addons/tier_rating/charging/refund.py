"""Undo what events charged: the same transfers backwards, on every tier or on none.

What was charged stays as it is. A refund adds to it: one transfer for each that it
undoes, and one charge for each tier with the amounts negated, dated when the refund
was made. So every sum over charges or transfers is right without knowing of refunds,
it agrees with the ledger month by month, and a period that was booked or invoiced
before the refund does not change afterwards.

What re-ratings corrected before is undone with it: the payment by its exact refund, what corrected
it by the same correction the other way round. The charge of the refund is one for each tier, with
what all its charges for the event add up to.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from odoo import fields
from odoo.tools import SQL

from odoo.addons.tier_billing.ledger import writer
from odoo.addons.tier_billing.ledger.writer import Movement

from . import fee_refund, packages, volumes

# Of a stored rate; see tier.transfer.
RATE_STEP = Decimal(1).scaleb(-12)


@dataclass(slots=True)
class Refunds:
    """What became of a batch.

    :param refunded: events that were undone on every tier
    :param skipped: events with nothing to undo: refunded before, free, in suspense, or the fee
        of a package that was used up
    """

    refunded: int = 0
    skipped: int = 0

    def __add__(self, other):
        return Refunds(self.refunded + other.refunded, self.skipped + other.skipped)


class Payment(NamedTuple):
    """A transfer as it stands in the ledger."""

    id: int | None
    kind: str | None
    from_account: int | None
    to_account: int | None
    amount: Decimal
    amount_to: Decimal
    rate: Decimal


@dataclass(slots=True, eq=False)
class Paid:
    """One tier's last charge for an event, with the transfer that paid it if there was one.

    :param bool corrected: re-ratings have changed what was paid
    :param list movements: what undoes the payment and its corrections
    """

    charge_id: int
    event_id: int
    account_id: int
    corrected: bool
    payment: Payment
    movements: list = field(default_factory=list)


def refund(env, event_ids, reason):
    """Undo a batch of charged events. Those that are refunded already are left alone.

    Six statements for any number of events, three more if they used packages, as many if they
    were priced by volume and one if they were re-rated, in the caller's transaction, which should
    be short. What the provider's carrier charged stays a cost: the carrier is not ours to refund.
    Of a package's fee what was used stays paid, see :mod:`.fee_refund`.

    :param env: environment of the transaction
    :param event_ids: ids of ``tier.usage.event``
    :param str reason: why; every tier of the chain reads it
    :rtype: Refunds
    """
    event_ids = set(event_ids)
    events, packaged, bought, fees = _paid_events(env, event_ids)
    if fees:
        fee_refund.lock(env.cr, fees, packaged)
    used = packages.give_back(env, packaged)
    volumes.give_back(env, bought)
    used.update(bought)
    kept = fee_refund.close(env, events, fees) if fees else None
    undone = {key: rows for key, rows in events.items() if key in used or any(row.payment.id for row in rows)}
    if undone:
        date = fields.Datetime.now()
        _plan_movements(env, [row for rows in undone.values() for row in rows if row.payment.id], date, reason)
        if kept:
            fee_refund.plan(undone, kept, date)
        movements = [movement for rows in undone.values() for row in rows for movement in row.movements]
        states = writer.lock_accounts(env.cr, (), movements) if movements else {}
        transfers = writer.post(env.cr, movements, env.uid)
        _insert_charges(env, undone, states, transfers, date)
        if kept:
            fee_refund.store(env, kept, transfers, date)
        _mark(env, list(undone))
    return Refunds(len(undone), len(event_ids) - len(undone))


def transfer_key(transfer_id):
    """Return the source key of the transfer that undoes another.

    :param int transfer_id: of the one to undo
    :rtype: str
    """
    return f"refund:{transfer_id}"


def _paid_events(env, event_ids):
    """Lock the events that are still charged, and read what each tier paid.

    Locked in the order in which imports insert and retries lock: by source key. Who
    waited for another refund of the same event finds it refunded, and drops it.

    :return: (dict of event id to its list of :class:`Paid`, the payer's first; ids of the
        events that used packages; ids of those that were priced by volume; ids of those that
        are fees of packages)
    """
    env.cr.execute(
        SQL(
            """SELECT id, EXISTS (SELECT FROM tier_package_use u WHERE u.event_id = e.id),
                      EXISTS (SELECT FROM tier_volume_use u WHERE u.event_id = e.id),
                      EXISTS (SELECT FROM tier_package_balance b WHERE b.fee_event_id = e.id)
                 FROM tier_usage_event e WHERE id = ANY(%s) AND state = 'charged'
                ORDER BY source_key FOR UPDATE""",
            sorted(event_ids),
        )
    )
    locked = env.cr.fetchall()
    charged = [row[0] for row in locked]
    if not charged:
        return {}, [], [], []
    # Leans on the charges' index on the event and on the ledger's primary key.
    env.cr.execute(
        SQL(
            """
            SELECT c.id, c.event_id, w.account_id, c.corrected, t.id, t.kind, t.from_account_id, t.to_account_id,
                   COALESCE(t.amount, 0)::text, COALESCE(t.amount_to, 0)::text,
                   COALESCE(t.rate, 0)::text
              FROM (SELECT max(id) AS id, event_id, wallet_id, max(tier) AS tier, min(transfer_id) AS transfer_id,
                           bool_or(rerating_id IS NOT NULL) AS corrected
                      FROM tier_charge WHERE event_id = ANY(%s) GROUP BY event_id, wallet_id) c
              JOIN tier_wallet w ON w.id = c.wallet_id
              LEFT JOIN tier_transfer t ON t.id = c.transfer_id
             ORDER BY c.event_id, c.tier DESC""",
            charged,
        )
    )
    events = defaultdict(list)
    for charge_id, event_id, account_id, corrected, *payment in env.cr.fetchall():
        row = Paid(charge_id, event_id, account_id, corrected, _payment(*payment))
        events[event_id].append(row)
    packaged, bought, fees = ([row[0] for row in locked if row[kind]] for kind in (1, 2, 3))
    return events, packaged, bought, fees


def _payment(*values):
    return Payment(*values[:4], *map(Decimal, values[4:]))


def _plan_movements(env, rows, date, reason):
    """Set the movements that undo what was paid, and what corrected it.

    :param rows: list of :class:`Paid` with a payment
    """
    by_payment = {row.payment.id: row for row in rows}
    for row in rows:
        if row.payment.kind == "refund":
            # What a cheaper tier of volume had given back is paid again.
            row.movements.append(_backwards(row.payment, "usage", None, date, reason))
        else:
            row.movements.append(_backwards(row.payment, "refund", row.payment.id, date, reason))
    corrected = [row.payment.id for row in rows if row.corrected]
    if not corrected:
        return
    # Leans on the ledger's index on reverses_id.
    env.cr.execute(
        SQL(
            """SELECT reverses_id, id, kind, from_account_id, to_account_id, amount::text, amount_to::text, rate::text
                 FROM tier_transfer WHERE reverses_id = ANY(%s) AND kind IN ('usage', 'rebate') ORDER BY id""",
            corrected,
        )
    )
    for payment_id, *values in env.cr.fetchall():
        correction = _payment(*values)
        kind = "rebate" if correction.kind == "usage" else "usage"
        by_payment[payment_id].movements.append(_backwards(correction, kind, payment_id, date, reason))


def _backwards(payment, kind, reverses, date, reason):
    """Return the movement that undoes a transfer: the stored amounts, no rate of today."""
    return Movement(
        source_key=transfer_key(payment.id),
        kind=kind,
        from_account=payment.to_account,
        to_account=payment.from_account,
        amount=payment.amount_to,
        amount_to=payment.amount,
        rate=(1 / payment.rate).quantize(RATE_STEP) if payment.rate else Decimal(0),
        date=date,
        reason=reason,
        reverses=reverses,
    )


def _insert_charges(env, events, states, transfers, date):
    """Add each tier's share once more, negated.

    Nothing was consumed by it, hence no quantity; the cost of the tier that paid the
    carrier, which no transfer of ours moved, is not undone.
    """
    rows = [
        (row.charge_id, transfers.get(transfer_key(row.payment.id)), overrun)
        for event_rows in events.values()
        for row, overrun in _overruns(event_rows, states)
    ]
    env.cr.execute(
        SQL(
            """
            INSERT INTO tier_charge (
                event_id, company_id, wallet_id, child_id, tier, service_id, destination_id,
                date, answered, currency_id, quantity, billed_quantity, sale, cost, margin,
                rate, price_list_id, prefix, rate_ref, transfer_id, overrun, reverses_id)
            SELECT c.event_id, c.company_id, c.wallet_id, c.child_id, c.tier, c.service_id,
                   c.destination_id, %(date)s, c.answered, c.currency_id, 0,
                   CASE WHEN v.transfer_id IS NULL THEN 0 ELSE -p.billed END,
                   -p.sale, -p.cost, CASE WHEN c.child_id IS NULL THEN 0 ELSE p.cost - p.sale END,
                   c.rate, c.price_list_id, c.prefix, c.rate_ref, v.transfer_id, v.overrun, c.id
              FROM unnest(%(ids)s::integer[], %(transfers)s::integer[], %(overruns)s::boolean[])
                   AS v(charge_id, transfer_id, overrun)
              JOIN tier_charge c ON c.id = v.charge_id,
                   LATERAL (SELECT CASE WHEN v.transfer_id IS NULL THEN 0 ELSE sum(a.cost) END AS cost,
                                   sum(a.sale) AS sale, sum(a.billed_quantity) AS billed
                              FROM tier_charge a WHERE a.event_id = c.event_id AND a.wallet_id = c.wallet_id) p
             ORDER BY c.id""",
            date=date,
            ids=[row[0] for row in rows],
            transfers=[row[1] for row in rows],
            overruns=[row[2] for row in rows],
        )
    )


def _overruns(rows, states):
    """Follow the balances through one event and tell whose fell below what it may spend.

    :param rows: list of :class:`Paid` of one event
    :param states: accounts as read under their locks; brought forward
    :return: list of (row, whether it overran)
    """
    net = defaultdict(Decimal)
    for row in rows:
        for movement in row.movements:
            net[movement.from_account] -= movement.amount
            net[movement.to_account] += movement.amount_to
    for account_id, amount in net.items():
        states[account_id].balance += amount
    result = []
    for row in rows:
        state = states.get(row.account_id)
        fell = state is not None and not state.unlimited and net[row.account_id] < 0
        result.append((row, fell and state.balance + state.credit_limit < 0))
    return result


def _mark(env, event_ids):
    env.cr.execute(SQL("UPDATE tier_usage_event SET state = 'refunded' WHERE id = ANY(%s)", event_ids))
