from odoo import api, fields, models

from ..const import RATE_DIGITS


class TierVolumePlanTier(models.Model):
    """One tier of a volume price."""

    _name = "tier.volume.plan.tier"
    _description = "Tier of a Volume Price"
    _order = "plan_id, open_end, upto, id"

    plan_id = fields.Many2one("tier.volume.plan", required=True, ondelete="cascade", index=True)
    company_id = fields.Many2one(related="plan_id.company_id")
    currency_id = fields.Many2one(related="plan_id.currency_id")
    upto = fields.Float(
        "Up to", digits=(16, 3), help="The greatest quantity of a period that belongs to the tier. Zero: no end."
    )
    bounds = fields.Char("Range", compute="_compute_bounds")
    open_end = fields.Boolean(compute="_compute_open_end", store=True)
    price = fields.Float(digits=RATE_DIGITS, required=True)
    flat = fields.Float("Flat amount", digits=RATE_DIGITS, help="Once in a period, when the tier is entered.")

    _sane = models.Constraint(
        "CHECK (COALESCE(upto, 0) >= 0 AND COALESCE(upto, 0) < 1e12 AND price >= 0 AND price < 1e9"
        " AND COALESCE(flat, 0) >= 0 AND COALESCE(flat, 0) < 1e9)",
        "What a tier holds and costs is zero or more.",
    )

    @api.depends("upto")
    def _compute_open_end(self):
        for tier in self:
            tier.open_end = not tier.upto

    @api.depends("upto", "plan_id.tier_ids.upto")
    def _compute_bounds(self):
        for tier in self:
            below = [end for end in tier.plan_id.tier_ids.mapped("upto") if end and (end < tier.upto or not tier.upto)]
            lower = f"{max(below, default=0):g}"
            tier.bounds = f"{lower} – {tier.upto:g}" if tier.upto else self.env._("beyond %s", lower)

    @api.constrains("upto", "plan_id")
    def _check_plan(self):
        self.plan_id._check_tiers()
