"""The lines of a deck, written to the rates of its price list and undone: some statements whatever their number."""

from odoo.tools import SQL

from .comparing import SAME

NOW = SQL("now() AT TIME ZONE 'UTC'")


def apply(cr, deck, uid):
    """Change the rates as the lines say.

    :param cr: database cursor
    :param deck: ``tier.deck`` whose list is locked
    :param int uid: of the user
    """
    cr.execute(
        SQL(
            """INSERT INTO tier_destination (name, deck_id, create_uid, create_date, write_uid, write_date)
               SELECT DISTINCT destination, %(deck)s, %(uid)s, %(now)s, %(uid)s, %(now)s
                 FROM tier_deck_line
                WHERE deck_id = %(deck)s AND change NOT IN ('unchanged', 'removed')
               ON CONFLICT (name) DO NOTHING""",
            uid=uid,
            now=NOW,
            deck=deck.id,
        )
    )
    if deck.row_count - deck.new_count - deck.unchanged_count > 0:
        cr.execute(
            SQL(
                """UPDATE tier_rate r
                      SET destination_id = d.id, price = l.price, initial_increment = l.initial_increment,
                          increment = l.increment, connection_charge = l.connection_charge,
                          connection_charge_own = l.connection_charge_own, date_to = l.date_to,
                          blocked = l.blocked, write_uid = %s, write_date = %s
                     FROM tier_deck_line l JOIN tier_destination d ON d.name = l.destination
                    WHERE l.deck_id = %s AND r.id = l.rate_id AND l.change NOT IN ('unchanged', 'removed')""",
                uid,
                NOW,
                deck.id,
            )
        )
    # In the order of the index that they are found by, which then grows at its end: two thirds of the time.
    cr.execute(
        SQL(
            """INSERT INTO tier_rate (price_list_id, service_id, prefix, destination_id, price, initial_increment,
                      increment, connection_charge, connection_charge_own, date_from, date_to, band_id, blocked,
                      create_uid, create_date, write_uid, write_date)
               SELECT %(list)s, %(service)s, l.prefix, d.id, l.price, l.initial_increment, l.increment,
                      l.connection_charge, l.connection_charge_own, l.date_from, l.date_to, l.band_id, l.blocked,
                      %(uid)s, %(now)s, %(uid)s, %(now)s
                 FROM tier_deck_line l JOIN tier_destination d ON d.name = l.destination
                WHERE l.deck_id = %(deck)s AND l.rate_id IS NULL
                ORDER BY l.prefix""",
            list=deck.price_list_id.id,
            service=deck.service_id.id,
            uid=uid,
            now=NOW,
            deck=deck.id,
        )
    )
    if deck.removed_count:
        cr.execute(
            SQL(
                """UPDATE tier_rate r SET date_to = l.date_to, write_uid = %s, write_date = %s
                     FROM tier_deck_line l
                    WHERE l.deck_id = %s AND l.change = 'removed' AND r.id = l.rate_id AND l.date_to IS NOT NULL""",
                uid,
                NOW,
                deck.id,
            )
        )
        cr.execute(
            SQL(
                """DELETE FROM tier_rate r USING tier_deck_line l
                    WHERE l.deck_id = %s AND l.change = 'removed' AND r.id = l.rate_id AND l.date_to IS NULL""",
                deck.id,
            )
        )


def undo(cr, deck, uid):
    """Put the rates back as they were before the deck, except those that somebody changed since.

    :param cr: database cursor
    :param deck: ``tier.deck`` whose list is locked
    :param int uid: of the user
    :return: how many rates
    """
    cr.execute(
        SQL(
            """UPDATE tier_rate o
                  SET destination_id = b.destination_id, price = b.price, initial_increment = b.initial_increment,
                      increment = b.increment, connection_charge = b.connection_charge,
                      connection_charge_own = b.connection_charge_own, date_to = b.date_to, blocked = b.blocked,
                      write_uid = %s, write_date = %s
                 FROM tier_deck_line l CROSS JOIN LATERAL jsonb_populate_record(NULL::tier_rate, l.old) b
                WHERE l.deck_id = %s AND o.id = l.rate_id AND l.old IS NOT NULL AND %s""",
            uid,
            NOW,
            deck.id,
            SQL(SAME.format("l")),
        )
    )
    count = cr.rowcount
    cr.execute(
        SQL(
            """DELETE FROM tier_rate o USING tier_deck_line l
                WHERE l.deck_id = %s AND l.rate_id IS NULL AND o.price_list_id = %s AND o.service_id = %s
                  AND o.prefix = l.prefix AND COALESCE(o.band_id, 0) = COALESCE(l.band_id, 0)
                  AND o.date_from IS NOT DISTINCT FROM l.date_from AND %s""",
            deck.id,
            deck.price_list_id.id,
            deck.service_id.id,
            SQL(SAME.format("l")),
        )
    )
    count += cr.rowcount
    if deck.removed_count:
        count += _bring_back(cr, deck)
    return count


def _bring_back(cr, deck):
    """Make the rates anew that were removed, with their ids and steps.

    :return: how many
    """
    cr.execute(
        SQL(
            """
            WITH back AS (
                INSERT INTO tier_rate
                SELECT b.* FROM tier_deck_line l CROSS JOIN LATERAL jsonb_populate_record(NULL::tier_rate, l.old) b
                 WHERE l.deck_id = %(deck)s AND l.change = 'removed' AND l.date_to IS NULL
                ON CONFLICT DO NOTHING
                RETURNING id)
            SELECT array_agg(id) FROM back""",
            deck=deck.id,
        )
    )
    (ids,) = cr.fetchone()
    if not ids:
        return 0
    cr.execute(
        SQL(
            """INSERT INTO tier_rate_step (rate_id, from_second, price, increment)
               SELECT l.rate_id, s.from_second, s.price, s.increment
                 FROM tier_deck_line l
                CROSS JOIN LATERAL jsonb_to_recordset(l.old->'steps')
                      AS s(from_second integer, price numeric, increment integer)
                WHERE l.deck_id = %s AND l.rate_id = ANY(%s)""",
            deck.id,
            ids,
        )
    )
    return len(ids)
