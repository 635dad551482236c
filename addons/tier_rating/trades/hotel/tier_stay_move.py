from odoo import fields, models


class TierStayMove(models.TransientModel):
    """Move a guest into another room of the house."""

    _name = "tier.stay.move"
    _description = "Change of Room"

    stay_id = fields.Many2one("tier.stay", required=True, ondelete="cascade")
    hotel_id = fields.Many2one(related="stay_id.hotel_id")
    room_id = fields.Many2one(
        "tier.room", "New room", required=True, domain="[('hotel_id', '=', hotel_id), ('stay_id', '=', False)]"
    )

    def action_apply(self):
        """Move the guest; repeating it changes nothing.

        :return: an action that closes the dialog
        """
        self.ensure_one()
        self.check_access("write")
        self.stay_id._move_to(self.room_id)
        return {"type": "ir.actions.act_window_close"}
