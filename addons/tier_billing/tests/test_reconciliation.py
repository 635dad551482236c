from datetime import date, datetime, timedelta
from decimal import Decimal

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .test_booking import DAY, BookingCase


@tagged("post_install", "-at_install")
class TestReconciliation(BookingCase):
    """The report agrees while only daily entries write, and tells when somebody else does."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.new_chain()

    def compare(self, begin=date(2026, 11, 18), end=date(2026, 11, 23), company=None):
        """Return the lines of the report by (day, currency)."""
        report = self.env["tier.reconciliation"].create(
            {"company_id": (company or self.company).id, "date_from": begin, "date_to": end}
        )
        report.action_show()
        return {(str(line.day), line.currency_id.name): line for line in report.line_ids}

    def topup(self, amount, key, day=DAY):
        """Credit the reseller on a day of the past."""
        world = self.account("world", self.reseller.currency_id)
        return self.env["tier.transfer"]._post(
            [self._at(day, self.reseller._movement("topup", world, self.reseller.account_id, Decimal(amount), key))]
        )

    @staticmethod
    def _at(day, movement):
        return movement._replace(date=day)

    def by_hand(self, amount, day="2026-11-21", **values):
        """Post an entry on the account of the customers' credit, as an accountant might."""
        move = self.env["account.move"].create(
            {
                "journal_id": self.company.tier_journal_id.id,
                "date": day,
                "line_ids": [
                    Command.create(
                        {"account_id": self.company.tier_credit_account_id.id, "balance": -amount, **values}
                    ),
                    Command.create({"account_id": self.company.tier_grant_account_id.id, "balance": amount}),
                ],
            }
        )
        move.action_post()
        return move

    def assertLine(self, line, **figures):
        found = {name: round(line[name], 6) for name in figures if name != "state"}
        self.assertEqual(found, {name: value for name, value in figures.items() if name != "state"})
        self.assertEqual(line.state, figures.get("state", "agrees"))

    def test_agrees_on_every_day(self):
        self.topup("100.00", "top")
        self.used(self.reseller, "10.00", "a", DAY + timedelta(days=1))
        self.book()
        lines = self.compare()
        self.assertLine(lines["2026-11-19", "USD"], wallets=0, books=0, difference=0)
        self.assertLine(lines["2026-11-20", "USD"], wallets=100, books=100, difference=0, late=0, unbooked=0)
        self.assertLine(lines["2026-11-21", "USD"], wallets=90, books=90, difference=0)

    def test_tells_what_is_not_booked_yet(self):
        self.topup("100.00", "top")
        self.book()
        self.used(self.reseller, "10.00", "a", DAY + timedelta(days=1))
        lines = self.compare()
        self.assertLine(lines["2026-11-20", "USD"], wallets=100, unbooked=0, books=100, difference=0)
        line = lines["2026-11-21", "USD"]
        self.assertLine(line, wallets=90, unbooked=-10, books=100, difference=0, state="open")
        transfers = self.env["tier.transfer"].search(line.action_unbooked()["domain"])
        self.assertEqual(transfers.mapped("source_key"), ["a"])

    def test_late_events_are_booked_on_other_days(self):
        self.topup("100.00", "top")
        self.book()
        self.company.fiscalyear_lock_date = "2026-11-21"
        self.used(self.reseller, "10.00", "a")
        move = self.book()
        lines = self.compare()
        self.assertEqual(str(move.date), "2026-11-22")
        self.assertLine(lines["2026-11-20", "USD"], wallets=90, late=-10, books=100, difference=0)
        self.assertLine(lines["2026-11-21", "USD"], wallets=90, late=-10, books=100, difference=0)
        self.assertLine(lines["2026-11-22", "USD"], wallets=90, late=0, books=90, difference=0)
        rows = self.env["tier.booking.line"].search(lines["2026-11-21", "USD"].action_late()["domain"])
        self.assertEqual(rows.move_id, move)

    def test_shows_what_somebody_posted_by_hand(self):
        self.topup("100.00", "top")
        self.book()
        move = self.by_hand(5.0)
        lines = self.compare()
        self.assertLine(lines["2026-11-20", "USD"], difference=0)
        line = lines["2026-11-21", "USD"]
        self.assertLine(line, wallets=100, unbooked=0, books=105, difference=5, state="differs")
        items = self.env["account.move.line"].search(line.action_foreign_items()["domain"])
        self.assertEqual(items.move_id, move)
        self.assertIn(items, self.env["account.move.line"].search(line.action_items()["domain"]))

    def test_shows_a_currency_that_has_no_wallet(self):
        self.by_hand(8.0, currency_id=self.shell.id, amount_currency=-6.4)
        self.assertLine(self.compare()["2026-11-21", "QSH"], wallets=0, books=6.4, difference=6.4, state="differs")

    def test_shows_what_moved_behind_the_books(self):
        """Bookings that do not lead to journal items are found: the two sides are independent."""
        self.topup("100.00", "top")
        move = self.book()
        line = move.line_ids.filtered(lambda item: item.account_id == self.company.tier_credit_account_id)
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE account_move_line SET amount_currency = amount_currency - 1 WHERE id = %s", [line.id]
        )
        self.env.invalidate_all()
        self.assertLine(self.compare()["2026-11-23", "USD"], wallets=100, books=101, difference=1, state="differs")

    def test_a_draft_reversal_shows(self):
        self.topup("100.00", "top")
        self.book()._reverse_moves([{"date": "2026-11-20"}])
        line = self.compare()["2026-11-20", "USD"]
        self.assertLine(line, wallets=100, unbooked=100, books=100, late=-100, difference=0, state="open")

    def test_fractions_of_a_cent(self):
        for number in range(3):
            self.used(self.reseller, "0.0043", f"a:{number}", DAY + timedelta(hours=number))
            self.book()
        line = self.compare()["2026-11-20", "USD"]
        self.assertLine(line, wallets=-0.0129, unbooked=0, rounding=-0.0029, books=-0.01, difference=0)

    def test_currencies_and_their_rates(self):
        shells = self.new_wallet("Shells", self.provider, currency_id=self.shell.id)
        world = self.account("world", self.shell)
        self.env["tier.transfer"]._post(
            [self._at(DAY, shells._movement("topup", world, shells.account_id, Decimal(80), "top"))]
        )
        self.book()
        self.set_rate(self.shell, 0.5, "2026-11-21")
        lines = self.compare()
        self.assertLine(lines["2026-11-20", "QSH"], wallets=80, books=80, difference=0, company_value=100)
        self.assertLine(lines["2026-11-21", "QSH"], books=80, company_value=100, exchange_difference=60)

    def test_as_of_any_day_whenever_it_is_asked(self):
        self.topup("100.00", "top")
        self.used(self.reseller, "10.00", "a", datetime(2026, 11, 22, 10))
        self.book()
        wide, narrow = self.compare(), self.compare(date(2026, 11, 21), date(2026, 11, 21))
        self.assertEqual(len(narrow), 1)
        names = ("wallets", "unbooked", "late", "books", "difference")
        key = ("2026-11-21", "USD")
        self.assertEqual(wide[key].read(names)[0] | {"id": 0}, narrow[key].read(names)[0] | {"id": 0})

    def test_companies_are_apart(self):
        self.topup("100.00", "top")
        self.book()
        other = self.env["res.company"].create({"name": "Other", "country_id": self.env.ref("base.us").id})
        self.env.user.company_ids |= other
        self.env["account.chart.template"].try_loading("generic_coa", company=other, install_demo=False)
        other._tier_setup_accounting()
        with self.assertRaises(AccessError):
            self.compare(company=other)
        self.env = self.env(context=dict(self.env.context, allowed_company_ids=[self.company.id, other.id]))
        self.assertFalse(self.compare(company=other))

    def test_the_menu(self):
        self.topup("100.00", "top")
        auditor = self.staff("auditor")
        auditor.write({"company_ids": [Command.link(self.company.id)], "company_id": self.company.id})
        action = self.env["tier.reconciliation"].with_user(auditor).action_open()
        lines = self.env["tier.reconciliation.line"].with_user(auditor).search(action["domain"])
        self.assertEqual(len(lines.mapped("day")), len(set(lines.mapped("day"))))
        self.assertIn("USD", lines[0].display_name)
        for name in ("action_wallets", "action_unbooked", "action_late"):
            domain = getattr(lines[0], name)()["domain"]
            self.assertIsInstance(domain, list)

    def test_a_period_too_long_is_refused(self):
        with self.assertRaisesRegex(UserError, "at most a year"):
            self.compare(date(2020, 1, 1))
        with self.assertRaisesRegex(UserError, "at most a year"):
            self.compare(date(2026, 11, 23), date(2026, 11, 22))
