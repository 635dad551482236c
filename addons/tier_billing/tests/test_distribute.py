from decimal import Decimal

from odoo.exceptions import UserError
from odoo.tests import tagged

from ..ledger.grants import Grant
from .common import TierBillingCase


@tagged("post_install", "-at_install")
class TestDistribute(TierBillingCase):
    """Credit for many wallets in one transaction."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_chain()
        cls.students = cls.env["tier.wallet"].concat(
            *(cls.new_wallet(f"Student {number}", cls.dealer) for number in range(4))
        )
        cls.dealer._topup(100, "distribute:funds")

    def tearDown(self):
        self.assertConserved()
        super().tearDown()

    def grants(self, amounts, key="g", **values):
        return [
            Grant(wallet.id, amount, f"{key}:{wallet.id}", label=wallet.name, **values)
            for wallet, amount in zip(self.students, amounts, strict=False)
        ]

    def distribute(self, *args, **kwargs):
        return self.env["tier.wallet"]._distribute(*args, **kwargs)

    def test_everybody_gets_it(self):
        result = self.distribute(self.grants([10, "10.5", Decimal("0.0043"), 2.5]), "June")
        self.assertEqual((result.given, result.known, result.refused), ([0, 1, 2, 3], [], {}))
        first, second, third, fourth = self.students
        self.assertBalances(first, 10, second, "10.5", third, "0.0043", fourth, "2.5")
        self.assertBalances(self.dealer, "76.9957")
        transfers = self.env["tier.transfer"].search([("to_wallet_id", "in", self.students.ids)])
        self.assertEqual(set(transfers.mapped("reason")), {"June"})
        self.assertEqual(set(transfers.mapped("kind")), {"allocation"})

    def test_again_changes_nothing(self):
        grants = self.grants([10, 10])
        self.distribute(grants)
        with self.assertNothingMoves():
            self.assertEqual(self.distribute(grants).known, [0, 1])
        # One more in the same act is given, the others are not given again.
        result = self.distribute(self.grants([10, 10, 10]))
        self.assertEqual((result.known, result.given), ([0, 1], [2]))
        self.assertBalances(self.dealer, 70)

    def test_again_with_another_amount_is_an_error(self):
        self.distribute(self.grants([10]))
        with self.assertRaisesRegex(UserError, "another amount"), self.assertNothingMoves():
            self.distribute(self.grants([11]))

    def test_again_needs_no_funds(self):
        self.distribute(self.grants([50, 50]))
        self.assertBalances(self.dealer, 0)
        self.assertEqual(self.distribute(self.grants([50, 50])).known, [0, 1])

    def test_all_or_nothing(self):
        told = "Student 2: Dealer has 0 QCO available, 1 QCO are needed"
        with self.assertRaisesRegex(UserError, told), self.assertNothingMoves():
            self.distribute(self.grants([60, 40, 1, 1]))

    def test_skip_those_that_cannot(self):
        result = self.distribute(self.grants([60, 50, -1, 40]), skip=True)
        self.assertEqual((result.given, list(result.refused)), ([0, 3], [2, 1]))
        self.assertIn("40 QCO available", result.refused[1])
        self.assertIn("above zero", result.refused[2])
        self.assertBalances(self.dealer, 0, self.students[3], 40)

    def test_a_dry_run_moves_and_locks_nothing(self):
        with self.assertNothingMoves():
            result = self.distribute(self.grants([60, 50, "NaN", 40]), dry_run=True)
        self.assertEqual((result.given, sorted(result.refused)), ([0, 3], [1, 2]))

    def test_who_can_never_be_given_to(self):
        self.students[1].state = "closed"
        grants = [*self.grants([1, 1]), Grant(self.provider.id, 1, "g:p", label="Provider")]
        result = self.distribute(grants, skip=True)
        self.assertEqual(result.given, [0])
        self.assertIn("closed", result.refused[1])
        self.assertIn("no parent", result.refused[2])

    def test_what_goes_back_pays_for_what_is_given(self):
        self.distribute(self.grants([60, 40]))
        grants = self.grants([50, 50], key="h")
        grants[0].returned, grants[1].returned = Decimal(60), Decimal(40)
        result = self.distribute(grants)
        self.assertEqual(result.given, [0, 1])
        self.assertBalances(self.dealer, 0, self.students[0], 50, self.students[1], 50)

    def test_who_gets_nothing_gives_nothing_back(self):
        self.distribute(self.grants([60, 40]))
        grants = self.grants([100, 30], key="h")
        grants[0].returned, grants[1].returned = Decimal(60), Decimal(40)
        result = self.distribute(grants, skip=True)
        self.assertEqual((result.given, list(result.refused)), ([1], [0]))
        self.assertBalances(self.dealer, 10, self.students[0], 60, self.students[1], 30)

    def test_outside_credit_and_the_overcommit_guard(self):
        self.dealer.overcommit_percent = 50
        outside = self.env["tier.wallet"].concat(
            *(self.new_wallet(f"Outside {number}", self.dealer, money="outside") for number in range(3))
        )
        grants = [Grant(wallet.id, 20, f"o:{wallet.id}", label=wallet.name) for wallet in outside]
        result = self.distribute(grants, skip=True)
        self.assertEqual((result.given, list(result.refused)), ([0, 1], [2]))
        self.assertIn("may grant 50.00", result.refused[2])
        self.assertBalances(self.dealer, 100, outside[1], 20)
        self.assertEqual(self.collected(self.dealer), -40)

    def test_another_currency(self):
        abroad = self.env["tier.wallet"].concat(
            *(self.new_wallet(f"Abroad {number}", self.dealer, currency_id=self.shell.id) for number in range(30))
        )
        grants = [Grant(wallet.id, 4, f"a:{wallet.id}") for wallet in abroad]
        self.distribute(grants[:1])  # warms the caches
        self.env.flush_all()
        with self.assertQueryCount(30):
            self.distribute(grants[1:20])
        self.assertBalances(abroad[0], 4, abroad[19], 4, self.dealer, 0)
        with self.assertRaisesRegex(UserError, "Dealer has 0 QCO"):
            self.distribute(grants[20:])

    def test_validity_is_prolonged(self):
        self.students.credit_valid_days = 30
        self.distribute(self.grants([1, 1]))
        self.assertTrue(all(self.students[:2].mapped("credit_expires_on")))
        self.assertFalse(self.students[2].credit_expires_on)

    def test_the_number_of_statements_does_not_grow(self):
        many = self.env["tier.wallet"].concat(*(self.new_wallet(f"Many {n}", self.dealer) for n in range(60)))
        self.env.flush_all()
        grants = [Grant(wallet.id, "0.01", f"m:{wallet.id}") for wallet in many]
        self.distribute(grants[:2])
        self.env.invalidate_all()
        with self.assertQueryCount(16):
            self.distribute(grants[2:])
