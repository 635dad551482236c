from datetime import datetime
from decimal import Decimal

from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import freeze_time, tagged

from ..invoicing import summary
from .invoicing_common import BERLIN, DECEMBER, IN_DECEMBER, LONDON, NOVEMBER, InvoicingCase


@freeze_time("2026-12-02 09:00:00")
@tagged("post_install", "-at_install")
class TestUsageInvoice(InvoicingCase):
    """Drafts of postpaid usage: what stands on them, and that each charge does so once."""

    def test_lines_by_destination(self):
        self.use_in_november()
        move = self.invoice()
        self.assertEqual((move.state, move.move_type, move.partner_id), ("draft", "out_invoice", self.user.partner_id))
        self.assertEqual(move.currency_id, self.coin)
        self.assertEqual(
            self.usage_lines(move),
            [("QGermany: 2 calls, 4.00 minutes", 4.0), ("QLondon: 1 call, 1.00 minutes", 2.0)],
        )
        self.assertEqual((move.amount_untaxed, move.amount_tax, move.amount_total), (6, 1.2, 7.2))
        lines = move.invoice_line_ids
        self.assertEqual(lines.account_id, self.clearing)
        self.assertEqual(lines.product_id, self.product)
        self.assertEqual(lines.tax_ids, self.tax)
        self.assertEqual(lines.tier_wallet_id, self.user)
        self.assertEqual(
            (move.tier_usage_wallet_id, move.tier_usage_calls, move.tier_usage_cost, move.tier_usage_billed),
            (self.user, 3, 6, 6),
        )
        self.assertEqual(self.linked(move), ["k:1", "k:2", "k:3"])

    def test_only_what_the_wallet_paid(self):
        """The reseller's share of the same calls is on no invoice of its customer."""
        self.use_in_november()
        move = self.invoice()
        self.assertEqual(move.tier_charge_link_ids.charge_id.wallet_id, self.user)

    def test_unanswered_calls_are_not_listed(self):
        self.use(self.call("k:1"), self.call("k:0", 0))
        self.assertEqual(self.linked(self.invoice()), ["k:1"])

    def test_fiscal_position_of_the_partner(self):
        zero = self.new_tax(0)
        position = self.env["account.fiscal.position"].create({"name": "Abroad", "company_id": self.company.id})
        zero.write(
            {"fiscal_position_ids": [Command.set(position.ids)], "original_tax_ids": [Command.set(self.tax.ids)]}
        )
        self.user.partner_id.property_account_position_id = position
        self.use_in_november()
        move = self.invoice()
        self.assertEqual(move.invoice_line_ids.tax_ids, zero)
        self.assertEqual((move.amount_untaxed, move.amount_total), (6, 6))

    def test_tax_that_prices_include(self):
        """Rates are without tax, so the wallet still gets back just what it spent."""
        self.product.taxes_id = self.new_tax(19, price_include_override="tax_included")
        self.use(*(self.call(f"k:{n}", 60 * n, number=(BERLIN, LONDON)[n % 2]) for n in range(1, 6)))
        move = self.invoice()
        self.assertEqual([amount for _name, amount in self.usage_lines(move)], [6, 18])
        self.assertEqual((move.amount_untaxed, move.amount_tax), (24, 4.56))
        self.assertEqual(move.tier_usage_billed, 24)

    def test_a_service_without_a_product(self):
        self.voice.product_id = False
        self.company.account_sale_tax_id = self.tax
        self.use_in_november()
        move = self.invoice()
        self.assertEqual((move.invoice_line_ids.account_id, move.amount_tax), (self.clearing, 1.2))

    def test_detail(self):
        self.use_in_november()
        self.user.invoice_detail = "country"
        move = self.invoice()
        germany, kingdom = self.env.ref("base.de"), self.env.ref("base.uk")
        self.assertEqual(
            self.usage_lines(move),
            [
                (f"{germany.name}: 2 calls, 4.00 minutes", 4),
                (f"{kingdom.name}: 1 call, 1.00 minutes", 2),
            ],
        )
        move.unlink()
        self.user.invoice_detail = "service"
        self.assertEqual(self.usage_lines(self.invoice()), [(f"{self.voice.name}: 3 calls, 5.00 minutes", 6)])

    def test_in_the_language_of_the_partner(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.user.partner_id.lang = "fr_FR"
        self.use(self.call("k", 90 * 60 * 20))
        self.assertIn("1 800,00", self.usage_lines(self.invoice())[0][0].replace("\u202f", " ").replace("\xa0", " "))

    def test_the_invoice_address_of_the_partner(self):
        address = self.env["res.partner"].create(
            {"name": "Accounts", "parent_id": self.user.partner_id.id, "type": "invoice"}
        )
        self.use_in_november()
        self.assertEqual(self.invoice().partner_id, address)

    # ------------------------------------------------------------------
    # Once
    # ------------------------------------------------------------------

    def test_once(self):
        self.use_in_november()
        self.assertTrue(self.invoice())
        self.assertFalse(self.invoice())
        self.assertFalse(self.invoice(DECEMBER))

    def test_the_database_refuses_a_second_invoice(self):
        self.use_in_november()
        move = self.invoice()
        self.env.flush_all()
        with self.assertDatabaseRefuses("tier_charge_invoice"):
            self.env.cr.execute(
                "INSERT INTO tier_charge_invoice (charge_id, move_id)"
                " SELECT charge_id, move_id FROM tier_charge_invoice WHERE move_id = %s LIMIT 1",
                [move.id],
            )

    def test_another_was_quicker(self):
        """Charges that another invoice took meanwhile are left to it, and no empty draft stays."""
        self.use_in_november()
        due = self.user._usage_due(NOVEMBER[1])
        first = self.invoice()
        count = self.env["account.move"].search_count([])
        self.assertFalse(self.user._draft_invoices(due, *NOVEMBER, None))
        self.assertEqual(self.env["account.move"].search_count([]), count)
        self.assertEqual(len(self.linked(first)), 3)

    def test_more_arrives_meanwhile(self):
        """The lines are those of the charges that came onto the invoice, not of those counted before."""
        self.use_in_november()
        counted = summary.of_waiting

        def count_and_call(*args):
            lines = counted(*args)
            self.use(self.call("meanwhile", 600))
            return lines

        self.patch(summary, "of_waiting", count_and_call)
        move = self.invoice()
        self.assertEqual(self.usage_lines(move)[0], ("QGermany: 3 calls, 14.00 minutes", 14))
        self.assertEqual((move.amount_untaxed, move.tier_usage_calls, move.tier_usage_billed), (16, 4, 16))

    def test_only_until_the_end_of_the_period(self):
        self.use_in_november()
        self.use(self.call("dec", at=IN_DECEMBER))
        self.assertEqual(self.linked(self.invoice()), ["k:1", "k:2", "k:3"])
        self.assertEqual(self.linked(self.invoice(DECEMBER)), ["dec"])

    def test_days_are_those_of_the_company(self):
        self.company.partner_id.tz = "Asia/Tokyo"
        self.use(
            self.call("in", at=datetime(2026, 11, 30, 14, 59, 50)), self.call("out", at=datetime(2026, 11, 30, 15, 1))
        )
        self.assertEqual(self.linked(self.invoice()), ["in"])

    def test_late_usage_is_on_the_next_invoice(self):
        self.use_in_november()
        self.invoice()
        self.use(self.call("late"), self.call("dec", at=IN_DECEMBER))
        move = self.invoice(DECEMBER)
        self.assertEqual(self.linked(move), ["dec", "late"])
        self.assertEqual(
            self.usage_lines(move),
            [
                ("QGermany: 1 call, 1.00 minutes", 1),
                ("QGermany: 1 call, 1.00 minutes (before 12/01/2026)", 1),
            ],
        )

    def test_a_deleted_draft_lets_its_usage_go(self):
        self.use_in_november()
        self.invoice().unlink()
        self.assertFalse(self.env["tier.charge.invoice"].search([("charge_id.wallet_id", "=", self.user.id)]))
        self.assertEqual(len(self.linked(self.invoice())), 3)

    def test_a_cancelled_draft_lets_its_usage_go(self):
        self.use_in_november()
        first = self.invoice()
        first.button_cancel()
        self.assertEqual((self.linked(first), first.tier_usage_billed), ([], 0))
        with self.assertRaisesRegex(UserError, "its usage let go"):
            first.button_draft()
        self.assertEqual(len(self.linked(self.invoice())), 3)

    def test_a_cancelled_invoice_lets_its_usage_go(self):
        self.use_in_november()
        first = self.invoice()
        first.action_post()
        first.button_cancel()
        self.assertEqual(len(self.linked(self.invoice())), 3)

    def test_reset_to_draft_keeps_its_usage(self):
        self.use_in_november()
        move = self.invoice()
        move.action_post()
        move.button_draft()
        self.assertEqual(len(self.linked(move)), 3)
        self.assertFalse(self.invoice())
        move.action_post()

    def test_a_duplicate_bills_no_usage(self):
        self.use_in_november()
        copy = self.invoice().copy()
        self.assertFalse(copy.tier_usage_wallet_id or copy.tier_charge_link_ids or copy.tier_calls_csv_id)

    def test_usage_that_was_undone_can_be_invoiced_anew(self):
        self.use_in_november()
        move = self.invoice(invoice_date="2026-12-02")
        move.action_post()
        with self.assertRaisesRegex(UserError, "credit note"):
            move.action_tier_release_usage()
        wizard = self.env["account.move.reversal"].with_context(active_model="account.move", active_ids=move.ids)
        wizard.create({"journal_id": move.journal_id.id, "date": "2026-12-02"}).modify_moves()
        self.settle()
        self.assertEqual(move.payment_state, "reversed")
        self.assertFalse(self.invoice())
        user = self.staff("user")
        user.group_ids |= self.env.ref("account.group_account_invoice")
        with self.assertRaises(AccessError):
            move.with_user(user).action_tier_release_usage()
        move.action_tier_release_usage()
        self.assertEqual(self.invoice().amount_untaxed, 6)

    def test_rows_are_not_made_by_hand(self):
        self.use_in_november()
        move = self.invoice()
        link = move.tier_charge_link_ids[0]
        for attempt in (
            lambda: link.create({"charge_id": link.charge_id.id, "move_id": move.id}),
            lambda: link.write({"move_id": False}),
            link.unlink,
        ):
            with self.assertRaises(UserError):
                attempt()

    def test_its_currency_stays(self):
        self.use_in_november()
        move = self.invoice()
        with self.assertRaisesRegex(UserError, "currency of the wallet"):
            move.currency_id = self.shell

    # ------------------------------------------------------------------
    # Who is invoiced
    # ------------------------------------------------------------------

    def test_only_postpaid_wallets_with_inside_money(self):
        for wallet in (
            self.reseller,
            self.new_wallet("Prepaid", self.reseller),
            self.new_wallet("Outside", self.reseller, money="outside", payment_mode="postpaid"),
        ):
            with self.assertRaisesRegex(UserError, "not invoiced by its usage"):
                self.invoice(wallets=wallet)

    def test_prepaid_usage_is_never_invoiced(self):
        prepaid = self.new_customer("Prepaid", "pre", payment_mode="prepaid", credit_limit=0)
        prepaid._topup(5, "funds")
        self.use(self.call("before", account="pre"))
        prepaid.write({"payment_mode": "postpaid", "credit_limit": 100})
        with freeze_time("2026-12-05"):
            self.use(self.call("after", 120, account="pre", at=IN_DECEMBER))
            move = self.invoice(DECEMBER, prepaid)
        self.assertEqual(self.linked(move), ["after"])
        self.assertEqual(move.amount_untaxed, 0)

    def test_usage_is_invoiced_before_a_wallet_becomes_prepaid(self):
        self.use_in_november()
        with self.assertRaisesRegex(ValidationError, "not invoiced yet"):
            self.user.write({"payment_mode": "prepaid", "credit_limit": 0})
        self.invoice()
        self.user.write({"payment_mode": "prepaid", "credit_limit": 0})

    def test_without_an_account(self):
        self.use_in_november()
        self.company.tier_clearing_account_id = False
        with self.assertRaisesRegex(UserError, "no account for usage invoiced"):
            self.invoice()

    def test_many_wallets_at_once(self):
        others = self.env["tier.wallet"]
        for number in range(5):
            others |= self.new_customer(f"Other {number}", f"other{number}")
            self.use(self.call(f"o:{number}", 60 * (number + 1), account=f"other{number}"))
        self.use_in_november()
        moves = self.invoice(wallets=others | self.user)
        self.assertEqual(sorted(moves.mapped("amount_untaxed")), [1, 2, 3, 4, 5, 6])
        for move in moves:
            self.assertEqual(move.tier_charge_link_ids.charge_id.wallet_id, move.tier_usage_wallet_id)

    # ------------------------------------------------------------------
    # Figures
    # ------------------------------------------------------------------

    def test_not_invoiced(self):
        Charge, Event = self.env["tier.charge"], self.env["tier.usage.event"]
        waits = [
            ("wallet_id.payment_mode", "=", "postpaid"),
            ("wallet_id.money", "=", "inside"),
            ("answered", "=", True),
            ("invoice_link_ids", "=", False),
        ]
        self.use_in_november()
        self.use(self.call("dec", at=datetime(2026, 12, 1, 10)))
        self.assertEqual(self.user.usage_not_invoiced, 7)
        self.assertEqual(Charge.search_count([("wallet_id", "=", self.user.id), *waits]), 4)
        move = self.invoice()
        self.env.invalidate_all()
        self.assertEqual(self.user.usage_not_invoiced, 1)
        self.assertEqual(self.user.usage_invoice_count, 1)
        self.assertEqual(Charge.search([("wallet_id", "=", self.user.id), *waits]).event_id, self.event("dec"))
        events = Event.search([("wallet_id", "=", self.user.id), ("charge_ids", "any", waits)])
        self.assertEqual(events, self.event("dec"))
        charges = self.event("k:1").charge_ids
        self.assertEqual(charges.filtered(lambda c: c.wallet_id == self.user).invoice_id, move)
        self.assertFalse(charges.filtered(lambda c: c.wallet_id != self.user).invoice_id)
        self.assertEqual(
            Charge.search_count(self.user.action_usage_invoices() and move.action_tier_charges()["domain"]), 3
        )

    def test_audit(self):
        self.use_in_november()
        move = self.invoice()
        self.assertConserved()
        self.env.cr.execute("UPDATE account_move SET tier_usage_cost = 5 WHERE id = %s", [move.id])
        self.assertFalse(self.env["tier.audit"]._is_clean())

    def test_summary_of_sales(self):
        """What a reseller sold is billed by its customer's increments, in the reseller's money."""
        self.sell(self.reseller, {"49": "0.60"}, initial_increment=1, increment=1)
        self.use(self.call("k:1", 90), self.call("k:2", 30))
        self.refund("k:2")
        start, stop = datetime(2026, 11, 1), datetime(2027, 1, 1)
        lines = summary.of_period(self.env, self.reseller.ids, start, stop, sale=True, child_ids=self.user.ids)
        self.assertEqual(
            [(line.child_id, line.refund, line.calls, line.quantity, line.amount) for line in lines],
            [(self.user.id, False, 2, 180, 3), (self.user.id, True, 1, -60, -1)],
        )
        paid = summary.of_period(self.env, self.reseller.ids, start, stop)
        self.assertEqual([(line.quantity, line.amount) for line in paid if not line.refund], [(120, Decimal("1.2"))])
        self.assertFalse(summary.of_period(self.env, self.reseller.ids, start, stop, sale=True, child_ids=[]))
