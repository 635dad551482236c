from odoo import fields, models

from ..rollup import sums


class TierUsageDay(models.Model):
    """What a seller of any tier sold in a day, to one destination under one brand."""

    _name = "tier.usage.day"
    _inherit = "tier.figures"
    _description = "Sales by Day"
    _order = "day desc, id desc"

    day = fields.Date(required=True, readonly=True, help="In the time zone of the company's books.")

    # What a day's charges are added by; and lists and sums of a period.
    _once = models.UniqueIndex(sums.unique_index("day"), "A day's figures are in one place.")
    # What one seller sold.
    _wallet_day = models.Index("(wallet_id, day)")
    # What the tiers sold: the provider's rows are few among those of all sellers.
    _tier_day = models.Index("(tier, day)")
