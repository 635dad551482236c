from odoo import fields, models

from .. import charging
from ..const import RATE_DIGITS


class TierRateStep(models.Model):
    """Another price, and another increment, of a rate from an elapsed second (or unit) on."""

    _name = "tier.rate.step"
    _description = "Step of a Rate"
    _order = "rate_id, from_second"

    rate_id = fields.Many2one("tier.rate", required=True, ondelete="cascade", index=True)
    company_id = fields.Many2one(related="rate_id.company_id")
    currency_id = fields.Many2one(related="rate_id.currency_id")
    from_second = fields.Integer(
        "From (s)", required=True, help="Seconds, or units, of one call after which this price applies."
    )
    price = fields.Float(digits=RATE_DIGITS, required=True, help="Per unit of the service, as that of the rate.")
    increment = fields.Integer(
        "Increment (s)", required=True, default=1, help="Billed in such steps from there on. A step ends a block."
    )

    _from_unique = models.Constraint("UNIQUE (rate_id, from_second)", "Two steps begin at the same second.")
    _sane = models.Constraint(
        "CHECK (from_second BETWEEN 1 AND 1000000000 AND price >= 0 AND price < 1e9 AND increment BETWEEN 1 AND 86400)",
        "A step begins after the first second, its price is zero or more and its increment a day at most.",
    )

    def init(self):
        # Here, where the tables of rates and steps both exist.
        charging.books.install(self.env.cr)
