"""Months that begin or end within a subscription: their fee, and what they include, by their days."""

from datetime import date
from decimal import Decimal
from unittest.mock import patch

from freezegun import freeze_time

from odoo.tests import Form, tagged

from odoo.addons.tier_billing.statements import layout

from .. import charging
from ..charging import books
from ..engine.part import part_of_month
from .package_common import PackageFeeCase


@tagged("post_install", "-at_install")
class TestPackagePart(PackageFeeCase):
    """Dates are those of the database's clock, which cannot be set: this month's, by its days."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.day = cls.today.date()
        cls.part = part_of_month(cls.day, cls.day)
        cls.user._topup(Decimal(100), "fee:part")

    def by_days(self, **values):
        # The length of every month divides it, so that the expected amounts are exact.
        return self.package(self.dealer, fee=30 * self.part.of, included=10, first_period="days", **values)

    def test_the_first_month_by_the_days_left(self):
        self.user._topup(Decimal(1000), "fee:more")
        subscription = self.subscribe(self.user, self.by_days(), day=self.day)
        self.collect()
        period = self.period(subscription)
        self.assertEqual((period.days, period.month_days), self.part)
        self.assertEqual(self.user.balance, 1100 - 30 * self.part.days)
        # Ten minutes of the month, rounded up to a second.
        self.assertEqual(period.quantity, -(-600 * self.part.days // self.part.of))
        coming = subscription.balance_ids - period
        self.assertEqual((coming.days, coming.month_days), (coming.month_days, coming.month_days))

    def test_in_full_unless_told(self):
        subscription = self.subscribe(self.user, day=self.day)
        self.collect()
        self.assertEqual(self.user.balance, 90.01)
        self.assertEqual(self.period(subscription).quantity, 120)

    def test_units_in_whole_steps(self):
        subscription = self.subscribe(self.user, self.by_days(increment=60), day=self.day)
        self.user._topup(Decimal(1000), "fee:more")
        self.collect()
        seconds = self.period(subscription).quantity
        self.assertEqual(seconds % 60, 0)
        self.assertGreaterEqual(seconds * self.part.of, 600 * self.part.days)

    def test_without_a_fee_what_is_included(self):
        package = self.package(self.dealer, fee=0, included=10, first_period="days")
        subscription = self.subscribe(self.user, package, day=self.day)
        self.assertEqual(self.period(subscription).quantity, -(-600 * self.part.days // self.part.of))

    def test_tiers_above_pay_the_same_part(self):
        package = self.by_days(code="flat-100")
        whole = self.part.of
        self.new_rate(self.dealer.price_list_id, "flat", str(4 * whole), service_id=self.fee_service.id)
        self.new_rate(self.reseller.price_list_id, "flat-100", "2", service_id=self.fee_service.id, increment=1)
        self.user._topup(Decimal(1000), "fee:more")
        subscription = self.subscribe(self.user, package, day=self.day)
        self.collect()
        days = self.part.days
        # The reseller's rate has an increment of one fee: it is charged whole.
        self.assertEqual(
            [row[2] for row in self.shares(self.key(subscription))],
            [str(30 * days), str(4 * days), "2", "0"],
        )

    def test_the_part_is_rounded_once(self):
        """A third of a fee, or whatever part it is, by the brand's rule and not by that of a quotient."""
        self.dealer.brand_ids[:1].write({"rounding_method": "up", "rounding_digits": 2})
        subscription = self.subscribe(self.user, self.package(self.dealer, fee=31, first_period="days"), day=self.day)
        self.collect()
        cents = -(-3100 * self.part.days // self.part.of)
        self.assertEqual(Decimal(self.shares(self.key(subscription))[0][2]), Decimal(cents) / 100)

    def test_a_list_derived_from_the_sellers_does_not_price_the_fee(self):
        """What the dealer pays for the package is found in the base of its customers' list, kept in memory."""
        books.shelf(self.env.cr.dbname).forget()
        self.addCleanup(books.shelf(self.env.cr.dbname).forget)
        self.startPatcher(patch.object(books, "WORTH_READING", 0))
        self.startPatcher(patch.object(books, "RATES_PER_NUMBER", 10**9))
        self.user.price_list_id.base_id = self.dealer.price_list_id
        self.new_rate(self.dealer.price_list_id, "flat", "4.00", service_id=self.fee_service.id)
        self.new_rate(self.reseller.price_list_id, "flat", "2.00", service_id=self.fee_service.id)
        self.provider.price_list_id = False
        subscription = self.subscribe(self.user)
        self.collect()
        self.assertEqual([row[2] for row in self.shares(self.key(subscription))], ["9.99", "4", "2", "0"])

    def test_the_rate_is_told_of_a_list_in_memory(self):
        self.startPatcher(patch.object(books, "WORTH_READING", 0))
        self.startPatcher(patch.object(books, "RATES_PER_NUMBER", 10**9))
        self.addCleanup(books.shelf(self.env.cr.dbname).forget)
        rate = self.new_rate(self.dealer.price_list_id, "flat", "4.00", service_id=self.fee_service.id)
        self.user._topup(Decimal(1000), "fee:more")
        subscription = self.subscribe(self.user, self.by_days(code="flat-100"), day=self.day)
        self.collect()
        charges = self.period(subscription).fee_event_id.charge_ids
        paid = charges.filtered(lambda charge: charge.wallet_id == self.dealer)
        self.assertEqual((paid.prefix, paid.rate_ref), ("flat", rate.id))

    def test_first_and_last_month(self):
        package = self.package(self.dealer, first_period="days", last_period="days")
        subscription = self.subscribe(self.user, package, day=date(2026, 1, 22), date_to=date(2026, 3, 4))
        self.assertEqual(
            [(p.date_from.date(), p.days, p.month_days) for p in subscription.balance_ids.sorted("date_from")],
            [(date(2026, 1, 22), 10, 31), (date(2026, 2, 1), 28, 28), (date(2026, 3, 1), 4, 31)],
        )
        package.last_period = "full"
        other = self.subscribe(self.user, package, day=date(2024, 2, 10), date_to=date(2024, 2, 19))
        self.assertEqual([(p.days, p.month_days) for p in other.balance_ids], [(20, 29)])

    def test_the_brands_calendar(self):
        """The day begins at the brand's midnight; months with a change of the clock have whole days."""
        self.dealer.brand_ids[:1].tz = "Pacific/Auckland"
        package = self.package(self.dealer, first_period="days")
        subscription = self.subscribe(self.user, package, day=date(2026, 4, 5), date_to=date(2026, 4, 30))
        period = subscription.balance_ids
        self.assertEqual((period.days, period.month_days), (26, 30))
        self.assertEqual(str(period.date_from), "2026-04-04 11:00:00")
        self.assertEqual(str(period.date_to), "2026-04-30 12:00:00")

    def test_once_has_no_parts(self):
        package = self.package(self.dealer, period="once", first_period="days", last_period="days")
        self.subscribe(self.user, package, day=self.day)
        self.collect()
        self.assertEqual(self.user.balance, 90.01)

    def test_another_first_day_before_it_is_paid(self):
        subscription = self.subscribe(self.user, self.by_days(), day=self.day.replace(day=1))
        subscription.date_from = self.day
        self.assertEqual((self.period(subscription).days, self.period(subscription).month_days), self.part)

    def test_what_is_told_is_what_is_charged(self):
        package = self.package(self.dealer, fee="7.77", included=100, first_period="days", increment=60)
        [(told, quote)] = package._quotes(self.user, self.day).items()
        subscription = self.subscribe(self.user, package, day=self.day)
        self.collect()
        self.assertEqual(told, package)
        self.assertEqual(quote.amount, Decimal(self.shares(self.key(subscription))[0][2]))
        self.assertEqual(quote.units, self.period(subscription).quantity)
        self.assertEqual(quote.later, Decimal("7.77"))

    def test_the_form_tells_it_before_it_is_saved(self):
        package = self.package(self.dealer, fee=self.part.of, included=self.part.of, first_period="days")
        form = Form(self.env["tier.package.subscription"])
        form.wallet_id = self.user
        form.package_id = package
        form.date_from = self.day.replace(day=1)
        fee, units = layout.money(self.env, Decimal(self.part.of), self.user.currency_id, 2), f"{self.part.of} minutes"
        self.assertEqual(form.quote, f"{fee} at once, with {units}. Then {fee} each month, with {units}.")
        form.date_from = self.day
        if not self.part.is_whole:
            days = f"({self.part.days} of {self.part.of} days)"
            part = layout.money(self.env, Decimal(self.part.days), self.user.currency_id, 2)
            self.assertIn(f"{part} at once, with {self.part.days} minutes {days}. Then {fee} each month", form.quote)
        self.assertFalse(form.save().quote, "it is agreed")
        self.user.price_list_id = False
        form = Form(self.env["tier.package.subscription"])
        form.wallet_id = self.user
        form.package_id = package
        self.assertIn("cannot be charged", form.quote)

    @freeze_time("2026-11-23 10:00")
    def test_quotes_of_days_to_come(self):
        package = self.package(self.dealer, fee=30, first_period="days", last_period="days")
        quote = package._quotes(self.user, date(2026, 12, 22), date(2026, 12, 31))[package]
        self.assertEqual((quote.part, quote.at_once, quote.later), ((10, 31), False, None))
        free = self.package(self.dealer, fee=0, included=60)
        quote = free._quotes(self.user, date(2026, 11, 1))[free]
        self.assertEqual(free._quote_text(self.user, quote), "No fee, with 60 minutes at once.")
        self.assertEqual(charging.fees.quote(self.env, []), {})
        self.assertEqual(free._units_text(1600), "26 minutes 40 seconds")
