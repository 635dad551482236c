import uuid
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError

from ...charging.usage import Usage


class TierStayExtra(models.TransientModel):
    """Something from the minibar, a laundry bag, a broken lamp: put on a guest's folio."""

    _name = "tier.stay.extra"
    _description = "Item for a Folio"

    stay_id = fields.Many2one("tier.stay", required=True, ondelete="cascade")
    offered_ids = fields.Many2many("tier.rate", compute="_compute_offered_ids")
    rate_id = fields.Many2one("tier.rate", "Item", required=True, domain="[('id', 'in', offered_ids)]")
    quantity = fields.Float(digits=(16, 3), required=True, default=1)
    unit_price = fields.Float(related="rate_id.price")
    currency_id = fields.Many2one(related="stay_id.currency_id")
    text = fields.Char("Note", help="Printed on the folio.")
    # Fixed when the dialog opens: a second click repeats the key, not the item.
    source_key = fields.Char(required=True, readonly=True, default=lambda self: f"stay-item:{uuid.uuid4()}")

    @api.depends("stay_id")
    def _compute_offered_ids(self):
        Rate = self.env["tier.rate"]
        service = self.env.ref("tier_rating.service_item", raise_if_not_found=False)
        for extra in self:
            price_list = extra.stay_id.sudo().wallet_id.price_list_id
            extra.offered_ids = Rate.search([("price_list_id", "=", price_list.id), ("service_id", "=", service.id)])

    def action_apply(self):
        """Charge the item, on every tier like all that is used; repeating it changes nothing.

        :return: an action that closes the dialog
        """
        self.ensure_one()
        self.check_access("write")
        stay = self.stay_id
        stay.check_access("write")
        if self.rate_id not in self.offered_ids:
            raise UserError(self.env._("Choose an item of the guests' price list."))
        if self.quantity <= 0:
            raise UserError(self.env._("The quantity is above zero."))
        if stay.state != "in":
            raise UserError(self.env._("%s is not in the house.", stay.partner_id.name))
        outcome = self.env["tier.usage.event"]._charge([self._usage()])
        self.env.invalidate_all()
        if outcome.suspense:
            event = self.env["tier.usage.event"].search([("source_key", "=", self.source_key)])
            return {
                "type": "ir.actions.client",
                "tag": "display_notification",
                "params": {
                    "type": "warning",
                    "sticky": True,
                    "message": self.env._("It waits in suspense: %s", event.detail or ""),
                    "next": {"type": "ir.actions.act_window_close"},
                },
            }
        return {"type": "ir.actions.act_window_close"}

    def _usage(self):
        """Return the item as usage of the guest."""
        stay, now = self.stay_id, fields.Datetime.now()
        return Usage(
            source_key=self.source_key,
            service=self.rate_id.service_id.code,
            quantity=Decimal(repr(self.quantity)),
            number=self.rate_id.prefix,
            wallet_id=stay.wallet_id.id,
            caller=stay.room_id.name,
            callee=self.text or "",
            started_at=now,
            answered_at=now,
            ended_at=now,
            disposition="answered",
            company_id=stay.company_id.id,
        )
