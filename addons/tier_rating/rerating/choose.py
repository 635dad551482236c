"""Which events a run of re-rating looks at."""

from odoo.tools import SQL


def next_events(run, limit):
    """Return the next events of a run, in the order of time.

    Only what was consumed and is charged. Leans on the events' index on the start.

    :param run: ``tier.rerating`` record; ``next_at`` and ``next_ref`` tell the last event looked at
    :param int limit: events at most
    :return: list of (id, start), the last of which is where to go on
    """
    run.env.flush_all()
    run.env.cr.execute(
        SQL(
            """SELECT e.id, e.started_at FROM tier_usage_event e
                WHERE %s AND e.quantity > 0 AND e.state = 'charged' AND e.company_id = %s
                  AND e.started_at >= (SELECT GREATEST(date_from, next_at) FROM tier_rerating WHERE id = %s)
                  AND (e.started_at, e.id)
                      > (SELECT COALESCE(next_at, '-infinity'), next_ref FROM tier_rerating WHERE id = %s)
                ORDER BY e.started_at, e.id LIMIT %s""",
            conditions(run),
            run.company_id.id,
            run.id,
            run.id,
            limit,
        )
    )
    return run.env.cr.fetchall()


def conditions(run):
    """Return the ``SQL`` over ``tier_usage_event e`` by which a run chooses.

    :param run: ``tier.rerating`` record
    """
    parts = [SQL("TRUE")]
    if run.by_hand:
        parts.append(
            SQL(
                "e.id IN (SELECT event_id FROM tier_rerating_event WHERE rerating_id = %s AND state = 'chosen')", run.id
            )
        )
    if run.date_to:
        parts.append(SQL("e.started_at < %s", run.date_to))
    if run.service_id:
        parts.append(SQL("e.service_id = %s", run.service_id.id))
    if run.destination_id:
        parts.append(SQL("e.destination_id = %s", run.destination_id.id))
    if run.prefix:
        parts.append(SQL("starts_with(e.number, %s)", run.prefix))
    if run.wallet_id:
        parts.append(
            SQL(
                "e.wallet_id IN (SELECT id FROM tier_wallet WHERE starts_with(parent_path, %s))",
                run.wallet_id.parent_path,
            )
        )
    if run.brand_id or run.price_list_id:
        # Those that were charged by one of these lists on some tier, and those that would be now.
        parts.append(
            SQL(
                """EXISTS (SELECT FROM tier_charge c JOIN tier_wallet w ON w.id = c.wallet_id
                            WHERE c.event_id = e.id
                              AND (c.price_list_id = ANY(%(lists)s) OR w.price_list_id = ANY(%(lists)s)))""",
                lists=_price_lists(run),
            )
        )
    return SQL(" AND ").join(parts)


def _price_lists(run):
    """Return the ids of the lists that a run is about: of a brand, or one with all that derive from it.

    A rate of a base is a price of every list above it.
    """
    PriceList = run.env["tier.price.list"].sudo().with_context(active_test=False)
    lists = run.price_list_id or PriceList.search([("brand_id", "=", run.brand_id.id)])
    found = lists.sudo()
    while lists:
        lists = PriceList.search([("base_id", "in", lists.ids), ("id", "not in", found.ids)])
        found |= lists
    if run.brand_id and run.price_list_id:
        found = found.filtered(lambda price_list: price_list.brand_id == run.brand_id)
    return found.ids
