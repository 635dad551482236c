from odoo import api, models
from odoo.tools import SQL


class TierAudit(models.Model):
    _inherit = "tier.audit"

    @api.model
    def _checks(self):
        return {
            **super()._checks(),
            "edges": (
                self.env._("A charged event is charged on every tier of its chain"),
                SQL(
                    """
                    -- As deep as the payer was then: it may have been moved since.
                    SELECT w.account_id, e.wallet_id,
                           COALESCE(max(c.tier) FILTER (WHERE c.wallet_id = e.wallet_id), w.tier) + 1,
                           count(c.id), e.source_key
                      FROM tier_usage_event e
                      JOIN tier_wallet w ON w.id = e.wallet_id
                      LEFT JOIN tier_charge c ON c.event_id = e.id AND c.reverses_id IS NULL
                     WHERE e.state IN ('charged', 'refunded')
                     GROUP BY e.id, w.account_id, w.tier
                    HAVING count(c.id) <>
                           COALESCE(max(c.tier) FILTER (WHERE c.wallet_id = e.wallet_id), w.tier) + 1"""
                ),
            ),
            "suspense": (
                self.env._("An event in suspense is charged on no tier"),
                SQL(
                    """
                    SELECT NULL::integer, e.wallet_id, 0, count(c.id), e.source_key
                      FROM tier_usage_event e JOIN tier_charge c ON c.event_id = e.id
                     WHERE e.state = 'suspense' GROUP BY e.id"""
                ),
            ),
            "paid": (
                self.env._("What a charge costs is what its transfer moved"),
                SQL(
                    """
                    -- What a cheaper tier of volume gives back is paid to the wallet: below zero.
                    SELECT w.account_id, c.wallet_id, c.cost, COALESCE(t.amount, 0), t.source_key
                      FROM tier_charge c
                      JOIN tier_wallet w ON w.id = c.wallet_id AND w.parent_id IS NOT NULL
                      LEFT JOIN tier_transfer t ON t.id = c.transfer_id
                     WHERE c.cost <> CASE WHEN t.from_account_id = w.account_id THEN t.amount
                                          ELSE -COALESCE(t.amount_to, 0) END
                       -- Of a refund after corrections the sum counts, as below.
                       AND NOT (c.reverses_id IS NOT NULL AND c.rerating_id IS NULL AND EXISTS (
                                SELECT FROM tier_charge k WHERE k.event_id = c.event_id
                                   AND k.wallet_id = c.wallet_id AND k.rerating_id IS NOT NULL))"""
                ),
            ),
            "corrected": (
                self.env._("What the charges of a re-rated event cost in all is what was paid in all"),
                SQL(
                    """
                    SELECT w.account_id, c.wallet_id, c.cost, COALESCE(p.paid, 0), e.source_key
                      FROM (SELECT event_id, wallet_id, sum(cost) AS cost, min(transfer_id) AS transfer_id
                              FROM tier_charge
                             WHERE event_id IN (SELECT event_id FROM tier_charge WHERE rerating_id IS NOT NULL)
                             GROUP BY event_id, wallet_id) c
                      JOIN tier_usage_event e ON e.id = c.event_id
                      JOIN tier_wallet w ON w.id = c.wallet_id AND w.parent_id IS NOT NULL,
                           LATERAL (SELECT sum(CASE t.kind WHEN 'usage' THEN t.amount ELSE -t.amount_to END) AS paid
                                      FROM tier_transfer t
                                     WHERE t.id = c.transfer_id
                                        OR (t.reverses_id = c.transfer_id
                                            AND t.kind IN ('usage', 'refund', 'rebate'))) p
                     WHERE c.cost <> COALESCE(p.paid, 0)"""
                ),
            ),
            "known": (
                self.env._("Every payment for usage belongs to a charge"),
                SQL(
                    """
                    SELECT t.from_account_id, t.from_wallet_id, 0, t.amount, t.source_key
                      FROM tier_transfer t
                     WHERE t.kind IN ('usage', 'rebate')
                       AND (t.source_key LIKE 'usage:%%' OR t.source_key LIKE 'rerate:%%')
                       AND NOT EXISTS (SELECT FROM tier_charge c
                                        WHERE c.transfer_id = COALESCE(t.reverses_id, t.id))"""
                ),
            ),
            "packages": (
                self.env._("What is used of a package is what events took and refunds gave back"),
                SQL(
                    """
                    SELECT w.account_id, b.wallet_id, COALESCE(u.units, 0), b.used, 'package ' || b.id
                      FROM tier_package_balance b
                      JOIN tier_wallet w ON w.id = b.wallet_id
                      LEFT JOIN (SELECT balance_id, sum(units) AS units
                                   FROM tier_package_use GROUP BY balance_id) u ON u.balance_id = b.id
                     WHERE b.used <> COALESCE(u.units, 0)
                    UNION ALL
                    SELECT w.account_id, b.wallet_id, 0, sum(u.units), e.source_key
                      FROM tier_package_use u
                      JOIN tier_usage_event e ON e.id = u.event_id
                      JOIN tier_package_balance b ON b.id = u.balance_id
                      JOIN tier_wallet w ON w.id = b.wallet_id
                     WHERE e.state <> 'charged'
                     GROUP BY w.account_id, b.id, e.id HAVING sum(u.units) <> 0"""
                ),
            ),
            "volumes": (
                self.env._("What a period of a volume plan counts is what events used and refunds gave back"),
                SQL(
                    """
                    SELECT w.account_id, c.wallet_id, COALESCE(u.units, 0), c.quantity, 'volume ' || c.id
                      FROM tier_volume_counter c
                      JOIN tier_wallet w ON w.id = c.wallet_id
                      LEFT JOIN (SELECT counter_id, sum(counted) AS units
                                   FROM tier_volume_use GROUP BY counter_id) u ON u.counter_id = c.id
                     WHERE c.quantity <> COALESCE(u.units, 0)"""
                ),
            ),
            "refunded": (
                self.env._("A refunded event is undone on every tier, any other on none"),
                SQL(
                    """
                    -- From the few that were refunded, by the charges' index on the event.
                    SELECT w.account_id, c.wallet_id, -c.cost, COALESCE(r.cost, 0), e.source_key
                      FROM tier_usage_event e
                      JOIN tier_charge c ON c.event_id = e.id AND c.reverses_id IS NULL
                      JOIN tier_wallet w ON w.id = c.wallet_id
                      LEFT JOIN LATERAL (
                           SELECT id, sale, cost, transfer_id FROM tier_charge
                            WHERE event_id = c.event_id AND wallet_id = c.wallet_id
                              AND reverses_id IS NOT NULL AND rerating_id IS NULL OFFSET 0) r ON true
                      LEFT JOIN LATERAL (
                           SELECT kind, reverses_id FROM tier_transfer WHERE id = r.transfer_id OFFSET 0) b ON true
                     CROSS JOIN LATERAL (
                           SELECT sum(sale) AS sale, sum(cost) AS cost, min(transfer_id) AS transfer_id
                             FROM tier_charge
                            WHERE event_id = c.event_id AND wallet_id = c.wallet_id
                              AND rerating_id IS NOT NULL) k
                     WHERE e.state = 'refunded'
                       AND (r.id IS NULL OR r.sale <> -(c.sale + COALESCE(k.sale, 0))
                            OR (b.reverses_id IS DISTINCT FROM COALESCE(c.transfer_id, k.transfer_id)
                                AND b.kind IS DISTINCT FROM 'usage')
                            OR r.cost <> CASE WHEN COALESCE(c.transfer_id, k.transfer_id) IS NULL THEN 0
                                              ELSE -(c.cost + COALESCE(k.cost, 0)) END)
                    UNION ALL
                    SELECT w.account_id, r.wallet_id, 0, r.cost, e.source_key
                      FROM tier_charge r
                      JOIN tier_wallet w ON w.id = r.wallet_id
                     CROSS JOIN LATERAL (
                           SELECT state, source_key FROM tier_usage_event WHERE id = r.event_id OFFSET 0) e
                     WHERE r.reverses_id IS NOT NULL AND r.rerating_id IS NULL AND e.state <> 'refunded'"""
                ),
            ),
        }
