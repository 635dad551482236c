from odoo import models


class TierCharge(models.Model):
    _inherit = "tier.charge"

    def _portal_rows(self):
        """Add what a refund or a corrected price needs.

        :return: the dicts of super with id, refund (the row gives money back), correction (it
            is what a price was corrected by) and refunded (another row gave this one's back)
        """
        rows = super()._portal_rows()
        for row, charge in zip(rows, self, strict=True):
            row["id"] = charge.id
            # sudo: whether there is a run; the customer learns nothing else of it.
            row["correction"] = bool(charge.sudo().rerating_id)
            row["refund"] = bool(charge.reverses_id) and not row["correction"]
            row["refunded"] = charge.event_state == "refunded" and not charge.reverses_id
            if charge.reverses_id:
                row["answered"] = False
                row["loss"] = False
                row["outcome"] = self.env._("Price corrected") if row["correction"] else self.env._("Refund")
        return rows

    def _portal_may_contest(self):
        """Tell whether this charge of the user's wallet may be contested now.

        :rtype: bool
        """
        self.ensure_one()
        return bool(
            self.transfer_id
            and not self.reverses_id
            and self.event_state == "charged"
            and not self.sudo().event_id._is_contested()
        )
