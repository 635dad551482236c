from odoo import api, fields, models

from odoo.addons.tier_billing.models.ledger_link import refuse_if_linked


class TierDestination(models.Model):
    """Where prefixes lead to, as people name it."""

    _name = "tier.destination"
    _description = "Destination"
    _order = "name"

    name = fields.Char(required=True, index="trigram")
    country_id = fields.Many2one("res.country")
    rate_ids = fields.One2many("tier.rate", "destination_id")

    _name_unique = models.Constraint("UNIQUE (name)", "A destination with this name exists already.")

    @api.ondelete(at_uninstall=False)
    def _unlink_except_in_use(self):
        refuse_if_linked(self, ("tier.usage.event", "destination_id"), ("tier.charge", "destination_id"))
