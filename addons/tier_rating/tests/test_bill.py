from datetime import date, timedelta

import psycopg2

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form
from odoo.tools import mute_logger

from ..charging.refund import refund
from .common import NOON, TierRatingCase

NOVEMBER = (date(2026, 11, 1), date(2026, 11, 30))
DECEMBER = (date(2026, 12, 1), date(2026, 12, 31))


class BillCase(TierRatingCase):
    """A minute costs the user 1.00, the dealer 0.80, the reseller 0.70; two calls in November."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_selling_chain()
        cls.provider._topup(1000, "b:provider")
        cls.reseller._topup(100, "b:reseller")
        cls.dealer._allocate(50, "b:dealer")
        cls.user._allocate(30, "b:user")
        cls.brand = cls.dealer.brand_ids
        cls.brand.name = "Blue Line"
        cls.germany = cls.env["tier.destination"].create({"name": "Bill Germany"})
        cls.user.price_list_id.rate_ids.destination_id = cls.germany

    def setUp(self):
        super().setUp()
        self.charge(self.call("b:1", 60), self.call("b:2", 150), self.call("b:3", 0))

    def bill(self, days=NOVEMBER, **values):
        return self.env["tier.bill"].create(
            {
                "wallet_id": self.dealer.id,
                "child_id": self.user.id,
                "date_from": days[0],
                "date_to": days[1],
                **values,
            }
        )

    def issued(self, days=NOVEMBER, **values):
        bill = self.bill(days, **values)
        bill.action_issue()
        return bill

    def charges(self, bill):
        self.env.flush_all()
        self.env.cr.execute("SELECT charge_id FROM tier_bill_charge WHERE bill_id = %s", [bill.id])
        return [row[0] for row in self.env.cr.fetchall()]


class TestBill(BillCase):
    # ------------------------------------------------------------------
    # What is on it
    # ------------------------------------------------------------------

    def test_what_the_reseller_sold(self):
        bill = self.bill()
        self.assertEqual((bill.state, bill.name, bill.currency_id), ("draft", False, self.coin))
        line = bill.line_ids
        # 60 s and 150 s, billed by the minute: what the user paid, not what the dealer paid for it.
        self.assertEqual((line.calls, line.quantity, line.amount, line._quantity_text()), (2, 240, 4, "0:04:00"))
        self.assertIn("Bill Germany", line.name)
        self.assertEqual((bill.amount_untaxed, bill.amount_tax, bill.amount_total), (4, 0, 4))
        self.assertEqual((bill.seller_name, bill.customer_name), ("Blue Line", "User"))

    def test_the_reseller_bills_its_dealer_from_its_own_charges(self):
        bill = self.bill(wallet_id=self.reseller.id, child_id=self.dealer.id)
        self.assertEqual((bill.amount_total, bill.call_count), (3.2, 2))

    def test_tax(self):
        bill = self.bill(tax_name="VAT", tax_percent=19)
        self.assertEqual((bill.amount_untaxed, bill.amount_tax, bill.amount_total), (4, 0.76, 4.76))
        bill.tax_included = True
        self.assertEqual((bill.amount_untaxed, bill.amount_tax, bill.amount_total), (3.36, 0.64, 4))
        for wrong in (-1, 100, 1000):
            with self.subTest(wrong), self.assertRaises(ValidationError):
                bill.tax_percent = wrong

    def test_lines_add_up_to_the_exact_sum(self):
        """Fractions of a cent on many lines are not lost one by one."""
        self.user.price_list_id.brand_id.rounding_digits = 4
        for number, prefix in enumerate(("331", "332", "333")):
            rate = self.new_rate(self.user.price_list_id, prefix, "0.334")
            rate.destination_id = self.env["tier.destination"].create({"name": f"Bill France {number}"})
            self.new_rate(self.dealer.price_list_id, prefix, "0.1")
            self.new_rate(self.reseller.price_list_id, prefix, "0.1")
            self.new_rate(self.provider.price_list_id, prefix, "0.1")
            self.charge(self.call(f"b:fr{number}", 60, number=f"{prefix}555555", at=NOON + timedelta(hours=1)))
        bill = self.bill()
        self.assertEqual(bill.amount_total, 5.00)
        self.assertEqual(sorted(bill.line_ids.mapped("amount")), [0.33, 0.33, 0.34, 4])

    def test_the_period_is_that_of_the_companys_time_zone(self):
        self.company.partner_id.tz = "Asia/Tokyo"
        self.charge(self.call("b:tokyo", 60, at=NOON.replace(day=30, hour=16)))
        self.assertEqual(self.bill().amount_total, 4)
        self.assertEqual(self.bill(DECEMBER).amount_total, 1)

    def test_other_customers_and_own_calls_are_not_on_it(self):
        other = self.new_wallet("Other", self.dealer)
        self.sell(other, {"49": "2"})
        other._allocate(10, "b:other")
        self.new_endpoint(other, "other")
        self.charge(self.call("b:other", 60, account="other"))
        self.assertEqual(self.bill().amount_total, 4)
        self.assertEqual(self.bill(child_id=other.id).amount_total, 2)

    # ------------------------------------------------------------------
    # Once
    # ------------------------------------------------------------------

    def test_a_charge_stands_on_one_invoice(self):
        first = self.bill()
        self.assertEqual(len(self.charges(first)), 2)
        again = self.bill()
        self.assertFalse(again.line_ids)
        with self.assertRaises(UserError):
            again.action_issue()
        with self.assertRaises(psycopg2.errors.UniqueViolation), mute_logger("odoo.sql_db"), self.env.cr.savepoint():
            self.env.cr.execute(
                "INSERT INTO tier_bill_charge (charge_id, bill_id) VALUES (%s, %s)", [self.charges(first)[0], again.id]
            )
        # A statement only tells.
        self.assertEqual(self.bill(kind="statement").amount_total, 4)

    def test_a_deleted_draft_and_a_cancelled_invoice_let_go(self):
        self.bill().unlink()
        bill = self.issued()
        bill.action_cancel()
        self.assertEqual((bill.state, bill.name, bill.amount_total), ("cancelled", "INV/00001", 4))
        self.assertTrue(bill.line_ids)
        again = self.issued()
        self.assertEqual((again.name, again.amount_total), ("INV/00002", 4))

    def test_late_usage_is_on_the_next_invoice(self):
        self.issued()
        self.charge(self.call("b:late", 60, at=NOON + timedelta(hours=2)))
        self.charge(self.call("b:next", 120, at=NOON.replace(month=12)))
        bill = self.issued(DECEMBER)
        self.assertEqual((bill.amount_total, bill.late_count), (3, 1))
        self.assertFalse(self.bill().line_ids)

    def test_what_was_not_billed_is_no_late_usage(self):
        """A month that the reseller chose not to bill does not come back with the next."""
        self.charge(self.call("b:next", 120, at=NOON.replace(month=12)))
        self.assertEqual(self.bill(DECEMBER).amount_total, 2)

    def test_a_refund_after_the_invoice_is_on_the_next(self):
        self.issued()
        refund(self.env, self.event("b:2").ids, "outage")
        self.env.invalidate_all()
        self.env.cr.execute("SELECT max(date) FROM tier_charge WHERE reverses_id IS NOT NULL")
        day = self.env.cr.fetchone()[0].date()
        bill = self.bill((max(day, NOVEMBER[0]), max(day, NOVEMBER[1])))
        self.assertEqual((bill.amount_total, bill.call_count), (-3, 0))

    # ------------------------------------------------------------------
    # Issued
    # ------------------------------------------------------------------

    def test_numbers_have_no_gap(self):
        first, statement = self.issued(), self.issued(kind="statement")
        self.assertEqual((first.name, statement.name), ("INV/00001", "STM/00001"))
        self.charge(self.call("b:more", 60, at=NOON.replace(month=12)))
        # What is rolled back has taken no number.
        with self.assertRaises(ZeroDivisionError), self.env.cr.savepoint():
            self.issued(DECEMBER)
            raise ZeroDivisionError
        self.assertEqual(self.issued(DECEMBER).name, "INV/00002")
        # Another reseller counts for itself.
        other = self.issued(wallet_id=self.reseller.id, child_id=self.dealer.id)
        self.assertEqual(other.name, "INV/00001")

    def test_issuing_twice_gives_one_number(self):
        bill = self.issued()
        bill.action_issue()
        self.assertEqual(bill.name, "INV/00001")
        series = self.env["tier.bill.series"].search([("wallet_id", "=", self.dealer.id)])
        self.assertEqual(series.next_number, 2)
        for change in ({"next_number": 1}, {"kind": "statement"}, {"wallet_id": self.reseller.id}):
            with self.subTest(change), self.assertRaises(UserError):
                series.write(change)
        with self.assertRaises(UserError):
            series.unlink()
        series.prefix = "BL-2026-"
        self.charge(self.call("b:more", 60, at=NOON.replace(month=12)))
        self.assertEqual(self.issued(DECEMBER).name, "BL-2026-00002")

    def test_a_bill_begins_as_a_draft(self):
        """Whatever the context has for a default."""
        defaults = {
            "default_state": "issued",
            "default_name": "X/1",
            "default_number": 7,
            "default_issued_on": NOON.date(),
        }
        bill = (
            self.env["tier.bill"]
            .with_context(**defaults)
            .create({"wallet_id": self.dealer.id, "child_id": self.user.id})
        )
        self.assertEqual((bill.state, bill.name, bill.number, bill.issued_on), ("draft", False, 0, False))

    def test_what_was_issued_stays_as_it_is(self):
        bill = self.issued(note="Thank you")
        self.brand.name = "Another name"
        self.user.partner_id.name = "Somebody else"
        self.charge(self.call("b:more", 60))
        self.assertEqual((bill.seller_name, bill.customer_name, bill.amount_total), ("Blue Line", "User", 4))
        for change in (
            {"note": "Pay twice"},
            {"tax_percent": 19},
            {"date_to": DECEMBER[1]},
            {"child_id": self.dealer.id},
            {"amount_total": 5},
            {"state": "draft"},
            {"name": "INV/00007"},
            {"seller_name": "Me"},
        ):
            for su in (False, True):
                with self.subTest(change=change, su=su), self.assertRaises(UserError):
                    bill.sudo(su).write(change)
        with self.assertRaises(UserError):
            bill.unlink()
        with self.assertRaises(UserError):
            bill.line_ids.write({"amount": 1})
        with self.assertRaises(UserError):
            bill.line_ids.unlink()
        with self.assertRaises(UserError):
            self.env["tier.bill.line"].create({"bill_id": bill.id, "name": "More"})
        with self.assertRaises(UserError):
            bill.action_refresh()
        with self.assertRaises(UserError):
            bill.copy()
        bill.action_cancel()
        bill.action_cancel()
        with self.assertRaises(UserError):
            bill.action_issue()

    def test_a_draft_follows_its_period(self):
        bill = self.bill(DECEMBER)
        self.assertFalse(bill.line_ids)
        bill.date_from = NOVEMBER[0]
        self.assertEqual(bill.amount_total, 4)
        self.charge(self.call("b:more", 60))
        bill.action_refresh()
        self.assertEqual(bill.amount_total, 5)
        bill.kind = "statement"
        self.assertEqual((self.charges(bill), bill.amount_total), ([], 5))
        with self.assertRaises(UserError):
            bill.write({"amount_total": 1})

    def test_it_touches_no_money(self):
        moves = self.env["account.move"].search_count([])
        with self.assertNothingMoves():
            self.issued().action_cancel()
        self.assertEqual(self.env["account.move"].search_count([]), moves)

    # ------------------------------------------------------------------
    # Who to whom
    # ------------------------------------------------------------------

    def test_the_form(self):
        form = Form(self.env["tier.bill"].with_user(self.staff("user")))
        form.wallet_id, form.child_id = self.dealer, self.user
        form.date_from, form.date_to = NOVEMBER
        form.tax_percent = 10
        bill = form.save()
        self.assertEqual((bill.amount_total, bill.line_ids.used), (4.4, "0:04:00"))
        with form:
            form.tax_percent = 0
        self.assertEqual(bill.amount_total, 4)

    def test_only_to_direct_customers_of_a_reseller(self):
        sibling = self.new_wallet("Sibling", self.reseller)
        for wallet, child in (
            (self.provider, self.reseller),
            (self.reseller, self.user),
            (self.dealer, sibling),
            (self.user, self.dealer),
            (self.dealer, self.dealer),
        ):
            with self.subTest(wallet=wallet.name, child=child.name), self.assertRaises(ValidationError):
                self.bill(wallet_id=wallet.id, child_id=child.id)
        with self.assertRaises(ValidationError):
            self.bill(brand_id=self.reseller.brand_ids.id)

    def test_rights_of_staff(self):
        draft = self.bill()
        for role in ("auditor", "clerk"):
            user = self.staff(role)
            for method in ("action_issue", "action_refresh", "action_cancel", "action_send"):
                with self.subTest(role=role, method=method), self.assertRaises(AccessError):
                    getattr(draft.with_user(user), method)()
        clerk = self.staff("user")
        draft.with_user(clerk).action_issue()
        self.assertEqual(draft.name, "INV/00001")
        with self.assertRaises(AccessError):
            self.env["tier.bill.series"].with_user(clerk).search([]).prefix = "X"

    # ------------------------------------------------------------------
    # Paper and mail
    # ------------------------------------------------------------------

    def test_print(self):
        bill = self.issued(tax_name="VAT", tax_percent=19, note="Payable within 14 days")
        html, _type = self.env["ir.actions.report"]._render_qweb_html("tier_rating.tier_bill_report", bill.ids)
        text = html.decode()
        for words in ("Blue Line", "INV/00001", "Bill Germany", "4.76", "VAT", "19", "Payable within 14 days"):
            self.assertIn(words, text)
        # Nobody above the reseller is named, nor what the reseller paid.
        for secret in (self.company.name, "Reseller</", "3.20"):
            self.assertNotIn(secret, text)
        bill.action_cancel()
        html, _type = self.env["ir.actions.report"]._render_qweb_html("tier_rating.tier_bill_report", bill.ids)
        self.assertIn("Cancelled", html.decode())

    def test_mail(self):
        self.user.partner_id.email = "user@example.com"
        self.dealer.partner_id.email = "dealer@example.com"
        bill = self.bill()
        with self.assertRaises(UserError):
            bill.action_send()
        bill.action_issue()
        bill.action_send()
        mail = self.env["mail.mail"].search([("model", "=", "tier.bill"), ("res_id", "=", bill.id)])
        self.assertIn("Blue Line", mail.email_from)
        self.assertEqual(mail.reply_to, "dealer@example.com")
        self.assertEqual(mail.recipient_ids, self.user.partner_id)
        self.assertEqual(len(mail.attachment_ids), 1)
        self.assertEqual(bill.sent_on, bill.issued_on)
        self.assertIn("INV/00001", mail.subject)
        self.user.partner_id.email = False
        with self.assertRaises(UserError):
            bill.action_send()
