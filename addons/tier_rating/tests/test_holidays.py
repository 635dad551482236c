from datetime import date, datetime
from decimal import Decimal

import psycopg2

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import TierRatingCase


@tagged("post_install", "-at_install")
class TestHolidays(TierRatingCase):
    """Time bands that hold on holidays only, or not on them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_selling_chain()
        cls.calendar = cls.env["tier.holiday.calendar"].create({"name": "Test country"})
        # Before the bands of the demo.
        cls.band = cls.env["tier.time.band"].create({"name": "Holiday", "code": "test holiday", "sequence": -1})
        cls.window = cls.env["tier.time.band.line"].create(
            {
                "band_id": cls.band.id,
                "weekday_from": "1",
                "weekday_to": "7",
                "hour_from": 0,
                "hour_to": 24,
                "holidays": "only",
                "calendar_id": cls.calendar.id,
            }
        )
        cls.new_rate(cls.user.price_list_id, "49", "0.9", band_id=cls.band.id)

    def holiday(self, **values):
        return self.env["tier.holiday"].create({"calendar_id": self.calendar.id, "name": "Test", **values})

    def minute(self, *day):
        return self.cost(60, at=datetime(*day, 12))

    def test_once(self):
        self.assertEqual(self.minute(2026, 11, 20), 1)
        self.holiday(kind="date", date="2026-11-20")
        self.assertEqual(self.minute(2026, 11, 20), Decimal("0.9"))
        self.assertEqual(self.minute(2026, 11, 21), 1)
        self.assertEqual(self.minute(2027, 11, 20), 1)

    def test_every_year(self):
        self.holiday(kind="yearly", date="2020-02-29")
        self.holiday(kind="yearly", date="2020-12-25")
        for day, price in (((2028, 2, 29), "0.9"), ((2027, 2, 28), "1"), ((2027, 3, 1), "1"), ((2031, 12, 25), "0.9")):
            with self.subTest(day):
                self.assertEqual(self.minute(*day), Decimal(price))

    def test_from_easter(self):
        """Easter Sundays: 5 April 2026, 28 March 2027, 16 April 2028."""
        self.holiday(kind="easter", offset=1)
        self.holiday(kind="easter", offset=-2)
        for day, price in (
            ((2026, 4, 6), "0.9"),
            ((2026, 4, 3), "0.9"),
            ((2026, 4, 5), "1"),
            ((2027, 3, 29), "0.9"),
            ((2028, 4, 14), "0.9"),
        ):
            with self.subTest(day):
                self.assertEqual(self.minute(*day), Decimal(price))

    def test_a_calendar_without_days_never_holds(self):
        self.assertEqual(self.minute(2026, 11, 20), 1)

    def test_not_on_holidays(self):
        self.window.holidays = "never"
        self.holiday(kind="date", date="2026-11-20")
        self.assertEqual(self.minute(2026, 11, 20), 1)
        self.assertEqual(self.minute(2026, 11, 21), Decimal("0.9"))

    def test_weekdays_and_hours_still_count(self):
        self.holiday(kind="yearly", date="2026-11-20")
        self.window.write({"hour_from": 12})
        self.assertEqual(self.cost(60, at=datetime(2026, 11, 20, 11, 30)), 1)
        self.assertEqual(self.cost(120, at=datetime(2026, 11, 20, 11, 59)), Decimal("1.9"))
        self.window.write({"weekday_to": "4"})
        self.assertEqual(self.minute(2026, 11, 20), 1)

    def test_the_day_is_the_brands_own(self):
        self.holiday(kind="date", date="2026-11-21")
        late = datetime(2026, 11, 20, 23, 30)
        self.assertEqual(self.cost(60, at=late), 1)
        self.user.price_list_id.brand_id.tz = "Europe/Berlin"
        self.assertEqual(self.cost(60, at=late), Decimal("0.9"))

    def test_what_it_cannot_be(self):
        for values in (
            {"kind": "date", "date": False},
            {"kind": "yearly", "date": False},
            {"kind": "date", "date": "1999-12-31"},
            {"kind": "easter", "offset": 300},
        ):
            with self.subTest(values), mute_logger("odoo.sql_db"):
                try:
                    with self.env.cr.savepoint():
                        self.holiday(**values)
                except (ValidationError, psycopg2.IntegrityError):
                    continue
                self.fail("it was taken")
        with mute_logger("odoo.sql_db"), self.assertRaises(psycopg2.IntegrityError), self.env.cr.savepoint():
            self.window.calendar_id = False
            self.window.flush_recordset()

    def test_the_next_day(self):
        holiday = self.holiday(kind="yearly", date="2020-12-25")
        self.assertGreaterEqual(holiday.next_date, date.today())
        self.assertEqual((holiday.next_date.month, holiday.next_date.day), (12, 25))
        self.assertIn("Test (", holiday.display_name)

    # ------------------------------------------------------------------
    # Lists
    # ------------------------------------------------------------------

    def load(self, text):
        self.env["tier.holiday.import"].create({"calendar_id": self.calendar.id, "text": text}).action_import()
        return [
            (holiday.kind, holiday.date and holiday.date.isoformat(), holiday.offset, holiday.name)
            for holiday in self.calendar.holiday_ids.sorted("id")
        ]

    def test_a_list(self):
        lines = "2026-06-04 Corpus Christi\n\n12-25; Christmas\nEaster Sunday\n"
        lines += "easter + 1 Easter Monday\neaster-2, Good Friday"
        expected = [
            ("date", "2026-06-04", 0, "Corpus Christi"),
            ("yearly", "2000-12-25", 0, "Christmas"),
            ("easter", False, 0, "Sunday"),
            ("easter", False, 1, "Easter Monday"),
            ("easter", False, -2, "Good Friday"),
        ]
        self.assertEqual(self.load(lines), expected)
        self.assertEqual(self.load(lines), expected, "again adds nothing")

    def test_an_icalendar_file(self):
        text = (
            "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20261225\r\nSUMMARY:Christmas\\, the\r\n  first\r\n"
            "END:VEVENT\r\nBEGIN:VEVENT\r\nSUMMARY;LANGUAGE=en:New Year\r\nDTSTART:20270101T000000Z\r\nEND:VEVENT\r\n"
            "END:VCALENDAR\r\n"
        )
        self.assertEqual(
            self.load(text),
            [("date", "2026-12-25", 0, "Christmas, the first"), ("date", "2027-01-01", 0, "New Year")],
        )

    def test_what_is_no_list(self):
        for text in ("Christmas", "2026-13-01 x", "02-30 x", "BEGIN:VEVENT\nDTSTART:20261399\n"):
            with self.subTest(text), self.assertRaises(UserError):
                self.load(text)
        self.assertFalse(self.calendar.holiday_ids)

    def test_a_calendar_in_use_stays(self):
        with mute_logger("odoo.sql_db"), self.assertRaises(psycopg2.IntegrityError), self.env.cr.savepoint():
            self.calendar.unlink()
        self.calendar.copy().unlink()

    def test_a_copy(self):
        self.holiday(kind="easter", offset=1)
        self.assertEqual(self.calendar.copy().holiday_count, 1)
        self.assertEqual(self.band.copy({"code": "copy"}).line_ids.calendar_id, self.calendar)
