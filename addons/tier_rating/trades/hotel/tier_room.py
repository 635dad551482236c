from odoo import api, fields, models
from odoo.exceptions import UserError


class TierRoom(models.Model):
    """A room with what a switch knows it by: a telephone or two, a login for data."""

    _name = "tier.room"
    _description = "Room"
    _order = "hotel_id, name, id"
    _check_company_auto = True

    name = fields.Char("Number", required=True)
    active = fields.Boolean(default=True)
    hotel_id = fields.Many2one("tier.hotel", required=True, index=True, ondelete="restrict")
    company_id = fields.Many2one(related="hotel_id.company_id", store=True)
    floor = fields.Char()
    switch_id = fields.Many2one(
        "tier.switch",
        "Exchange",
        ondelete="restrict",
        check_company=True,
        help="Whose extension of the room's number is made with the room. Empty: that of any exchange.",
    )
    endpoint_ids = fields.One2many(
        "tier.endpoint", "room_id", "Telephones", help="What the exchange calls the room's telephones."
    )
    occupancy_ids = fields.One2many("tier.stay.room", "room_id", "Guests", readonly=True)
    stay_id = fields.Many2one("tier.stay", compute="_compute_stay_id", store=True, index="btree_not_null")
    guest_id = fields.Many2one(related="stay_id.partner_id", string="Guest")
    since = fields.Datetime(related="stay_id.check_in", string="Since")
    balance = fields.Float(related="stay_id.balance")
    currency_id = fields.Many2one(related="hotel_id.wallet_id.currency_id")

    _name_once = models.UniqueIndex("(hotel_id, name)", "The house has a room of this number already.")

    @api.depends("occupancy_ids.stay_id", "occupancy_ids.date_to")
    def _compute_stay_id(self):
        found = self.env["tier.stay.room"].search([("room_id", "in", self.ids), ("date_to", "=", False)])
        stays = {occupancy.room_id: occupancy.stay_id for occupancy in found}
        for room in self:
            room.stay_id = stays.get(room._origin, False)

    @api.model_create_multi
    def create(self, vals_list):
        rooms = super().create(vals_list)
        # A room is a telephone's extension of that number, unless somebody said otherwise.
        self.env["tier.endpoint"].create(
            [
                {
                    "wallet_id": room.hotel_id.wallet_id.id,
                    "kind": "room",
                    "identifier": room.name,
                    "switch_id": room.switch_id.id,
                    "room_id": room.id,
                }
                for room in rooms
                if not room.endpoint_ids
            ]
        )
        return rooms

    def write(self, vals):
        if "hotel_id" in vals and any(room.hotel_id.id != vals["hotel_id"] for room in self):
            self._check_never_let()
        if "active" in vals and not vals["active"] and self.stay_id:
            raise UserError(self.env._("There is a guest in %s.", self.filtered("stay_id")[0].name))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_let(self):
        self._check_never_let()
        self.endpoint_ids.unlink()

    def _check_never_let(self):
        """Refuse what would make a guest's calls somebody else's."""
        if self.occupancy_ids or self.env["tier.stay"].search_count([("room_id", "in", self.ids)], limit=1):
            raise UserError(self.env._("A room that has had guests stays as it is: archive it."))

    def action_check_in(self):
        """Open the form of a new stay in this room.

        :return: a window action
        """
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Check in"),
            "res_model": "tier.stay",
            "view_mode": "form",
            "context": {"default_room_id": self.id},
        }

    def action_stay(self):
        """Open the stay of the guest who is in the room.

        :return: a window action
        """
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "tier.stay",
            "res_id": self.stay_id.id,
            "view_mode": "form",
        }

    def action_stays(self):
        """Open all stays in this room.

        :return: a window action
        """
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id("tier_rating.tier_stay_action")
        action["domain"] = [("occupancy_ids.room_id", "=", self.id)]
        action["context"] = {"default_room_id": self.id}
        return action
