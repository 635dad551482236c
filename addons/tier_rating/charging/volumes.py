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
from datetime import date, timedelta, timezone
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from odoo.tools import SQL

from odoo.addons.tier_billing.const import MONEY_LIMIT

from ..engine.errors import Refused
from ..engine.increments import exactly, plain
from ..engine.rounding import EXACT
from ..engine.standing import Standing, price_by_volume
from ..engine.tariff import ZERO, derive
from ..engine.volume import VolumeTariff, VolumeTier

# Tariffs that a process remembers: one for each plan, mark-up and rate of exchange.
TARIFFS_KEPT = 1024


class Plan(NamedTuple):
    """A price by volume, as the charging path needs it.

    :param owner_id: the wallet that sells by it
    :param str counts: ``wallet``, ``customer`` or ``all``, see ``tier.volume.plan``
    :param destinations: frozenset of ids, empty = all
    :param tiers: of (upto or None, price, flat), the quantities in units, the price for ``per`` units
    :param bool begun: a block of ``per`` units that was begun is paid whole
    """

    id: int
    list_id: int
    service_id: int
    owner_id: int
    kind: str
    period: str
    counts: str
    tz: str
    prefix: str
    destinations: frozenset
    date_from: date
    date_to: date
    per: Decimal
    begun: bool
    tiers: tuple

    def start(self, at):
        """Return the first day of the period of a moment, on the brand's calendar.

        :param at: naive UTC
        """
        day = at.replace(tzinfo=timezone.utc).astimezone(ZoneInfo(self.tz)).date()
        if self.period == "month":
            return day.replace(day=1)
        return day - timedelta(days=day.weekday()) if self.period == "week" else day

    def serves(self, service_id, number, destination_id):
        return (
            self.service_id == service_id
            and number.startswith(self.prefix)
            and (not self.destinations or destination_id in self.destinations)
        )

    def valid_at(self, at):
        if self.date_from is None and self.date_to is None:
            return True
        day = at.replace(tzinfo=timezone.utc).astimezone(ZoneInfo(self.tz)).date()
        return (self.date_from is None or self.date_from <= day) and (self.date_to is None or day <= self.date_to)

    def holder(self, chain, wallet):
        """Return the id of the wallet that counts what this one pays for.

        :param chain: wallets from the payer of the event up to the provider
        """
        if self.counts == "wallet":
            return wallet.id
        ids = [step.id for step in chain]
        above = ids.index(self.owner_id) if self.owner_id in ids else 0
        if above <= ids.index(wallet.id):
            # Not sold by the owner's brand, or its own cost.
            return wallet.id
        return self.owner_id if self.counts == "all" else ids[above - 1]


class Plans:
    """The plans that a batch may need."""

    def __init__(self, rows):
        self._by_list = {}
        for plan in sorted(rows, key=lambda plan: (-len(plan.prefix), not plan.destinations, plan.id)):
            self._by_list.setdefault(plan.list_id, []).append(plan)

    def find(self, price_list, item, found):
        """Return the plan by which a wallet with this list pays for an item, or None.

        :param price_list: :class:`.catalogue.PriceList`
        :param item: :class:`.priced.Item`
        :param found: :class:`.offers.Found` of the item
        """
        depth = len(found.offer.derivations)
        for level in price_list.levels[: depth + 1]:
            for plan in self._by_list.get(level, ()):
                if plan.serves(item.service_id, item.number, found.destination_id) and plan.valid_at(item.at):
                    return plan
        return None


def load(cr, lists):
    """Read the plans of price lists and their bases; nothing, where none has any.

    :param cr: database cursor
    :param lists: collection of :class:`.catalogue.PriceList`
    :return: :class:`Plans` or None
    """
    levels = {level for price_list in lists if price_list.has_volume for level in price_list.levels}
    if not levels:
        return None
    cr.execute(
        SQL(
            """
            SELECT p.id, p.price_list_id, p.service_id, b.wallet_id, p.kind, p.period, p.counts, b.tz,
                   COALESCE(p.prefix, ''),
                   (SELECT array_agg(r.destination_id) FROM tier_volume_plan_destination_rel r WHERE r.plan_id = p.id),
                   p.date_from, p.date_to, (p.block * s.price_per)::text, COALESCE(p.begun, false),
                   (SELECT array_agg(ARRAY[(NULLIF(t.upto, 0) * s.price_per)::text, t.price::text,
                                           COALESCE(t.flat, 0)::text] ORDER BY NULLIF(t.upto, 0) NULLS LAST)
                      FROM tier_volume_plan_tier t WHERE t.plan_id = p.id)
              FROM tier_volume_plan p
              JOIN tier_price_list l ON l.id = p.price_list_id
              JOIN tier_brand b ON b.id = l.brand_id
              JOIN tier_service s ON s.id = p.service_id
             WHERE p.price_list_id = ANY(%s) AND p.active""",
            list(levels),
        )
    )
    return Plans(
        Plan(
            *row[:9],
            frozenset(row[9] or ()),
            *row[10:12],
            Decimal(row[12]),
            row[13],
            _tiers(row[14]),
        )
        for row in cr.fetchall()
        if row[14]
    )


def _tiers(rows):
    """Return the tiers, the last of them without an end: what lies beyond is never free."""
    tiers = []
    for upto, price, flat in rows:
        tiers.append((upto and Decimal(upto), Decimal(price), Decimal(flat)))
        if upto is None:
            break
    return (*tiers[:-1], (None, *tiers[-1][1:]))


def tariff(plan, price_list, offer):
    """Return a plan's tariff as a customer of a list pays it, in its own currency.

    Mark-ups of the lists between apply as they do to the rate: to prices and flat amounts; what
    is fixed is added to the price of each unit of the service's price.

    :param Plan plan: of the list or of one that it derives from
    :param price_list: :class:`.catalogue.PriceList` of the customer
    :param offer: of the rate, with the derivations of all lists between
    :rtype: VolumeTariff
    """
    depth = price_list.levels.index(plan.list_id)
    derivations = offer.derivations[len(offer.derivations) - depth :] if depth else ()
    return _tariff(plan, derivations, offer.factor)


@lru_cache(maxsize=TARIFFS_KEPT)
def _tariff(plan, derivations, factor):
    markups = [derivation._replace(fixed=ZERO) for derivation in derivations]
    tiers = tuple(
        VolumeTier(
            upto,
            EXACT.multiply(max(ZERO, derive(price, derivations)), factor),
            plan.per,
            EXACT.multiply(max(ZERO, derive(flat, markups)), factor),
            plan.begun,
        )
        for upto, price, flat in plan.tiers
    )
    return VolumeTariff(tiers, plan.kind)


def absurd(edge):
    """Tell whether an edge's units may cost more by its plan than the ledger keeps.

    :param edge: :class:`.priced.Edge` with a tariff
    """
    return (
        sum(tier.cost(exactly(edge.price.billed)) + exactly(tier.flat) for tier in edge.volume[1].tiers) >= MONEY_LIMIT
    )


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
        edge
        for edge in (*row.priced.edges, row.priced.carrier)
        if edge is not None and edge.volume and edge.price.billed
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
    wanted = [
        (*_key(row.priced.chain, edge, row.usage.priced_from), edge.wallet.id)
        for _event_id, row, edges in events
        for edge in edges
    ]
    counters, uses = Counters(env.cr, wanted, lock=True), []
    for event_id, row, edges in events:
        # Edges of one event that share a counter are priced from the same place, and count once.
        counted = {}
        for edge in edges:
            key = _key(row.priced.chain, edge, row.usage.priced_from)
            units = exactly(edge.price.billed) - exactly(edge.included)
            standing = counters.standing(key, edge)
            try:
                charged = price_by_volume(edge.price, edge.offer, row.usage.quantity, standing, edge.included)
                amount = standing.cost(units, edge.offer.terms) if units else ZERO
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
