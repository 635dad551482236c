from odoo import models

from .. import formatting

BADGES = {
    "new": "text-bg-secondary",
    "review": "text-bg-warning",
    "accepted": "text-bg-success",
    "rejected": "text-bg-danger",
}


class TierDispute(models.Model):
    """What the portal shows of a dispute, and where a mail about it leads."""

    _name = "tier.dispute"
    _inherit = ["tier.dispute", "portal.mixin"]

    def _compute_access_url(self):
        result = super()._compute_access_url()
        for dispute in self:
            dispute.access_url = f"/my/wallets/{dispute.wallet_id.id}/disputes/{dispute.id}"
        return result

    def _portal_rows(self):
        """Return these disputes as the portal's table shows them, without a query per row.

        :return: list of dicts of id, name, day, time, state (code), label and badge
            (of the state), reason, answer, amount, count (charges), decided (day)
        """
        labels = dict(self._fields["state"]._description_selection(self.env))
        rows = []
        for dispute in self:
            day, time = formatting.moment(dispute, dispute.create_date)
            # The wallet's own amounts; portal users have access to no more.
            digits = formatting.digits_for(dispute.currency_id, [dispute.amount])
            rows.append(
                {
                    "id": dispute.id,
                    "name": dispute.name,
                    "day": day,
                    "time": time,
                    "state": dispute.state,
                    "label": labels[dispute.state],
                    "badge": BADGES[dispute.state],
                    "reason": dispute.reason,
                    # Staff may be at writing it: it counts with the decision.
                    "answer": dispute.answer or "" if dispute.decided_at else "",
                    "amount": formatting.money(self.env, dispute.amount, dispute.currency_id, digits),
                    "count": dispute.charge_count,
                    "decided": formatting.moment(dispute, dispute.decided_at)[0],
                }
            )
        return rows
