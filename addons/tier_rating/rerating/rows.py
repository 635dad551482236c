"""The rows that a run keeps: each event that it looked at and found worth a word, and its shares."""

from decimal import Decimal

from odoo.tools import SQL

from odoo.addons.tier_billing.ledger import bulk

EVENT_COLUMNS = ("rerating_id", "event_id", "state", "reason", "detail")
SHARE_COLUMNS = (
    "rerating_id",
    "event_id",
    "wallet_id",
    "child_id",
    "tier",
    "currency_id",
    "old_sale",
    "new_sale",
    "old_cost",
    "new_cost",
    "old_received",
    "new_received",
    "old_billed",
    "new_billed",
    "transfer_rate",
    "rate",
    "price_list_id",
    "prefix",
    "rate_ref",
    "account_id",
    "payee_id",
    "first_charge_id",
    "last_charge_id",
    "transfer_id",
)


def store(env, run_id, compared):
    """Keep what came of a batch; two statements.

    :param env: environment of the transaction
    :param int run_id: of the ``tier.rerating``
    :param compared: :class:`.compare.Compared`
    """
    events = [(run_id, event_id, "changed", None, None) for event_id in compared.changed]
    events += [(run_id, event_id, "left", *why) for event_id, why in compared.left.items()]
    bulk.copy_lines(env.cr, "tier_rerating_event", EVENT_COLUMNS, [bulk.line(row) for row in events])
    shares = [_share_values(run_id, share) for shares in compared.changed.values() for share in shares]
    bulk.copy_lines(env.cr, "tier_rerating_share", SHARE_COLUMNS, [bulk.line(row) for row in shares])


def _share_values(run_id, share):
    paid = share.paid
    return (
        run_id,
        paid.event_id,
        paid.wallet_id,
        paid.child_id,
        paid.tier,
        share.currency_id,
        paid.sale,
        share.sale,
        paid.cost,
        share.cost,
        paid.received,
        share.received,
        paid.billed,
        Decimal(share.billed),
        share.transfer_rate,
        share.rate,
        share.price_list_id,
        share.prefix,
        share.rate_ref,
        share.account_id,
        share.payee_id,
        paid.first_charge,
        paid.last_charge,
        paid.transfer_id,
    )


def summarise(env, run_id):
    """Sum the shares of a run by wallet, for people to look at before and after it is posted.

    Wallets for which nothing changes are left out. What a wallet's own account gains or loses
    counts what its customers pay into it, and not what stands on an outside account.

    :param env: environment of the transaction
    :param int run_id: of the ``tier.rerating``
    """
    env.cr.execute(SQL("DELETE FROM tier_rerating_line WHERE rerating_id = %s", run_id))
    env.cr.execute(
        SQL(
            """
            WITH share AS (
                SELECT s.*, e.state = 'posted' AS is_posted
                  FROM tier_rerating_share s
                  JOIN tier_rerating_event e ON e.rerating_id = s.rerating_id AND e.event_id = s.event_id
                 WHERE s.rerating_id = %(run)s AND e.state IN ('changed', 'posted')),
            moved AS (
                SELECT account_id, sum(amount) AS amount
                  FROM (SELECT account_id, old_cost - new_cost AS amount FROM share WHERE payee_id IS NOT NULL
                        UNION ALL
                        SELECT payee_id, new_received - old_received FROM share WHERE payee_id IS NOT NULL) m
                 GROUP BY account_id)
            INSERT INTO tier_rerating_line (
                rerating_id, company_id, wallet_id, tier, currency_id, event_count, posted_count,
                old_sale, new_sale, sale_difference, old_cost, new_cost, cost_difference, margin_difference,
                moved, balance_change, overruns)
            SELECT %(run)s, w.company_id, w.id, w.tier, w.currency_id, s.events, s.posted,
                   s.old_sale, s.new_sale, s.new_sale - s.old_sale, s.old_cost, s.new_cost,
                   s.new_cost - s.old_cost,
                   CASE WHEN s.sells THEN (s.new_sale - s.new_cost) - (s.old_sale - s.old_cost) ELSE 0 END,
                   s.moved, COALESCE(m.amount, 0),
                   a.unlimited IS NOT TRUE AND COALESCE(m.amount, 0) < 0
                   AND a.balance + COALESCE(a.credit_limit, 0) - a.held
                       + CASE WHEN s.posted = 0 THEN m.amount ELSE 0 END < 0
              FROM (SELECT wallet_id, count(*) AS events, count(*) FILTER (WHERE is_posted) AS posted,
                           sum(old_sale) AS old_sale, sum(new_sale) AS new_sale, sum(old_cost) AS old_cost,
                           sum(new_cost) AS new_cost, bool_or(child_id IS NOT NULL) AS sells,
                           COALESCE(sum(abs(new_cost - old_cost)) FILTER (WHERE payee_id IS NOT NULL), 0) AS moved,
                           bool_or((old_sale, old_cost) <> (new_sale, new_cost)) AS differs
                      FROM share GROUP BY wallet_id) s
              JOIN tier_wallet w ON w.id = s.wallet_id
              JOIN tier_account a ON a.id = w.account_id
              LEFT JOIN moved m ON m.account_id = w.account_id
             WHERE s.differs OR COALESCE(m.amount, 0) <> 0
             ORDER BY string_to_array(rtrim(w.parent_path, '/'), '/')::integer[]""",
            run=run_id,
        )
    )
