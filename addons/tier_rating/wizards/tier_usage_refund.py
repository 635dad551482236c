from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError

from .. import charging


class TierUsageRefund(models.TransientModel):
    """Refund usage events by hand, without a dispute."""

    _name = "tier.usage.refund"
    _description = "Refund of Usage"

    event_ids = fields.Many2many("tier.usage.event", string="Events", default=lambda self: self._default_events())
    event_count = fields.Integer("Events to refund", compute="_compute_event_count")
    fee_note = fields.Char("Packages", compute="_compute_fee_note")
    reason = fields.Char(required=True, help="Every tier of the chain reads it.")

    @api.model
    def _default_events(self):
        if self.env.context.get("active_model") != "tier.usage.event":
            return False
        events = self.env["tier.usage.event"].browse(self.env.context.get("active_ids", ()))
        return events.filtered(lambda event: event.state == "charged")

    @api.depends("event_ids")
    def _compute_event_count(self):
        for refund in self:
            refund.event_count = len(refund.event_ids)

    @api.depends("event_ids")
    def _compute_fee_note(self):
        """Tell what was used of packages whose fees are refunded: that part stays paid."""
        for refund in self:
            # Of a dialog that has just opened they are new records, whose ids are no keys.
            events = refund.event_ids._origin
            used = {row[0]: row[1:] for row in charging.fee_refund.usage(self.env.cr, events.ids)}
            notes = []
            for event in events.filtered(lambda event, used=used: used.get(event.id, (0, 0))[0]):
                share = Decimal(used[event.id][0]) / max(used[event.id][1], 1)
                notes.append(
                    self.env._(
                        "%(package)s is used to %(percent)s %%.", package=event.callee, percent=f"{100 * share:.1f}"
                    )
                )
            if notes:
                notes.append(
                    self.env._(
                        "What was used stays paid, the rest of the fee goes back with the units that are left. "
                        "To refund more, refund the calls first."
                    )
                )
            refund.fee_note = " ".join(notes)

    def action_apply(self):
        """Refund the events on every tier; repeating it changes nothing.

        :return: a notification with the counts
        """
        self.ensure_one()
        self.check_access("write")
        if not (self.reason or "").strip():
            raise UserError(self.env._("A refund needs a reason."))
        outcome = self.env["tier.usage.event"]._refund(self.event_ids.ids, self.reason.strip())
        self.env.invalidate_all()
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success" if outcome.refunded else "warning",
                "message": self.env._(
                    "%(refunded)s refunded, %(skipped)s with nothing to refund.",
                    refunded=outcome.refunded,
                    skipped=outcome.skipped,
                ),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }
