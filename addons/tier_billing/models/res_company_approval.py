from decimal import Decimal

from odoo import fields, models

from ..const import MONEY_DIGITS


class ResCompany(models.Model):
    """From which amount on a second person has to agree."""

    _inherit = "res.company"

    tier_approval_limit = fields.Float(
        "Approval above",
        digits=MONEY_DIGITS,
        help="A top-up, allocation or adjustment by staff above this amount, in the company's currency, waits for "
        "a second billing manager. What one bulk allocation gives to all counts together. Zero: no limit.",
    )
    _tier_approval_limit_positive = models.Constraint(
        "CHECK (tier_approval_limit >= 0 AND tier_approval_limit < 1e12)",
        "The limit for approval is zero or more, and below one trillion.",
    )

    def _tier_needs_approval(self, amount):
        """Tell whether a second person has to agree.

        :param Decimal amount: in the company's currency, without a sign
        :rtype: bool
        """
        limit = Decimal(repr(self.tier_approval_limit or 0.0))
        return bool(limit) and amount > limit
