from odoo import fields, models

from odoo.addons.tier_billing.models.ledger_link import LedgerLink

from ..const import REASONS

# Why an event is left as it is, besides having no price.
LEFT_REASONS = [
    ("refunded", "Refunded"),
    ("not_charged", "Not charged"),
    ("contested", "Contested in a dispute"),
    ("packaged", "Of a package"),
    ("volume", "Priced by volume"),
    ("moved", "Wallet moved since"),
    ("closed", "Wallet closed since"),
    ("changed_since", "Corrected otherwise meanwhile"),
]


class TierReratingEvent(models.Model):
    """An event that a run would correct, has corrected, or leaves as it is."""

    _name = "tier.rerating.event"
    _description = "Re-rated Event"
    _order = "id"
    _rec_name = "event_id"
    _log_access = False

    rerating_id = fields.Many2one("tier.rerating", "Re-rating", required=True, readonly=True, ondelete="cascade")
    event_id = LedgerLink("tier.usage.event", required=True, readonly=True, index=True)
    state = fields.Selection(
        [("chosen", "Chosen"), ("changed", "To correct"), ("posted", "Corrected"), ("left", "Left as it is")],
        required=True,
        readonly=True,
    )
    reason = fields.Selection([*LEFT_REASONS, *REASONS], "Why left", readonly=True)
    detail = fields.Char(readonly=True)
    share_ids = fields.One2many("tier.rerating.share", compute="_compute_share_ids", string="Shares")
    started_at = fields.Datetime(related="event_id.started_at")
    wallet_id = fields.Many2one(related="event_id.wallet_id")
    number = fields.Char(related="event_id.number")
    destination_id = fields.Many2one(related="event_id.destination_id")
    quantity = fields.Float(related="event_id.quantity")

    _once = models.UniqueIndex("(rerating_id, event_id)", "A run looks at an event once.")
    # What is still to be posted, in order.
    _to_post = models.Index("(rerating_id, id) WHERE state = 'changed'")

    def _compute_share_ids(self):
        Share = self.env["tier.rerating.share"]
        for row in self:
            row.share_ids = Share.search([("rerating_id", "=", row.rerating_id.id), ("event_id", "=", row.event_id.id)])
