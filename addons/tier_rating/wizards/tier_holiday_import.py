import re
from datetime import date

from odoo import fields, models
from odoo.exceptions import UserError

_DATE = re.compile(r"^(\d{4})-(\d{1,2})-(\d{1,2})\b[\s,;:]*(.*)$")
_YEARLY = re.compile(r"^(\d{1,2})-(\d{1,2})\b[\s,;:]*(.*)$")
_EASTER = re.compile(r"^easter\s*([+-]\s*\d{1,3})?\b[\s,;:]*(.*)$", re.IGNORECASE)
_ICS_DAY = re.compile(r"^DTSTART[^:]*:(\d{4})(\d{2})(\d{2})", re.MULTILINE)
_ICS_NAME = re.compile(r"^SUMMARY[^:]*:(.*)$", re.MULTILINE)


class TierHolidayImport(models.TransientModel):
    """Adds holidays from a list that somebody pastes: lines of text, or an iCalendar file."""

    _name = "tier.holiday.import"
    _description = "Import of Holidays"

    calendar_id = fields.Many2one("tier.holiday.calendar", required=True, ondelete="cascade")
    text = fields.Text(required=True)

    def action_import(self):
        """Add the holidays that the calendar does not have yet.

        :return: an action that closes the dialog
        :raise UserError: a line that is no holiday; then none is added
        """
        self.ensure_one()
        self.calendar_id.check_access("write")
        holidays = self.calendar_id.holiday_ids
        known = {(holiday.kind, holiday.date or None, holiday.offset) for holiday in holidays}
        values = []
        for kind, day, offset, name in self._read(self.text):
            key = (kind, day, offset)
            if key not in known:
                known.add(key)
                values.append(
                    {
                        "calendar_id": self.calendar_id.id,
                        "kind": kind,
                        "date": day,
                        "offset": offset,
                        "name": name or self.env._("Holiday"),
                    }
                )
        self.env["tier.holiday"].create(values)
        return {"type": "ir.actions.act_window_close"}

    def _read(self, text):
        """Return [(kind, date or None, offset, name)] of a text.

        RFC 5545 gives a day as DTSTART;VALUE=DATE:20261225 and its name as SUMMARY:.
        """
        if "BEGIN:VEVENT" in text:
            # A folded line goes on behind a line break and a space.
            events = re.sub(r"\r?\n[ \t]", "", text).split("BEGIN:VEVENT")[1:]
            found = [(_ICS_DAY.search(event), _ICS_NAME.search(event)) for event in events]
            return [
                ("date", self._date(day[0], *day.groups()), 0, name[1].strip().replace("\\,", ",") if name else "")
                for day, name in found
                if day
            ]
        return [self._line(line.strip()) for line in text.splitlines() if line.strip()]

    def _line(self, line):
        if match := _DATE.match(line):
            return "date", self._date(line, *match.groups()[:3]), 0, match[4].strip()
        if match := _YEARLY.match(line):
            # A leap year: the 29th of February is a day too.
            return "yearly", self._date(line, 2000, *match.groups()[:2]), 0, match[3].strip()
        if match := _EASTER.match(line):
            return "easter", None, int((match[1] or "0").replace(" ", "")), match[2].strip()
        raise UserError(self.env._("This line is no holiday: %s", line))

    def _date(self, line, *numbers):
        try:
            return date(*map(int, numbers))
        except ValueError:
            raise UserError(self.env._("This line is no holiday: %s", line)) from None
