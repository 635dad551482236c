"""What a batch needs to know, each kind read in one statement."""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from odoo.tools import SQL

from odoo.addons.tier_billing.ledger import arrays

from ..engine.tariff import Rate, Step, Terms

# Price lists that a process remembers, some 2 kB each.
LISTS_KEPT = 4096


class Wallet(NamedTuple):
    """One wallet of a chain, as the charging path needs it."""

    id: int
    parent_id: int | None
    path: str
    tier: int
    state: str
    inside: bool
    price_list_id: int | None
    account_id: int
    payee_id: int
    currency_id: int
    payee_currency_id: int
    company_id: int
    max_sessions: int
    sell_below_cost: bool
    prepaid: bool
    packaged: bool = False
    payee_wallet_id: int | None = None


class Service(NamedTuple):
    """What is sold: seconds, bytes, pieces.

    :param bool is_time: its quantity is seconds, so time bands cut it
    :param int price_per: units that a price is for
    :param int numbers_version: of its special numbers, see numbers.sql; 0 = it never had any
    """

    id: int
    code: str
    is_time: bool
    price_per: int
    numbers_version: int = 0


@dataclass(frozen=True, slots=True)
class PriceList:
    """A price list with all that it is derived from.

    :param levels: ids of the list itself, its base, the base's base …
    :param derivations: (mark-up fraction, fixed amount) of each level from the next
    :param currencies: currency id of each level
    :param versions: of the rates of each level, see books.sql
    :param markups_versions: of the mark-ups of each level, see markups.sql; 0 = it has none but its own
    :param bool has_volume: some level has prices by volume, see :mod:`.volumes`
    :param terms: the brand's, in the list's currency unless ``terms_currency_id`` differs
    """

    id: int
    levels: tuple
    derivations: tuple
    currencies: tuple
    versions: tuple
    terms: Terms
    terms_currency_id: int
    markups_versions: tuple = ()
    has_volume: bool = False

    @property
    def currency_id(self):
        return self.currencies[0]


def load_services(cr):
    """Read the services; there are but a few.

    :param cr: database cursor
    :return: dict of id to :class:`Service`
    """
    cr.execute("SELECT id, code, COALESCE(is_time, false), price_per, COALESCE(numbers_version, 0) FROM tier_service")
    return {row[0]: Service(*row) for row in cr.fetchall()}


def load_endpoints(cr, wanted):
    """Find who is behind what switches call their callers.

    An endpoint of the switch itself goes before one that holds for any switch of
    its company; another company's customers are none of this switch's.
    Leans on the unique index on (identifier, kind, switch); OFFSET 0 keeps the planner
    from scanning all endpoints for a batch's few.

    :param cr: database cursor
    :param wanted: set of (switch id or None, kind, identifier)
    :return: dict of these to (endpoint id, wallet id, room id or None, path of the wallet, dial plan id or None)
    """
    if not wanted:
        return {}
    rows = sorted(wanted, key=lambda row: (row[0] or 0, row[1], row[2]))
    cr.execute(
        """SELECT DISTINCT ON (w.position) w.position, e.id, e.wallet_id, e.room_id, o.parent_path, e.dial_plan_id
             FROM unnest(%s::integer[], %s::varchar[], %s::varchar[])
                  WITH ORDINALITY AS w(switch_id, kind, identifier, position)
            CROSS JOIN LATERAL (
                  SELECT id, wallet_id, switch_id, room_id, dial_plan_id FROM tier_endpoint
                   WHERE identifier = w.identifier AND kind = w.kind AND active
                     AND COALESCE(switch_id, 0) IN (0, w.switch_id) OFFSET 0) e
            CROSS JOIN LATERAL (SELECT company_id, parent_path FROM tier_wallet WHERE id = e.wallet_id OFFSET 0) o
             LEFT JOIN tier_switch s ON s.id = w.switch_id
            WHERE s.id IS NULL OR s.company_id = o.company_id
            ORDER BY w.position, e.switch_id NULLS LAST""",
        (
            arrays.of_numbers([row[0] for row in rows]),
            arrays.of_texts([row[1] for row in rows]),
            arrays.of_texts([row[2] for row in rows]),
        ),
    )
    return {rows[position - 1]: found for position, *found in cr.fetchall()}


def load_chains(cr, wallet_ids, paths=()):
    """Read wallets with all their ancestors.

    :param cr: database cursor
    :param wallet_ids: ids of the payers
    :param paths: of those whose path was read already, see :func:`load_endpoints`
    :return: dict of wallet id to list of :class:`Wallet`, payer first, provider last
    """
    if not wallet_ids:
        return {}
    found, missing = {}, {int(step) for path in paths for step in path.split("/")[:-1]}
    missing.update(wallet_ids)
    while missing:
        read = _load_wallets(cr, missing)
        found.update(read)
        missing = {int(step) for wallet in read.values() for step in wallet.path.split("/")[:-1]}.difference(found)
    return {
        wallet_id: [found[int(step)] for step in reversed(found[wallet_id].path.split("/")[:-1])]
        for wallet_id in wallet_ids
        if wallet_id in found
    }


def _load_wallets(cr, wallet_ids):
    """Return wallets by id. Leans on the primary keys."""
    cr.execute(
        """SELECT w.id, w.parent_id, w.parent_path, w.tier, w.state, w.money = 'inside',
                  w.price_list_id, w.account_id, w.payee_account_id, w.currency_id,
                  p.currency_id, w.company_id, COALESCE(w.max_concurrent_calls, 0),
                  COALESCE(w.sell_below_cost, false), w.payment_mode = 'prepaid',
                  EXISTS (SELECT FROM tier_package_balance b WHERE b.wallet_id = w.id AND b.used < b.quantity),
                  p.wallet_id
             FROM tier_wallet w
            CROSS JOIN LATERAL (
                  SELECT currency_id, wallet_id FROM tier_account WHERE id = w.payee_account_id OFFSET 0) p
            WHERE w.id = ANY(%s::integer[])""",
        (arrays.of_numbers(wallet_ids),),
    )
    return {row[0]: Wallet(*row) for row in cr.fetchall()}


def load_price_lists(cr, list_ids):
    """Read price lists, what they are derived from, and their brands' terms.

    :param cr: database cursor
    :param list_ids: ids of the customers' lists
    :return: dict of id to :class:`PriceList`
    """
    if not list_ids:
        return {}
    cr.execute(
        """
        WITH RECURSIVE level AS (
            SELECT id AS top, 0 AS depth, id, base_id, brand_id, currency_id, markup_percent,
                   fixed, rates_version, markup_of_brand, markups_version, has_volume
              FROM tier_price_list WHERE id = ANY(%s::integer[])
            UNION ALL
            SELECT level.top, level.depth + 1, l.id, l.base_id, l.brand_id, l.currency_id,
                   l.markup_percent, l.fixed, l.rates_version, l.markup_of_brand, l.markups_version,
                   l.has_volume
              FROM level JOIN tier_price_list l ON l.id = level.base_id
             WHERE level.depth < 32)
        SELECT level.top, level.id, level.currency_id,
               COALESCE(CASE WHEN level.markup_of_brand THEN b.markup_percent
                             ELSE level.markup_percent END, 0)::text,
               COALESCE(level.fixed, 0)::text, COALESCE(level.rates_version, 0),
               COALESCE(level.markups_version, 0), level.has_volume, level.brand_id
          FROM level JOIN tier_brand b ON b.id = level.brand_id
         ORDER BY level.top, level.depth""",
        (arrays.of_numbers(list_ids),),
    )
    grouped = defaultdict(list)
    for row in cr.fetchall():
        grouped[row[0]].append(row[1:])
    brands = _load_brands(cr, {rows[0][-1] for rows in grouped.values()})
    return {top: _price_list(top, tuple(rows), brands[rows[0][-1]]) for top, rows in grouped.items()}


def _load_brands(cr, brand_ids):
    """Return what brands set, by id."""
    cr.execute(
        """SELECT id, currency_id, initial_increment, increment, billed_time_rule,
                  COALESCE(connection_charge, 0)::text, COALESCE(minimum_charge, 0)::text,
                  COALESCE(grace_seconds, 0), COALESCE(surcharge, 0)::text,
                  NULLIF(surcharge_after, 0), COALESCE(max_session, 0), rounding_method,
                  rounding_digits, tz, COALESCE(connection_deductible, false),
                  NULLIF(maximum_charge, 0)::text
             FROM tier_brand WHERE id = ANY(%s::integer[])""",
        (arrays.of_numbers(brand_ids),),
    )
    return {brand_id: _brand(*row) for brand_id, *row in cr.fetchall()}


class Brand:
    """What a brand sets; equal ones are the same object, so that it is quickly told from others."""

    __slots__ = ("currency_id", "terms")

    def __init__(self, currency_id, terms):
        self.currency_id, self.terms = currency_id, terms


# Keyed on all that was read, so that nothing ever has to be invalidated.
@lru_cache(maxsize=LISTS_KEPT)
def _price_list(top, rows, brand):
    return PriceList(
        id=top,
        levels=tuple(row[0] for row in rows),
        currencies=tuple(row[1] for row in rows),
        versions=tuple(row[4] for row in rows),
        markups_versions=tuple(row[5] for row in rows),
        has_volume=any(row[6] for row in rows),
        derivations=tuple((Decimal(row[2]) / 100, Decimal(row[3])) for row in rows),
        terms_currency_id=brand.currency_id,
        terms=brand.terms,
    )


# One for all lists of a brand: what is made for terms is found again by the object.
@lru_cache(maxsize=LISTS_KEPT)
def _brand(currency_id, *terms):
    return Brand(
        currency_id,
        Terms(
            initial_increment=terms[0],
            increment=terms[1],
            billed_time_rule=terms[2],
            connection_charge=Decimal(terms[3]),
            minimum_charge=Decimal(terms[4]),
            grace_seconds=terms[5],
            surcharge=Decimal(terms[6]),
            surcharge_after=terms[7],
            max_session=terms[8],
            rounding_method=terms[9],
            rounding_digits=terms[10],
            timezone=terms[11],
            connection_deductible=terms[12],
            maximum_charge=None if terms[13] is None else Decimal(terms[13]),
        ),
    )


class LookedUp(dict):
    """Rates that were looked up, by prefix."""

    @property
    def banded(self):
        """Whether some of them hold in a time band only."""
        return any(rate.band_id for rates in self.values() for rate in rates)


def load_rates(cr, wanted):
    """Read every rate that may price these numbers.

    One index probe per distinct (list, prefix); calls to the same places share
    them. Leans on the unique index that begins with (price list, prefix, service).

    :param cr: database cursor
    :param wanted: set of (list id, service id, number)
    :return: dict of (list id, service id) to dict of prefix to list of engine rates
    """
    probes = {
        (list_id, service_id, number[:length])
        for list_id, service_id, number in wanted
        for length in range(1, len(number) + 1)
    }
    return read_rates(cr, probes)


def read_rates(cr, probes):
    """Read the rates of exactly these prefixes.

    :param cr: database cursor
    :param probes: collection of (list id, service id, prefix)
    :return: dict of (list id, service id) to dict of prefix to list of engine rates
    """
    found = defaultdict(LookedUp)
    if not probes:
        return found
    columns = list(zip(*probes, strict=True))
    cr.execute(
        SQL(
            """
            SELECT r.price_list_id, r.service_id, r.id, r.prefix, r.price::text, s.price_per,
                   r.band_id,
                   CASE WHEN r.connection_charge_own
                        THEN COALESCE(r.connection_charge, 0)::text END,
                   NULLIF(r.initial_increment, 0), NULLIF(r.increment, 0), r.date_from, r.date_to,
                   COALESCE(r.blocked, false), r.destination_id,
                   (SELECT array_agg(ARRAY[t.from_second::text, t.price::text, t.increment::text]
                                     ORDER BY t.from_second)
                      FROM tier_rate_step t WHERE t.rate_id = r.id)
              FROM unnest(%s::integer[], %s::integer[], %s::varchar[])
                   AS w(list_id, service_id, prefix)
              JOIN tier_rate r ON r.price_list_id = w.list_id AND r.prefix = w.prefix
               AND r.service_id = w.service_id
              JOIN tier_service s ON s.id = r.service_id""",
            list(columns[0]),
            list(columns[1]),
            list(columns[2]),
        )
    )
    for row in cr.fetchall():
        found[row[0], row[1]].setdefault(row[3], []).append(
            Rate(
                id=row[2],
                prefix=row[3],
                price=Decimal(row[4]),
                per=row[5],
                band_id=row[6],
                connection_charge=None if row[7] is None else Decimal(row[7]),
                initial_increment=row[8],
                increment=row[9],
                date_from=row[10],
                date_to=row[11],
                blocked=row[12],
                destination_id=row[13],
                list_id=row[0],
                steps=tuple(
                    Step(int(start), Decimal(price), row[5], int(size)) for start, price, size in row[14] or ()
                ),
            )
        )
    return found


def load_conversions(cr, currencies, days, company_id):
    """Read Odoo's exchange rates, exactly.

    The rule is that of ``res.currency``: the last rate on or before the day, of
    the company or of all; before the first rate, the first; without any, one.

    :param cr: database cursor
    :param currencies: set of currency ids
    :param days: set of dates
    :param company_id: id of the root company
    :return: dict of (currency id, day) to Decimal, units per unit of the company's currency
    """
    if len(currencies) < 2:
        return {(currency, day): Decimal(1) for currency in currencies for day in days}
    cr.execute(
        SQL(
            """
            SELECT c.id, d.day,
                   COALESCE((SELECT r.rate FROM res_currency_rate r
                              WHERE r.currency_id = c.id AND r.name <= d.day
                                AND (r.company_id IS NULL OR r.company_id = %(company)s)
                              ORDER BY r.company_id, r.name DESC LIMIT 1),
                            (SELECT r.rate FROM res_currency_rate r
                              WHERE r.currency_id = c.id
                                AND (r.company_id IS NULL OR r.company_id = %(company)s)
                              ORDER BY r.company_id, r.name LIMIT 1), 1)::text
              FROM unnest(%(currencies)s::integer[]) AS c(id)
             CROSS JOIN unnest(%(days)s::date[]) AS d(day)""",
            company=company_id,
            currencies=sorted(currencies),
            days=sorted(days),
        )
    )
    return {(currency, day): Decimal(rate) for currency, day, rate in cr.fetchall()}
