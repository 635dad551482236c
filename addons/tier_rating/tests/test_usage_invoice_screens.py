import csv
import io
from decimal import Decimal

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, freeze_time, tagged
from odoo.tools import mute_logger

from ..charging.refund import refund
from ..invoicing import call_list
from .invoicing_common import BERLIN, DECEMBER, IN_DECEMBER, LONDON, InvoicingCase


@freeze_time("2026-12-03 09:00:00")
@tagged("post_install", "-at_install")
class TestUsageInvoiceScreens(InvoicingCase):
    """The wizard, the scheduled actions, and the list of calls that goes with an invoice."""

    def staff_with(self, role, *groups):
        user = self.staff(role)
        for group in groups:
            user.group_ids |= self.env.ref(group)
        return user

    def wizard(self, user=None, **values):
        Wizard = self.env["tier.usage.invoice"].with_user(user or self.env.user)
        return Wizard.create({"wallet_ids": self.user.ids, **values})

    # ------------------------------------------------------------------
    # Wizard
    # ------------------------------------------------------------------

    def test_wizard(self):
        self.user._topup(1, "funds")
        self.use_in_november()
        with Form(
            self.env["tier.usage.invoice"].with_context(active_model="tier.wallet", active_ids=self.user.ids)
        ) as form:
            self.assertEqual((str(form.date_from), str(form.date_to)), ("2026-11-01", "2026-11-30"))
            self.assertEqual(len(form.line_ids), 1)
        wizard = form.record
        line = wizard.line_ids
        self.assertEqual((line.wallet_id, line.calls, line.usage, line.covered, line.amount), (self.user, 3, 6, 1, 5))
        action = wizard.action_apply()
        move = self.env["account.move"].search(action["domain"])
        self.assertEqual((move.state, move.amount_untaxed, move.tier_usage_calls), ("draft", 5, 3))
        with self.assertRaisesRegex(UserError, "Nothing is to be invoiced"):
            wizard.action_apply()

    def test_all_postpaid_wallets(self):
        other = self.new_customer("Other", "other")
        self.use_in_november()
        self.use(self.call("o", account="other"))
        wizard = self.wizard(wallet_ids=False)
        wallets = wizard.line_ids.wallet_id
        self.assertIn(other, wallets)
        self.assertIn(self.user, wallets)
        self.assertEqual(set(wallets.mapped("payment_mode")), {"postpaid"})

    def test_periods_that_make_no_sense(self):
        self.use_in_november()
        with self.assertRaisesRegex(UserError, "ends before it begins"):
            self.wizard(date_from="2026-11-30", date_to="2026-11-01").action_apply()
        with self.assertRaisesRegex(UserError, "ends after today"):
            self.wizard(date_from="2026-12-01", date_to="2026-12-04").action_apply()

    def test_who_may_invoice(self):
        self.use_in_november()
        with self.assertRaises(AccessError), mute_logger("odoo.addons.base.models.ir_model"):
            self.wizard(self.staff("auditor"))
        with self.assertRaises(AccessError):
            self.wizard(self.staff("user")).action_apply()
        accountant = self.staff_with("manager", "account.group_account_invoice")
        action = self.wizard(accountant).action_apply()
        move = self.env["account.move"].with_user(accountant).search(action["domain"])
        move.action_post()
        self.assertEqual(move.state, "posted")

    def test_an_accountant_without_rights_on_wallets(self):
        """Posts, pays and cancels invoices of usage as any other."""
        self.use_in_november()
        move = self.invoice()
        accountant = self.staff_with("nobody", "account.group_account_manager")
        move = move.with_user(accountant)
        move.action_post()
        self.assertFalse(move.read()[0].get("tier_usage_wallet_id"))
        with self.assertRaises(AccessError):
            move.read(["tier_usage_wallet_id"])
        move.button_draft()
        move.button_cancel()
        self.assertFalse(self.linked(move))

    # ------------------------------------------------------------------
    # By itself
    # ------------------------------------------------------------------

    def run_cron(self, day=None):
        with freeze_time(f"{day} 03:00:00" if day else "2026-12-03 03:00:00"), self.enter_registry_test_mode():
            self.env.ref("tier_rating.ir_cron_invoice_usage").method_direct_trigger()
        self.env.invalidate_all()
        return self.env["account.move"].search([("tier_usage_wallet_id", "=", self.user.id)], order="id desc")

    def test_each_month(self):
        self.use_in_november()
        self.assertFalse(self.run_cron("2026-12-01"), "the last day may still be on its way")
        move = self.run_cron("2026-12-02")
        self.assertEqual((str(move.tier_usage_from), str(move.tier_usage_to)), ("2026-11-01", "2026-11-30"))
        self.assertEqual((move.state, move.amount_untaxed), ("draft", 6))
        self.use(self.call("late"))
        self.assertEqual(self.run_cron("2026-12-03"), move)
        moves = self.run_cron("2027-01-02")
        self.assertEqual(self.linked(moves - move), ["late"])

    def test_each_week(self):
        self.user.invoice_interval = "week"
        self.use(self.call("k"), self.call("next", at=IN_DECEMBER))
        move = self.run_cron("2026-11-24")
        self.assertEqual((str(move.tier_usage_from), str(move.tier_usage_to)), ("2026-11-16", "2026-11-22"))
        self.assertEqual(self.linked(move), ["k"])

    def test_by_hand_only(self):
        self.user.invoice_interval = "manual"
        self.use_in_november()
        self.assertFalse(self.run_cron())

    def test_a_cancelled_invoice_is_made_anew(self):
        self.use_in_november()
        move = self.run_cron()
        move.button_cancel()
        self.assertEqual(len(self.linked(self.run_cron() - move)), 3)

    def test_one_that_fails_stops_no_other(self):
        other = self.new_customer("Other", "other")
        self.use_in_november()
        self.use(self.call("o", account="other"))
        sound = type(other)._usage_invoice_values

        def values(wallet, *args):
            if wallet == other:
                raise UserError("No address")  # pylint: disable=translation-required
            return sound(wallet, *args)

        self.patch(type(other), "_usage_invoice_values", values)
        with mute_logger("odoo.addons.tier_rating.models.tier_wallet_invoicing"):
            move = self.run_cron()
            self.run_cron("2026-12-04")
        self.assertEqual(move.amount_untaxed, 6)
        activity = self.env["mail.activity"].search([("res_model", "=", "tier.wallet"), ("res_id", "=", other.id)])
        self.assertEqual(len(activity), 1)
        self.assertIn("No address", activity.note)

    # ------------------------------------------------------------------
    # List of calls
    # ------------------------------------------------------------------

    def rows(self, move):
        raw = move.tier_calls_csv_id.raw
        self.assertTrue(raw.startswith(b"\xef\xbb\xbf"))
        return list(csv.reader(io.StringIO(raw.decode("utf-8-sig"))))

    def test_csv(self):
        self.company.partner_id.tz = "Europe/Berlin"
        self.use(self.call("k:1", 90, number=BERLIN, callee="030123456"), self.call("k:2", number=LONDON))
        move = self.invoice()
        heading, first, second = self.rows(move)
        self.assertEqual(heading[9], "Cost without tax (QCO)")
        self.assertEqual(
            # The reference is a number of the database's.
            [*first[:11], *first[12:]],
            [
                "2026-11-20 10:59:55",
                "user",
                "030123456",
                BERLIN,
                "QGermany",
                self.voice.name,
                "90",
                "120",
                "s",
                "2",
                "",
                "",
            ],
        )
        self.assertEqual(second[3:5], [LONDON, "QLondon"])
        self.assertEqual(move.tier_calls_csv_id.name, "Calls-User-2026-11-01-2026-11-30.csv")
        self.assertIn(str(move.tier_calls_csv_id.id), move.action_tier_call_list()["url"])

    def test_csv_tells_refunds(self):
        self.use_in_november()
        self.env.flush_all()
        refund(self.env, self.event("k:1").ids, "The line was dead")
        self.env.invalidate_all()
        move = self.invoice(DECEMBER)
        rows = self.rows(move)[1:]
        self.assertEqual([(row[7], row[9], row[10]) for row in rows][-1], ("-60", "-1", "yes"))
        self.assertEqual(sum(Decimal(row[9]) for row in rows), Decimal(5))

    def test_csv_calculates_nothing(self):
        self.use(self.call("k", caller="=HYPERLINK(1)", callee="+49 30 123456"))
        row = self.rows(self.invoice())[1]
        self.assertEqual(row[1:3], ["'=HYPERLINK(1)", "+49 30 123456"])

    def test_pdf(self):
        """The annex is made after posting, by the scheduled action or by sending, once."""
        self.use_in_november()
        move = self.invoice()
        move.action_post()
        self.assertFalse(move.tier_calls_pdf_id)
        trigger = self.env["ir.cron.trigger"].search(
            [("cron_id", "=", self.env.ref("tier_rating.ir_cron_call_lists").id)]
        )
        self.assertTrue(trigger)
        with self.enter_registry_test_mode():
            self.env.ref("tier_rating.ir_cron_call_lists").method_direct_trigger()
        self.env.invalidate_all()
        annex = move.tier_calls_pdf_id
        self.assertIn("Calls-User-2026-11-01-2026-11-30", annex.name)
        text = annex.raw.decode()
        for words in ("Call list", move.name, "QGermany", "QLondon", LONDON, "2026-11-20 09:59:55", "4.00"):
            self.assertIn(words, text)
        move._tier_attach_pdf()
        self.assertEqual(move.tier_calls_pdf_id, annex)

    def test_pdf_of_very_many_calls(self):
        self.patch(call_list, "PDF_CALLS", 2)
        self.use_in_november()
        move = self.invoice()
        move._tier_attach_pdf()
        text = move.tier_calls_pdf_id.raw.decode()
        self.assertIn("too many to be printed", text)
        self.assertNotIn(LONDON, text)

    def test_sent_with_the_invoice(self):
        self.use_in_november()
        self.user.partner_id.email = "user@example.com"
        move = self.invoice()
        move.action_post()
        wizard = self.env["account.move.send.wizard"].with_context(active_model="account.move", active_ids=move.ids)
        wizard.create({"sending_methods": ["email"]}).action_send_and_print()
        mail = self.env["mail.mail"].search([("model", "=", "account.move"), ("res_id", "=", move.id)])
        names = mail.attachment_ids.mapped("name") or move.message_ids.attachment_ids.mapped("name")
        self.assertIn("Calls-User-2026-11-01-2026-11-30.csv", names)
        self.assertTrue([name for name in names if name.startswith("Calls-") and not name.endswith("csv")])

    def test_a_draft_takes_its_files_along(self):
        self.use_in_november()
        move = self.invoice()
        attachment = move.tier_calls_csv_id
        self.assertTrue(attachment.raw)
        move.unlink()
        self.assertFalse(attachment.exists())

    def test_report_of_an_accountant(self):
        """Whoever may read the invoice but no wallets prints no call list."""
        self.use_in_november()
        move = self.invoice()
        report = self.env.ref("tier_rating.tier_call_list_report")
        self.assertEqual(report.group_ids, self.env.ref("tier_billing.group_tier_auditor"))
        self.assertTrue(
            report.with_user(self.staff_with("auditor", "account.group_account_readonly"))._render_qweb_html(
                report.report_name, move.ids
            )[0]
        )
