from odoo import models

from .. import formatting

BADGES = {
    "requested": "text-bg-info",
    "approved": "text-bg-warning",
    "billed": "text-bg-warning",
    "paid": "text-bg-success",
}


class TierPayout(models.Model):
    """What the portal lists of payouts."""

    _inherit = "tier.payout"

    def _portal_rows(self):
        """Return these payouts as their owner reads them.

        :return: list of dicts of texts: name, day, amount, label, badge (class), note,
            answer; the id, and the boolean open
        """
        labels = {
            **dict(self._fields["state"]._description_selection(self.env)),
            # The owner has no bill in mind, but the money.
            "approved": self.env._("Approved"),
            "billed": self.env._("Approved"),
        }
        return [
            {
                "id": payout.id,
                "name": payout.name,
                "day": formatting.moment(payout, payout.create_date)[0],
                "amount": formatting.money(self.env, payout.amount, payout.currency_id),
                "label": labels[payout.state],
                "badge": BADGES.get(payout.state, "text-bg-secondary"),
                "note": payout.note or "",
                "answer": payout.answer or "",
                "open": payout.state == "requested",
            }
            for payout in self
        ]
