"""Price lists kept in memory, so that a file of calls does not look each rate up.

A :class:`Book` holds the rates of one price list for one service, 20 bytes a rate: a list of
10,000 is read in some 10 ms once, and a rate is found in it in a microsecond.
Lists with the same prefixes share one index of them. What is out of the ordinary (time bands,
increments of its own, several dates of one prefix, blocked) stands beside as whole rates.

A book is as good as a look-up: its version is that of the database (see books.sql), read in
the transaction of the batch, so a change of a rate counts from its commit on. What no book is
worth reading for is looked up in the database, one index probe for each possible prefix:
a list asked for now and then, one too large, and the events of long ago.
"""

import operator
import struct
import sys
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
# What a book takes besides its rates, in rates: many customers have a few own ones.
OVERHEAD = 100
# Rates that ended before are not in a book: who prices older events looks them up.
DAYS_BACK = 62
SCALE = RATE_DIGITS[1]
RECORD = struct.Struct("<qiii")
ODD = -1


class Book:
    """The rates of one price list for one service; a mapping of prefix to rates.

    :param int list_id: of the price list
    :param int version: of its rates
    :param date since: events before are not to be priced from here
    :param index: dict of prefix to position, :data:`ODD` for those in ``odd``
    :param int longest: digits of its longest prefix
    :param bytes records: a :data:`RECORD` for each position: price in the smallest unit, id, destination id
        or 0, ordinal of the first day or 0; together, for the memory is slower than the processor
    :param odd: dict of prefix to rates
    :param int per: units that a price is for
    """

    __slots__ = (
        "banded",
        "index",
        "list_id",
        "longest",
        "odd",
        "per",
        "records",
        "since",
        "version",
    )

    def __init__(self, list_id, version, since, index, longest, records, odd, per):
        self.list_id, self.version, self.since, self.per = list_id, version, since, per
        self.index, self.odd, self.records, self.longest = index, odd, records, longest
        self.banded = any(rate.band_id for rates in odd.values() for rate in rates)

    def __len__(self):
        return len(self.records) // RECORD.size + len(self.odd)

    @property
    def weight(self):
        """What it takes of the memory, in rates."""
        return len(self) + OVERHEAD

    def get(self, prefix, default=None):
        """Return the rates of a prefix, as the engine takes them.

        :return: sequence of :class:`..engine.tariff.Rate`, or None
        """
        position = self.index.get(prefix)
        if position is None:
            return default
        if position == ODD:
            return self.odd[prefix]
        price, rate_id, destination_id, day = RECORD.unpack_from(self.records, position * RECORD.size)
        return (
            Rate(
                rate_id,
                prefix,
                Decimal(price).scaleb(-SCALE),
                self.per,
                date_from=date.fromordinal(day) if day else None,
                destination_id=destination_id or None,
                list_id=self.list_id,
            ),
        )


class Shelf:
    """The books of one database in this process."""

    def __init__(self):
        self._books, self._kept = OrderedDict(), 0
        self._sellings, self._reading = {}, {}
        self._asked, self._sizes = defaultdict(int), {}
        self._indexes = {}
        self._lock = threading.Lock()

    def rates(self, cr, wanted, numbers, versions, services, oldest):
        """Return where the rates of a batch are found: in books, or looked up.

        :param cr: database cursor
        :param wanted: dict of (list id, service id) to how many numbers of the batch ask for it
        :param numbers: called with such keys, gives a set of (list id, service id, number)
        :param versions: dict of list id to the version of its rates now
        :param services: dict of id to :class:`.catalogue.Service`
        :param date oldest: the first day that the batch is about
        :return: dict of (list id, service id) to a mapping of prefix to rates
        """
        found, probed = {}, set()
        for key, count in wanted.items():
            book = self._book(cr, key, count, versions[key[0]], services[key[1]].price_per)
            if book is None or oldest < book.since:
                probed.add(key)
            else:
                found[key] = book
        if probed:
            found.update(catalogue.load_rates(cr, numbers(probed)))
        return found

    def forget(self):
        """Put all books away."""
        with self._lock:
            self._books.clear()
            self._kept = 0
            self._sellings.clear()
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
        # Two batches that begin at once want the same lists: each is read by one of them.
        with self._lock:
            reading = self._reading.setdefault(key, threading.Lock())
        with reading:
            book = self._books.get(key)
            if book is None or book.version != version or book.per != per:
                book = _read_book(cr, key, version, per, self._index)
                self._keep(key, book)
        return book

    def _keep(self, key, book):
        """Remember a book; those that were not asked for longest give way."""
        with self._lock:
            gone = [self._books.pop(key)] if key in self._books else []
            self._books[key] = book
            self._kept += book.weight - sum(old.weight for old in gone)
            while self._kept > KEPT:
                gone.append(self._books.popitem(last=False)[1])
                self._kept -= gone[-1].weight
            if gone:
                # They would keep what is gone.
                self._sellings.clear()
            self._reading.pop(key, None)

    def selling(self, key, levels, ingredients, make):
        """Return how customers of a list buy, made once for as long as nothing of it changes.

        :param key: names it
        :param levels: mappings of prefix to rates, see :class:`.offers.Selling`
        :param ingredients: all else that goes into it
        :param make: makes it
        """
        if not all(isinstance(level, Book) for level in levels):
            return make()
        kept = self._sellings.get(key)
        if kept and kept[0] == ingredients and all(map(operator.is_, kept[1].levels, levels)):
            return kept[1]
        selling = make()
        self._sellings[key] = ingredients, selling
        return selling

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
                   string_agg(int8send((price * %(units)s)::bigint), '') FILTER (WHERE plain),
                   string_agg(int4send(id), '') FILTER (WHERE plain),
                   string_agg(int4send(COALESCE(destination_id, 0)), '') FILTER (WHERE plain),
                   string_agg(int4send(COALESCE(date_from - '0001-01-01'::date + 1, 0)), '') FILTER (WHERE plain)
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
            units=10**SCALE,
        )
    )
    odd_prefixes, text, *columns = cr.fetchone()
    index, longest, repeated = index_of(text) if text else ({}, 0, ())
    records = _records(*columns) if text else b""
    odd_prefixes = {*(odd_prefixes or ()), *repeated}
    odd = {}
    if odd_prefixes:
        odd = catalogue.read_rates(cr, [(list_id, service_id, prefix) for prefix in odd_prefixes])[key]
        index = {**index, **dict.fromkeys(odd, ODD)}
        longest = max(map(len, index), default=0)
    return Book(list_id, version, since, index, longest, records, odd, per)


def _records(prices, *columns):
    """Return what the database keeps apart as one record after the other.

    :param prices: big-endian integers of eight bytes; the others of four
    :rtype: bytes
    """
    halves, *columns = map(_integers, (prices, *columns))
    # The lower half of a price first.
    columns = (halves[1::2], halves[0::2], *columns)
    records = array("i", bytes(len(columns[0]) * RECORD.size))
    for position, column in enumerate(columns):
        records[position :: len(columns)] = column
    if sys.byteorder == "big":
        records.byteswap()
    return records.tobytes()


def _integers(data):
    """Return big-endian integers of four bytes."""
    numbers = array("i")
    numbers.frombytes(data)
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers
