"""Refunds of packages' fees: what was used of the period stays paid, the rest goes back.

Whoever has called for half of a package's minutes has received half of what the fee was for:
that half is earned, and to give it back would make those calls free on every tier. So a refund
undoes the fee in full, as every refund does, and in the same transaction charges the used
part of it anew, as an event of its own: cancelled and charged again, as an accountant
corrects an invoice. Both stand in the ledger, on statements and invoices, and nothing that was
written is changed. The units that were not used are gone with what was paid for them.

What each tier pays of the used part is that part of what it paid, rounded as its fee was; what
price lists and packages say today does not matter, nor who is above whom by now. Where all
is used there is nothing to refund: to refund the calls first gives their units back.

A session in progress that may use the period stops a refund: what it has been granted cannot be
taken from it.

Lock order: as everywhere the events, then the periods by id, then the accounts.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal

from odoo.exceptions import UserError
from odoo.tools import SQL

from odoo.addons.tier_billing.ledger import bulk
from odoo.addons.tier_billing.ledger.writer import Movement

from ..engine.rounding import round_quotient

# Periods that a refund is about, and what sessions in progress may use of them.
_PERIODS = """
    SELECT b.id, b.fee_event_id, b.used::bigint, b.quantity::bigint,
           (SELECT count(*) FROM tier_package_hold h JOIN tier_session s ON s.session_key = h.session_key
             WHERE h.balance_id = b.id AND s.state = 'open' AND s.expires_at > now() AT TIME ZONE 'UTC')
      FROM tier_package_balance b WHERE b.fee_event_id = ANY(%s) ORDER BY b.id"""


@dataclass(slots=True)
class Kept:
    """The part of one fee that stays paid.

    :param int event_id: of the fee
    :param int new_id: of the event by which that part is charged
    :param int used, quantity: units of the period
    :param shares: by charge of the fee: (wallet id, sale, cost, key of the payment or None)
    """

    event_id: int
    new_id: int
    used: int
    quantity: int
    shares: dict = field(default_factory=dict)

    def of(self, amount, digits, method):
        """Return the used part of an amount, rounded once; never more than the amount."""
        return min(amount, round_quotient(amount * self.used, self.quantity, digits, method))


def lock(cr, event_ids, packaged):
    """Lock the periods of fees, and those that other events of the batch used, in one order.

    :param cr: database cursor
    :param event_ids: ids of events that are fees
    :param packaged: ids of events that used packages
    """
    cr.execute(
        SQL(
            """SELECT id FROM tier_package_balance
                WHERE fee_event_id = ANY(%s)
                   OR id = ANY(ARRAY(SELECT balance_id FROM tier_package_use WHERE event_id = ANY(%s)))
                ORDER BY id FOR UPDATE""",
            event_ids,
            packaged,
        )
    )


def used_up(cr, event_ids):
    """Return which of some events are fees of periods that are used up: there is nothing to refund of them.

    :param cr: database cursor
    :param event_ids: ids of any events
    :return: list of ids
    """
    return [event_id for event_id, used, quantity in usage(cr, event_ids) if used >= quantity > 0]


def usage(cr, event_ids):
    """Return what was used of the periods that events are the fees of.

    :param cr: database cursor
    :param event_ids: ids of any events
    :return: list of (event id, units used, units included)
    """
    if not event_ids:
        return []
    cr.execute(_PERIODS, [list(event_ids)])
    return [row[1:4] for row in cr.fetchall()]


def close(env, events, fees):
    """Take what is left from the periods of fees that are about to be refunded.

    Called after the refunded calls of the same batch have given their units back.

    :param env: environment of the transaction, which holds the locks
    :param events: dict of event id to what each tier paid; fees with nothing to refund leave it
    :param fees: ids of the events that are fees
    :return: list of :class:`Kept`
    :raise UserError: a session in progress may use a period
    """
    env.cr.execute(_PERIODS, [fees])
    rows = env.cr.fetchall()
    for _period_id, event_id, _used, _quantity, sessions in rows:
        if sessions:
            raise UserError(
                env._(
                    "A session in progress may use the package %s: refund its fee when the session has ended.",
                    env["tier.usage.event"].browse(event_id).callee,
                )
            )
    parted = []
    for _period_id, event_id, used, quantity, _sessions in rows:
        if used and used >= quantity:
            events.pop(event_id, None)
        elif used:
            parted.append((event_id, used, quantity))
    _now, ids = bulk.next_ids(env.cr, tier_usage_event=len(parted)) if parted else (None, None)
    kept = [
        Kept(row[0], new_id, *row[1:])
        for row, new_id in zip(parted, ids["tier_usage_event"] if ids else (), strict=True)
    ]
    news = {row.event_id: row.new_id for row in kept}
    going = [row for row in rows if row[1] in events]
    env.cr.execute(
        SQL(
            """
            UPDATE tier_package_balance b
               SET quantity = b.used, fee_event_id = COALESCE(v.new_id, b.fee_event_id),
                   fee_state = CASE WHEN v.new_id IS NULL THEN 'refunded' ELSE 'paid' END,
                   write_uid = %s, write_date = now() AT TIME ZONE 'UTC'
              FROM unnest(%s::integer[], %s::integer[]) AS v(id, new_id) WHERE b.id = v.id""",
            env.uid,
            [row[0] for row in going],
            [news.get(row[1]) for row in going],
        )
    )
    _read_shares(env.cr, kept)
    return kept


def _read_shares(cr, kept):
    """Read what each tier paid, and set what it keeps paid.

    Rounded by the brand of who pays: the sale of a tier is what its customer pays.
    """
    if not kept:
        return
    cr.execute(
        SQL(
            """
            SELECT c.event_id, c.id, c.wallet_id, c.sale::text, c.cost::text, c.transfer_id IS NOT NULL,
                   COALESCE(s.rounding_digits, 6), COALESCE(s.rounding_method, 'half_up')
              FROM tier_charge c
              LEFT JOIN tier_price_list l ON l.id = c.price_list_id
              LEFT JOIN tier_brand s ON s.id = l.brand_id
             WHERE c.event_id = ANY(%s) AND c.reverses_id IS NULL ORDER BY c.event_id, c.tier DESC""",
            [row.event_id for row in kept],
        )
    )
    charges = defaultdict(list)
    for event_id, *charge in cr.fetchall():
        charges[event_id].append(charge)
    for row in kept:
        sold_by = (6, "half_up")
        for charge_id, wallet_id, sale, cost, is_paid, *rounding in charges[row.event_id]:
            income = row.of(Decimal(sale), *sold_by)
            # What the provider's carrier would charge was not undone, and is not charged again.
            spent = row.of(Decimal(cost), *rounding) if is_paid else Decimal(0)
            key = f"usage:{row.new_id}:{wallet_id}" if is_paid else None
            row.shares[charge_id] = (wallet_id, income, spent, key, rounding)
            sold_by = rounding


def plan(undone, kept, date):
    """Add the payments of what stays paid to the movements of those who pay.

    :param undone: dict of event id to its list of :class:`.refund.Paid`, with the movements that undo them
    :param kept: list of :class:`Kept`
    :param datetime date: naive UTC
    """
    for row in kept:
        for paid in undone[row.event_id]:
            _wallet_id, _sale, cost, key, rounding = row.shares[paid.charge_id]
            amount_to = row.of(paid.payment.amount_to, *rounding)
            if key is None or not (cost or amount_to):
                continue
            paid.movements.append(
                Movement(
                    source_key=key,
                    kind="usage",
                    from_account=paid.payment.from_account,
                    to_account=paid.payment.to_account,
                    amount=cost,
                    amount_to=amount_to,
                    rate=paid.payment.rate,
                    date=date,
                )
            )


def store(env, kept, transfers, date):
    """Write the events and charges of what stays paid.

    :param env: environment of the transaction
    :param kept: list of :class:`Kept`
    :param transfers: dict of source key to the id of a transfer that was posted
    :param datetime date: naive UTC
    """
    env.cr.execute(
        SQL(
            """
            INSERT INTO tier_usage_event (
                id, source_key, company_id, service_id, wallet_id, callee, number, started_at, answered_at,
                ended_at, quantity, line, disposition, state, accounts, create_date)
            SELECT v.new_id, e.source_key || ':used:' || e.id, e.company_id, e.service_id, e.wallet_id, e.callee,
                   e.number, %(date)s, %(date)s, %(date)s, round(e.quantity * v.used / v.quantity, 3), e.line,
                   e.disposition, 'charged', e.accounts, now() AT TIME ZONE 'UTC'
              FROM unnest(%(ids)s::integer[], %(news)s::integer[], %(used)s::numeric[], %(quantities)s::numeric[])
                   AS v(id, new_id, used, quantity)
              JOIN tier_usage_event e ON e.id = v.id""",
            date=date,
            ids=[row.event_id for row in kept],
            news=[row.new_id for row in kept],
            used=[row.used for row in kept],
            quantities=[row.quantity for row in kept],
        )
    )
    shares = [
        (charge_id, row, sale, cost, transfers.get(key))
        for row in kept
        for charge_id, (_wallet_id, sale, cost, key, _rounding) in row.shares.items()
    ]
    env.cr.execute(
        SQL(
            """
            INSERT INTO tier_charge (
                event_id, company_id, wallet_id, child_id, tier, service_id, destination_id, date, answered,
                currency_id, quantity, billed_quantity, sale, cost, margin, rate, price_list_id, prefix, rate_ref,
                transfer_id, overrun)
            SELECT v.event_id, c.company_id, c.wallet_id, c.child_id, c.tier, c.service_id, c.destination_id,
                   %(date)s, c.answered, c.currency_id, round(c.quantity * v.used / v.quantity, 3),
                   round(c.billed_quantity * v.used / v.quantity, 3), v.sale, v.cost,
                   CASE WHEN c.child_id IS NULL THEN 0 ELSE v.sale - v.cost END, c.rate, c.price_list_id, c.prefix,
                   c.rate_ref, v.transfer_id, false
              FROM unnest(%(ids)s::integer[], %(events)s::integer[], %(used)s::numeric[], %(quantities)s::numeric[],
                          %(sales)s::numeric[], %(costs)s::numeric[], %(transfers)s::integer[])
                   AS v(charge_id, event_id, used, quantity, sale, cost, transfer_id)
              JOIN tier_charge c ON c.id = v.charge_id
             ORDER BY c.id""",
            date=date,
            ids=[share[0] for share in shares],
            events=[share[1].new_id for share in shares],
            used=[share[1].used for share in shares],
            quantities=[share[1].quantity for share in shares],
            sales=[share[2] for share in shares],
            costs=[share[3] for share in shares],
            transfers=[share[4] for share in shares],
        )
    )
