from decimal import Decimal

from odoo import models
from odoo.tools import SQL

from odoo.addons.tier_billing.models.ledger_link import LedgerLink


class TierCharge(models.Model):
    """A correction is a charge that says which run it comes from and which charge it corrects."""

    _inherit = "tier.charge"

    rerating_id = LedgerLink(
        "tier.rerating",
        "Re-rating",
        readonly=True,
        index="btree_not_null",
        groups="base.group_user",
        help="This charge is the difference that a re-rating made, on the day on which it was posted.",
    )

    def _payment(self):
        """Return the transfer by which the wallet of this charge paid for its event, also if a correction brought it.

        :return: ``tier.transfer``; none where nothing was paid, as by the provider to its carrier
        """
        self.ensure_one()
        domain = [("event_id", "=", self.event_id.id), ("wallet_id", "=", self.wallet_id.id)]
        return self.transfer_id or self.search([*domain, ("transfer_id", "!=", False)], order="id", limit=1).transfer_id

    def _cost_in_all(self):
        """Return what the wallet of this charge paid for its event, corrections included.

        :rtype: float
        """
        if not self:
            return 0.0
        self.ensure_one()
        [(cost,)] = self.env.execute_query(
            SQL(
                "SELECT COALESCE(sum(cost), 0)::text FROM tier_charge WHERE event_id = %s AND wallet_id = %s",
                self.event_id.id,
                self.wallet_id.id,
            )
        )
        return float(Decimal(cost))
