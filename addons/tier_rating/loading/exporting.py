"""Rates as a deck: what a price list has, or a version of a deck that was kept, streamed."""

import itertools
from decimal import Decimal

from odoo.tools import SQL

from ..decks.reader import DeckRow

CHUNK = 5000
_numbers = itertools.count(1)

RATE = SQL(
    """r.prefix, %s, r.price::text, NULLIF(r.initial_increment, 0), NULLIF(r.increment, 0),
       CASE WHEN r.connection_charge_own THEN COALESCE(r.connection_charge, 0)::text END,
       r.date_from, r.date_to, COALESCE(b.code, ''), COALESCE(r.blocked, false)""",
    SQL("COALESCE(d.name, '')"),
)


def of_list(cr, price_list, service, day=None):
    """Yield the list's own rates.

    :param cr: database cursor
    :param price_list: ``tier.price.list``; the caller has checked the rights
    :param service: ``tier.service``
    :param date day: leave out those that had ended before
    :return: iterator of :class:`..decks.reader.DeckRow`
    """
    return _rows(
        cr,
        SQL(
            """SELECT 0, %s FROM tier_rate r
                 LEFT JOIN tier_destination d ON d.id = r.destination_id
                 LEFT JOIN tier_time_band b ON b.id = r.band_id
                WHERE r.price_list_id = %s AND r.service_id = %s AND %s
                ORDER BY r.prefix, b.code NULLS FIRST, r.date_from NULLS FIRST""",
            RATE,
            price_list.id,
            service.id,
            SQL("(r.date_to IS NULL OR r.date_to >= %s)", day) if day else SQL("true"),
        ),
    )


def of_deck(cr, deck):
    """Yield the rates of a deck as it was read.

    :param cr: database cursor
    :param deck: ``tier.deck``; the caller has checked the rights
    :return: iterator of :class:`..decks.reader.DeckRow`
    """
    return _rows(
        cr,
        SQL(
            """SELECT COALESCE(r.line, 0), r.prefix, COALESCE(r.destination, ''), r.price::text, r.initial_increment,
                      r.increment,
                      CASE WHEN r.connection_charge_own THEN COALESCE(r.connection_charge, 0)::text END,
                      r.date_from, r.date_to, COALESCE(b.code, ''), COALESCE(r.blocked, false)
                 FROM tier_deck_line r
                 LEFT JOIN tier_time_band b ON b.id = r.band_id
                WHERE r.deck_id = %s AND r.change <> 'removed'
                ORDER BY r.id""",
            deck.id,
        ),
    )


def between(deck, other):
    """Return the differences of two decks, as a SELECT.

    Of several rates of a prefix the first to begin counts.

    :param deck, other: ``tier.deck``; the caller has checked the rights. What ``other`` has is old
    :return: :class:`odoo.tools.SQL` with prefix, band_id, destination, old_destination, old_price, price, change
    """
    side = """SELECT DISTINCT ON (prefix, COALESCE(band_id, 0)) prefix, COALESCE(band_id, 0) AS band, destination,
                     price, COALESCE(blocked, false) AS blocked, initial_increment, increment,
                     connection_charge_own, connection_charge
                FROM tier_deck_line WHERE deck_id = %s AND change <> 'removed'
               ORDER BY prefix, COALESCE(band_id, 0), date_from NULLS FIRST"""
    return SQL(
        """SELECT * FROM (
             SELECT COALESCE(n.prefix, o.prefix) AS prefix, NULLIF(COALESCE(n.band, o.band), 0) AS band_id,
                    COALESCE(n.destination, o.destination) AS destination, o.price AS old_price, n.price,
                    CASE WHEN o.prefix IS NULL THEN 'new' WHEN n.prefix IS NULL THEN 'removed'
                         WHEN n.blocked AND NOT o.blocked THEN 'blocked'
                         WHEN n.price > o.price THEN 'up' WHEN n.price < o.price THEN 'down'
                         WHEN (n.destination, n.blocked, n.initial_increment, n.increment, n.connection_charge_own,
                               n.connection_charge) IS DISTINCT FROM
                              (o.destination, o.blocked, o.initial_increment, o.increment, o.connection_charge_own,
                               o.connection_charge) THEN 'changed' END AS change
               FROM (%s) n FULL JOIN (%s) o ON o.prefix = n.prefix AND o.band = n.band) both_sides
            WHERE change IS NOT NULL""",
        SQL(side, deck.id),
        SQL(side, other.id),
    )


def _rows(cr, query):
    """Yield the rows of a statement from a cursor of the server, so that memory does not grow with them."""
    name = f"tier_deck_export_{next(_numbers)}"
    cr.execute(SQL("DECLARE %s NO SCROLL CURSOR FOR %s", SQL.identifier(name), query))
    try:
        while True:
            cr.execute(SQL("FETCH %s FROM %s", SQL(str(CHUNK)), SQL.identifier(name)))
            rows = cr.fetchall()
            for line, prefix, destination, price, initial, increment, connection, first, last, band, blocked in rows:
                yield DeckRow(
                    line,
                    prefix,
                    destination,
                    Decimal(price),
                    initial,
                    increment,
                    None if connection is None else Decimal(connection),
                    first,
                    last,
                    band,
                    blocked,
                )
            if len(rows) < CHUNK:
                return
    finally:
        cr.execute(SQL("CLOSE %s", SQL.identifier(name)))
