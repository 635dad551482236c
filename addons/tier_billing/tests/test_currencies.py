from decimal import Decimal

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import freeze_time, tagged

from .common import TierBillingCase


@tagged("post_install", "-at_install")
class TestCurrencies(TierBillingCase):
    """Money between wallets in two currencies: a coin is 0.8 shell."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider = cls.new_wallet("Provider")
        cls.reseller = cls.new_wallet("Reseller", cls.provider)
        cls.abroad = cls.new_wallet("Abroad", cls.reseller, currency_id=cls.shell.id)
        cls.shop = cls.new_wallet("Shop", cls.reseller, money="outside", currency_id=cls.shell.id)
        cls.reseller._topup(100, "funds")

    def tearDown(self):
        self.assertConserved()
        super().tearDown()

    def exchanged(self):
        """Return what the exchange accounts hold, in coins and shells."""
        return self.figure(self.account("exchange")), self.figure(self.account("exchange", self.shell))

    def test_allocate_keeps_both_amounts_and_the_rate(self):
        transfer = self.abroad._allocate(8, "allocate")
        self.assertBalances(self.reseller, 90, self.abroad, 8)
        self.assertEqual(self.exchanged(), (10, -8))
        self.assertRecordValues(
            transfer,
            [
                {
                    "amount": 10,
                    "currency_id": self.coin.id,
                    "amount_to": 8,
                    "currency_to_id": self.shell.id,
                    "rate": 0.8,
                    "exchange_in_id": self.account("exchange").id,
                    "exchange_out_id": self.account("exchange", self.shell).id,
                }
            ],
        )

    def test_allocate_checks_what_the_parent_gives(self):
        with self.assertRaisesRegex(UserError, r"100 QCO available, 100\.01 QCO are needed"):
            self.abroad._allocate("80.01", "too much")
        self.abroad._allocate(80, "all")
        self.assertBalances(self.reseller, 0, self.abroad, 80)

    def test_reclaim(self):
        self.abroad._allocate(8, "allocate")
        transfer = self.abroad._reclaim(4, "reclaim")
        self.assertBalances(self.reseller, 95, self.abroad, 4)
        self.assertEqual((transfer.amount, transfer.amount_to, transfer.rate), (4, 5, 1.25))
        self.assertEqual(self.exchanged(), (5, -4))

    def test_topup_and_payout_stay_in_the_wallets_currency(self):
        transfers = self.abroad._topup(8, "topup") | self.abroad._withdraw(3, "payout")
        self.assertEqual(transfers.currency_id, self.shell)
        self.assertFalse(transfers.exchange_in_id)
        self.assertBalances(self.abroad, 5)

    def test_adjust_against_earnings_in_the_providers_currency(self):
        self.abroad._adjust(4, "adjust", "Goodwill")
        self.assertBalances(self.abroad, 4)
        self.assertEqual(self.earned(self.provider), -5)

    def test_a_grant_needs_no_exchange(self):
        transfer = self.shop._allocate(8, "grant")
        self.assertFalse(transfer.exchange_in_id)
        self.assertEqual(self.collected(self.reseller, self.shell), -8)

    def test_overcommit_compares_in_the_grants_currency(self):
        self.reseller.overcommit_percent = 50
        with self.assertRaisesRegex(UserError, r"may grant 40\.00 QSH in all, 40\.01 QSH"):
            self.shop._allocate("40.01", "too much")
        self.shop._allocate(40, "grant")

    def test_topup_of_outside_money_is_converted_for_the_ancestor(self):
        transfers = self.shop._topup(8, "topup")
        self.assertBalances(self.reseller, 110, self.shop, 8)
        self.assertEqual(self.collected(self.reseller, self.shell), -8)
        topup = transfers.filtered(lambda transfer: transfer.kind == "topup")
        self.assertEqual((topup.amount, topup.amount_to), (8, 10))
        self.assertEqual((topup.currency_id, topup.currency_to_id), (self.shell, self.coin))

    def test_a_converted_amount_is_rounded_once(self):
        thirds = self.new_currency("QTH", 3)
        wallet = self.new_wallet("Thirds", self.reseller, currency_id=thirds.id)
        transfer = wallet._allocate(1, "allocate")
        self.assertEqual((transfer.amount, transfer.amount_to), (0.33, 1))
        self.assertEqual(self.balance(self.reseller), Decimal("99.67"))

    def test_a_currency_without_decimals(self):
        whole = self.new_currency("QWH", 150, rounding=1)
        wallet = self.new_wallet("Whole", self.reseller, currency_id=whole.id)
        child = self.new_wallet("Child", wallet, currency_id=self.coin.id)
        wallet._allocate(1500, "allocate")
        self.assertBalances(self.reseller, 90, wallet, 1500)
        transfer = child._allocate("1.01", "allocate again")
        self.assertEqual((transfer.amount, transfer.amount_to), (152, 1.01))

    # ------------------------------------------------------------------
    # Another day, another rate
    # ------------------------------------------------------------------

    def test_a_repeat_on_another_day_changes_nothing(self):
        """A payment notification that comes again after midnight is still the same payment."""
        inner = self.new_wallet("Inner", self.shop, currency_id=self.coin.id)
        operations = (
            lambda: self.abroad._allocate(8, "allocate"),
            lambda: self.abroad._reclaim(2, "reclaim"),
            lambda: self.abroad._adjust(1, "adjust", "Goodwill"),
            lambda: self.shop._topup(8, "topup"),
            # The shop in the middle is in another currency than both ends.
            lambda: inner._topup(8, "topup inner"),
        )
        transfers = [operation() for operation in operations]
        self.set_rate(self.shell, 0.5, fields.Date.today())
        with self.assertNothingMoves():
            self.assertEqual([operation() for operation in operations], transfers)

    def test_the_rate_is_that_of_the_day(self):
        self.set_rate(self.shell, 0.5, "2031-01-01")
        with freeze_time("2030-12-31 12:00:00"):
            before = self.abroad._allocate(1, "before")
        with freeze_time("2031-01-01 12:00:00"):
            after = self.abroad._allocate(1, "after")
        self.assertEqual((before.amount, after.amount), (1.25, 2))
