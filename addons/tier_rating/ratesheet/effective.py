"""The effective rate of every prefix of a price list, exactly as charging applies it.

Which prefixes there are, over the list and all that it is derived from, is read in one
statement and streamed; their prices are made by the code that prices calls
(:mod:`..charging.pricing`), so that whatever changes a price there changes it here.
"""

from datetime import datetime, time
from decimal import Decimal
from typing import NamedTuple

from odoo.tools import SQL

from ..charging import numbers
from ..charging.offers import NO_RATE
from ..engine.errors import Refused
from ..engine.prefixes import longest_match
from ..engine.rounding import EXACT
from .pricer import ListPricer

# Prefixes that are priced at once: some 10 MB.
CHUNK = 5000
_cursor_numbers = iter(range(1, 1 << 62))


class Price(NamedTuple):
    """What a prefix costs at some time; amounts in the sheet's currency, exact.

    :param band_id: of the time band; None = at all times that no other band has
    :param Decimal price: of each block of ``per`` units
    :param tuple steps: (from second or unit, price, increment) of later parts of a call
    :param int initial: first block, in seconds or units
    :param int increment: further blocks
    :param Decimal connection: once per answered call
    :param bool blocked: the destination is barred
    :param date_from, date_to: of the rate, inclusive; None = open
    """

    band_id: int | None
    price: Decimal
    per: int
    steps: tuple
    initial: int
    increment: int
    connection: Decimal
    blocked: bool
    date_from: object
    date_to: object


class Row(NamedTuple):
    """The effective rate of one prefix.

    :param str prefix: digits, or a resource code
    :param int destination_id: where it leads to, None if nobody said
    :param tuple prices: of :class:`Price`; several if it depends on the time of day
    :param Volume volume: by which units are priced instead, at any time; None = there is none
    """

    prefix: str
    destination_id: int | None
    prices: tuple
    volume: object = None

    @property
    def first_price(self):
        """What a unit block costs at first: without volume yet, in the first time band."""
        if self.volume:
            return self.volume.tiers[0][1]
        return self.prices[0].price if self.prices else None


class Volume(NamedTuple):
    """A price by volume, in the sheet's currency.

    :param str kind: ``graduated`` or ``volume``, see ``tier.volume.plan``
    :param str period: day, week or month
    :param tuple tiers: of (upto in units or None, price of each block as that of a rate, flat)
    """

    kind: str
    period: str
    tiers: tuple


class Wanted(NamedTuple):
    """Which prefixes are asked for; see :mod:`.search`. Any of the conditions is enough.

    :param tuple starts: what prefixes may begin with
    :param tuple prefixes: exactly these
    :param destinations: ids of destinations, None = whatever they are
    """

    starts: tuple = ()
    prefixes: tuple = ()
    destinations: tuple | None = None


class Sheet:
    """What customers of one price list pay for one service on one day.

    Reads with no rights but those of the database: whoever makes one has checked access.

    :param env: any environment
    :param price_list: ``tier.price.list``
    :param service: ``tier.service``
    :param date day: on the brand's calendar
    :param currency: ``res.currency`` of the amounts; that of the list by default, else
        they are converted at the rate of ``converted_on``
    :param date converted_on: the day of exchange rates; ``day`` by default
    :param wallet: ``tier.wallet`` of the customer, for which closed numbers may be opened
    """

    def __init__(self, env, price_list, service, day, currency=None, converted_on=None, wallet=None):
        self.env = env
        self.price_list, self.service, self.day = price_list.sudo(), service.sudo(), day
        self.currency = currency or self.price_list.currency_id
        # Prices that were never asked for must be in the database: it is read directly.
        env.flush_all()
        self._pricer = ListPricer(env, self.price_list, self.service, converted_on or day, self.currency)
        self.levels = self._pricer.levels
        selling = self._pricer.selling()
        self.factor = selling.rate
        self.terms = selling.terms[0]
        self._plain, self._opened = {}, None
        if wallet and self._pricer.numbers:
            chain = [int(step) for step in wallet.sudo().parent_path.split("/")[:-1]]
            self._opened = {class_id for _wallet_id, class_id in numbers.opened(env.cr, chain)}
        self._marked = self._marked_destinations()

    def _marked_destinations(self):
        """Return where prefixes lead to that have a mark-up of their own but, it may be, no rate.

        Such a prefix has another price than the shorter one whose rate it takes: it is a row.

        :return: dict of prefix to destination id or None
        """
        prefixes = self._pricer.marked_prefixes
        if not prefixes:
            return {}
        selling = self._pricer.selling(_and_shorter(prefixes))
        rows = {prefix: self._row(selling, prefix) for prefix in prefixes}
        return {prefix: row.destination_id for prefix, row in rows.items() if row}

    def amount(self, value):
        """Return an amount of the price list in the sheet's currency, exactly."""
        return EXACT.multiply(value, self.factor)

    def count(self, wanted=None):
        """Return how many prefixes have a rate.

        :param Wanted wanted: only of these
        """
        self.env.cr.execute(SQL("SELECT count(*) FROM (%s) prefixes", self._prefixes(wanted)))
        return self.env.cr.fetchone()[0]

    def rows(self, wanted=None, by_destination=False, limit=None, offset=0):
        """Yield the effective rates.

        Streamed: memory does not grow with the list. One statement for the prefixes and one
        for the rates of every :data:`CHUNK` of them.

        :param Wanted wanted: only of these; None = all
        :param bool by_destination: in the order of destinations' names, else of prefixes
        :param int limit: rows at most
        :param int offset: rows to leave out
        :return: iterator of :class:`Row`
        """
        order = SQL('d.name NULLS LAST, p.prefix COLLATE "C"' if by_destination else 'p.prefix COLLATE "C"')
        query = SQL(
            "SELECT p.prefix, p.destination_id FROM (%s) p LEFT JOIN tier_destination d ON d.id = p.destination_id"
            " ORDER BY %s LIMIT %s OFFSET %s",
            self._prefixes(wanted),
            order,
            limit,
            offset,
        )
        for pairs in self._chunks(query):
            yield from self._priced(pairs)

    def price_of(self, number):
        """Return the row that prices a number, None if none does.

        :param str number: normalised, or a resource code
        """
        if not number:
            return None
        row = self._row(self._pricer.selling(_and_shorter([number])), number)
        if row is None:
            return None
        marked = (number[:length] for length in range(len(number), len(row.prefix), -1))
        return row._replace(prefix=next((prefix for prefix in marked if prefix in self._marked), row.prefix))

    def _prefixes(self, wanted):
        """Return the statement for (prefix, destination) of what has a rate on the day.

        Leans on the unique index that begins with (price list, prefix).
        """
        conditions = []
        if wanted is not None:
            if wanted.starts:
                conditions.append(SQL("r.prefix LIKE ANY(%s)", [escaped(start) + "%" for start in wanted.starts]))
            if wanted.prefixes:
                conditions.append(SQL("r.prefix = ANY(%s)", list(wanted.prefixes)))
        destinations = SQL("")
        if wanted is not None and wanted.destinations is not None:
            # By what is shown, which may be the name that a base gave.
            destinations = SQL("WHERE found.destination_id = ANY(%s)", list(wanted.destinations))
            if conditions:
                destinations = SQL("%s OR found.asked", destinations)
        asked = SQL("(%s)", SQL(" OR ").join(conditions)) if conditions else SQL("false")
        only = SQL("AND %s", asked) if conditions and wanted.destinations is None else SQL("")
        if wanted is not None and not conditions and wanted.destinations is None:
            only = SQL("AND false")
        return SQL(
            """SELECT found.prefix, found.destination_id
                 FROM (SELECT r.prefix, bool_or(%(asked)s) AS asked,
                              (array_agg(r.destination_id ORDER BY r.depth, r.band_id NULLS FIRST, r.id)
                               FILTER (WHERE r.destination_id IS NOT NULL))[1] AS destination_id
                         FROM (SELECT r.prefix, r.destination_id, v.depth, r.band_id, r.id
                                 FROM unnest(%(levels)s::integer[]) WITH ORDINALITY AS v(id, depth)
                                 JOIN tier_rate r ON r.price_list_id = v.id
                                WHERE r.service_id = %(service)s
                                  AND (r.date_from IS NULL OR r.date_from <= %(day)s)
                                  AND (r.date_to IS NULL OR r.date_to >= %(day)s)
                                UNION ALL
                               SELECT m.prefix, m.destination_id, 1000, NULL, 0
                                 FROM unnest(%(marked)s::varchar[], %(marked_destinations)s::integer[])
                                      AS m(prefix, destination_id)) r
                        WHERE true %(only)s
                        GROUP BY r.prefix) found
                %(destinations)s""",
            asked=asked,
            levels=list(self.levels),
            marked=list(self._marked),
            marked_destinations=list(self._marked.values()),
            service=self.service.id,
            day=self.day,
            only=only,
            destinations=destinations,
        )

    def _chunks(self, query):
        """Yield lists of what a query returns, through a cursor of the database."""
        name = SQL.identifier(f"tier_sheet_{next(_cursor_numbers)}")
        cr = self.env.cr
        cr.execute(SQL("DECLARE %s NO SCROLL CURSOR FOR %s", name, query))
        try:
            while True:
                cr.execute(SQL("FETCH %s FROM %s", CHUNK, name))
                pairs = cr.fetchall()
                if pairs:
                    yield pairs
                if len(pairs) < CHUNK:
                    break
        finally:
            cr.execute(SQL("CLOSE %s", name))

    def _priced(self, pairs):
        prefixes = {prefix for prefix, _destination in pairs}
        selling = self._pricer.selling(prefixes | _and_shorter(prefixes & self._marked.keys()))
        for prefix, destination_id in pairs:
            row = self._row(selling, prefix)
            yield Row(prefix, destination_id, row.prices if row else (), row and row.volume)

    def _row(self, selling, number):
        row = self._plain_row(selling, number) or self._any_row(selling, number)
        if not self._pricer.numbers:
            return row
        return self._special_row(number, row)

    def _special_row(self, number, row):
        """Return the row of a number that may be free, as emergencies are, or closed to the customer.

        :param row: :class:`Row` by its rate, None without one
        """
        pricer = self._pricer
        special = pricer.special(pricer.item._replace(number=number), pricer.buyer.company_id)
        if special is None:
            return row
        if special.is_free:
            free = Price(None, Decimal(0), self.service.price_per, (), 1, 1, Decimal(0), False, None, None)
            return Row(number, row and row.destination_id, (free,))
        closed = special.kind == numbers.CLOSED and self._opened is not None and special.class_id not in self._opened
        if row and closed:
            return row._replace(prices=tuple(price._replace(blocked=True) for price in row.prices))
        return row

    def _plain_row(self, selling, number):
        """Return the row of a number whose rate is but a price, None to look closer.

        Rates of one price differ in nothing but their dates: one offer is made for all of them.
        """
        if self._pricer.plans:
            return None
        match = longest_match(number, selling.levels, self.day)
        if match is None or match.deeper or len(match.rates) > 1:
            return None
        rate = match.rates[0]
        own = (rate.band_id, rate.connection_charge, rate.initial_increment, rate.increment)
        if rate.blocked or rate.steps or any(value is not None for value in own):
            return None
        terms = selling.terms_of(number, rate.destination_id, len(self.levels) - 1)
        key = (terms, match.depth, rate.price)
        price = self._plain.get(key)
        if price is None:
            found = selling.look_up(number, self.day, {})
            [price] = self._prices(found.offer)
            if len(self._plain) >= CHUNK:
                # As many prices as prefixes, it may be: memory is not to grow with the list.
                self._plain.clear()
            self._plain[key] = price
        price = price._replace(date_from=rate.date_from, date_to=rate.date_to)
        return Row(match.prefix, rate.destination_id, (price,))

    def _any_row(self, selling, number):
        try:
            found = selling.look_up(number, self.day, self._pricer.bands)
        except Refused:
            # A rate that makes no sense prices nothing.
            return Row(number, None, ())
        if found is NO_RATE:
            return None
        prices = tuple(self._prices(found.offer))
        return Row(found.prefix, found.destination_id, prices, self._volume(number, found))

    def _volume(self, number, found):
        """Return how the units of a number are priced by volume, None if by the rate."""
        pricer = self._pricer
        if not pricer.plans:
            return None
        item = pricer.item._replace(number=number, at=datetime.combine(self.day, time(12)))
        by = pricer.volume(pricer.buyer, item, found)
        if by is None:
            return None
        plan, tariff = by
        per = Decimal(self.service.price_per)
        tiers = tuple((tier.upto, _per(tier.price, tier.per, per), tier.flat) for tier in tariff.tiers)
        return Volume(tariff.kind, plan.period, tiers)

    def _prices(self, offer):
        meter = offer.meter
        bands = meter.calendar.bands if meter.calendar else ()
        seen = set()
        for band, tariff in zip(bands, meter.tariffs, strict=True):
            # The same band of a base never comes to be used.
            if band.id not in seen:
                seen.add(band.id)
                yield self._price(band.id, tariff)
        if meter.default:
            yield self._price(None, meter.default)

    def _price(self, band_id, tariff):
        rate = tariff.rate
        return Price(
            band_id,
            self.amount(tariff.price),
            rate.per,
            tuple((step.from_second, self.amount(step.price), step.increment) for step in tariff.steps),
            tariff.blocks.first,
            tariff.blocks.increment,
            self.amount(tariff.charge),
            rate.blocked,
            rate.date_from,
            rate.date_to,
        )


def _and_shorter(numbers):
    """Return numbers and all that they begin with."""
    return {number[:length] for number in numbers for length in range(1, len(number) + 1)}


def _per(price, block, per):
    """Return the price of ``per`` units of which ``block`` have a price."""
    return price if block == per else price * per / block


def escaped(text):
    """Return a text that LIKE takes literally."""
    return text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
