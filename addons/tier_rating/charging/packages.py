"""Packages on the charging path: locked once for a batch, used before money, given back by refunds.

A package covers what its wallet pays its parent; a shared one also what the wallets below it
pay, unless they have one of their own. An event takes its units from the periods of one wallet,
the one that ends first before the others, whatever number of edges it covers.

Only packages of the wallet's present parent count: a former one sold what it no longer delivers.

Lock order: the periods by id, after events and sessions, before accounts.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from odoo.tools import SQL

from ..engine.errors import Refused
from ..engine.increments import begun
from ..engine.package import Package, price_beyond, shares
from ..engine.tariff import ZERO


@dataclass(slots=True)
class Period:
    """What is left of a package of one wallet in one period.

    :param set destinations: ids that it is for; empty = all
    :param int left: units that nobody has used
    :param dict held: session key to units that a session in progress may take
    """

    id: int
    wallet_id: int
    service_id: int
    increment: int
    connection_free: bool
    shared: bool
    date_from: datetime
    date_to: datetime
    left: int
    destinations: frozenset
    held: dict = field(default_factory=dict)

    def serves(self, at, service_id, destination_id):
        return (
            self.service_id == service_id
            and self.date_from <= at < self.date_to
            and (not self.destinations or destination_id in self.destinations)
        )


@dataclass(slots=True)
class Cover:
    """The periods of one wallet that one event, or session, may use.

    :param package: as the engine takes it
    :param periods: in the order in which they are used
    :param lefts: what is free of each
    """

    package: Package
    periods: list
    lefts: list


class Shelf:
    """The packages that a batch may use, locked until its transaction ends.

    Reads nothing where no wallet of the chains has a package, else in two statements.
    """

    def __init__(self, cr, chains, moments, lock=True):
        """Lock and read them.

        :param cr: database cursor
        :param chains: dict of wallet id to list of :class:`.catalogue.Wallet`
        :param moments: naive UTC moments at which units may be used
        :param bool lock: False only to look at them
        """
        self._cr, self._lock = cr, SQL("FOR UPDATE OF b" if lock else "")
        self._periods, self._holds = {}, []
        wallets = {wallet.id for chain in chains.values() for wallet in chain[:-1] if wallet.packaged}
        moments = [moment for moment in moments if moment]
        if wallets and moments:
            self._load(sorted(wallets), min(moments), max(moments))

    def __bool__(self):
        return bool(self._periods)

    def _load(self, wallets, first, last):
        self._cr.execute(
            SQL(
                """
                SELECT b.id, b.wallet_id, p.service_id, p.increment, COALESCE(p.connection_free, false),
                       COALESCE(p.shared, false), b.date_from, b.date_to, (b.quantity - b.used)::bigint,
                       (SELECT array_agg(r.destination_id) FROM tier_package_destination_rel r
                         WHERE r.package_id = p.id)
                  FROM tier_package_balance b
                  JOIN tier_package p ON p.id = b.package_id
                  JOIN tier_brand s ON s.id = p.brand_id
                  JOIN tier_wallet w ON w.id = b.wallet_id AND w.parent_id = s.wallet_id
                 WHERE b.wallet_id = ANY(%s) AND b.date_to > %s AND b.date_from <= %s AND b.used < b.quantity
                 ORDER BY b.id %s""",
                wallets,
                first,
                last,
                self._lock,
            )
        )
        found = {row[0]: Period(*row[:9], frozenset(row[9] or ())) for row in self._cr.fetchall()}
        for period in sorted(found.values(), key=lambda period: (period.date_to, period.id)):
            self._periods.setdefault(period.wallet_id, []).append(period)
        if found:
            self._cr.execute(
                SQL(
                    """
                    SELECT h.balance_id, h.session_key, h.units::bigint
                      FROM tier_package_hold h
                      JOIN tier_session s ON s.session_key = h.session_key
                     WHERE h.balance_id = ANY(%s) AND s.state = 'open'
                       AND s.expires_at > now() AT TIME ZONE 'UTC'""",
                    list(found),
                )
            )
            for period_id, key, units in self._cr.fetchall():
                found[period_id].held[key] = units

    def covers(self, chain, at, service_id, destination_of, session_key=None):
        """Return the cover of each edge of a chain, None where there is none.

        :param chain: wallets from the payer up to the provider
        :param at: naive UTC moment of the use
        :param destination_of: function of a wallet of the chain to the destination of its rate
        :param session_key: whose own hold does not count
        """
        payers = chain[:-1]
        if not self._periods or not at:
            return [None] * len(payers)
        result, known = [], {}
        for position, wallet in enumerate(payers):
            cover = None
            for holder in payers[position:]:
                if holder.id in self._periods:
                    usable = [
                        period
                        for period in self._periods[holder.id]
                        if (period.shared or holder is wallet) and period.serves(at, service_id, destination_of(wallet))
                    ]
                    cover = self._cover(usable, session_key, known)
                    if cover:
                        break
            result.append(cover)
        return result

    @staticmethod
    def _cover(usable, session_key, known):
        """Return the one cover of these periods, so that edges that share it use its units once."""
        usable = [period for period in usable if period.increment == usable[0].increment]
        lefts = [
            max(0, period.left - sum(units for key, units in period.held.items() if key != session_key))
            for period in usable
        ]
        if not any(lefts):
            return None
        ids = tuple(period.id for period in usable)
        if ids not in known:
            charge = ZERO if usable[0].connection_free else None
            known[ids] = Cover(Package(sum(lefts), usable[0].increment, connection_charge=charge), usable, lefts)
        return known[ids]

    def take(self, covers, quantity):
        """Use units for an event.

        :param covers: see :meth:`covers`
        :param int quantity: units begun
        :return: list of (period id, units)
        """
        taken = []
        for period, units in _drawn(covers, quantity):
            period.left -= units
            taken.append((period.id, units))
        return taken

    def hold(self, session_key, covers, quantity):
        """Keep units for a session that was granted; :meth:`store_holds` writes it."""
        for period, units in _drawn(covers, quantity):
            period.held[session_key] = units
            self._holds.append((session_key, period.id, units))

    def store_holds(self):
        if self._holds:
            self._cr.execute(
                SQL(
                    """INSERT INTO tier_package_hold (session_key, balance_id, units)
                       SELECT * FROM unnest(%s::varchar[], %s::integer[], %s::numeric[])""",
                    *map(list, zip(*self._holds, strict=True)),
                )
            )


def _drawn(covers, quantity):
    """Return (period, units) of what a quantity takes from covers, of each cover once."""
    distinct = {id(cover): cover for cover in covers if cover}
    for cover in distinct.values():
        used = cover.package.draw(quantity)[0]
        for period, units in zip(cover.periods, shares(used, cover.lefts), strict=True):
            if units:
                yield period, units


def use(env, priced):
    """Let events that are about to be charged use packages first: their edges are priced anew.

    :param env: environment of the transaction
    :param priced: list of (event id, :class:`.resolve.Resolved`), none of them charged before
    """
    # Nearly always nobody has a package: that is to cost nothing.
    if not any(wallet.packaged for _event_id, row in priced for wallet in row.priced.chain):
        return
    rows = [(event_id, row) for event_id, row in priced if row.usage.quantity > 0 and not row.priced.is_free]
    shelf = Shelf(
        env.cr,
        {event_id: row.priced.chain for event_id, row in rows},
        [row.usage.priced_from for _event_id, row in rows],
    )
    taken = []
    for event_id, row in rows if shelf else ():
        usage, edges = row.usage, {edge.wallet.id: edge for edge in row.priced.edges}
        covers = shelf.covers(
            row.priced.chain,
            usage.priced_from,
            row.service_id,
            lambda wallet, edges=edges: edges[wallet.id].destination_id,
            usage.session_key,
        )
        # A call within the grace seconds is free, and takes nothing.
        covers = [
            cover if cover and begun(usage.quantity) > edge.offer.meter.grace else None
            for cover, edge in zip(covers, row.priced.edges, strict=True)
        ]
        for position, edge in enumerate(row.priced.edges):
            if covers[position] and not _repriced(edge, usage, covers[position].package):
                covers[position] = None
        taken += [(event_id, *pair) for pair in shelf.take(covers, begun(usage.quantity))]
    _store(env, taken, is_refund=False)


def _repriced(edge, usage, package):
    """Price an edge anew; return False, and change nothing, if it only has a price without a package.

    Units are taken in whole steps, and hours without a rate may lie within the last one.
    """
    try:
        beyond = price_beyond(usage.priced_from, usage.quantity, edge.offer, package)
    except Refused:
        return False
    edge.reprice(beyond.price)
    edge.included = beyond.used
    return True


def give_back(env, event_ids):
    """Return to packages what events took from them.

    :param env: environment of the transaction, which has locked the events
    :param event_ids: ids of events that are charged
    :return: set of the ids of those that had taken something
    """
    if not event_ids:
        return set()
    env.cr.execute(
        SQL(
            """SELECT event_id, balance_id, -units FROM tier_package_use
                WHERE event_id = ANY(%s) AND NOT is_refund""",
            event_ids,
        )
    )
    taken = [(event_id, period_id, int(units)) for event_id, period_id, units in env.cr.fetchall()]
    if taken:
        env.cr.execute(
            SQL(
                "SELECT id FROM tier_package_balance WHERE id = ANY(%s) ORDER BY id FOR UPDATE",
                list({row[1] for row in taken}),
            )
        )
    _store(env, taken, is_refund=True)
    return {row[0] for row in taken}


def _store(env, taken, is_refund):
    """Note what events took, and bring the periods, which are locked, forward.

    :param taken: list of (event id, period id, units)
    """
    if not taken:
        return
    env.cr.execute(
        SQL(
            """
            WITH used AS (
                INSERT INTO tier_package_use (event_id, balance_id, units, is_refund, date)
                SELECT *, %(is_refund)s, now() AT TIME ZONE 'UTC'
                  FROM unnest(%(events)s::integer[], %(periods)s::integer[], %(units)s::numeric[])
                RETURNING balance_id, units)
            UPDATE tier_package_balance b
               SET used = b.used + v.units, write_uid = %(uid)s, write_date = now() AT TIME ZONE 'UTC'
              FROM (SELECT balance_id, sum(units) AS units FROM used GROUP BY balance_id) v
             WHERE b.id = v.balance_id""",
            is_refund=is_refund,
            uid=env.uid,
            events=[row[0] for row in taken],
            periods=[row[1] for row in taken],
            units=[Decimal(row[2]) for row in taken],
        )
    )
