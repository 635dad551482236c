from odoo import api, fields, models

from .tier_package import UNITS


class TierPackageBalance(models.Model):
    """What a wallet has of a package in one period. Only the charging path changes it."""

    _name = "tier.package.balance"
    _description = "Package of a Period"
    _order = "date_from desc, id desc"
    _rec_name = "package_id"

    subscription_id = fields.Many2one(
        "tier.package.subscription", required=True, readonly=True, ondelete="restrict", index=True
    )
    wallet_id = fields.Many2one("tier.wallet", required=True, readonly=True, ondelete="restrict", index=True)
    package_id = fields.Many2one("tier.package", required=True, readonly=True, ondelete="restrict", index=True)
    company_id = fields.Many2one("res.company", required=True, readonly=True)
    date_from = fields.Datetime("From", required=True, readonly=True)
    date_to = fields.Datetime("Until", required=True, readonly=True, help="Not included.")
    quantity = fields.Float("Included units", digits=UNITS, required=True, readonly=True)
    used = fields.Float("Used units", digits=UNITS, required=True, readonly=True)
    left = fields.Float("Units left", digits=UNITS, compute="_compute_left")
    days = fields.Integer(
        "Days charged", readonly=True, help="Of a month that is charged by its days; as many as it has = all of it."
    )
    month_days = fields.Integer("Days of the month", readonly=True)
    part = fields.Char("Charged", compute="_compute_part")
    use_ids = fields.One2many("tier.package.use", "balance_id", readonly=True)

    _used_within = models.Constraint(
        "CHECK (used >= 0 AND used <= quantity)", "No more of a package can be used than it includes."
    )
    # The look-up of the charging path: a wallet's packages that are not over at a moment.
    _look_up = models.Index("(wallet_id, date_to)")
    _period_unique = models.UniqueIndex("(subscription_id, date_from)", "This period has begun already.")

    @api.depends("days", "month_days")
    def _compute_part(self):
        for balance in self:
            balance.part = (
                self.env._("%(days)s of %(month)s days", days=balance.days, month=balance.month_days)
                if balance.days != balance.month_days
                else self.env._("In full")
            )

    @api.depends("quantity", "used")
    def _compute_left(self):
        for balance in self:
            balance.left = balance.quantity - balance.used
