"""Adding charges to the sums, each once, and proving that none is missing.

Two tables hold the same figures: ``tier_usage_hour`` what the provider sold, by the hour, and
``tier_usage_day`` what every tier sold, by the day. Only sellers are summed: what the last one
in the chain paid is its parent's sale. So their size goes with the sellers, their destinations
and the time, and not with the calls.
"""

from odoo.tools import SQL

# What is summed; see tier.figures.
MEASURES = (
    "attempts",
    "answered",
    "others",
    "refunds",
    "seconds",
    "billed_seconds",
    "sold_seconds",
    "units",
    "sale",
    "cost",
    "margin",
)
# By what, besides the wallet and the time.
_KEYS = ("company_id", "wallet_id", "tier", "service_id", "destination_id", "price_list_id", "brand_id", "currency_id")
_OPTIONAL = ("service_id", "destination_id", "price_list_id", "brand_id")

SELLERS = SQL("(c.child_id IS NOT NULL OR c.tier = 0)")
# What a charge ``c`` of the service ``s`` adds for its own wallet.
_OWN = SQL(
    """(c.reverses_id IS NULL AND COALESCE(s.is_time, false))::integer AS attempts,
       (c.reverses_id IS NULL AND COALESCE(s.is_time, false) AND c.answered)::integer AS answered,
       (c.reverses_id IS NULL AND NOT COALESCE(s.is_time, false) AND c.answered)::integer AS others,
       (c.reverses_id IS NOT NULL AND c.answered)::integer AS refunds,
       CASE WHEN s.is_time THEN c.quantity ELSE 0 END AS seconds,
       CASE WHEN s.is_time THEN c.billed_quantity ELSE 0 END AS billed_seconds,
       CASE WHEN s.is_time THEN 0 ELSE c.quantity END AS units,
       c.sale, c.cost, c.margin"""
)


def _parts(after, until):
    """Return what the charges with numbers in a range add, as a SELECT.

    A refund, or another correction, changes money and units and takes no call away: it was one. What
    a seller billed its customer stands on the customer's own charge, whose seller is the one that has
    it for a customer in the same event; so does the brand, as that of the customer's price list. Leans on
    the unique index of charges for the others of an event.

    :param int after: not this one
    :param SQL until: this one too
    """
    return SQL(
        """
        SELECT c.date, c.company_id, c.wallet_id, c.tier, c.service_id, c.destination_id,
               c.price_list_id, l.brand_id, c.currency_id,
               %(own)s, 0::numeric AS sold_seconds
          FROM tier_charge c
          LEFT JOIN tier_service s ON s.id = c.service_id
          LEFT JOIN tier_charge b ON b.event_id = c.event_id AND b.wallet_id = c.child_id
                                 AND COALESCE(b.reverses_id, 0) = 0
          LEFT JOIN tier_price_list l ON l.id = b.price_list_id
         WHERE c.id > %(after)s AND c.id <= %(until)s AND %(sellers)s
        UNION ALL
        SELECT b.date, c.company_id, c.wallet_id, c.tier, c.service_id, c.destination_id,
               c.price_list_id, l.brand_id, c.currency_id, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, b.billed_quantity
          FROM tier_charge b
          -- Event by event: the planner takes it that an event has many charges.
          JOIN LATERAL (SELECT * FROM tier_charge p WHERE p.event_id = b.event_id OFFSET 0) c
            ON c.child_id = b.wallet_id AND c.reverses_id IS NULL
          JOIN tier_service s ON s.id = c.service_id AND s.is_time
          LEFT JOIN tier_charge o ON o.event_id = b.event_id AND o.wallet_id = b.wallet_id
                                 AND COALESCE(o.reverses_id, 0) = 0
          LEFT JOIN tier_price_list l ON l.id = o.price_list_id
         WHERE b.id > %(after)s AND b.id <= %(until)s AND b.billed_quantity <> 0""",
        after=after,
        until=until,
        own=_OWN,
        sellers=SELLERS,
    )


def unique_index(period):
    """Return the definition of the unique index of a table of sums.

    :param str period: name of its column of time
    :rtype: str
    """
    columns = [f"COALESCE({key}, 0)" if key in _OPTIONAL else key for key in _KEYS if key != "company_id"]
    return f"({', '.join((period, *columns))})"


def add(cr, after, until):
    """Add the charges with numbers in a range to the sums, in the caller's transaction.

    The caller sees to it that no number is added twice: see ``tier.usage.rollup``.

    :param cr: database cursor
    :param int after: not this one
    :param int until: this one too
    """
    cr.execute(
        SQL(
            """
            WITH part AS MATERIALIZED (%(parts)s),
                 hours AS (%(hours)s)
            %(days)s""",
            parts=_parts(after, until),
            hours=_upsert("hour", SQL("date_trunc('hour', p.date)"), SQL("part p WHERE p.tier = 0")),
            days=_upsert(
                "day",
                SQL("((p.date AT TIME ZONE 'UTC') AT TIME ZONE z.tz)::date"),
                SQL("part p JOIN %s z ON z.id = p.company_id", zones()),
            ),
        )
    )


def zones():
    """Return the companies with the time zone of their books, in which their days are."""
    return SQL(
        """(SELECT k.id, COALESCE(k.tier_books_tz, a.tz, 'UTC') AS tz
              FROM res_company k JOIN res_partner a ON a.id = k.partner_id)"""
    )


def _upsert(period, moment, source):
    """Return the statement that adds parts to one table.

    :param str period: ``hour`` or ``day``, as in the table's name and its column
    :param SQL moment: what of a part is that period
    :param SQL source: where the parts come from, as ``p``
    """
    table = SQL.identifier(f"tier_usage_{period}")
    columns = (period, *_KEYS, *MEASURES)
    return SQL(
        """INSERT INTO %(table)s AS t (%(columns)s)
           SELECT %(moment)s AS period, %(keys)s, %(measures)s FROM %(source)s
            GROUP BY %(numbers)s ORDER BY %(numbers)s
           ON CONFLICT %(key)s DO UPDATE SET %(adds)s""",
        table=table,
        columns=SQL(", ").join(map(SQL.identifier, columns)),
        moment=moment,
        keys=SQL(", ").join(SQL.identifier("p", key) for key in _KEYS),
        measures=SQL(", ").join(SQL("sum(%s)", SQL.identifier("p", measure)) for measure in MEASURES),
        source=source,
        numbers=SQL(", ".join(str(number) for number in range(1, len(_KEYS) + 2))),
        key=SQL(unique_index(period)),
        adds=SQL(", ").join(SQL("%s = t.%s + EXCLUDED.%s", *[SQL.identifier(measure)] * 3) for measure in MEASURES),
    )


def clear(cr):
    """Forget all sums, in the caller's transaction."""
    cr.execute("DELETE FROM tier_usage_hour")
    cr.execute("DELETE FROM tier_usage_day")


def differences(until):
    """Return the query that finds where the sums are not what the charges come to.

    By wallet and not by day: which day a call is of depends on the time zone of the books then. What
    customers were billed is compared by tier, for which no charge has to be matched with another: one
    reading of all charges is enough.

    :param SQL until: number up to which charges were added
    :return: ``SQL`` that selects wallet id (NULL for a whole tier), expected, found and the name of the figure
    """
    own = [measure for measure in MEASURES if measure != "sold_seconds"]
    names = SQL(", ").join(map(SQL.identifier, own))
    sums = SQL(", ").join(SQL("sum(%s) AS %s", *[SQL.identifier(measure)] * 2) for measure in own)
    values = SQL(", ").join(
        SQL("(%s, %s, %s)", measure, SQL.identifier("c", measure), SQL.identifier("t", measure)) for measure in own
    )
    checks = []
    for period in ("hour", "day"):
        table, everybody = SQL.identifier(f"tier_usage_{period}"), period == "day"
        checks += [
            SQL(
                """SELECT COALESCE(c.wallet_id, t.wallet_id), v.expected, v.found, %(period)s || ', ' || v.measure
                     FROM (SELECT wallet_id, tier, %(names)s FROM charged WHERE seller) c
                     FULL JOIN (SELECT wallet_id, tier, %(sums)s FROM %(table)s GROUP BY 1, 2) t
                       ON t.wallet_id = c.wallet_id AND t.tier = c.tier,
                          LATERAL (VALUES %(values)s) AS v(measure, expected, found)
                    WHERE (%(everybody)s OR COALESCE(c.tier, t.tier) = 0)
                      AND COALESCE(v.expected, 0) <> COALESCE(v.found, 0)""",
                period=period,
                names=names,
                sums=sums,
                table=table,
                values=values,
                everybody=everybody,
            ),
            SQL(
                """SELECT NULL::integer, c.sold, t.sold, %(period)s || ', sold_seconds of tier ' || tier
                     FROM (SELECT tier - 1 AS tier, sum(billed_seconds) AS sold
                             FROM charged WHERE tier > 0 GROUP BY 1) c
                     FULL JOIN (SELECT tier, sum(sold_seconds) AS sold FROM %(table)s GROUP BY 1) t USING (tier)
                    WHERE (%(everybody)s OR tier = 0) AND COALESCE(c.sold, 0) <> COALESCE(t.sold, 0)""",
                period=period,
                table=table,
                everybody=everybody,
            ),
        ]
    return SQL(
        """WITH charged AS MATERIALIZED (
                SELECT wallet_id, tier, seller, %s
                  FROM (SELECT c.wallet_id, c.tier, %s AS seller, %s
                          FROM tier_charge c LEFT JOIN tier_service s ON s.id = c.service_id
                         WHERE c.id <= %s) c
                 GROUP BY 1, 2, 3)
           %s""",
        sums,
        SELLERS,
        _OWN,
        until,
        SQL(" UNION ALL ").join(checks),
    )
