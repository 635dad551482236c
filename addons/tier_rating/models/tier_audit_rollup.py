from odoo import api, models
from odoo.tools import SQL

from ..rollup import sums


class TierAudit(models.Model):
    _inherit = "tier.audit"

    @api.model
    def _checks(self):
        return {
            **super()._checks(),
            "sums": (
                self.env._("The sums of usage that reports show are what the charges come to"),
                SQL(
                    """SELECT w.account_id, d.* FROM (%s) d(wallet_id, expected, found, figure)
                         LEFT JOIN tier_wallet w ON w.id = d.wallet_id""",
                    sums.differences(SQL("(SELECT COALESCE(max(until_id), 0) FROM tier_usage_rollup)")),
                ),
            ),
        }
