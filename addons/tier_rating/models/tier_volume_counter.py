from odoo import api, fields, models

from ..const import RATE_DIGITS

# Units of a service; parts of them where it is no time.
UNITS = (20, 3)


class TierVolumeCounter(models.Model):
    """How much counts toward a volume price in one period. Only the charging path changes it."""

    _name = "tier.volume.counter"
    _description = "Period of a Volume Price"
    _order = "period desc, id desc"
    _rec_name = "plan_id"
    _log_access = False

    plan_id = fields.Many2one("tier.volume.plan", "Volume price", required=True, readonly=True, ondelete="restrict")
    wallet_id = fields.Many2one(
        "tier.wallet",
        "Counted for",
        required=True,
        readonly=True,
        ondelete="restrict",
        index=True,
        help="The wallet, or the one at the head of those who are counted together.",
    )
    company_id = fields.Many2one(related="plan_id.company_id")
    period = fields.Date("From", required=True, readonly=True, help="First day of the period.")
    quantity = fields.Float("Units", digits=UNITS, required=True, readonly=True, help="Billed units, less refunds.")
    used = fields.Float(digits=(16, 3), compute="_compute_used", help="In the unit of the price.")
    price_unit = fields.Char(related="plan_id.price_unit")
    tier_price = fields.Float(
        "Price reached",
        digits=RATE_DIGITS,
        compute="_compute_used",
        help="Of the tier in which the quantity lies, in the plan's price list: without mark-ups of derived lists.",
    )
    use_ids = fields.One2many("tier.volume.use", "counter_id", readonly=True)

    # The look-up of the charging path, and what lets a period begin once.
    _once = models.UniqueIndex("(plan_id, wallet_id, period)", "This period has begun already.")

    @api.depends("quantity", "plan_id")
    def _compute_used(self):
        for counter in self:
            counter.used = counter.quantity / (counter.plan_id.service_id.price_per or 1)
            tiers = counter.plan_id.tier_ids.sorted(lambda tier: (tier.open_end, tier.upto))
            reached = next((tier for tier in tiers if tier.open_end or counter.used <= tier.upto), tiers[-1:])
            counter.tier_price = reached.price
