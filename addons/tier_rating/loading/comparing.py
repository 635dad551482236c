"""What the staged rows change in a price list: one line of the deck each.

Statements over all rows, so that a deck of a million is compared in seconds. The list is locked
by the caller.
"""

from contextlib import contextmanager
from itertools import islice

from odoo.tools import SQL

from odoo.addons.tier_billing.ledger import bulk

# A deck of more rows is joined by hashing, whatever the planner believes of a list that grew today.
FEW = 1000
# Rows that are handed over at once.
CHUNK = 5000
# What a deck sets of a rate, each with what an empty column means.
SAME = """o.price = {0}.price AND COALESCE(o.blocked, false) = COALESCE({0}.blocked, false)
      AND COALESCE(o.initial_increment, 0) = COALESCE({0}.initial_increment, 0)
      AND COALESCE(o.increment, 0) = COALESCE({0}.increment, 0)
      AND COALESCE(o.connection_charge, 0) = COALESCE({0}.connection_charge, 0)
      AND COALESCE(o.connection_charge_own, false) = COALESCE({0}.connection_charge_own, false)
      AND o.date_to IS NOT DISTINCT FROM {0}.date_to"""
CHANGES = ("new", "up", "down", "blocked", "changed", "unchanged", "removed")
# The steps of a rate go with it when it is removed, and come back with it.
OLD = """to_jsonb(o) || COALESCE((
             SELECT jsonb_build_object('steps', jsonb_agg(jsonb_build_object(
                        'from_second', s.from_second, 'price', s.price, 'increment', s.increment)))
               FROM tier_rate_step s WHERE s.rate_id = o.id HAVING count(*) > 0), '{}')"""


@contextmanager
def hashing(cr, wanted=True):
    """Join by hashing or merging only: a row-by-row join without an index would take hours."""
    if wanted:
        cr.execute("SET LOCAL enable_nestloop = off")
    yield
    if wanted:
        cr.execute("SET LOCAL enable_nestloop = on")


def write_lines(cr, deck, jump, staging):
    """Write a line for each staged row.

    A row is compared with the rate in force when it begins: one with the same terms goes on and
    is unchanged, one that begins on the same day is updated. Rates and rows are joined
    by hashing, or by ``tier_rate_look_up`` where the deck is small.

    :param cr: database cursor
    :param deck: ``tier.deck``
    :param float jump: percent beyond which a change of price is told of
    :param staging: :class:`.staging.Staging`
    """
    of_list = SQL("price_list_id = %s AND service_id = %s", deck.price_list_id.id, deck.service_id.id)
    # Only a row that ends can reach into one that begins later.
    overlap = SQL(
        """EXISTS (SELECT FROM tier_deck_row e
                    WHERE e.prefix = n.prefix AND COALESCE(e.band_id, 0) = COALESCE(n.band_id, 0) AND e.seq <> n.seq
                      AND e.date_to >= COALESCE(n.date_from, '0001-01-01')
                      AND COALESCE(e.date_from, '0001-01-01') < COALESCE(n.date_from, '0001-01-01'))"""
        if staging.has_ends
        else "false"
    )
    with hashing(cr, staging.count > FEW):
        cr.execute(
            SQL(
                """
                WITH found AS (
                    SELECT n.seq,
                           (max(ARRAY[COALESCE(r.date_from, '0001-01-01') - '0001-01-01'::date, r.id])
                            FILTER (WHERE COALESCE(r.date_from, '0001-01-01') <= COALESCE(n.date_from, '0001-01-01'))
                           )[2] AS rate_id,
                           bool_or(r.date_from > COALESCE(n.date_from, '0001-01-01')) AS later,
                           bool_or(r.date_to >= n.date_from
                                   AND COALESCE(r.date_from, '0001-01-01') < n.date_from
                                   OR r.date_from <= n.date_to AND r.date_from > n.date_from) AS overlap
                      FROM tier_deck_row n
                      JOIN tier_rate r ON r.prefix = n.prefix AND COALESCE(r.band_id, 0) = COALESCE(n.band_id, 0)
                     WHERE %(of_list)s
                     GROUP BY n.seq)
                INSERT INTO tier_deck_line (deck_id, line, prefix, destination, price, initial_increment, increment,
                       connection_charge, connection_charge_own, date_from, date_to, band_id, blocked,
                       old_price, rate_id, old, change, warnings)
                SELECT %(deck)s, n.line, n.prefix, n.destination, n.price, n.initial_increment, n.increment,
                       n.connection_charge, n.connection_charge_own, n.date_from, n.date_to, n.band_id, n.blocked,
                       o.price, CASE WHEN same.day OR same.terms THEN o.id END,
                       CASE WHEN same.day AND NOT same.terms THEN %(old)s END,
                       CASE WHEN same.terms THEN 'unchanged'
                            WHEN n.blocked AND NOT COALESCE(o.blocked, false) THEN 'blocked'
                            WHEN o.id IS NULL THEN 'new' WHEN n.price > o.price THEN 'up'
                            WHEN n.price < o.price THEN 'down' ELSE 'changed' END,
                       NULLIF(concat_ws(' ',
                           CASE WHEN abs(n.price - o.price) * 100 > o.price * %(jump)s AND NOT n.blocked
                            THEN 'jump' END,
                           CASE WHEN n.doubled THEN 'double' END,
                           CASE WHEN f.overlap OR %(overlap)s THEN 'overlap' END,
                           CASE WHEN f.later THEN 'later' END,
                           CASE WHEN d.id IS NULL THEN 'unknown' END), '')
                  FROM tier_deck_row n
                  LEFT JOIN tier_destination d ON d.name = n.destination
                  LEFT JOIN found f ON f.seq = n.seq
                  LEFT JOIN tier_rate o ON o.id = f.rate_id
                 CROSS JOIN LATERAL (
                       SELECT o.id IS NOT NULL AND o.date_from IS NOT DISTINCT FROM n.date_from AS day,
                              o.id IS NOT NULL AND o.destination_id IS NOT DISTINCT FROM d.id
                              AND %(same)s AS terms) same""",
                deck=deck.id,
                of_list=of_list,
                jump=jump,
                overlap=overlap,
                old=SQL(OLD),
                same=SQL(SAME.format("n")),
            )
        )
    if staging.count > FEW:
        cr.execute("ANALYZE tier_deck_line")


def write_removed(cr, deck, day):
    """Write a line for each rate that a full deck does not have any more.

    What is in force on the day ends the day before; what begins later goes.

    :param cr: database cursor
    :param deck: ``tier.deck``
    :param date day: the first without them
    """
    with hashing(cr):
        cr.execute(
            SQL(
                """
                INSERT INTO tier_deck_line (deck_id, prefix, destination, price, old_price, initial_increment,
                       increment,
                       connection_charge, connection_charge_own, date_from, date_to, band_id, blocked, rate_id, old,
                       change, warnings)
                SELECT %(deck)s, o.prefix, d.name, o.price, o.price, o.initial_increment, o.increment,
                       o.connection_charge, o.connection_charge_own, o.date_from,
                       CASE WHEN COALESCE(o.date_from, '0001-01-01') < %(day)s::date THEN %(day)s::date - 1 END,
                       o.band_id, o.blocked,
                       o.id, %(old)s, 'removed', CASE WHEN o.date_from >= %(day)s::date THEN 'later' END
                  FROM tier_rate o
                  LEFT JOIN tier_destination d ON d.id = o.destination_id
                 WHERE o.price_list_id = %(list)s AND o.service_id = %(service)s
                   AND (o.date_to IS NULL OR o.date_to >= %(day)s::date)
                   AND NOT EXISTS (SELECT FROM tier_deck_row n
                                    WHERE n.prefix = o.prefix AND COALESCE(n.band_id, 0) = COALESCE(o.band_id, 0))
                 ORDER BY o.prefix""",
                deck=deck.id,
                day=day,
                list=deck.price_list_id.id,
                service=deck.service_id.id,
                old=SQL(OLD),
            )
        )


def warn_of_costs(cr, deck, rows):
    """Mark the lines that sell for less than the seller pays, by the unit.

    The longest prefix of the seller's own prices counts: one join by hashing for each length
    of prefix that they have.

    :param cr: database cursor
    :param deck: ``tier.deck``
    :param rows: iterator of (prefix, Decimal) of what the seller pays, in the list's currency
    """
    cr.execute(
        """CREATE TEMPORARY TABLE IF NOT EXISTS tier_deck_cost (prefix varchar, price numeric) ON COMMIT DROP;
           TRUNCATE tier_deck_cost"""
    )
    # Not one COPY: what gives the rows asks the database for them.
    rows = iter(rows)
    while chunk := list(islice(rows, CHUNK)):
        bulk.copy_lines(cr, "tier_deck_cost", ("prefix", "price"), [bulk.line(row) for row in chunk])
    cr.execute("SELECT DISTINCT length(prefix) FROM tier_deck_cost ORDER BY 1 DESC")
    lengths = [length for (length,) in cr.fetchall()]
    if not lengths:
        return
    joins = SQL(" ").join(
        SQL(
            "LEFT JOIN tier_deck_cost %s ON length(%s.prefix) = %s AND %s.prefix = left(l.prefix, %s)",
            *(SQL.identifier(f"c{length}"), SQL.identifier(f"c{length}"), length),
            *(SQL.identifier(f"c{length}"), length),
        )
        for length in lengths
    )
    cost = SQL(", ").join(SQL("%s.price", SQL.identifier(f"c{length}")) for length in lengths)
    with hashing(cr):
        cr.execute(
            SQL(
                """UPDATE tier_deck_line t SET warnings = concat_ws(' ', 'cost', t.warnings)
                     FROM tier_deck_line l %s
                    WHERE t.id = l.id AND l.deck_id = %s AND l.change <> 'removed' AND NOT COALESCE(l.blocked, false)
                      AND l.price < COALESCE(%s)""",
                joins,
                deck.id,
                cost,
            )
        )


def counts(cr, deck):
    """Count the lines of a deck.

    :param cr: database cursor
    :param deck: ``tier.deck``
    :return: values for its fields
    """
    cr.execute(
        SQL("SELECT change, count(*), count(warnings) FROM tier_deck_line WHERE deck_id = %s GROUP BY 1", deck.id)
    )
    found = cr.fetchall()
    return {
        **dict.fromkeys((f"{change}_count" for change in CHANGES), 0),
        **{f"{change}_count": count for change, count, _warnings in found},
        "row_count": sum(count for change, count, _warnings in found if change != "removed"),
        "warning_count": sum(warnings for _change, _count, warnings in found),
    }
