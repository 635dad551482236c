from odoo import api, models
from odoo.tools import SQL


class TierAudit(models.Model):
    _inherit = "tier.audit"

    @api.model
    def _checks(self):
        return {
            **super()._checks(),
            "invoiced": (
                self.env._("An invoice of usage is for charges of its own wallet, and for what they cost"),
                SQL(
                    """
                    SELECT w.account_id, w.id, COALESCE(sum(c.cost) FILTER (WHERE c.wallet_id = w.id), 0),
                           m.tier_usage_cost, COALESCE(m.name, 'account.move:' || m.id)
                      FROM account_move m
                      JOIN tier_wallet w ON w.id = m.tier_usage_wallet_id
                      LEFT JOIN tier_charge_invoice l ON l.move_id = m.id
                      LEFT JOIN tier_charge c ON c.id = l.charge_id
                     GROUP BY m.id, w.id
                    HAVING COALESCE(sum(c.cost), 0) <> COALESCE(m.tier_usage_cost, 0)
                        OR count(*) FILTER (WHERE c.wallet_id <> w.id) > 0"""
                ),
            ),
        }
