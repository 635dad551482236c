"""Mark-ups of a derived list that hold for some numbers only.

What is nearest to the number applies: a line for a prefix that the number starts with, the
longest first; then one for the destination that the rate leads to, or its country; then one
for the whole service; then the mark-up of the list itself. A line takes the place of the
list's mark-up, it is not added to it.

The lines of a list are read once and kept, as good as its version in the database tells
(``tier_price_list.markups_version``, see markups.sql). A list without any has none, and costs nothing.
"""

import threading
from collections import OrderedDict
from decimal import Decimal
from typing import NamedTuple

from odoo.tools import SQL

from odoo.addons.tier_billing.ledger import schema

# What a process keeps, in lists.
KEPT = 4_096


class Markup(NamedTuple):
    """What a list adds to its base's price.

    :param Decimal fraction: 0.2 = 20 %
    :param Decimal fixed: added to each price block, in the list's currency
    :param line_id: of ``tier.price.markup``; None for the mark-up of the list itself
    """

    fraction: Decimal
    fixed: Decimal
    line_id: int | None = None


class Markups:
    """The mark-ups of one list for one service.

    :param dict prefixes: prefix to :class:`Markup`
    :param dict destinations: destination id to :class:`Markup`
    :param general: :class:`Markup` of the whole service, None = that of the list
    """

    __slots__ = ("destinations", "general", "longest", "prefixes")

    def __init__(self, prefixes, destinations, general):
        self.prefixes, self.destinations, self.general = prefixes, destinations, general
        self.longest = max(map(len, prefixes), default=0)

    def find(self, number, destination_id):
        """Return the mark-up of a number, None for that of the list.

        :param str number: normalised, or a resource code
        :param destination_id: of the rate that was found for it
        :rtype: Markup
        """
        for length in range(min(len(number), self.longest), 0, -1):
            markup = self.prefixes.get(number[:length])
            if markup is not None:
                return markup
        return self.destinations.get(destination_id) or self.general


class Shelf:
    """The mark-ups that this process has read of one database."""

    def __init__(self):
        self._kept = OrderedDict()
        self._lock = threading.Lock()

    def of(self, cr, versions):
        """Return the mark-ups of lists, from memory as far as they have not changed.

        :param cr: database cursor
        :param versions: dict of list id to the version of its mark-ups; 0 or None: it has none
        :return: dict of list id to dict of service id to :class:`Markups`; None stands for
            every service that has no entry of its own
        """
        found, missing = {}, {}
        for list_id, version in versions.items():
            if version:
                kept = self._kept.get((list_id, version))
                if kept is None:
                    missing[list_id] = version
                else:
                    found[list_id] = kept
        if missing:
            read = _read(cr, list(missing))
            with self._lock:
                for list_id, version in missing.items():
                    self._kept[list_id, version] = found[list_id] = read.get(list_id, {})
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
        return found


def _read(cr, list_ids):
    """Read the lines of lists, a row for each prefix and for each destination.

    A destination named itself goes before one of a country; of two lines that say the same
    the first counts, though the form refuses that.

    :return: dict of list id to dict of service id or None to :class:`Markups`
    """
    cr.execute(
        SQL(
            """
            SELECT m.price_list_id, m.service_id, CASE m.kind WHEN 'prefix' THEN m.prefix END, d.destination_id,
                   COALESCE(m.markup_percent, 0)::text, COALESCE(m.fixed, 0)::text, m.id
              FROM tier_price_markup m
              LEFT JOIN LATERAL (
                   SELECT r.tier_destination_id AS destination_id, 0 AS rank
                     FROM tier_price_markup_destination_rel r WHERE r.tier_price_markup_id = m.id
                    UNION ALL
                   SELECT p.id, 1 FROM tier_price_markup_country_rel c
                     JOIN tier_destination p ON p.country_id = c.res_country_id
                    WHERE c.tier_price_markup_id = m.id) d ON m.kind IN ('destination', 'country')
             WHERE m.price_list_id = ANY(%s)
               AND CASE m.kind WHEN 'prefix' THEN m.prefix <> '' WHEN 'service' THEN m.service_id IS NOT NULL
                   ELSE d.destination_id IS NOT NULL END
             ORDER BY d.rank, m.id""",
            list_ids,
        )
    )
    rows = {}
    for list_id, service_id, prefix, destination_id, percent, fixed, line_id in cr.fetchall():
        lines = rows.setdefault(list_id, {}).setdefault(service_id, ({}, {}, {}))
        markup = Markup(Decimal(percent) / 100, Decimal(fixed), line_id)
        if prefix:
            lines[0].setdefault(prefix, markup)
        elif destination_id:
            lines[1].setdefault(destination_id, markup)
        else:
            lines[2].setdefault(None, markup)
    return {list_id: _by_service(services) for list_id, services in rows.items()}


def _by_service(services):
    """Return :class:`Markups` by service: lines of all services with those of one before them."""
    everything = services.get(None, ({}, {}, {}))
    found = {}
    # A list whose lines are all for one service has none for the others.
    for service_id, (prefixes, destinations, general) in {None: everything, **services}.items():
        found[service_id] = Markups({**everything[0], **prefixes}, {**everything[1], **destinations}, general.get(None))
    return found


_shelves = {}


def shelf(dbname):
    """Return what is kept of a database.

    :param str dbname: its name
    :rtype: Shelf
    """
    return _shelves.setdefault(dbname, Shelf())


SCRIPT = "tier_rating/charging/markups.sql"


def install(cr):
    """Create or replace the triggers that tell of changed mark-ups; safe to run again.

    :param cr: database cursor
    """
    schema.run_script(cr, SCRIPT)
    schema.watch(cr, "tier_price_markup", "tier_markup_changed", "tier_markup")
    # Links are made and removed, never changed.
    come_and_go = ("inserted", "deleted")
    schema.watch(
        cr, "tier_price_markup_destination_rel", "tier_markup_place_changed", "tier_markup_destination", come_and_go
    )
    schema.watch(cr, "tier_price_markup_country_rel", "tier_markup_place_changed", "tier_markup_country", come_and_go)
    schema.watch(
        cr, "tier_destination", "tier_markup_place_changed", "tier_markup_place", ("inserted", "updated", "left")
    )


def drop(cr):
    """Remove what would outlive the dropped tables.

    :param cr: database cursor
    """
    schema.undo_script(cr, SCRIPT)
