from odoo import api, fields, models

from odoo.addons.tier_billing.models.ledger_link import refuse_if_linked


class TierService(models.Model):
    """A kind of thing that is consumed and priced."""

    _name = "tier.service"
    _description = "Service"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    code = fields.Char(required=True, help="What switches and files call it.")
    sequence = fields.Integer(default=10)
    unit = fields.Char(required=True, translate=True, help="What quantities are counted in.")
    price_per = fields.Integer(
        required=True,
        default=1,
        help="How many units a rate's price is for: 60 for a price per minute of seconds.",
    )
    price_unit = fields.Char(translate=True, help="How the price's unit reads to people: minute, GB, hour.")
    is_time = fields.Boolean(help="Counted in seconds: increments and time bands apply.")

    _code_unique = models.Constraint("UNIQUE (code)", "A service with this code exists already.")
    _price_per_positive = models.Constraint("CHECK (price_per > 0)", "A price is for at least one unit.")

    @api.ondelete(at_uninstall=False)
    def _unlink_except_in_use(self):
        refuse_if_linked(self, ("tier.usage.event", "service_id"))
