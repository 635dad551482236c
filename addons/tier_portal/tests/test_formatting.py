import doctest

from odoo.tests import TransactionCase, tagged

from odoo.addons.tier_portal import formatting, period


@tagged("post_install", "-at_install")
class TestFormatting(TransactionCase):
    def test_examples_in_the_documentation_hold(self):
        for module in (formatting, period):
            outcome = doctest.testmod(module)
            self.assertTrue(outcome.attempted)
            self.assertFalse(outcome.failed, module.__name__)

    def test_money_has_the_decimals_that_it_needs(self):
        usd = self.env.ref("base.USD")
        for amounts, expected in (
            ([], 2),
            ([1, 2.5], 2),
            ([1, 0.125], 3),
            ([0.0043], 4),
            ([0.00431], 4),  # up to four
            ([0.1 + 0.2], 2),  # what only a float's noise adds is no decimal
        ):
            self.assertEqual(formatting.digits_for(usd, amounts), expected, amounts)

    def test_money_reads_in_the_users_language(self):
        usd, eur = self.env.ref("base.USD"), self.env.ref("base.EUR")
        usd.position, eur.position = "before", "after"
        text = formatting.money(self.env, 1234.5, usd)
        self.assertEqual(text, "$\N{NO-BREAK SPACE}1,234.50")
        self.assertEqual(formatting.money(self.env, 0.0043, eur, 4), "0.0043\N{NO-BREAK SPACE}€")
        self.assertEqual(formatting.money(self.env, -0.001, usd), "$\N{NO-BREAK SPACE}0.00")

    def test_numbers_keep_their_digits(self):
        for number in ("493023125089", "13105550156", "46846500142", "8821612345678"):
            shown = formatting.telephone(number)
            self.assertTrue(shown.startswith("+"), shown)
            self.assertEqual("".join(filter(str.isdigit, shown)), number)
        for odd in ("112", "1001", "alice", "0" * 32, "*100#", "٣٤٥"):
            self.assertEqual("".join(formatting.telephone(odd).split()), odd)

    def test_numbers_without_the_library(self):
        library, formatting.phonenumbers = formatting.phonenumbers, None
        try:
            self.assertEqual(formatting.telephone("493023125089"), "+493023125089")
            self.assertEqual(formatting.telephone("112"), "112")
        finally:
            formatting.phonenumbers = library
