"""What wallets sold and paid since a moment, exactly, without reading every charge of big ones."""

from odoo.tools import SQL

from .sums import SELLERS, zones


def since(env, wallet_ids, moment):
    """Sum charges of wallets since a moment: whole days from the sums, the rest from the charges.

    The rest is what was charged after the sums were brought up to date (by the primary key), the hours
    before the first whole day, and what a wallet used itself, which the sums have of the provider
    alone (by the indexes on the wallet and the date). One statement, so that both are of one moment.

    :param env: environment; rights are the caller's to check
    :param wallet_ids: ids of ``tier.wallet``
    :param datetime moment: naive UTC
    :return: dict of wallet id to (answered calls, sale, cost, margin), amounts as float and less refunds;
        wallets without charges are left out
    """
    env["tier.charge"].flush_model()
    figures = SQL("(c.answered AND c.reverses_id IS NULL)::integer, c.sale, c.cost, c.margin")
    env.cr.execute(
        SQL(
            """
            WITH state AS MATERIALIZED (SELECT COALESCE(max(until_id), 0) AS until_id FROM tier_usage_rollup),
                 zone AS MATERIALIZED (
                     -- The first day that begins no earlier, where the books are, and when it begins.
                     SELECT id, day, (day::timestamp AT TIME ZONE tz) AT TIME ZONE 'UTC' AS start
                       FROM %(zones)s z,
                            LATERAL (SELECT ((%(moment)s::timestamp - interval '1 microsecond')
                                             AT TIME ZONE 'UTC' AT TIME ZONE z.tz)::date + 1 AS day) d)
            SELECT p.wallet_id, sum(calls), sum(sale), sum(cost), sum(margin)
              FROM (SELECT d.wallet_id, answered AS calls, sale, cost, margin
                      FROM tier_usage_day d JOIN zone z ON z.id = d.company_id
                     WHERE d.wallet_id = ANY(%(ids)s) AND d.day >= z.day
                    UNION ALL
                    SELECT c.wallet_id, %(figures)s
                      FROM tier_charge c JOIN zone z ON z.id = c.company_id
                     WHERE c.wallet_id = ANY(%(ids)s) AND c.date >= %(moment)s
                       AND c.date < (SELECT max(start) FROM zone) AND c.date < z.start
                       AND c.id <= (SELECT until_id FROM state) AND %(sellers)s
                    UNION ALL
                    SELECT c.wallet_id, %(figures)s
                      FROM tier_charge c
                     WHERE c.wallet_id = ANY(%(ids)s) AND c.date >= %(moment)s
                       AND c.id <= (SELECT until_id FROM state) AND c.child_id IS NULL AND c.tier > 0
                    UNION ALL
                    SELECT c.wallet_id, %(figures)s
                      FROM tier_charge c
                     WHERE c.id > (SELECT until_id FROM state)
                       AND c.wallet_id = ANY(%(ids)s) AND c.date >= %(moment)s) p(wallet_id, calls, sale, cost, margin)
             GROUP BY p.wallet_id""",
            zones=zones(),
            moment=moment,
            ids=list(wallet_ids),
            figures=figures,
            sellers=SELLERS,
        )
    )
    return {row[0]: (int(row[1]), *map(float, row[2:])) for row in env.cr.fetchall()}
