"""Which price by volume holds for an item, and what its tiers cost a customer; see :mod:`.volumes`."""

from datetime import date, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from odoo.tools import SQL

from odoo.addons.tier_billing.const import MONEY_LIMIT

from ..engine.increments import exactly
from ..engine.rounding import EXACT, ratio
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
    billed = exactly(edge.billed)
    # A flat amount in another currency has more digits than any quantity.
    return sum(tier.cost(billed) + Fraction(*ratio(tier.flat)) for tier in edge.volume[1].tiers) >= MONEY_LIMIT
