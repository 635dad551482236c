from odoo import fields, models


class TierDestination(models.Model):
    """Where prefixes lead to, as people name it."""

    _name = "tier.destination"
    _description = "Destination"
    _order = "name"

    name = fields.Char(required=True, index="trigram")
    country_id = fields.Many2one("res.country")
    rate_ids = fields.One2many("tier.rate", "destination_id")

    _name_unique = models.Constraint(
        "UNIQUE (name)", "A destination with this name exists already."
    )
