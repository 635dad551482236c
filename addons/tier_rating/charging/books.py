"""Price lists kept in memory, so that a file of calls does not look each rate up.

A :class:`Book` holds the rates of one price list for one service in arrays, some 16 bytes a
rate: a list of 10,000 is read in some 15 ms once, and a rate is found in it in a microsecond.
Lists with the same prefixes share one index of them. What is out of the ordinary (time bands,
increments of its own, several dates of one prefix, blocked) stands beside as whole rates.

A book is as good as a look-up: its version is that of the database (see books.sql), read in
the transaction of the batch, so a change of a rate counts from its commit on. What no book is
worth reading for is looked up in the database, one index probe for each possible prefix:
a list asked for now and then, one too large, and the events of long ago.
"""

import threading
from array import array
from collections import Counter, OrderedDict, defaultdict
from datetime import date, timedelta
from decimal import Decimal

from odoo.tools import SQL

from odoo.addons.tier_billing.ledger import schema

from ..const import RATE_DIGITS
from ..engine.tariff import Rate
from . import catalogue

# A list is read whole once this many numbers were asked for, and one for each this many rates:
# then looking them up has cost about as much.
WORTH_READING = 8
RATES_PER_NUMBER = 500
# The largest list that is kept, and all that a process keeps, in rates.
LARGEST = 1_500_000
KEPT = 6_000_000
# Rates that ended before are not in a book: who prices older events looks them up.
DAYS_BACK = 62
SCALE = RATE_DIGITS[1]
ODD = -1


class Book:
    """The rates of one price list for one service; a mapping of prefix to rates.

    :param int list_id: of the price list
    :param int version: of its rates
    :param date since: events before are not to be priced from here
    :param index: dict of prefix to position, :data:`ODD` for those in ``odd``
    :param int longest: digits of its longest prefix
    :param columns: ids, prices in the smallest unit, destination ids, first days as ordinals
    :param odd: dict of prefix to rates
    :param int per: units that a price is for
    """

    __slots__ = (
        "banded",
        "days",
        "destinations",
        "ids",
        "index",
        "list_id",
        "longest",
        "odd",
        "per",
        "prices",
        "since",
        "version",
    )

    def __init__(self, list_id, version, since, index, longest, columns, odd, per):
        self.list_id, self.version, self.since, self.per = list_id, version, since, per
        self.index, self.odd = index, odd
        self.ids, self.prices, self.destinations, self.days = columns
        self.longest = longest
        self.banded = any(rate.band_id for rates in odd.values() for rate in rates)

    def __len__(self):
        return len(self.ids) + len(self.odd)

    def get(self, prefix, default=None):
        """Return the rates of a prefix, as the engine takes them.

        :return: sequence of :class:`..engine.tariff.Rate`, or None
        """
        position = self.index.get(prefix)
        if position is None:
            return default
        if position == ODD:
            return self.odd[prefix]
        day = self.days[position]
        return (
            Rate(
                self.ids[position],
                prefix,
                Decimal(self.prices[position]).scaleb(-SCALE),
                self.per,
                date_from=date.fromordinal(day) if day else None,
                destination_id=self.destinations[position] or None,
                list_id=self.list_id,
            ),
        )


class Shelf:
    """The books of one database in this process."""

    def __init__(self):
        self._books = OrderedDict()
        self._asked, self._sizes = defaultdict(int), {}
        self._indexes = {}
        self._lock = threading.Lock()

    def rates(self, cr, wanted, versions, services, oldest):
        """Return where the rates of a batch are found: in books, or looked up.

        :param cr: database cursor
        :param wanted: dict of (list id, service id) to the numbers of the batch
        :param versions: dict of list id to the version of its rates now
        :param services: dict of id to :class:`.catalogue.Service`
        :param date oldest: the first day that the batch is about
        :return: dict of (list id, service id) to a mapping of prefix to rates
        """
        found, probed = {}, []
        for key, numbers in wanted.items():
            book = self._book(cr, key, len(numbers), versions[key[0]], services[key[1]].price_per)
            if book is None or oldest < book.since:
                probed += [(*key, number) for number in numbers]
            else:
                found[key] = book
        found.update(catalogue.load_rates(cr, probed))
        return found

    def forget(self):
        """Put all books away."""
        with self._lock:
            self._books.clear()
            self._asked.clear()
            self._sizes.clear()
            self._indexes = {}

    def version(self, list_id, service_id):
        """Return the version of the book that is kept of a list, None without one."""
        book = self._books.get((list_id, service_id))
        return book and book.version

    def _book(self, cr, key, count, version, per):
        """Return the book of a list as it is now, or None where it is not worth reading."""
        book = self._books.get(key)
        if book is not None and book.version == version and book.per == per:
            return book
        self._asked[key] += count
        if self._asked[key] < WORTH_READING:
            return None
        if self._sizes.get(key, (None,))[0] != version:
            self._sizes[key] = version, _size(cr, key)
        size = self._sizes[key][1]
        if size > LARGEST or self._asked[key] < size // RATES_PER_NUMBER:
            return None
        book = _read_book(cr, key, version, per, self._index)
        with self._lock:
            self._books.pop(key, None)
            self._books[key] = book
            total = sum(map(len, self._books.values()))
            while total > KEPT:
                _key, oldest = self._books.popitem(last=False)
                total -= len(oldest)
        return book

    def _index(self, text):
        """Return the positions of prefixes; one dictionary for all lists that have the same.

        :param str text: see :func:`index_of`; so is what is returned
        """
        with self._lock:
            known = self._indexes.get(text)
            if known is None:
                known = index_of(text)
                used = {id(book.index) for book in self._books.values()}
                self._indexes = {text: found for text, found in self._indexes.items() if id(found[0]) in used}
                self._indexes[text] = known
            return known


def index_of(text):
    """Return the positions of prefixes.

    :param str text: the prefixes, a line each
    :return: (dict of prefix to position, digits of the longest, prefixes that stand there more than once)
    """
    prefixes = text.split("\n")
    index = {prefix: position for position, prefix in enumerate(prefixes)}
    repeated = ()
    if len(index) < len(prefixes):
        repeated = tuple(prefix for prefix, times in Counter(prefixes).items() if times > 1)
    return index, max(map(len, index)), repeated


SCRIPT = "tier_rating/charging/books.sql"


def install(cr):
    """Create or replace the triggers that tell of changed rates; safe to run again.

    :param cr: database cursor
    """
    schema.run_script(cr, SCRIPT)
    schema.watch(cr, "tier_rate", "tier_rate_changed", "tier_rate")
    schema.watch(cr, "tier_rate_step", "tier_rate_step_changed", "tier_rate_step")


def drop(cr):
    """Remove what would outlive the dropped tables.

    :param cr: database cursor
    """
    schema.undo_script(cr, SCRIPT)
    cr.execute("DROP SEQUENCE IF EXISTS tier_rates_version_seq")


_shelves = defaultdict(Shelf)


def shelf(dbname):
    """Return the books of a database.

    :param str dbname: its name
    :rtype: Shelf
    """
    return _shelves[dbname]


def _of_list(key, since):
    """Return the rates that a book of a list has, as the end of a SELECT."""
    return SQL(
        """FROM tier_rate
          WHERE price_list_id = %s AND service_id = %s AND (date_to IS NULL OR date_to >= %s)""",
        *key,
        since,
    )


def _first_day():
    return date.today() - timedelta(days=DAYS_BACK)


def _size(cr, key):
    """Return about how many rates a list has, counted up to those that are too many: in an index alone."""
    cr.execute(
        SQL("SELECT count(*) FROM (SELECT FROM tier_rate WHERE price_list_id = %s LIMIT %s) few", key[0], LARGEST + 1)
    )
    return cr.fetchone()[0]


def _read_book(cr, key, version, per, index_of=index_of):
    """Read one price list; two statements at most.

    :param key: (list id, service id)
    :param index_of: gives the shared index of a text of prefixes, a line each
    :rtype: Book
    """
    list_id, service_id = key
    since = _first_day()
    # Plain are those that the engine needs but a price of; one prefix, one rate.
    # One row of long texts instead of many rows: a third of the time. Without an order: lists
    # of one origin have theirs in common, and sorting took longer than all the rest.
    cr.execute(
        SQL(
            """
            SELECT array_agg(DISTINCT prefix) FILTER (WHERE NOT plain),
                   string_agg(prefix, E'\n') FILTER (WHERE plain),
                   string_agg(id::text, ',') FILTER (WHERE plain),
                   string_agg(price::text, ',') FILTER (WHERE plain),
                   string_agg(COALESCE(destination_id, 0)::text, ',') FILTER (WHERE plain),
                   string_agg(COALESCE(date_from - '0001-01-01'::date + 1, 0)::text, ',') FILTER (WHERE plain)
              FROM (SELECT id, prefix, price, destination_id, date_from,
                           band_id IS NULL AND date_to IS NULL
                           AND NOT COALESCE(connection_charge_own, false) AND NOT COALESCE(blocked, false)
                           AND COALESCE(initial_increment, 0) = 0 AND COALESCE(increment, 0) = 0
                           AND scale(price) <= %(scale)s
                           AND id NOT IN (SELECT rate_id FROM tier_rate_step WHERE rate_id IS NOT NULL)
                           AND strpos(prefix, E'\n') = 0 AS plain
                      %(of_list)s OFFSET 0) rate""",
            of_list=_of_list(key, since),
            scale=SCALE,
        )
    )
    odd_prefixes, text, ids, prices, *columns = cr.fetchone()
    index, longest, repeated = index_of(text) if text else ({}, 0, ())
    columns = [
        array("i", map(int, ids.split(",")) if ids else ()),
        _in_smallest(prices.split(",") if prices else ()),
        *(_repetitive("i", column.split(",") if column else (), int) for column in columns),
    ]
    odd_prefixes = {*(odd_prefixes or ()), *repeated}
    odd = {}
    if odd_prefixes:
        odd = catalogue.read_rates(cr, [(list_id, service_id, prefix) for prefix in odd_prefixes])[key]
        index = {**index, **dict.fromkeys(odd, ODD)}
        longest = max(map(len, index), default=0)
    return Book(list_id, version, since, index, longest, columns, odd, per)


def _in_smallest(prices):
    """Return prices in the smallest unit.

    :param prices: texts
    :rtype: array
    """
    return _repetitive("q", prices, lambda text: int(Decimal(text).scaleb(SCALE)))


def _repetitive(kind, texts, read):
    """Return the numbers of a column most of which are the same few.

    :param str kind: of the array
    :param read: gives the number of a text
    :rtype: array
    """
    numbers = {text: read(text) for text in set(texts)}
    return array(kind, map(numbers.__getitem__, texts))
