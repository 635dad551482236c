from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError


class TierEndpoint(models.Model):
    """A room's telephone belongs to the house; while a guest is in, what it uses is the guest's."""

    _inherit = "tier.endpoint"

    room_id = fields.Many2one("tier.room", index="btree_not_null", ondelete="restrict")

    @api.constrains("room_id", "wallet_id")
    def _check_room(self):
        for endpoint in self:
            if endpoint.room_id and endpoint.wallet_id != endpoint.room_id.hotel_id.wallet_id:
                raise ValidationError(
                    self.env._(
                        "%(endpoint)s is in room %(room)s: it belongs to the house wallet %(wallet)s.",
                        endpoint=endpoint.identifier,
                        room=endpoint.room_id.name,
                        wallet=endpoint.room_id.hotel_id.wallet_id.name,
                    )
                )

    @api.onchange("room_id")
    def _onchange_room_id(self):
        if self.room_id:
            self.wallet_id = self.room_id.hotel_id.wallet_id

    @api.model_create_multi
    def create(self, vals_list):
        Room = self.env["tier.room"]
        for vals in vals_list:
            if vals.get("room_id") and not vals.get("wallet_id"):
                vals["wallet_id"] = Room.browse(vals["room_id"]).hotel_id.wallet_id.id
        return super().create(vals_list)

    def write(self, vals):
        if "room_id" in vals and any(endpoint.room_id.id != (vals["room_id"] or False) for endpoint in self):
            # What it was charged for stays with the guests of its room.
            self._check_unused()
        return super().write(vals)

    def _check_unused(self):
        """Override: what a guest used stands on the guest's wallet, not on the endpoint's."""
        result = super()._check_unused()
        for endpoint in self.filtered("room_id"):
            if endpoint.room_id.occupancy_ids:
                raise UserError(self.env._("%s is in a room that has had guests: archive it.", endpoint.identifier))
        return result
