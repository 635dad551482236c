from datetime import date, timedelta
from functools import lru_cache

from dateutil.easter import easter

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools.misc import format_date

# Usage of other years is not priced.
YEARS = range(2000, 2100)


@lru_cache(maxsize=1024)
def _yearly(month, day):
    """Return a day of each year; one that a year does not have is left out."""
    return frozenset(date(year, month, day) for year in YEARS if (month, day) != (2, 29) or year % 4 == 0)


@lru_cache(maxsize=256)
def _from_easter(offset):
    """Return the day so many days after Easter Sunday of each year, by the calendar of Gregory."""
    return frozenset(easter(year) + timedelta(days=offset) for year in YEARS)


class TierHoliday(models.Model):
    """One public holiday: a date, a day of every year, or so many days from Easter."""

    _name = "tier.holiday"
    _description = "Holiday"
    _order = "calendar_id, kind, date, offset, id"

    calendar_id = fields.Many2one("tier.holiday.calendar", required=True, ondelete="cascade", index=True)
    name = fields.Char(required=True)
    kind = fields.Selection(
        [("date", "Once"), ("yearly", "Every year"), ("easter", "From Easter")], required=True, default="yearly"
    )
    date = fields.Date("Day", help="Of every year, its month and day count.")
    offset = fields.Integer(
        "Days from Easter", help="Good Friday is -2, Easter Monday 1, Ascension 39, Whit Monday 50."
    )
    next_date = fields.Date("Next", compute="_compute_next_date")

    _day_named = models.Constraint("CHECK (kind = 'easter' OR date IS NOT NULL)", "Name the day of the holiday.")
    _offset_sane = models.Constraint(
        'CHECK (COALESCE("offset", 0) BETWEEN -100 AND 200)', "A feast of Easter is not that far from it."
    )

    @api.depends("kind", "date", "offset")
    def _compute_next_date(self):
        today = fields.Date.context_today(self)
        for holiday in self:
            days = sorted(holiday._days()) if holiday.kind == "easter" or holiday.date else []
            holiday.next_date = next((day for day in days if day >= today), days[-1] if days else False)

    @api.depends("name", "next_date")
    def _compute_display_name(self):
        for holiday in self:
            day = format_date(self.env, holiday.next_date) if holiday.next_date else ""
            holiday.display_name = f"{holiday.name} ({day})" if day else holiday.name

    @api.constrains("kind", "date")
    def _check_year(self):
        for holiday in self:
            if holiday.kind == "date" and holiday.date and holiday.date.year not in YEARS:
                raise ValidationError(self.env._("A holiday lies between the years 2000 and 2099."))

    def _days(self):
        """Return the days of this holiday.

        :return: frozenset of date
        """
        self.ensure_one()
        if self.kind == "easter":
            return _from_easter(self.offset)
        if self.kind == "yearly":
            return _yearly(self.date.month, self.date.day)
        return frozenset({self.date})
