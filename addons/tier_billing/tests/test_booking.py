from datetime import date, datetime, timedelta
from decimal import Decimal

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from .common import TierBillingCase

DAY = datetime(2026, 11, 20, 10, 0)


class BookingCase(TierBillingCase):
    """A chain in a company of its own with books."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.env["res.company"].create({"name": "Books", "country_id": cls.env.ref("base.us").id})
        cls.env.user.company_ids |= cls.company
        cls.env.user.company_id = cls.company
        cls.env["account.chart.template"].try_loading("generic_coa", company=cls.company, install_demo=False)
        cls.env = cls.env(context=dict(cls.env.context, allowed_company_ids=cls.company.ids))
        cls.company = cls.company.with_env(cls.env)
        cls.company._tier_setup_accounting()
        cls.dollar = cls.company.currency_id
        for currency, rate in ((cls.coin, 1), (cls.shell, 0.8)):
            cls.set_rate(currency, rate)

    @classmethod
    def new_chain(cls, **values):
        cls.provider = cls.new_wallet("Provider", currency_id=cls.dollar.id, company_id=cls.company.id)
        cls.reseller = cls.new_wallet("Reseller", cls.provider, **values)
        cls.user = cls.new_wallet("User", cls.reseller)
        return cls.provider, cls.reseller, cls.user

    def book(self, until=None, **values):
        """Book in short transactions, as the cron does; all of them this test's own."""
        self.env.flush_all()
        with self.enter_registry_test_mode():
            ids = self.env["tier.booking"]._book(self.company, until or fields.Date.today(), **values)
        self.env.invalidate_all()
        return self.env["account.move"].browse(ids)

    def used(self, wallet, amount, key, day=DAY, **values):
        return self.usage(wallet, amount, key, date=day, **values)

    def items(self, moves):
        """Return the journal items as (account name, amount in its currency), sorted."""
        return sorted(
            (line.account_id.name, f"{line.amount_currency:.2f}", line.currency_id.name) for line in moves.line_ids
        )

    def booked_credit(self, currency=None):
        """Return the customers' credit in the books, in one currency."""
        lines = self.env["account.move.line"].search(
            [
                ("account_id", "=", self.company.tier_credit_account_id.id),
                ("parent_state", "=", "posted"),
                ("currency_id", "=", (currency or self.dollar).id),
            ]
        )
        return -sum((Decimal(repr(amount)) for amount in lines.mapped("amount_currency")), Decimal(0))

    def assertBooked(self):
        """The books have what the wallets have, in every currency."""
        wallets = self.env["tier.wallet"].search([("company_id", "=", self.company.id), ("parent_id", "!=", False)])
        for currency in wallets.currency_id:
            inside = wallets.filtered(lambda w, c=currency: w.currency_id == c and w.money == "inside")
            exact = sum(map(self.balance, inside), Decimal(0))
            self.assertLess(abs(self.booked_credit(currency) - exact), Decimal("0.01"), currency.name)


@tagged("post_install", "-at_install")
class TestBooking(BookingCase):
    """The daily entry follows the ledger, once."""

    def test_money_in_and_use(self):
        _provider, reseller, user = self.new_chain()
        reseller._topup("100.00", "top:1")
        user._allocate("30.00", "give:1")
        self.used(user, "5.00", "use:1", datetime.now())
        self.used(reseller, "4.00", "use:2", datetime.now())
        move = self.book()
        self.assertEqual(len(move), 1)
        self.assertEqual((move.state, move.journal_id), ("posted", self.company.tier_journal_id))
        self.assertEqual(
            self.items(move),
            [
                ("Credit sold and usage invoiced", "100.00", "USD"),
                ("Customers' credit", "-100.00", "USD"),
                ("Customers' credit", "4.00", "USD"),
                ("Usage revenue", "-4.00", "USD"),
            ],
        )
        self.assertBooked()
        self.assertEqual(self.booked_credit(), Decimal(96))

    def test_every_kind_goes_to_its_account(self):
        _provider, reseller, _user = self.new_chain()
        reseller._topup("100.00", "top")
        reseller._allocate("10.00", "grant")
        reseller._reclaim("4.00", "reclaim")
        reseller._adjust("3.00", "adjust", "Goodwill")
        reseller._withdraw("7.00", "payout")
        reseller._withdraw("2.00", "back", kind="adjustment")
        move = self.book()
        name = self.company.tier_credit_account_id.name
        self.assertEqual(
            [item for item in self.items(move) if item[0] != name],
            [
                ("Credit adjustments", "3.00", "USD"),
                ("Credit granted", "-4.00", "USD"),
                ("Credit granted", "10.00", "USD"),
                ("Credit sold and usage invoiced", "-2.00", "USD"),
                ("Credit sold and usage invoiced", "-7.00", "USD"),
                ("Credit sold and usage invoiced", "100.00", "USD"),
            ],
        )
        self.assertBooked()

    def test_runs_again_change_nothing(self):
        _provider, reseller, _user = self.new_chain()
        reseller._topup("100.00", "top")
        self.assertTrue(self.book())
        self.assertFalse(self.book())
        self.assertFalse(self.book(everything=True))
        self.assertBooked()

    def test_a_day_has_an_entry_and_late_events_add_to_it(self):
        _provider, reseller, _user = self.new_chain()
        self.used(reseller, "1.00", "a")
        self.used(reseller, "2.00", "b", DAY + timedelta(days=1))
        first, second = self.book().sorted("date")
        self.assertEqual([str(first.date), str(second.date)], ["2026-11-20", "2026-11-21"])
        self.used(reseller, "0.50", "late")
        late = self.book()
        self.assertEqual(str(late.date), "2026-11-20")
        self.assertEqual(late.amount_total, 0.5)
        self.assertBooked()

    def test_late_events_land_on_the_next_open_day(self):
        _provider, reseller, _user = self.new_chain()
        self.used(reseller, "1.00", "a")
        self.book()
        self.company.fiscalyear_lock_date = "2026-11-20"
        self.used(reseller, "0.50", "late")
        self.used(reseller, "0.25", "next", DAY + timedelta(days=1))
        move = self.book()
        self.assertEqual(str(move.date), "2026-11-21")
        self.assertIn("late", move.ref)
        self.assertIn("Used, 11/20/2026 to 11/21/2026", move.line_ids.mapped("name"))
        self.assertEqual(set(move.tier_booking_ids.mapped("amount")), {-0.75})
        self.assertBooked()

    def test_the_tax_lock_counts_where_tax_is_due_on_use(self):
        _provider, reseller, _user = self.new_chain()
        self.company.tax_lock_date = "2026-11-20"
        self.used(reseller, "1.00", "a")
        self.assertEqual(str(self.book().date), "2026-11-20")
        self.company.tier_tax_policy = "use"
        self.used(reseller, "1.00", "b")
        self.assertEqual(str(self.book().date), "2026-11-21")

    def test_days_begin_where_the_company_is(self):
        self.company.partner_id.tz = "Pacific/Auckland"
        _provider, reseller, _user = self.new_chain()
        self.used(reseller, "1.00", "a", datetime(2026, 11, 19, 11, 30))
        self.assertEqual(str(self.book().date), "2026-11-20")
        # Booked days stay what they were, wherever the company moves to.
        self.company.partner_id.tz = "America/New_York"
        self.assertFalse(self.book(everything=True))

    def test_only_days_that_are_over(self):
        _provider, reseller, _user = self.new_chain()
        reseller._topup("1.00", "today")
        self.assertFalse(self.book(until=fields.Date.today() - timedelta(days=1)))
        self.assertTrue(self.book())

    def test_a_run_until_some_day_leaves_the_rest_to_the_next(self):
        _provider, reseller, _user = self.new_chain()
        for number in range(4):
            self.used(reseller, "1.00", f"a:{number}", DAY + timedelta(days=number))
        # All of it was written long before the next run.
        self.env.flush_all()
        self.env.cr.execute("ALTER TABLE tier_transfer DISABLE TRIGGER tier_transfer_append_only")
        self.env.cr.execute("UPDATE tier_transfer SET create_date = '2026-11-01' WHERE source_key LIKE 'a:%'")
        self.env.cr.execute("ALTER TABLE tier_transfer ENABLE TRIGGER tier_transfer_append_only")
        self.assertEqual(len(self.book(until=date(2026, 11, 21))), 2)
        self.assertEqual(len(self.book(until=date(2026, 11, 23))), 2)
        self.assertBooked()

    def test_the_provider_s_own_money_is_not_credit(self):
        provider, _reseller, _user = self.new_chain()
        provider._topup("50.00", "own")
        self.used(provider, "1.00", "own use")
        self.assertFalse(self.book())

    def test_outside_money_is_not_in_the_books(self):
        _provider, reseller, _user = self.new_chain()
        reseller._topup("50.00", "top")
        outside = self.new_wallet("Outside", reseller, money="outside")
        outside._allocate("20.00", "grant")
        self.used(outside, "5.00", "use")
        self.used(reseller, "4.00", "use:reseller")
        self.book()
        self.assertEqual(self.booked_credit(), Decimal(46))
        # Paid in the provider's shop: it collected for the reseller.
        outside._topup("10.00", "shop")
        self.book()
        self.assertEqual(self.booked_credit(), Decimal(56))
        self.assertBooked()

    def test_fractions_of_a_cent_are_carried(self):
        _provider, reseller, _user = self.new_chain()
        for number in range(5):
            self.used(reseller, "0.0043", f"use:{number}", DAY + timedelta(hours=number))
            self.book()
            self.assertBooked()
            # Never a cent away from the wallets.
            self.assertEqual(self.booked_credit(), self.balance(reseller).quantize(Decimal("0.01")))
        self.assertEqual(self.booked_credit(), Decimal("-0.02"))

    # ------------------------------------------------------------------
    # What people do to entries
    # ------------------------------------------------------------------

    def test_an_entry_stays_as_it_is(self):
        _provider, reseller, _user = self.new_chain()
        self.used(reseller, "1.00", "a")
        move = self.book()
        with self.assertRaisesRegex(UserError, "reverse it"):
            move.button_draft()
        with self.assertRaises(UserError), mute_logger("odoo.sql_db"), self.env.cr.savepoint():
            move.unlink()
        with self.assertRaises(UserError):
            self.env["tier.booking.line"].search([], limit=1).unlink()

    def test_an_accountant_needs_no_rights_on_wallets(self):
        _provider, reseller, _user = self.new_chain()
        self.used(reseller, "1.00", "a")
        accountant = new_test_user(
            self.env, "books", "account.group_account_manager", company_id=self.company.id, company_ids=self.company.ids
        )
        move = self.book().with_user(accountant)
        self.assertNotIn("tier_booking_ids", move.read()[0])
        self.assertEqual((move.tier_booking_count, move.show_reset_to_draft_button), (1, False))
        with self.assertRaisesRegex(UserError, "reverse it"):
            move.button_draft()
        move._reverse_moves([{"date": move.date}], cancel=True)
        self.env.invalidate_all()
        self.assertTrue(self.book())
        self.assertBooked()

    def test_a_reversed_entry_is_booked_again(self):
        _provider, reseller, _user = self.new_chain()
        self.used(reseller, "1.00", "a")
        move = self.book()
        reversal = move._reverse_moves([{"date": move.date}], cancel=True)
        self.assertEqual((reversal.state, self.booked_credit()), ("posted", 0))
        again = self.book()
        self.assertEqual(self.items(again), self.items(move))
        self.assertFalse(self.book(everything=True))
        self.assertBooked()

    def test_a_deleted_draft_reversal_never_was(self):
        _provider, reseller, _user = self.new_chain()
        self.used(reseller, "1.00", "a")
        reversal = self.book()._reverse_moves([{"date": "2026-11-20"}])
        self.assertEqual(reversal.state, "draft")
        reversal.unlink()
        self.assertFalse(self.book())
        self.assertBooked()

    def test_a_cancelled_draft_reversal_never_was(self):
        _provider, reseller, _user = self.new_chain()
        self.used(reseller, "1.00", "a")
        self.book()._reverse_moves([{"date": "2026-11-20"}]).button_cancel()
        self.assertFalse(self.book())
        self.assertBooked()

    def test_a_deleted_entry_is_booked_again(self):
        _provider, reseller, _user = self.new_chain()
        self.used(reseller, "1.00", "a")
        move = self.book()
        # As a script of somebody's might.
        move.state = "draft"
        move.with_context(force_delete=True).unlink()
        self.assertEqual(self.booked_credit(), 0)
        self.assertTrue(self.book())
        self.assertBooked()

    # ------------------------------------------------------------------
    # Who and when
    # ------------------------------------------------------------------

    def test_missing_accounts_are_named(self):
        self.company.tier_clearing_account_id = False
        with self.assertRaisesRegex(UserError, "Credit sold account"):
            self.book()

    def by_hand(self, role="manager", **values):
        """Book by the wizard."""
        user = self.staff(role)
        user.write({"company_ids": [Command.set(self.company.ids)], "company_id": self.company.id})
        wizard = self.env["tier.booking.run"].with_user(user).create(values)
        self.env.flush_all()
        with self.enter_registry_test_mode():
            action = wizard.action_book()
        self.env.invalidate_all()
        return action["params"]["message"]

    def test_by_hand(self):
        _provider, reseller, _user = self.new_chain()
        self.used(reseller, "1.00", "a")
        reseller._topup("5.00", "today")
        self.assertEqual(self.by_hand(), "One journal entry posted.")
        with self.assertRaisesRegex(UserError, "to come"):
            self.env["tier.booking.run"].create({"until": fields.Date.today() + timedelta(days=2)}).action_book()
        self.book()
        self.assertBooked()

    def test_only_a_manager_books_by_hand(self):
        with self.assertRaises(AccessError):
            self.by_hand("user")
        with self.assertRaises(UserError):
            self.env["tier.booking"].with_user(self.staff("manager")).create({})

    def test_another_company_s_books_are_closed(self):
        other = self.env["res.company"].create({"name": "Other"})
        wizard = self.env["tier.booking.run"].create({"company_id": other.id})
        with self.assertRaisesRegex(AccessError, "Switch on"):
            wizard.action_book()

    def test_the_cron_goes_on_after_a_company_that_fails(self):
        _provider, reseller, _user = self.new_chain()
        self.used(reseller, "1.00", "a")
        broken = self.env["res.company"].search([("chart_template", "!=", False)], order="id", limit=1)
        self.assertLess(broken.id, self.company.id)
        broken._tier_setup_accounting()
        broken.tier_journal_id = False
        self.env.flush_all()
        with self.enter_registry_test_mode(), mute_logger("odoo.addons.tier_billing.models.tier_booking"):
            self.env.ref("tier_billing.ir_cron_book").method_direct_trigger()
        self.env.invalidate_all()
        self.assertBooked()
        todo = self.env.ref("base.user_admin").partner_id.activity_ids.filtered(
            lambda activity: activity.summary == "The wallets could not be booked"
        )
        self.assertIn("Wallets journal", todo.note)

    def test_the_cron_calls_when_the_books_differ(self):
        _provider, reseller, _user = self.new_chain()
        self.used(reseller, "1.00", "a", datetime.now() - timedelta(days=3))
        move = self.book()
        line = move.line_ids.filtered(lambda item: item.account_id == self.company.tier_credit_account_id)
        admin = self.env.ref("base.user_admin")
        admin.company_ids |= self.company
        self.env["tier.booking"]._warn_of_difference(self.company)
        self.assertNotIn("The wallets and the books differ", admin.partner_id.activity_ids.mapped("summary"))
        self.env.flush_all()
        self.env.cr.execute("UPDATE account_move_line SET amount_currency = 1.5 WHERE id = %s", [line.id])
        self.env.invalidate_all()
        for _night in range(2):
            self.env["tier.booking"]._warn_of_difference(self.company)
        todo = admin.partner_id.activity_ids.filtered(lambda todo: todo.summary == "The wallets and the books differ")
        self.assertEqual(len(todo), 1)
        self.assertIn("0.50", todo.note)
