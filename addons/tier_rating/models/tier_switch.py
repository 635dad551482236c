import pytz

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from odoo.addons.tier_billing.models.ledger_link import refuse_if_linked

from ..adapters import ReadOptions, registry


class TierSwitch(models.Model):
    """What sends usage records, and how it writes them."""

    _name = "tier.switch"
    _inherit = ["tier.dial.mixin"]
    _description = "Switch"
    _order = "name"
    _check_company_auto = True

    name = fields.Char(required=True)
    active = fields.Boolean(default=True)
    code = fields.Char(
        required=True,
        help="Begins the key of every record of this switch; never change it afterwards.",
    )
    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)
    adapter = fields.Selection(lambda self: self._adapter_selection(), "Record format", required=True)
    mapping_id = fields.Many2one(
        "tier.record.mapping",
        ondelete="restrict",
        check_company=True,
        help="What the columns are. Records without a number of their own are known by their text: a changed "
        "mapping that names one makes other records of them.",
    )
    is_mapped = fields.Boolean(compute="_compute_is_mapped")
    tz = fields.Selection(
        lambda self: [(name, name) for name in pytz.common_timezones],
        "Time zone",
        required=True,
        default="UTC",
        help="For formats that write local times.",
    )
    _code_unique = models.Constraint("UNIQUE (code)", "A switch with this code exists already.")

    @api.depends("adapter")
    def _compute_is_mapped(self):
        mapped = {adapter.code for adapter in registry.all_adapters() if adapter.is_mapped}
        for switch in self:
            switch.is_mapped = switch.adapter in mapped

    @api.constrains("adapter", "mapping_id")
    def _check_mapping(self):
        for switch in self:
            if switch.is_mapped and not switch.mapping_id:
                raise ValidationError(self.env._("Say what the columns of %s are: choose a mapping.", switch.name))

    def write(self, vals):
        if "code" in vals:
            self._check_code_unused(vals["code"])
        return super().write(vals)

    def _check_code_unused(self, code):
        """Refuse another code once it is in the keys of records.

        :param str code: the new one
        :raise UserError: naming the switch
        """
        Event = self.env["tier.usage.event"].sudo()
        for switch in self:
            if switch.code != code and Event.search_count([("switch_id", "=", switch.id)], limit=1):
                raise UserError(
                    self.env._(
                        "The records of %s are known by its code: under another, they would be charged again.",
                        switch.name,
                    )
                )

    @api.model
    def _adapter_selection(self):
        """Return the registered record formats.

        :rtype: list
        """
        return [(adapter.code, adapter.name) for adapter in registry.all_adapters()]

    def _read_options(self):
        """Return how to read what this switch writes, where its format leaves that open.

        :rtype: adapters.ReadOptions
        """
        self.ensure_one()
        mapping = self.mapping_id._field_map() if self.is_mapped else None
        return ReadOptions(timezone=self.tz, mapping=mapping)

    def action_test_number(self):
        """Open the dialog that tells what a dialled number means here.

        :return: a window action
        """
        self.ensure_one()
        self.check_access("read")
        return self.env["tier.switch.number"]._action_for(switch_id=self.id)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_in_use(self):
        refuse_if_linked(self, ("tier.usage.event", "switch_id"))
