from datetime import date

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .. import loading
from ..engine.bands import DAY, Band, Window


class TierTimeBand(models.Model):
    """Hours of the week in which other rates apply, in the brand's time zone."""

    _name = "tier.time.band"
    _description = "Time Band"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    code = fields.Char(required=True, help="What rate decks call it.")
    sequence = fields.Integer(default=10, help="The first band that matches applies.")
    line_ids = fields.One2many("tier.time.band.line", "band_id", copy=True)

    _code_unique = models.Constraint("UNIQUE (code)", "A band with this code exists already.")

    def init(self):
        # Here, where the tables of rates and of all that they link to exist.
        loading.links.install(self.env.cr)

    def _engine_band(self):
        """Return the band as the rating engine takes it.

        :rtype: engine.bands.Band
        """
        self.ensure_one()
        return Band(
            self.id,
            tuple(line._engine_window() for line in self.line_ids),
        )


class TierTimeBandLine(models.Model):
    """One window of a band."""

    _name = "tier.time.band.line"
    _description = "Time Band Window"
    _order = "band_id, weekday_from, hour_from"

    band_id = fields.Many2one("tier.time.band", required=True, ondelete="cascade", index=True)
    weekday_from = fields.Selection(lambda self: self._weekday_names(), required=True, default="1")
    weekday_to = fields.Selection(lambda self: self._weekday_names(), required=True, default="5")
    hour_from = fields.Float(required=True, default=8)
    hour_to = fields.Float(required=True, default=18, help="Exclusive; may lie past midnight.")

    holidays = fields.Selection(
        [("any", "Holidays or not"), ("only", "Only on holidays"), ("never", "Not on holidays")],
        required=True,
        default="any",
    )
    calendar_id = fields.Many2one("tier.holiday.calendar", "Holidays of", ondelete="restrict")

    _calendar_named = models.Constraint(
        "CHECK (holidays = 'any' OR calendar_id IS NOT NULL)", "Name the calendar of the holidays."
    )

    @api.model
    def _weekday_names(self):
        """Return the ISO weekdays as a selection.

        :rtype: list
        """
        return [
            ("1", self.env._("Monday")),
            ("2", self.env._("Tuesday")),
            ("3", self.env._("Wednesday")),
            ("4", self.env._("Thursday")),
            ("5", self.env._("Friday")),
            ("6", self.env._("Saturday")),
            ("7", self.env._("Sunday")),
        ]

    def _weekdays(self):
        """Return the ISO weekdays of the window, which may wrap past Sunday.

        :rtype: list
        """
        first, last = int(self.weekday_from), int(self.weekday_to)
        if first <= last:
            return list(range(first, last + 1))
        return [*range(first, 8), *range(1, last + 1)]

    def _engine_window(self):
        """Return the window as the rating engine takes it.

        :rtype: engine.bands.Window
        """
        self.ensure_one()
        window = Window(frozenset(self._weekdays()), *self._seconds())
        if self.holidays == "any":
            return window
        days = self.calendar_id._days()
        if self.holidays == "never":
            return window._replace(not_dates=days)
        # A calendar without a day: never, not always.
        return window._replace(dates=days or frozenset({date.min}))

    def _seconds(self):
        """Return the window's first and last second of the day.

        :rtype: tuple
        """
        return round(self.hour_from * 3600), round(self.hour_to * 3600)

    @api.constrains("hour_from", "hour_to")
    def _check_hours(self):
        for line in self:
            start, end = line._seconds()
            if not (0 <= start < DAY and 0 < end <= DAY):
                raise ValidationError(self.env._("Hours of a band lie between 0:00 and 24:00."))
            if start == end:
                raise ValidationError(self.env._("A band's window must not be empty."))
