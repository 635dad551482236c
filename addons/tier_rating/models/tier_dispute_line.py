from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.tier_billing.const import MONEY_DIGITS
from odoo.addons.tier_billing.models.ledger_link import LedgerLink


class TierDisputeLine(models.Model):
    """One contested charge. A refund undoes its event on every tier, so the event is what counts."""

    _name = "tier.dispute.line"
    _description = "Contested Charge"
    _order = "dispute_id, id"
    _rec_name = "number"

    dispute_id = fields.Many2one("tier.dispute", required=True, index=True, ondelete="cascade")
    charge_id = LedgerLink("tier.charge", required=True, index=True)
    event_id = LedgerLink("tier.usage.event", readonly=True, groups="base.group_user")
    amount = fields.Float(digits=MONEY_DIGITS, readonly=True, help="What the wallet paid for it.")
    is_open = fields.Boolean(readonly=True, default=True, help="Its dispute is not decided yet.")
    currency_id = fields.Many2one(related="dispute_id.currency_id")
    date = fields.Datetime(related="charge_id.date")
    number = fields.Char(related="charge_id.number")
    destination_id = fields.Many2one(related="charge_id.destination_id")
    quantity = fields.Float(related="charge_id.quantity")
    event_state = fields.Selection(related="charge_id.event_state", string="State")

    _one_open = models.UniqueIndex("(event_id) WHERE is_open", "This charge is being looked at in a dispute already.")
    _once_in_dispute = models.UniqueIndex("(dispute_id, event_id)", "A dispute names a charge once.")

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            charge = self.env["tier.charge"].sudo().browse(vals.get("charge_id")).exists()
            if charge.rerating_id:
                raise UserError(self.env._("This corrects the price of a call: contest the call itself."))
            self._check_not_open(charge)
            vals.update(event_id=charge.event_id.id, amount=charge._cost_in_all(), is_open=True)
        lines = super().create(vals_list)
        lines._check_contestable()
        return lines

    def write(self, vals):
        raise UserError(self.env._("Take the charge out of the dispute and name another one."))

    @api.ondelete(at_uninstall=False)
    def _unlink_only_open(self):
        if not all(self.mapped("is_open")):
            raise UserError(self.env._("The dispute is decided: what it says stays as it is."))

    def _set_open(self, is_open):  # pylint: disable=missing-return
        """Follow the state of the dispute; the index refuses what another open one names."""
        super().write({"is_open": is_open})  # pylint: disable=super-method-mismatch
        self.flush_recordset(["is_open"])

    def _check_contestable(self):
        """Refuse what a refund could not undo, or what is not this wallet's.

        :raise UserError: naming the charge
        """
        for line in self.sudo():
            charge, dispute = line.charge_id.exists(), line.dispute_id
            if not charge or charge.wallet_id != dispute.wallet_id:
                raise UserError(self.env._("This is no charge of %s.", dispute.wallet_id.name))
            if charge.reverses_id or charge.event_state == "refunded":
                raise UserError(self.env._("The charge for %s is refunded already.", charge.display_name))
            if not charge._payment():
                raise UserError(self.env._("Nothing was paid for %s.", charge.display_name))

    def _check_not_open(self, charges):
        """Refuse what another dispute looks at, before the index does in worse words."""
        events = charges.event_id
        taken = self.sudo().search([("event_id", "in", events.ids), ("is_open", "=", True)], limit=1)
        if taken:
            raise UserError(
                self.env._("The charge for %s is being looked at in a dispute already.", taken.charge_id.display_name)
            )

    def action_event(self):
        """Open the usage with every tier's share of it.

        :return: a window action
        """
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "tier.usage.event",
            "res_id": self.event_id.id,
            "view_mode": "form",
        }
