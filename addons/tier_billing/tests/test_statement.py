import csv
import io
from datetime import date, datetime
from decimal import Decimal

from openpyxl import load_workbook

from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, tagged

from ..ledger.writer import Movement
from ..statements import layout, reader
from .common import ChainBuilder, TierBillingCase

JULY = (date(2026, 7, 1), date(2026, 7, 31))


class StatementMixin(ChainBuilder):
    """A dealer in July 2026: 30.00 before, a busy month, 1.00 afterwards."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.chain = cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_chain()
        cls.sibling = cls.new_wallet("Sibling", cls.reseller)
        world = cls.env["tier.account"]._get("world", cls.company, cls.coin).id
        cls.provider._topup(1000, "s:provider")
        cls.reseller._topup(500, "s:reseller")
        own, above, below = (wallet.account_id.id for wallet in (cls.dealer, cls.reseller, cls.user))
        for key, kind, source, target, amount, day, reason in (
            ("opening", "allocation", above, own, "30", datetime(2026, 6, 30, 23, 59, 59), None),
            ("grant", "allocation", above, own, "20", datetime(2026, 7, 1), "Advance"),
            ("wire", "topup", world, own, "5.50", datetime(2026, 7, 2, 12), "=2+2 Wire"),
            ("give1", "allocation", own, below, "4", datetime(2026, 7, 3, 8), None),
            ("give2", "allocation", own, below, "6", datetime(2026, 7, 3, 9), None),
            ("use1", "usage", own, above, "0.8004", datetime(2026, 7, 5, 10), None),
            ("use2", "usage", own, above, "0.8", datetime(2026, 7, 5, 11), None),
            ("sold", "usage", below, own, "1", datetime(2026, 7, 5, 11), None),
            ("back", "reclaim", own, above, "2.25", datetime(2026, 7, 31, 23, 59, 59), "Too much"),
            ("later", "topup", world, own, "1", datetime(2026, 8, 1), None),
        ):
            cls.post(key, kind, source, target, amount, day, reason)

    @classmethod
    def post(cls, key, kind, source, target, amount, day, reason=None):
        """Post a transfer on a day, past the wallets' own methods."""
        cls.env["tier.transfer"]._post(
            [
                Movement(
                    source_key=f"s:{key}",
                    kind=kind,
                    from_account=source,
                    to_account=target,
                    amount=Decimal(amount),
                    amount_to=Decimal(amount),
                    date=day,
                    reason=reason,
                )
            ]
        )


@tagged("post_install", "-at_install")
class TestStatement(StatementMixin, TierBillingCase):
    def _kinds(self, statement):
        return [(row.kind, row.received, row.count, str(row.amount.normalize())) for row in statement.kinds]

    def test_opening_and_movements_make_the_closing_balance(self):
        statement = self.dealer._statement(*JULY)
        self.assertEqual((statement.opening, statement.closing), (Decimal(30), Decimal("42.6496")))
        self.assertEqual(
            self._kinds(statement),
            [
                ("allocation", True, 1, "2E+1"),
                ("topup", True, 1, "5.5"),
                ("usage", True, 1, "1"),
                ("allocation", False, 2, "-1E+1"),
                ("reclaim", False, 1, "-2.25"),
                ("usage", False, 2, "-1.6004"),
            ],
        )
        total = sum((row.amount for row in statement.kinds), Decimal(0))
        self.assertEqual(statement.opening + total, statement.closing)
        self.assertEqual(sum(row.amount for row in statement.movements), total)
        self.assertEqual(statement.movements[-1].balance, statement.closing)
        self.assertTrue(statement.proven)

    def test_the_closing_balance_is_the_opening_balance_of_the_next_period(self):
        august = self.dealer._statement(date(2026, 8, 1), date(2026, 8, 31))
        self.assertEqual(august.opening, self.dealer._statement(*JULY).closing)
        self.assertEqual(august.closing, self.balance(self.dealer))
        self.assertEqual(self.dealer._statement(date(2020, 1, 1), date(2020, 12, 31)).closing, 0)

    def test_every_wallet_of_the_chain_is_proven(self):
        for wallet in (*self.chain, self.sibling):
            statement = wallet._statement(date(2026, 7, 1), date(2999, 12, 31))
            self.assertTrue(statement.proven)
            self.assertEqual(statement.closing, self.balance(wallet))

    def test_a_balance_that_is_not_the_sum_of_the_movements_shows(self):
        self.env.flush_all()
        self.env.cr.execute("ALTER TABLE tier_account DISABLE TRIGGER USER")
        self.env.cr.execute(
            "UPDATE tier_account SET balance = balance + 0.000001 WHERE id = %s", [self.dealer.account_id.id]
        )
        self.assertFalse(self.dealer._statement(*JULY).proven)
        self.assertIn("money audit", str(self._screen().body))

    def test_days_begin_in_the_companys_time_zone(self):
        self.company.partner_id.tz = "Europe/Berlin"
        statement = self.dealer._statement(*JULY)
        # 23:59:59 in UTC on the last day of June is July in Berlin, that on the last day of July August.
        self.assertEqual((statement.opening, statement.closing), (0, Decimal("44.8996")))
        self.assertEqual(statement.movements[0].day, date(2026, 7, 1))
        # Where the reader is does not matter.
        self.env.user.tz = "Asia/Tokyo"
        self.assertEqual(self.dealer._statement(*JULY), statement)

    def test_late_movements_are_told(self):
        self.assertEqual(self.dealer._statement(*JULY).late, 8 if datetime.now() >= datetime(2026, 8, 1) else 0)
        self.assertEqual(self.dealer._statement(date(2026, 7, 1), date(2999, 1, 1)).late, 0)

    def test_what_happens_with_customers_is_summed_by_day(self):
        rows = [(row.day.day, row.kind, row.count, row.reason) for row in self.dealer._statement(*JULY).movements]
        self.assertEqual(
            rows,
            [
                (1, "allocation", 1, "Advance"),
                (2, "topup", 1, "=2+2 Wire"),
                (3, "allocation", 2, ""),
                (5, "usage", 1, ""),
                (5, "usage", 2, ""),
                (31, "reclaim", 1, "Too much"),
            ],
        )

    def test_the_wrong_order_of_days(self):
        with self.assertRaises(UserError):
            self.dealer._statement(JULY[1], JULY[0])

    # ------------------------------------------------------------------
    # Who reads what
    # ------------------------------------------------------------------

    def test_the_parent_reads_what_concerns_it(self):
        owner = self.portal_user(self.dealer, "s_dealer")
        parent = self.portal_user(self.reseller, "s_reseller")
        self.assertEqual(self.dealer.with_user(owner)._statement(*JULY), self.dealer._statement(*JULY))
        seen = self.dealer.with_user(parent)._statement(*JULY)
        self.assertEqual(
            self._kinds(seen),
            [
                ("allocation", True, 1, "2E+1"),
                ("topup", True, 1, "5.5"),
                ("reclaim", False, 1, "-2.25"),
                ("usage", False, 2, "-1.6004"),
                # 1.00 sold and 10.00 given to its customers.
                ("own", False, 3, "-9"),
            ],
        )
        self.assertEqual((seen.opening, seen.closing, seen.proven), (Decimal(30), Decimal("42.6496"), True))
        self.assertEqual({row.balance for row in seen.movements}, {None})
        self.assertEqual(len(seen.movements), 4)
        # Also as the system user acting for the parent, as the portal's PDF does.
        self.assertEqual(self.dealer.with_user(parent).sudo()._statement(*JULY), seen)

    def test_nobody_else_reads_it(self):
        for wallet, login in ((self.provider, "s_top"), (self.user, "s_user"), (self.sibling, "s_sibling")):
            with self.subTest(login), self.assertRaises(AccessError):
                self.dealer.with_user(self.portal_user(wallet, login))._statement(*JULY)
        with self.assertRaises(AccessError):
            self.dealer.with_user(self.staff("clerk"))._statement(*JULY)
        self.assertTrue(self.dealer.with_user(self.staff("auditor"))._statement(*JULY).proven)

    def test_a_screen_belongs_to_its_user(self):
        screen = self._screen(self.staff("auditor"))
        self.assertIn("Closing balance", screen.body)
        with self.assertRaises(AccessError):
            screen.with_user(self.staff("user")).read(["wallet_id"])
        with self.assertRaises(AccessError):
            self.env["tier.statement"].with_user(self.portal_user(self.dealer, "s_dealer")).create(
                {"wallet_id": self.dealer.id}
            )

    # ------------------------------------------------------------------
    # What it looks like
    # ------------------------------------------------------------------

    def _screen(self, user=None):
        return (
            self.env["tier.statement"]
            .with_user(user or self.env.user)
            .create({"wallet_id": self.dealer.id, "period": "custom", "date_from": JULY[0], "date_to": JULY[1]})
        )

    def test_amounts_add_up_as_printed(self):
        page = self.dealer._statement_page(*JULY)
        self.assertEqual((page["opening"], page["closing"]), ("30.0000\xa0QCO", "42.6496\xa0QCO"))
        self.assertEqual((page["received"], page["given"]), ("26.5000\xa0QCO", "13.8504\xa0QCO"))
        self.assertEqual(page["movements"][-1]["balance"], page["closing"])
        self.assertEqual(len(page["kinds"]), 6)

    def test_amounts_are_exact_and_local(self):
        self.assertEqual(layout.number(self.env, Decimal("123456789012.654321"), 6), "123,456,789,012.654321")
        self.assertEqual(layout.number(self.env, Decimal("-0.004"), 2), "0.00")
        self.assertEqual(layout.number(self.env, Decimal("-1234.5"), 2), "−1,234.50")
        self.env["res.lang"]._activate_lang("de_DE")
        german = self.env(context={"lang": "de_DE"})
        self.assertEqual(layout.number(german, Decimal("1234567.5"), 2), "1.234.567,50")

    def test_csv(self):
        content, mime = self.dealer._statement_file(*JULY, "csv")
        self.assertIn("text/csv", mime)
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
        self.assertEqual(
            rows[0], ["Wallet", "Currency", "Date", "Movement", "Details", "Number", "In", "Out", "Balance"]
        )
        self.assertEqual(rows[1], ["Dealer", "QCO", "2026-07-01", "Opening balance", "", "", "", "", "30"])
        self.assertEqual(rows[-1][2:4] + rows[-1][-1:], ["2026-07-31", "Closing balance", "42.6496"])
        # No spreadsheet computes what somebody wrote as a reason.
        self.assertEqual(rows[3][4], "'=2+2 Wire")
        moved = sum(Decimal(row[6] or 0) - Decimal(row[7] or 0) for row in rows[1:])
        self.assertEqual(Decimal(rows[1][-1]) + moved, Decimal(rows[-1][-1]))

    def test_csv_of_a_customer_adds_up_as_well(self):
        parent = self.portal_user(self.reseller, "s_reseller")
        content, _mime = self.dealer.with_user(parent)._statement_file(*JULY, "csv")
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
        moved = sum(Decimal(row[6] or 0) - Decimal(row[7] or 0) for row in rows[1:])
        self.assertEqual(Decimal(rows[1][-1]) + moved, Decimal(rows[-1][-1]))

    def test_workbook(self):
        content, _mime = self.dealer._statement_file(*JULY, "xlsx")
        sheet = load_workbook(io.BytesIO(content)).active
        rows = list(sheet.iter_rows(min_row=4, values_only=True))
        self.assertEqual(rows[0][:3], ("Date", "Movement", "Details"))
        self.assertEqual(rows[1][6], 30)
        self.assertEqual(rows[-1][6], 42.6496)
        self.assertEqual(rows[3][2], "=2+2 Wire")
        self.assertEqual(sheet.cell(7, 3).data_type, "s")

    def test_print(self):
        html = self.env["ir.actions.report"]._render_qweb_html("tier_billing.tier_statement_report", self._screen().ids)
        text = html[0].decode()
        for words in ("Closing balance", "42.6496", "Reseller", "Dealer", "Credit given to customers"):
            self.assertIn(words, text)

    def test_named_periods(self):
        statement = self.env["tier.statement"].create({"wallet_id": self.dealer.id, "period": "last_month"})
        self.assertEqual((statement.date_from.day, (statement.date_to - statement.date_from).days > 26), (1, True))
        with self.assertRaises(UserError):
            self.env["tier.statement"].create(
                {"wallet_id": self.dealer.id, "period": "custom", "date_from": JULY[1], "date_to": JULY[0]}
            ).action_pdf()

    def test_queries_do_not_grow_with_movements(self):
        self.dealer._statement(*JULY)
        with self.assertQueryCount(2):
            self.dealer._statement(*JULY)
        for number in range(10):
            self.usage(self.dealer, "0.01", f"s:more{number}", date=datetime(2026, 7, 6, number))
        self.assertEqual(self.dealer._statement(*JULY).kinds[-1].count, 12)
        with self.assertQueryCount(2):
            self.dealer._statement(*JULY)

    def test_the_span_of_days(self):
        self.assertEqual(
            layout.span(date(2026, 10, 25), date(2026, 10, 25), "Europe/Berlin"),
            (datetime(2026, 10, 24, 22), datetime(2026, 10, 25, 23)),
        )
        self.assertIsInstance(self.dealer._statement(*JULY), reader.Statement)


@tagged("post_install", "-at_install")
class TestStatementFiles(StatementMixin, HttpCase):
    def test_files_of_the_screen(self):
        auditor = self.staff("auditor")
        screen = (
            self.env["tier.statement"]
            .with_user(auditor)
            .create({"wallet_id": self.dealer.id, "period": "custom", "date_from": JULY[0], "date_to": JULY[1]})
        )
        self.authenticate("tier_auditor", "tier_auditor")
        for file_format, begin in (("csv", b"\xef\xbb\xbf"), ("xlsx", b"PK")):
            response = self.url_open(f"/tier_billing/statement/{screen.id}/{file_format}")
            self.assertEqual(response.status_code, 200)
            self.assertTrue(response.content.startswith(begin))
            self.assertIn("attachment", response.headers["Content-Disposition"])
        self.assertEqual(self.url_open(f"/tier_billing/statement/{screen.id}/exe").status_code, 404)
        # Neither another member of staff nor a customer gets at it by its number.
        self.staff("user")
        self.portal_user(self.dealer, "s_dealer")
        for login in ("tier_user", "s_dealer"):
            self.authenticate(login, login)
            self.assertEqual(self.url_open(f"/tier_billing/statement/{screen.id}/csv").status_code, 404, login)
