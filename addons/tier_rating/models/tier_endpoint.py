from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError


class TierEndpoint(models.Model):
    """What a switch knows a caller by."""

    _name = "tier.endpoint"
    _description = "Endpoint"
    _order = "wallet_id, kind, identifier"
    _rec_name = "identifier"
    _check_company_auto = True

    wallet_id = fields.Many2one("tier.wallet", required=True, ondelete="restrict", index=True)
    company_id = fields.Many2one(related="wallet_id.company_id")
    kind = fields.Selection(
        [
            ("sip_user", "SIP user"),
            ("number", "Caller number"),
            ("ip", "IP address"),
            ("pin", "PIN"),
            ("room", "Room"),
            ("host", "Host name"),
        ],
        required=True,
        default="sip_user",
    )
    identifier = fields.Char(required=True)
    switch_id = fields.Many2one(
        "tier.switch",
        ondelete="restrict",
        index="btree_not_null",
        check_company=True,
        help="Empty: whatever switch reports it.",
    )
    dial_plan_id = fields.Many2one(
        "tier.dial.plan",
        ondelete="restrict",
        index="btree_not_null",
        check_company=True,
        help="How the numbers are read that this one dials, if it dials otherwise than others at its switch. "
        "Empty: as the switch says.",
    )
    active = fields.Boolean(default=True)

    # One owner at a time. An archived endpoint keeps its history and frees its name.
    _identity = models.UniqueIndex(
        "(identifier, kind, COALESCE(switch_id, 0)) WHERE active",
        "This endpoint belongs to a wallet already.",
    )

    _identifier_filled = models.Constraint(
        "CHECK (identifier <> '')", "An endpoint has a name: an empty caller is nobody's."
    )

    @api.constrains("wallet_id")
    def _check_wallet(self):
        for endpoint in self:
            if not endpoint.wallet_id.parent_id:
                raise ValidationError(
                    self.env._(
                        "%s is the provider's own wallet and buys from nobody: open another wallet below it.",
                        endpoint.wallet_id.name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            vals["identifier"] = self._clean_identifier(vals.get("identifier"))
        return super().create(vals_list)

    def write(self, vals):
        if "wallet_id" in vals and any(e.wallet_id.id != vals["wallet_id"] for e in self):
            # What it was charged for stays with the wallet that paid.
            self._check_unused()
        if "identifier" in vals:
            vals = dict(vals, identifier=self._clean_identifier(vals["identifier"]))
        return super().write(vals)

    @api.model
    def _clean_identifier(self, identifier):
        """Return an identifier as it is compared: without space around it.

        :param str identifier: as typed
        :rtype: str
        """
        return (identifier or "").strip()

    def action_test_number(self):
        """Open the dialog that tells what a number means that is dialled here.

        :return: a window action
        """
        self.ensure_one()
        self.check_access("read")
        return self.env["tier.switch.number"]._action_for(endpoint_id=self.id, switch_id=self.switch_id.id)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        self._check_unused()

    def _check_unused(self):
        """Refuse to delete or pass on an endpoint that usage was charged to.

        Its wallet leads to its events by an index.

        :raise UserError: naming the first one
        """
        Event = self.env["tier.usage.event"].sudo()
        for endpoint in self:
            used = [
                ("wallet_id", "=", endpoint.wallet_id.id),
                ("endpoint_id", "=", endpoint.id),
            ]
            if Event.search_count(used, limit=1):
                raise UserError(self.env._("%s has usage: archive it and create another.", endpoint.identifier))
