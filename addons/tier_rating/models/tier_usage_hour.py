from odoo import fields, models

from ..rollup import sums


class TierUsageHour(models.Model):
    """What the provider sold in an hour, to one destination by one carrier."""

    _name = "tier.usage.hour"
    _inherit = "tier.figures"
    _description = "Traffic by Hour"
    _order = "hour desc, id desc"

    hour = fields.Datetime(required=True, readonly=True)

    # What an hour's charges are added by; and lists and sums of a period.
    _once = models.UniqueIndex(sums.unique_index("hour"), "An hour's figures are in one place.")
