import doctest
from datetime import datetime
from decimal import Decimal

from odoo.tests import BaseCase, tagged

from ..invoicing import amounts, call_list, period


@tagged("post_install", "-at_install")
class TestUsageInvoiceAmounts(BaseCase):
    """The arithmetic of invoices of usage, without a database."""

    def test_examples(self):
        for module in (amounts, call_list, period):
            result = doctest.testmod(module)
            self.assertFalse(result.failed, module.__name__)
            self.assertGreater(result.attempted, 0, module.__name__)

    def test_spread_adds_up(self):
        step = Decimal("0.05")
        for exact in (
            ["0.01"] * 7,
            ["0.024", "-0.024", "0.5"],
            ["-0.07", "-0.01"],
            ["1.974999", "0.000001", "3.333333"],
            ["0"],
        ):
            exact = [Decimal(amount) for amount in exact]
            # What earlier invoices left over may shift the total by a coin.
            for shift in (-1, 0, 1):
                total = amounts.round_to(sum(exact), step) + shift * step
                rounded = amounts.spread(exact, total, step)
                self.assertEqual(sum(rounded), total)
                self.assertFalse([amount for amount in rounded if amount % step])

    def test_never_more_than_the_invoice_is_covered(self):
        self.assertEqual(amounts.covered(Decimal(50), Decimal(30), Decimal("0.01")), 30)
        self.assertEqual(amounts.covered(Decimal("0.009"), Decimal(30), Decimal("0.01")), 0)

    def test_days_of_23_and_25_hours(self):
        for month, day, hours in ((3, 29, 23), (10, 25, 25)):
            date = datetime(2026, month, day).date()
            start, stop = period.bounds(date, date, "Europe/Berlin")
            self.assertEqual((stop - start).total_seconds() / 3600, hours)
