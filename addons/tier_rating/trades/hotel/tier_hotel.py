from odoo import api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.tier_billing.const import MONEY_DIGITS


class TierHotel(models.Model):
    """A house that lets rooms: who pays for calls of nobody, and what guests buy by."""

    _name = "tier.hotel"
    _description = "Hotel"
    _order = "name"
    _check_company_auto = True

    name = fields.Char(required=True)
    active = fields.Boolean(default=True)
    wallet_id = fields.Many2one(
        "tier.wallet",
        "House wallet",
        required=True,
        ondelete="restrict",
        check_company=True,
        domain="[('parent_id', '!=', False), ('state', '=', 'active')]",
        help="Pays for what is used in a room without a guest; the guests' wallets are opened below it.",
    )
    company_id = fields.Many2one(related="wallet_id.company_id", store=True)
    currency_id = fields.Many2one(related="wallet_id.currency_id")
    price_list_id = fields.Many2one(
        "tier.price.list",
        "Guests' prices",
        required=True,
        ondelete="restrict",
        check_company=True,
        help="What guests pay: calls, and the items of the service Items that are put on the folio.",
    )
    guest_money = fields.Selection(
        [("outside", "The house, at the desk"), ("inside", "The provider")],
        "Who collects from guests",
        required=True,
        default="outside",
        help="The house: it grants guests credit of its own and pays its supplier from its own wallet. The provider: "
        "for a hotel that runs this system itself; guests can then be invoiced in Invoicing.",
    )
    credit_limit = fields.Float(
        "Limit of a room's account",
        digits=MONEY_DIGITS,
        help="How far a guest who pays at check-out may go, beyond a deposit. Zero: guests pay a deposit first.",
    )
    hidden_digits = fields.Integer(
        "Hidden digits",
        help="So many of the last digits of each dialled number are printed as x, on the folio and on the call list of "
        "its invoice: whoever pays for a guest need not learn whom it called. Zero: numbers are printed in full.",
    )
    room_ids = fields.One2many("tier.room", "hotel_id", "Rooms")
    room_count = fields.Integer(compute="_compute_counts")
    guest_count = fields.Integer("Guests in the house", compute="_compute_counts")

    _limit_positive = models.Constraint("CHECK (COALESCE(credit_limit, 0) >= 0)", "The limit is zero or more.")

    _hidden_sane = models.Constraint(
        "CHECK (COALESCE(hidden_digits, 0) BETWEEN 0 AND 20)", "Hide between 0 and 20 digits of a number."
    )

    @api.depends("room_ids.stay_id")
    def _compute_counts(self):
        Room = self.env["tier.room"]
        rooms = dict(Room._read_group([("hotel_id", "in", self.ids)], ["hotel_id"], ["__count"]))
        stays = dict(
            self.env["tier.stay"]._read_group(
                [("hotel_id", "in", self.ids), ("state", "=", "in")], ["hotel_id"], ["__count"]
            )
        )
        for hotel in self:
            hotel.room_count = rooms.get(hotel, 0)
            hotel.guest_count = stays.get(hotel, 0)

    @api.constrains("wallet_id", "guest_money", "price_list_id")
    def _check_house(self):
        for hotel in self:
            wallet = hotel.sudo().wallet_id
            if not wallet.parent_id:
                raise ValidationError(
                    self.env._(
                        "%s is the provider's own wallet and buys from nobody: open a house wallet below it.",
                        wallet.name,
                    )
                )
            if wallet.money == "outside" and hotel.guest_money == "inside":
                raise ValidationError(
                    self.env._("%s has outside money, so the house collects from its guests.", wallet.name)
                )
            if hotel.sudo().price_list_id.brand_id.wallet_id != wallet:
                raise ValidationError(
                    self.env._("Guests buy from the house: choose a price list of a brand of %s.", wallet.name)
                )

    @api.constrains("wallet_id")
    def _check_rooms(self):
        for hotel in self:
            if hotel.room_ids.endpoint_ids.wallet_id - hotel.wallet_id:
                raise ValidationError(self.env._("The endpoints of the rooms belong to the house wallet."))

    def action_rooms(self):
        """Open the rooms of this house.

        :return: a window action
        """
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id("tier_rating.tier_room_action")
        action["domain"] = [("hotel_id", "=", self.id)]
        action["context"] = {"default_hotel_id": self.id}
        return action

    def action_stays(self):
        """Open the guests who are in the house.

        :return: a window action
        """
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id("tier_rating.tier_stay_action")
        action["domain"] = [("hotel_id", "=", self.id)]
        action["context"] = {"search_default_staying": 1}
        return action
