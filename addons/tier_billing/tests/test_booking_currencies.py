from datetime import timedelta
from decimal import Decimal

from odoo.tests import tagged

from .test_booking import DAY, BookingCase


@tagged("post_install", "-at_install")
class TestBookingCurrencies(BookingCase):
    """Wallets in other currencies than the company's, and what rates leave over."""

    def test_currencies(self):
        self.set_rate(self.shell, 0.5, "2026-11-20")
        provider, reseller, _user = self.new_chain(currency_id=self.shell.id)
        other = self.new_wallet("Coins", reseller, currency_id=self.coin.id)
        reseller._topup("80.00", "top")
        other._allocate("10.00", "give")
        self.used(reseller, "8.00", "use", amount_to=Decimal("10.00"))
        moves = self.book()
        self.assertBooked()
        for move in moves:
            self.assertTrue(self.dollar.is_zero(sum(move.line_ids.mapped("balance"))))
        used = moves.filtered(lambda move: str(move.date) == "2026-11-20")
        # 8 shells are 16 dollars on that day, the ledger had them for 10.
        self.assertEqual(
            self.items(used),
            [
                ("Customers' credit", "8.00", "QSH"),
                (self.company.income_currency_exchange_account_id.name, "-6.00", "USD"),
                ("Usage revenue", "-10.00", "USD"),
            ],
        )
        self.assertEqual(self.earned(provider), Decimal(10))

    def company_value(self, account, currency):
        """Return an account's balance in a currency, in that of the company; credits positive."""
        lines = self.env["account.move.line"].search(
            [("account_id", "=", account.id), ("parent_state", "=", "posted"), ("currency_id", "=", currency.id)]
        )
        return round(-sum(lines.mapped("balance")), 2)

    def test_credit_is_used_at_the_value_it_was_booked_with(self):
        self.set_rate(self.shell, 0.5, "2026-11-22")
        self.new_chain()
        shells = self.new_wallet("Shells", self.provider, currency_id=self.shell.id)
        account = self.company.tier_credit_account_id
        grant = shells._movement(
            "allocation", self.provider.account_id, shells.account_id, Decimal(100), "give", "Opening"
        )
        self.env["tier.transfer"]._post([grant._replace(date=DAY, amount=Decimal(125))])
        self.book()
        self.assertEqual(self.company_value(account, self.shell), 125)
        # A shell is worth 2.00 when it is used, and was 1.25 when it was bought.
        self.used(shells, "40.00", "a", DAY + timedelta(days=2), amount_to=Decimal(80))
        move = self.book()
        loss = self.company.expense_currency_exchange_account_id
        self.assertIn((loss.name, "30.00", "USD"), self.items(move))
        self.assertEqual(self.company_value(account, self.shell), 75)
        # More than is there: the rest is a claim at the rate of the day.
        self.used(shells, "70.00", "b", DAY + timedelta(days=2), amount_to=Decimal(140))
        self.book()
        self.assertEqual((self.booked_credit(self.shell), self.company_value(account, self.shell)), (-10, -20))
        self.assertBooked()

    def test_nothing_is_worth_nothing(self):
        """Used to the last cent, at other rates every day: no value stays behind."""
        self.new_chain()
        shells = self.new_wallet("Shells", self.provider, currency_id=self.shell.id)
        self.used(shells, "33.33", "owed", amount_to=Decimal("41.66"))
        self.book()
        for number, rate in enumerate((0.77, 0.5, 0.93), 1):
            self.set_rate(self.shell, rate, f"2026-11-2{number}")
        for day in (1, 2, 3):
            movement = shells._movement(
                "adjustment",
                self.account("earnings", self.dollar, self.provider),
                shells.account_id,
                Decimal("11.11"),
                f"back:{day}",
                "Goodwill",
            )
            self.env["tier.transfer"]._post([movement._replace(date=DAY + timedelta(days=day))])
        self.book()
        account = self.company.tier_credit_account_id
        self.assertEqual((self.booked_credit(self.shell), self.company_value(account, self.shell)), (0, 0))
