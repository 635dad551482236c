from odoo import fields, models


class TierHolidayCalendar(models.Model):
    """The public holidays of a country or a region, which time bands refer to."""

    _name = "tier.holiday.calendar"
    _description = "Holidays"
    _order = "name"

    name = fields.Char(required=True, translate=True)
    country_id = fields.Many2one("res.country")
    holiday_ids = fields.One2many("tier.holiday", "calendar_id", copy=True)
    holiday_count = fields.Integer(compute="_compute_holiday_count")

    def _compute_holiday_count(self):
        counts = dict(
            self.env["tier.holiday"]._read_group([("calendar_id", "in", self.ids)], ["calendar_id"], ["__count"])
        )
        for calendar in self:
            calendar.holiday_count = counts.get(calendar, 0)

    def _days(self):
        """Return all days that are a holiday, a century long.

        :return: frozenset of date
        """
        self.ensure_one()
        return frozenset().union(*(holiday._days() for holiday in self.holiday_ids))
