"""What wallets sold and paid since a moment, exactly, without reading every charge of big ones."""

from odoo.tools import SQL

from .sums import SELLERS, zones


def since(env, wallet_ids, moment):
    """Sum charges of wallets since a moment: whole days from the sums, the rest from the charges.

    The rest is what was charged after the sums were brought up to date (by the primary key), the hours
    before the first whole day, and what a wallet used itself, which the sums do not have (by the indexes
    on the wallet and the date). Two statements for any number of wallets.

    :param env: environment; rights are the caller's to check
    :param wallet_ids: ids of ``tier.wallet``
    :param datetime moment: naive UTC
    :return: dict of wallet id to (answered calls and other usage, sale, cost, margin), amounts as float and
        less refunds; wallets without charges are left out
    """
    env["tier.charge"].flush_model()
    groups = _groups(env, list(wallet_ids), moment)
    if not groups:
        return {}
    # With values rather than joins: the planner then knows how little each part reads.
    parts = SQL(" UNION ALL ").join(part for group in groups for part in _parts(moment, *group))
    env.cr.execute(
        SQL(
            """SELECT wallet_id, sum(calls), sum(sale), sum(cost), sum(margin)
                 FROM (%s) p(wallet_id, calls, sale, cost, margin) GROUP BY wallet_id""",
            parts,
        )
    )
    return {row[0]: (int(row[1]), *map(float, row[2:])) for row in env.cr.fetchall()}


def _groups(env, wallet_ids, moment):
    """Return the wallets by where the first whole day of their books begins.

    :return: list of (wallet ids, that day, when it begins, number of the last charge in the sums)
    """
    env["tier.wallet"].flush_model(["company_id", "tier"])
    env.cr.execute(
        SQL(
            """
            SELECT array_agg(w.id), d.day, (d.day::timestamp AT TIME ZONE z.tz) AT TIME ZONE 'UTC',
                   (SELECT COALESCE(max(until_id), 0) FROM tier_usage_rollup)
              FROM tier_wallet w
              JOIN %(zones)s z ON z.id = w.company_id,
                   LATERAL (SELECT ((%(moment)s::timestamp - interval '1 microsecond')
                                    AT TIME ZONE 'UTC' AT TIME ZONE z.tz)::date + 1 AS day) d
             WHERE w.id = ANY(%(ids)s) GROUP BY d.day, z.tz""",
            zones=zones(),
            moment=moment,
            ids=wallet_ids,
        )
    )
    return env.cr.fetchall()


def _parts(moment, wallet_ids, day, start, until):
    """Yield what is to be added up for one group, each as a SELECT.

    :param datetime moment: naive UTC
    :param wallet_ids: see :func:`_groups`, as the others
    """
    yield SQL(
        """SELECT wallet_id, answered + others, sale, cost, margin FROM tier_usage_day
            WHERE wallet_id = ANY(%s) AND day >= %s""",
        wallet_ids,
        day,
    )
    figures = SQL("c.wallet_id, (c.answered AND c.reverses_id IS NULL)::integer, c.sale, c.cost, c.margin")
    charges = SQL(
        "SELECT %s FROM tier_charge c WHERE c.wallet_id = ANY(%s) AND c.date >= %s", figures, wallet_ids, moment
    )
    yield SQL("%s AND c.id > %s", charges, until)
    if start > moment:
        yield SQL("%s AND c.date < %s AND c.id <= %s AND %s", charges, start, until, SELLERS)
    # Wallet by wallet: the planner takes it for chance who sells and who uses, and would read all charges.
    yield SQL(
        """SELECT o.* FROM tier_wallet w CROSS JOIN LATERAL (
                  SELECT %s FROM tier_charge c
                   WHERE c.wallet_id = w.id AND c.child_id IS NULL AND c.tier > 0 AND c.date >= %s AND c.id <= %s
                  OFFSET 0) o
            WHERE w.id = ANY(%s) AND w.tier > 0""",
        figures,
        moment,
        until,
        wallet_ids,
    )
