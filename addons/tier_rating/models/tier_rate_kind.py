from odoo import api, fields, models


class TierRate(models.Model):
    """What kind of price a rate is, said in one word instead of by three fields."""

    _inherit = "tier.rate"

    kind = fields.Selection(
        [
            ("use", "By use"),
            ("flat", "Flat"),
            ("free", "Free"),
            ("blocked", "Blocked"),
        ],
        compute="_compute_kind",
        inverse="_inverse_kind",
        readonly=False,
        help="By use: a price per unit. Flat: one price for each event, however long. Free: nothing, not even a "
        "connection charge. Blocked: refused.",
    )

    @api.depends("price", "connection_charge_own", "connection_charge", "blocked", "step_ids.price")
    def _compute_kind(self):
        for rate in self:
            if rate.blocked:
                rate.kind = "blocked"
            elif rate.price or not rate.connection_charge_own or any(rate.step_ids.mapped("price")):
                rate.kind = "use"
            else:
                rate.kind = "flat" if rate.connection_charge else "free"

    def _inverse_kind(self):
        for rate in self:
            rate._set_kind()

    @api.onchange("kind")
    def _onchange_kind(self):
        self._set_kind()

    def _set_kind(self):
        """Bring the fields in line that the charging path reads."""
        kind = self.kind
        self.blocked = kind == "blocked"
        if kind == "flat":
            if not self.connection_charge_own:
                self.connection_charge = self.price
            self.update({"price": 0, "connection_charge_own": True, "step_ids": [fields.Command.clear()]})
        elif kind == "free":
            self.update(
                {
                    "price": 0,
                    "connection_charge_own": True,
                    "connection_charge": 0,
                    "step_ids": [fields.Command.clear()],
                }
            )
