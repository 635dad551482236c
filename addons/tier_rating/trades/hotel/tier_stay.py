from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from odoo.addons.tier_billing.const import MONEY_DIGITS

# What the desk fills in before the guest is in; afterwards the buttons decide.
TERMS = frozenset(("room_id", "partner_id", "check_in", "payment", "deposit"))
# Set by the buttons alone.
PROGRESS = frozenset(("state", "wallet_id", "check_out", "occupancy_ids", "invoice_id", "bill_id"))


class TierStay(models.Model):
    """A guest's stay: a wallet that opens at check-in and closes at check-out."""

    _name = "tier.stay"
    _description = "Stay"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "check_in desc, id desc"

    partner_id = fields.Many2one("res.partner", "Guest", required=True, index=True, ondelete="restrict", tracking=True)
    room_id = fields.Many2one(
        "tier.room",
        required=True,
        index=True,
        ondelete="restrict",
        tracking=True,
        help="The room that the guest is in now, or was in at last.",
    )
    hotel_id = fields.Many2one(related="room_id.hotel_id", store=True, index=True)
    company_id = fields.Many2one(related="room_id.hotel_id.company_id", store=True)
    currency_id = fields.Many2one(related="room_id.hotel_id.wallet_id.currency_id")
    state = fields.Selection(
        [("booked", "Booked"), ("in", "In the house"), ("out", "Checked out")],
        required=True,
        readonly=True,
        copy=False,
        default="booked",
        tracking=True,
    )
    check_in = fields.Datetime(
        "Check-in",
        required=True,
        default=fields.Datetime.now,
        help="From this moment on the guest pays for the room's calls. It may be in the past: calls whose records are "
        "still to come are the guest's from then on.",
    )
    check_out = fields.Datetime("Check-out", readonly=True, copy=False)
    leaves_on = fields.Date("Leaves on")
    payment = fields.Selection(
        [("deposit", "Deposit"), ("account", "Room's account")],
        required=True,
        default="deposit",
        help="Deposit: calls are possible as far as it goes. Room's account: up to the house's limit beyond it.",
    )
    deposit = fields.Float("Deposit paid", digits=MONEY_DIGITS, help="Taken at check-in; what is left is returned.")
    credit_limit = fields.Float(related="hotel_id.credit_limit", string="Limit of the account")
    wallet_id = fields.Many2one("tier.wallet", readonly=True, copy=False, index="btree_not_null", ondelete="restrict")
    occupancy_ids = fields.One2many("tier.stay.room", "stay_id", "Rooms", readonly=True, copy=False)
    invoice_id = fields.Many2one("account.move", readonly=True, copy=False, ondelete="set null")
    bill_id = fields.Many2one("tier.bill", "House's invoice", readonly=True, copy=False, ondelete="set null")
    balance = fields.Float(
        related="wallet_id.balance", help="Above zero the guest gets it back, below zero the guest owes it."
    )
    awaits_payment = fields.Boolean(
        compute="_compute_awaits_payment",
        search="_search_awaits_payment",
        help="The guest has left, and its invoice is not paid yet.",
    )
    note = fields.Text()

    _deposit_positive = models.Constraint("CHECK (COALESCE(deposit, 0) >= 0)", "A deposit is zero or more.")
    # No guest has two wallets for one stay, and none is in without one.
    _wallet_in = models.Constraint("CHECK (state = 'booked' OR wallet_id IS NOT NULL)", "A guest has a wallet.")

    @api.depends("partner_id", "room_id")
    def _compute_display_name(self):
        for stay in self:
            stay.display_name = self.env._(
                "Room %(room)s, %(guest)s", room=stay.room_id.name or "", guest=stay.partner_id.name or ""
            )

    @api.constrains("partner_id", "room_id")
    def _check_partner_company(self):
        for stay in self:
            partner = stay.partner_id.company_id
            if partner and partner != stay.company_id:
                raise ValidationError(self.env._("%s belongs to another company.", stay.partner_id.name))

    # ------------------------------------------------------------------
    # Keeping it as it was
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._refuse_progress(vals)
        # Said in full: what is left out could come as a default in the context.
        initial = dict.fromkeys(PROGRESS - {"state", "occupancy_ids"}, False) | {"state": "booked"}
        return super().create([{**vals, **initial} for vals in vals_list])

    def write(self, vals):
        self._refuse_progress(vals)
        if any(stay.state != "booked" and stay._differs(name, vals) for name in TERMS & vals.keys() for stay in self):
            raise UserError(self.env._("The guest is in, or has left: what was agreed at check-in stays."))
        return super().write(vals)

    def _differs(self, name, vals):
        field = self._fields[name]
        return field.convert_to_cache(vals[name], self) != field.convert_to_cache(self[name], self)

    def _refuse_progress(self, vals):
        if PROGRESS & vals.keys():
            raise UserError(self.env._("A guest is checked in and out by the buttons."))

    def _set(self, vals):
        """Write past :meth:`write`: the only way to set what the buttons decide."""
        return super().write(vals)  # pylint: disable=super-method-mismatch

    @api.ondelete(at_uninstall=False)
    def _unlink_booked_only(self):
        if any(stay.state != "booked" for stay in self):
            raise UserError(self.env._("A stay that has begun is kept."))

    # ------------------------------------------------------------------
    # Buttons
    # ------------------------------------------------------------------

    def action_extra(self):
        """Open the dialog that puts an item on the folio.

        :return: a window action
        """
        return self._dialog("tier.stay.extra", self.env._("Put on the folio"))

    def action_payment(self):
        """Open the dialog that takes another payment of the guest.

        :return: a window action
        """
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Take a payment"),
            "res_model": "tier.wallet.operation",
            "view_mode": "form",
            "target": "new",
            "context": {
                "default_wallet_id": self.wallet_id.id,
                "default_operation": "topup" if self.wallet_id.money == "inside" else "allocate",
                "default_reason": self.env._("Paid at the desk, room %s", self.room_id.name),
            },
        }

    def action_change_room(self):
        """Open the dialog that moves the guest into another room.

        :return: a window action
        """
        return self._dialog("tier.stay.move", self.env._("Change room"))

    def action_check_out(self):
        """Open the dialog that settles and ends the stay.

        :return: a window action
        """
        return self._dialog("tier.stay.checkout", self.env._("Check out"))

    def _dialog(self, model, name):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": model,
            "view_mode": "form",
            "target": "new",
            "context": {"default_stay_id": self.id},
        }

    def action_charges(self):
        """Open what the guest used.

        :return: a window action
        """
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id("tier_rating.tier_charge_action")
        action["domain"] = [("wallet_id", "=", self.wallet_id.id)]
        action["context"] = {}
        return action

    def action_wallet(self):
        """Open the guest's wallet.

        :return: a window action
        """
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "tier.wallet",
            "res_id": self.wallet_id.id,
            "view_mode": "form",
        }

    def action_late_calls(self):
        """Open the calls of this stay whose records came after check-out: the house paid for them.

        :return: a window action
        """
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id("tier_rating.tier_usage_event_action")
        action["domain"] = self._late_domain()
        action["context"] = {}
        return action

    def _late_domain(self):
        """Return what finds the usage of the guest's rooms, while it was there, that the house pays for."""
        self.ensure_one()
        domains = [
            [
                ("wallet_id", "=", occupancy.room_id.hotel_id.wallet_id.id),
                ("endpoint_id", "in", occupancy.room_id.with_context(active_test=False).endpoint_ids.ids),
                ("started_at", ">=", occupancy.date_from),
                ("started_at", "<", occupancy.date_to or fields.Datetime.now()),
            ]
            for occupancy in self.occupancy_ids
        ]
        return fields.Domain.OR(domains) if domains else [(0, "=", 1)]
