from odoo import fields, models
from odoo.exceptions import UserError


class TierUsageEvent(models.Model):
    _inherit = "tier.usage.event"

    def action_explain(self):
        """Explain what this would cost by the prices that are in force now.

        :return: a window action
        """
        self.ensure_one()
        self.check_access("read")
        if not self.wallet_id or not self.service_id:
            raise UserError(self.env._("Nobody knows yet who pays for this."))
        return self.env["tier.price.explain"]._action_for(
            event_id=self.id,
            wallet_id=self.wallet_id.id,
            service_id=self.service_id.id,
            number=self.number,
            switch_id=self.switch_id.id,
            endpoint_id=self.endpoint_id.id,
            at=self.answered_at or self.started_at or fields.Datetime.now(),
            quantity=self.quantity,
        )
