from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import fields, models


class ResCompany(models.Model):
    """How long the records of usage are kept."""

    _inherit = "res.company"

    tier_raw_days = fields.Integer(
        "Keep records as received (days)",
        help="Afterwards the text that the switch wrote is removed, and files that were uploaded. Zero: kept forever.",
    )
    tier_details_months = fields.Integer(
        "Keep who called whom (months)",
        help="Afterwards numbers of calls and of authorized sessions lose their last four digits, and addresses and "
        "devices are removed. What is in suspense, contested, or not invoiced yet is kept until it is. Zero: kept "
        "forever.",
    )

    _tier_retention_positive = models.Constraint(
        "CHECK (tier_raw_days BETWEEN 0 AND 36500 AND tier_details_months BETWEEN 0 AND 1200)",
        "Records are kept for a number of days and months that is zero or more.",
    )

    def _tier_forget_before(self):
        """Return what is to be removed from events that were received before a moment.

        :return: dict of kind to naive UTC ``datetime``
        """
        self.ensure_one()
        now, before = fields.Datetime.now(), {}
        if self.tier_raw_days:
            before["raw"] = now - timedelta(days=self.tier_raw_days)
        if self.tier_details_months:
            before["details"] = now - relativedelta(months=self.tier_details_months)
        return before
