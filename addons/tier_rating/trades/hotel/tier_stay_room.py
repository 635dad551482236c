from odoo import fields, models


class TierStayRoom(models.Model):
    """Who was in a room from when to when; the charging path reads whose usage it is."""

    _name = "tier.stay.room"
    _description = "Room of a Stay"
    _order = "date_from desc, id desc"
    _rec_name = "room_id"

    stay_id = fields.Many2one("tier.stay", required=True, readonly=True, index=True, ondelete="restrict")
    room_id = fields.Many2one("tier.room", required=True, readonly=True, index=True, ondelete="restrict")
    company_id = fields.Many2one(related="stay_id.company_id", store=True)
    date_from = fields.Datetime("From", required=True, readonly=True)
    date_to = fields.Datetime("Until", readonly=True)
    staying = fields.Boolean(
        readonly=True, default=True, help="Until the check-out: so long records of the time are the guest's."
    )

    _one_at_a_time = models.UniqueIndex("(room_id) WHERE date_to IS NULL", "There is a guest in this room already.")
    # What the charging path looks for: a room of some years has had hundreds of guests.
    _staying = models.Index("(room_id) WHERE staying")
    _in_order = models.Constraint("CHECK (date_to IS NULL OR date_to >= date_from)", "A stay ends after it begins.")
