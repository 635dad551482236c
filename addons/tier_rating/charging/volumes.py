"""Prices by volume on the charging path: where a period stands, locked once for a batch.

A plan of a price list replaces the unit price of the rates of that list, and of those that the
list has from its bases. The rate still tells whether a number may be called and what is billed
of an event (increments, grace, connection charge); the plan then prices the billed units by how
many its counter has in the period, packages considered. A rate that a derived list has of its own is not
touched by a plan of the base. Of several plans the list's own goes before its base's, then that with
the longest prefix, then one for the destination, then one for all.

What a period costs is exact whatever its events: each pays the rounded price after it less that
before it. A refund gives back what the event paid, and its units; what that differs from what the
units above cost now is carried: the wallet's next event by the plan settles it.

Lock order: the counters by id, after the periods of packages; then what is carried, by plan and
wallet; before accounts.
"""

import json
from decimal import Decimal
from typing import NamedTuple

from odoo.tools import SQL

from ..engine.errors import Refused
from ..engine.increments import exactly, plain
from ..engine.standing import Standing, price_by_volume
from ..engine.tariff import ZERO
from ..engine.volume import VolumeTariff, VolumeTier


class Counters:
    """Where the periods of a batch stand."""

    def __init__(self, cr, wanted, lock):
        """Read them, and lock them for events that are about to be charged.

        :param cr: database cursor
        :param wanted: list of (plan id, id of the wallet that counts, period, id of the payer)
        :param bool lock: whether they are going to be changed
        """
        self._cr = cr
        self._lock = SQL("FOR UPDATE OF c") if lock else SQL()
        keys = sorted({row[:3] for row in wanted})
        columns = [[key[part] for key in keys] for part in range(3)]
        if lock:
            self._begin(columns)
        cr.execute(
            SQL(
                """
                SELECT c.plan_id, c.wallet_id, c.period, c.id, c.quantity::text
                  FROM unnest(%s::integer[], %s::integer[], %s::date[]) AS v(plan_id, wallet_id, period)
                  JOIN tier_volume_counter c
                    ON c.plan_id = v.plan_id AND c.wallet_id = v.wallet_id AND c.period = v.period
                 ORDER BY c.id %s""",
                *columns,
                self._lock,
            )
        )
        rows = cr.fetchall()
        self.ids = {tuple(row[:3]): row[3] for row in rows}
        self.quantities = {tuple(row[:3]): exactly(Decimal(row[4])) for row in rows}
        self.carried = _carried(cr, {(row[0], row[3]) for row in wanted}, self._lock)

    def _begin(self, columns):
        """Begin the periods that are new; in one order, so that two who do wait one way only."""
        self._cr.execute(
            SQL(
                """
                INSERT INTO tier_volume_counter (plan_id, wallet_id, period, quantity)
                SELECT v.plan_id, v.wallet_id, v.period, 0
                  FROM unnest(%s::integer[], %s::integer[], %s::date[]) AS v(plan_id, wallet_id, period)
                 WHERE NOT EXISTS (SELECT FROM tier_volume_counter c
                                    WHERE c.plan_id = v.plan_id AND c.wallet_id = v.wallet_id AND c.period = v.period)
                 ORDER BY 1, 2, 3
                    ON CONFLICT DO NOTHING""",
                *columns,
            )
        )

    def standing(self, key, edge):
        """Return where the payer of an edge stands.

        :param key: (plan id, id of the wallet that counts, period)
        :param edge: :class:`.priced.Edge` with a plan
        """
        plan, rates = edge.volume
        return Standing(
            rates,
            self.quantities.get(key, 0),
            self.carried.get((plan.id, edge.wallet.id), ZERO),
            # It has one session at a time, and nobody else counts there.
            plan.counts == "wallet" and edge.wallet.max_sessions == 1,
        )


def _carried(cr, pairs, lock):
    """Return what refunds left open by (plan id, wallet id)."""
    pairs = sorted(pairs)
    cr.execute(
        SQL(
            """
            SELECT c.plan_id, c.wallet_id, c.amount::text
              FROM unnest(%s::integer[], %s::integer[]) AS v(plan_id, wallet_id)
              JOIN tier_volume_carry c ON c.plan_id = v.plan_id AND c.wallet_id = v.wallet_id
             WHERE c.amount <> 0 ORDER BY c.plan_id, c.wallet_id %s""",
            [pair[0] for pair in pairs],
            [pair[1] for pair in pairs],
            lock,
        )
    )
    return {tuple(row[:2]): Decimal(row[2]) for row in cr.fetchall()}


def _key(chain, edge, at):
    plan = edge.volume[0]
    return plan.id, plan.holder(chain, edge.wallet), plan.start(at)


def _bought(row):
    """Return the edges of a priced event that are priced by volume, the carrier's too."""
    return [
        edge for edge in (*row.priced.edges, row.priced.carrier) if edge is not None and edge.volume and edge.billed
    ]


def use(env, priced):
    """Price the edges that have a plan by where their periods stand, and count their units.

    Three statements for any number of events, and one that writes; none where nobody buys by volume.

    :param env: environment of the transaction
    :param priced: list of (event id, :class:`.resolve.Resolved`), none of them charged before
    """
    events = [(event_id, row, edges) for event_id, row in priced if (edges := _bought(row))]
    if not events:
        return
    keys = [[_key(row.priced.chain, edge, row.usage.priced_from) for edge in edges] for _id, row, edges in events]
    wanted = [
        (*key, edge.wallet.id)
        for (_id, _row, edges), event_keys in zip(events, keys, strict=True)
        for edge, key in zip(edges, event_keys, strict=True)
    ]
    counters, uses = Counters(env.cr, wanted, lock=True), []
    for (event_id, row, edges), event_keys in zip(events, keys, strict=True):
        # Edges of one event that share a counter are priced from the same place, and count once.
        counted = {}
        for edge, key in zip(edges, event_keys, strict=True):
            units = exactly(edge.billed) - exactly(edge.included)
            standing = counters.standing(key, edge)
            try:
                amount = standing.cost(units, edge.offer.terms) if units else ZERO
                charged = price_by_volume(edge.price, edge.offer, row.usage.quantity, standing, edge.included, amount)
            except Refused:
                # More than any period has: the rate's price stands.
                continue
            edge.reprice(charged)
            counters.carried.pop((edge.volume[0].id, edge.wallet.id), None)
            uses.append((event_id, edge, key, units, max(ZERO, units - counted.get(key, 0)), standing, amount))
            counted[key] = max(units, counted.get(key, 0))
        for key, units in counted.items():
            counters.quantities[key] += units
    _store(
        env,
        [
            (
                event_id,
                counters.ids[key],
                edge.wallet.id,
                plain(units),
                plain(counted),
                plain(standing.before),
                amount,
                standing.owed,
                _dump(standing.tariff, edge.offer.terms),
            )
            for event_id, edge, key, units, counted, standing, amount in uses
        ],
        [(edge.volume[0].id, edge.wallet.id, -standing.owed) for _id, edge, _k, _u, _c, standing, _a in uses],
        is_refund=False,
    )


def standings(cr, chain, edges, at):
    """Return where each payer of a chain stands now, None where it does not buy by volume.

    Read without a lock: to tell a price, or under the locks of the payers' accounts, which
    whoever charges them takes after those of the counters.

    :param cr: database cursor
    :param chain: wallets from the payer up to the provider
    :param edges: (wallet, its (plan, tariff) or None) of the payers
    :param at: naive UTC
    :return: list of :class:`..engine.standing.Standing` or None
    """
    if not any(volume for _wallet, volume in edges):
        return [None] * len(edges)
    buyers = [Buyer(wallet, volume) for wallet, volume in edges]
    keys = [buyer.volume and _key(chain, buyer, at) for buyer in buyers]
    counters = Counters(cr, [(*key, buyer.wallet.id) for key, buyer in zip(keys, buyers, strict=True) if key], False)
    return [key and counters.standing(key, buyer) for key, buyer in zip(keys, buyers, strict=True)]


class Buyer(NamedTuple):
    """What :func:`standings` needs to know of an edge."""

    wallet: object
    volume: tuple | None


def give_back(env, event_ids):
    """Return the units of refunded events to their periods, and carry what the units left cost otherwise.

    The event's own tariff tells what its units cost at the end of what the period has now.

    :param env: environment of the transaction, which has locked the events
    :param event_ids: ids of events that are charged and were priced by volume
    """
    if not event_ids:
        return
    env.cr.execute(
        SQL(
            """SELECT u.event_id, u.counter_id, u.wallet_id, c.plan_id, u.units::text, u.counted::text,
                      u.amount::text, u.carried::text, u.terms
                 FROM tier_volume_use u
                 JOIN tier_volume_counter c ON c.id = u.counter_id
                 JOIN tier_wallet w ON w.id = u.wallet_id
                -- What the carrier charged is not ours to refund.
                WHERE u.event_id = ANY(%s) AND NOT u.is_refund AND w.parent_id IS NOT NULL
                ORDER BY u.event_id, u.id""",
            event_ids,
        )
    )
    uses = [(*row[:4], *map(Decimal, row[4:8]), row[8]) for row in env.cr.fetchall()]
    env.cr.execute(
        SQL(
            "SELECT id, quantity::text FROM tier_volume_counter WHERE id = ANY(%s) ORDER BY id FOR UPDATE",
            list({use[1] for use in uses}),
        )
    )
    quantities = {row[0]: exactly(Decimal(row[1])) for row in env.cr.fetchall()}
    # An event's edges leave a counter together.
    leaving = {}
    for event_id, counter_id, _wallet, _plan, _units, counted, *_rest in uses:
        leaving[event_id, counter_id] = leaving.get((event_id, counter_id), 0) + exactly(counted)
    rows, carries, left = [], [], set()
    for event_id, counter_id, wallet_id, plan_id, units, counted, amount, carried, terms in uses:
        if (event_id, counter_id) not in left:
            left.add((event_id, counter_id))
            quantities[counter_id] = max(0, quantities[counter_id] - leaving[event_id, counter_id])
        rates, digits, method = _restored(terms)
        worth = rates.charge(quantities[counter_id], units, digits, method) if units else ZERO
        rows.append(
            (event_id, counter_id, wallet_id, -units, -counted, plain(quantities[counter_id]), -amount, carried, terms)
        )
        carries.append((plan_id, wallet_id, carried + amount - worth))
    _store(env, rows, carries, is_refund=True)


def _dump(rates, terms):
    """Return a tariff and its rounding as text, to keep with the event."""
    tiers = [[str(value) if value is not None else None for value in tier[:4]] for tier in rates.tiers]
    return json.dumps([rates.kind, rates.tiers[0].begun, terms.rounding_digits, terms.rounding_method, tiers])


def _restored(text):
    kind, begun, digits, method, tiers = json.loads(text)
    tiers = ([value and Decimal(value) for value in tier] for tier in tiers)
    return VolumeTariff(tuple(VolumeTier(*tier, begun) for tier in tiers), kind), digits, method


def _store(env, uses, carries, is_refund):
    """Note what events used, bring the counters, which are locked, forward, and what is carried.

    :param uses: list of values in the order of the columns below
    :param carries: list of (plan id, wallet id, amount to add)
    """
    if not uses:
        return
    env.cr.execute(
        SQL(
            """
            WITH used AS (
                INSERT INTO tier_volume_use (
                    event_id, counter_id, wallet_id, units, counted, start, amount, carried, terms, is_refund, date)
                SELECT *, %(is_refund)s, now() AT TIME ZONE 'UTC'
                  FROM unnest(%(events)s::integer[], %(counters)s::integer[], %(wallets)s::integer[],
                              %(units)s::numeric[], %(counted)s::numeric[], %(starts)s::numeric[],
                              %(amounts)s::numeric[], %(carried)s::numeric[], %(terms)s::varchar[])
                RETURNING counter_id, counted)
            UPDATE tier_volume_counter c SET quantity = c.quantity + v.units
              FROM (SELECT counter_id, sum(counted) AS units FROM used GROUP BY counter_id) v
             WHERE c.id = v.counter_id""",
            is_refund=is_refund,
            **dict(
                zip(
                    ("events", "counters", "wallets", "units", "counted", "starts", "amounts", "carried", "terms"),
                    map(list, zip(*uses, strict=True)),
                    strict=True,
                )
            ),
        )
    )
    totals = {}
    for plan_id, wallet_id, amount in carries:
        totals[plan_id, wallet_id] = totals.get((plan_id, wallet_id), ZERO) + amount
    rows = sorted((*pair, amount) for pair, amount in totals.items() if amount)
    if rows:
        env.cr.execute(
            SQL(
                """
                INSERT INTO tier_volume_carry (plan_id, wallet_id, amount)
                SELECT * FROM unnest(%s::integer[], %s::integer[], %s::numeric[])
                    ON CONFLICT (plan_id, wallet_id) DO UPDATE
                   SET amount = tier_volume_carry.amount + excluded.amount""",
                *map(list, zip(*rows, strict=True)),
            )
        )
