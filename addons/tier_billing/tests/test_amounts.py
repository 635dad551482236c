from decimal import Decimal

from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import TierBillingCase

LARGEST = Decimal("999999999999.999999")
SMALLEST = Decimal("0.000001")

NO_AMOUNTS = (
    0,
    "0.000000",
    -1,
    "-0.01",
    10**12,
    "1e12",
    "1e999999",
    float("nan"),
    float("inf"),
    float("-inf"),
    "NaN",
    "sNaN",
    "Infinity",
    "0.0000001",
    "1e-7",
    "1e-999999",
    Decimal("1.23456789"),
    "abc",
    "",
    "1,5",
    None,
    False,
)


@tagged("post_install", "-at_install")
class TestAmounts(TierBillingCase):
    """What an amount may be, for every way to move money."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, _user = cls.new_chain()
        cls.reseller._topup(100, "funds:1")
        cls.dealer._allocate(50, "funds:2")

    def operations(self):
        return {
            "topup": self.dealer._topup,
            "allocate": self.dealer._allocate,
            "reclaim": self.dealer._reclaim,
            "withdraw": self.dealer._withdraw,
        }

    def test_what_is_no_amount(self):
        with self.assertNothingMoves():
            for name, operation in self.operations().items():
                for position, amount in enumerate(NO_AMOUNTS):
                    with self.subTest(operation=name, amount=amount), self.assertRaises(UserError):
                        operation(amount, f"{name}:{position}")
        self.assertBalances(self.reseller, 50, self.dealer, 50)

    def test_what_is_no_adjustment(self):
        with self.assertNothingMoves():
            for position, amount in enumerate(NO_AMOUNTS):
                # An adjustment alone may be negative.
                if isinstance(amount, int | str) and str(amount).startswith("-"):
                    continue
                with self.subTest(amount=amount), self.assertRaises(UserError):
                    self.dealer._adjust(amount, f"adjust:{position}", "Reason")
            for amount in ("-1e12", "-0.0000001"):
                with self.subTest(amount=amount), self.assertRaises(UserError):
                    self.dealer._adjust(amount, f"adjust:{amount}", "Reason")

    def test_the_smallest_and_the_largest_are_kept_exactly(self):
        self.provider._topup(LARGEST, "largest")
        self.assertEqual(self.balance(self.provider), LARGEST)
        self.dealer._topup(SMALLEST, "smallest")
        self.assertEqual(self.balance(self.dealer), 50 + SMALLEST)
        self.assertConserved()

    def test_many_small_amounts_add_up(self):
        """0.1 three times is no float's 0.30000000000000004."""
        dealer = self.new_wallet("Empty", self.reseller)
        for number in range(3):
            dealer._topup(0.1, f"small:{number}")
        self.assertEqual(self.balance(dealer), Decimal("0.3"))
        dealer._withdraw(0.3, "all of it")
        self.assertEqual(self.balance(dealer), 0)

    def test_a_float_counts_as_it_was_typed(self):
        for number, amount in enumerate((1.1, 2.675, 1234567.891, 1e-06)):
            with self.subTest(amount):
                before = self.balance(self.dealer)
                self.dealer._topup(amount, f"float:{number}")
                self.assertEqual(self.balance(self.dealer) - before, Decimal(repr(amount)))

    def test_zeros_at_the_end_are_no_decimals(self):
        self.dealer._topup("1.50000000000", "zeros")
        self.assertEqual(self.balance(self.dealer), Decimal("51.5"))
