from datetime import date, datetime
from decimal import Decimal

import psycopg2

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import TierRatingCase

MOBILE, LAND, CITY = "447911123456", "442079460000", "443001234567"


@tagged("post_install", "-at_install")
class TestPriceLists(TierRatingCase):
    """What a number costs: prefixes, derived lists, dates, bands, charges and rounding."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider = cls.new_wallet("Provider")
        cls.user = cls.new_wallet("User", cls.provider)
        cls.new_endpoint(cls.user, "user")
        cls.brand = cls.new_brand(cls.provider, initial_increment=1, increment=1, rounding_digits=6)
        cls.base = cls.new_list(cls.brand, {"44": "0.01", "447": "0.05"})
        cls.own = cls.new_list(cls.brand, base_id=cls.base.id)
        cls.user.price_list_id = cls.own

    def minute(self, number=LAND, **values):
        """Return what a minute costs."""
        return self.cost(60, number=number, **values)

    # ------------------------------------------------------------------
    # Prefixes, over a list and what it derives from
    # ------------------------------------------------------------------

    def test_longest_prefix_wins(self):
        self.assertEqual(self.minute(LAND), Decimal("0.01"))
        self.assertEqual(self.minute(MOBILE), Decimal("0.05"))

    def test_a_cheap_own_rate_does_not_undercut_the_bases_longer_prefix(self):
        self.new_rate(self.own, "44", "0.002")
        self.assertEqual(self.minute(LAND), Decimal("0.002"))
        self.assertEqual(self.minute(MOBILE), Decimal("0.05"))

    def test_at_the_same_prefix_the_own_rate_wins(self):
        self.new_rate(self.own, "447", "0.04")
        self.assertEqual(self.minute(MOBILE), Decimal("0.04"))
        self.own.markup_percent = 50
        self.assertEqual(self.minute(MOBILE), Decimal("0.04"), "a mark-up is for the base's prices")

    def test_the_number_itself_may_be_a_prefix(self):
        self.new_rate(self.own, CITY, "0.001")
        self.assertEqual(self.minute(CITY), Decimal("0.001"))

    def test_a_short_number(self):
        self.new_rate(self.own, "112", "0")
        self.assertEqual(self.minute("112"), 0)

    def test_a_long_prefix(self):
        """Both ways to enter a rate allow 18 digits."""
        self.new_rate(self.own, "442079460000123456", "0.5")
        self.assertEqual(self.minute("4420794600001234567"), Decimal("0.5"))

    def test_another_service_has_its_own_rates(self):
        data = self.env.ref("tier_rating.service_data")
        self.new_rate(self.own, "apn.example.com/premium", "2", service_id=data.id)
        self.assertEqual(self.cost(500, number="apn.example.com/premium", service="data"), 1)
        self.charge(self.call("k:1", number=LAND, service="data"))
        self.assertSuspense("k:1", "no_rate")

    def test_a_small_rate_is_kept(self):
        self.new_rate(self.own, "441", "0.0043")
        self.assertEqual(self.minute("441234567890"), Decimal("0.0043"))
        self.assertEqual(self.cost(6, number="441234567890"), Decimal("0.00043"))

    # ------------------------------------------------------------------
    # Derivation
    # ------------------------------------------------------------------

    def test_derived_price(self):
        self.own.write({"markup_percent": 20, "fixed": 0.001})
        self.assertEqual(self.minute(LAND), Decimal("0.013"))

    def test_three_levels(self):
        self.own.write({"markup_percent": 20})
        middle = self.new_list(self.brand, base_id=self.own.id, markup_percent=50, fixed=0.001)
        top = self.new_list(self.brand, {"448": "1"}, base_id=middle.id, markup_percent=-10)
        self.user.price_list_id = top
        # ((0.01 × 1.2) × 1.5 + 0.001) × 0.9
        self.assertEqual(self.minute(LAND), Decimal("0.0171"))
        self.assertEqual(self.minute("448000000000"), 1)
        self.new_rate(self.own, "442", "0.02")  # in the second base, marked up from there
        self.assertEqual(self.minute(LAND), Decimal("0.0279"))

    def test_a_change_of_the_base_shows_at_once(self):
        top = self.new_list(self.brand, base_id=self.own.id, markup_percent=100)
        self.user.price_list_id = top
        self.assertEqual(self.minute(LAND), Decimal("0.02"))
        self.base.rate_ids.filtered(lambda rate: rate.prefix == "44").price = 0.03
        self.assertEqual(self.minute(LAND), Decimal("0.06"))
        self.own.markup_percent = 100
        self.assertEqual(self.minute(LAND), Decimal("0.12"))
        self.new_rate(self.base, "4420", "0.04")
        self.assertEqual(self.minute(LAND), Decimal("0.16"))
        self.base.rate_ids.unlink()
        self.charge(self.call("k:gone", number=LAND))
        self.assertSuspense("k:gone", "no_rate")

    def test_never_below_zero(self):
        self.own.fixed = -1
        self.assertEqual(self.minute(LAND), 0)

    def test_a_base_in_another_currency(self):
        """A list in shells from a base in coins, paid from a wallet in coins: 1.25 × 0.8 × 1.5."""
        abroad = self.new_brand(self.provider, currency_id=self.shell.id, increment=1, rounding_digits=6)
        self.user.price_list_id = self.new_list(abroad, base_id=self.base.id, markup_percent=50, fixed=0.004)
        self.assertEqual(self.user.price_list_id.currency_id, self.shell)
        # 0.01 coin = 0.008 shell; × 1.5 + 0.004 = 0.016 shell = 0.02 coin
        self.assertEqual(self.minute(LAND), Decimal("0.02"))

    def test_the_exchange_rate_of_the_calls_day(self):
        abroad = self.new_brand(self.provider, currency_id=self.shell.id, increment=1, rounding_digits=6)
        self.user.price_list_id = self.new_list(abroad, {"44": "0.4"})
        self.set_rate(self.shell, 0.5, "2026-11-21")
        for day, price in ((19, "0.5"), (20, "0.5"), (21, "0.8"), (22, "0.8")):
            with self.subTest(day):
                self.assertEqual(self.minute(LAND, at=datetime(2026, 11, day, 12)), Decimal(price))
        before_all_rates = datetime(2019, 6, 1, 12)
        self.assertEqual(self.minute(LAND, at=before_all_rates), Decimal("0.5"))

    def test_no_circle(self):
        with self.assertRaises(ValidationError):
            self.base.base_id = self.own
        with self.assertRaises(ValidationError):
            self.base.base_id = self.base

    def test_a_base_in_use_stays(self):
        with mute_logger("odoo.sql_db"), self.assertRaises(psycopg2.IntegrityError), self.env.cr.savepoint():
            self.base.unlink()

    # ------------------------------------------------------------------
    # Dates and bands
    # ------------------------------------------------------------------

    def test_valid_dates(self):
        self.new_rate(self.own, "4420", "0.1", date_from=date(2026, 11, 1), date_to=date(2026, 11, 20))
        self.new_rate(self.own, "4420", "0.2", date_from=date(2026, 11, 21))
        for day, price in (
            (date(2026, 10, 31), "0.01"),
            (date(2026, 11, 1), "0.1"),
            (date(2026, 11, 20), "0.1"),
            (date(2026, 11, 21), "0.2"),
            (date(2030, 1, 1), "0.2"),
        ):
            with self.subTest(day):
                self.assertEqual(self.minute(LAND, at=datetime(day.year, day.month, day.day, 12)), Decimal(price))

    def test_a_day_is_the_brands_own(self):
        """At 23:30 in UTC it is tomorrow in Berlin."""
        self.new_rate(self.own, "4420", "0.2", date_from=date(2026, 11, 21))
        late = datetime(2026, 11, 20, 23, 30)
        self.assertEqual(self.minute(LAND, at=late), Decimal("0.01"))
        self.brand.tz = "Europe/Berlin"
        self.assertEqual(self.minute(LAND, at=late), Decimal("0.2"))

    def evening(self):
        """Add a band from 18:00 to 8:00 on working days."""
        return self.env["tier.time.band"].create(
            {
                "name": "Evening",
                "code": "test evening",
                "sequence": 0,
                "line_ids": [(0, 0, {"weekday_from": "1", "weekday_to": "5", "hour_from": 18, "hour_to": 8})],
            }
        )

    def test_a_call_across_18_oclock_is_cut(self):
        self.new_rate(self.own, "4420", "0.1")
        self.new_rate(self.own, "4420", "0.04", band_id=self.evening().id)
        at = datetime(2026, 11, 20, 17, 59)
        self.assertEqual(self.cost(120, number=LAND, at=at), Decimal("0.14"))
        self.assertEqual(self.cost(60, number=LAND, at=at), Decimal("0.1"))
        self.assertEqual(self.minute(LAND, at=datetime(2026, 11, 20, 18)), Decimal("0.04"))
        self.brand.tz = "Europe/Berlin"  # there it is 18:59
        self.assertEqual(self.cost(120, number=LAND, at=at), Decimal("0.08"))

    def test_the_connection_charge_is_that_of_the_first_band(self):
        self.new_rate(self.own, "4420", "0.1", connection_charge_own=True, connection_charge=1)
        self.new_rate(
            self.own, "4420", "0.04", band_id=self.evening().id, connection_charge_own=True, connection_charge=5
        )
        self.assertEqual(self.cost(120, number=LAND, at=datetime(2026, 11, 20, 17, 59)), Decimal("1.14"))

    def test_hours_without_a_rate_are_not_free(self):
        self.base.rate_ids.unlink()
        self.new_rate(self.own, "44", "0.04", band_id=self.evening().id)
        self.charge(self.call("k:1", 120, number=LAND, at=datetime(2026, 11, 20, 17, 59)))
        self.assertSuspense("k:1", "no_rate")

    def test_hours_without_an_own_rate_are_the_bases(self):
        self.own.markup_percent = 100
        self.new_rate(self.own, "44", "0.04", band_id=self.evening().id)
        self.assertEqual(self.cost(120, number=LAND, at=datetime(2026, 11, 20, 17, 59)), Decimal("0.06"))

    def test_hours_of_a_band(self):
        band = self.evening()
        for hours in ((24, 8), (-1, 8), (8, 25), (8, 8), (8, 8.0001), (23.9999, 8)):
            with self.subTest(hours), self.assertRaises(ValidationError), self.env.cr.savepoint():
                band.line_ids.write({"hour_from": hours[0], "hour_to": hours[1]})
                self.env.flush_all()

    # ------------------------------------------------------------------
    # The brand's terms
    # ------------------------------------------------------------------

    def test_increments(self):
        self.brand.write({"initial_increment": 30, "increment": 20})
        self.assertEqual(self.cost(120, number="447"), Decimal("0.108333"))  # 130 s at 0.05
        self.brand.billed_time_rule = "multiple"
        self.assertEqual(self.cost(120, number="447"), Decimal("0.1"))
        rate = self.base.rate_ids.filtered(lambda rate: rate.prefix == "447")
        rate.write({"initial_increment": 60, "increment": 60})
        self.assertEqual(self.cost(61, number="447"), Decimal("0.1"))

    def test_connection_charges(self):
        self.brand.connection_charge = 0.07
        self.assertEqual(self.minute(LAND), Decimal("0.08"))
        rate = self.base.rate_ids.filtered(lambda rate: rate.prefix == "44")
        rate.connection_charge = 0.5
        self.assertEqual(self.minute(LAND), Decimal("0.08"), "not the rate's own yet")
        rate.connection_charge_own = True
        self.assertEqual(self.minute(LAND), Decimal("0.51"))
        self.own.markup_percent = 100
        self.assertEqual(self.minute(LAND), Decimal("1.02"))
        rate.connection_charge = 0
        self.assertEqual(self.minute(LAND), Decimal("0.02"), "zero is a charge as well")

    def test_charges_of_a_brand_in_another_currency(self):
        """A list in coins of a brand that thinks in shells: 0.08 shell are 0.10 coin."""
        brand = self.new_brand(
            self.provider,
            currency_id=self.shell.id,
            increment=1,
            rounding_digits=6,
            connection_charge=0.08,
            minimum_charge=0.4,
            surcharge=0.8,
            surcharge_after=300,
        )
        self.user.price_list_id = self.new_list(brand, {"44": "1.2"}, currency_id=self.coin.id)
        self.assertEqual(self.minute(LAND), Decimal("1.3"))
        self.assertEqual(self.cost(1, number=LAND), Decimal("1.3"))
        brand.initial_increment = 1
        self.assertEqual(self.cost(1, number=LAND), Decimal("0.5"))
        self.assertEqual(self.cost(301, number=LAND), Decimal("7.12"))

    def test_grace(self):
        self.brand.write({"grace_seconds": 5, "connection_charge": 1})
        self.assertEqual(self.cost(5, number=LAND), 0)
        self.assertEqual(self.cost(6, number=LAND), Decimal("1.001"))

    def test_rounding(self):
        self.new_rate(self.own, "4420", "0.25")
        for method, digits, expected in (
            ("up", 2, "0.03"),
            ("down", 2, "0.02"),
            ("half_up", 2, "0.03"),
            ("half_even", 2, "0.02"),
            ("up", 0, "1"),
            ("half_up", 6, "0.025"),
        ):
            with self.subTest(method=method, digits=digits):
                self.brand.write({"rounding_method": method, "rounding_digits": digits})
                self.assertEqual(self.cost(6, number=LAND), Decimal(expected))

    def test_what_a_brand_cannot_be(self):
        for values in (
            {"increment": 0},
            {"initial_increment": -1},
            {"increment": 86401},
            {"connection_charge": -1},
            {"connection_charge": 1e9},
            {"minimum_charge": 1e9},
            {"surcharge": 1e30},
            {"grace_seconds": -1},
            {"max_session": -1},
            {"rounding_digits": 7},
            {"rounding_digits": -1},
        ):
            self.assertImpossible(self.brand, values)

    def test_what_a_price_list_cannot_be(self):
        for values in (
            {"markup_percent": -100},
            {"markup_percent": 1e6},
            {"fixed": 1e9},
            {"fixed": -1e30},
        ):
            self.assertImpossible(self.own, values)

    def test_what_a_rate_cannot_be(self):
        rate = self.new_rate(self.own, "4420", "0.1")
        for values in (
            {"price": -0.1},
            {"price": 1e9},
            {"connection_charge": -1},
            {"initial_increment": 86401},
            {"increment": -1},
            {"prefix": "44a"},
            {"prefix": "+44"},
            {"prefix": ""},
            {"prefix": "٤٤"},
            {"date_from": "2026-11-20", "date_to": "2026-11-19"},
        ):
            self.assertImpossible(rate, values)
        with self.assertRaises(psycopg2.IntegrityError), mute_logger("odoo.sql_db"), self.env.cr.savepoint():
            self.new_rate(self.own, "4420", "0.2")

    def assertImpossible(self, record, values):
        """Neither the model nor the database takes these values."""
        with self.subTest(values), mute_logger("odoo.sql_db"):
            try:
                with self.env.cr.savepoint():
                    record.write(values)
                    record.flush_recordset()
            except (UserError, psycopg2.IntegrityError):
                return
            self.fail(f"{values} were taken")

    def test_counts_and_buttons(self):
        self.assertEqual((self.base.rate_count, self.own.rate_count), (2, 0))
        self.assertEqual(self.brand.price_list_count, 2)
        self.assertEqual(self.base.action_rates()["domain"], [("price_list_id", "=", self.base.id)])
        self.assertEqual(self.brand.action_price_lists()["domain"], [("brand_id", "=", self.brand.id)])
        self.assertEqual(self.base.copy().rate_count, 2)
