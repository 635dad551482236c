from unittest.mock import patch

from odoo.tests import freeze_time, tagged
from odoo.tools import mute_logger

from ..ledger.reserve import place_holds
from .common import TierBillingCase

MODULE = "odoo.addons.tier_billing.models.tier_wallet_warning"


@freeze_time("2026-11-20 10:00:00")
@tagged("post_install", "-at_install")
class TestCreditWarnings(TierBillingCase):
    """Mails about low and used-up credit: to the right people, in their language, once."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_chain()
        cls.user.partner_id.email = "user@example.com"
        cls.dealer.partner_id.email = "dealer@example.com"
        cls.reseller._topup(1000, "t")
        cls.dealer._allocate(500, "d")
        cls.user._allocate(10, "u")
        cls.user.low_balance_threshold = 5
        cls.cron = cls.env.ref("tier_billing.ir_cron_warn_of_low_credit")

    def run_cron(self):
        """Run the cron, and return the mails that it wrote about the wallets of this test."""
        Mail = self.env["mail.mail"]
        before = Mail.search([])
        with self.enter_registry_test_mode():
            self.cron.method_direct_trigger()
        chain = self.provider | self.reseller | self.dealer | self.user
        return (Mail.search([]) - before).filtered(
            lambda mail: mail.model == "tier.wallet" and mail.res_id in chain.ids
        )

    def spend(self, amount, wallet=None):
        self.spent = getattr(self, "spent", 0) + 1
        self.usage(wallet or self.user, amount, f"spent:{self.spent}")

    def test_once_until_it_recovers(self):
        self.assertFalse(self.run_cron())
        self.spend("5.01")
        mail = self.run_cron()
        self.assertEqual((len(mail), mail.recipient_ids), (1, self.user.partner_id))
        self.assertIn("is low", mail.subject)
        self.assertIn("4.99", mail.body_html)
        self.assertEqual(mail.state, "outgoing")
        self.spend(1)
        self.assertFalse(self.run_cron())
        self.user._allocate("0.99", "not enough")
        self.assertFalse(self.run_cron())
        self.user._allocate(1, "enough")  # 5.98
        self.assertFalse(self.run_cron())
        self.assertFalse(self.user.low_balance_warned_at)
        self.spend(1)
        self.assertEqual(len(self.run_cron()), 1)

    def test_at_the_threshold_is_not_below(self):
        self.spend(5)
        self.assertFalse(self.run_cron())

    def test_used_up(self):
        self.spend(6)
        self.run_cron()
        self.spend(4)
        mail = self.run_cron()
        self.assertIn("is used up", mail.subject)
        self.spend("0.5")
        self.assertFalse(self.run_cron())
        # Above zero again, though still low: the next time is a new one.
        self.user._allocate(2, "some")
        self.assertFalse(self.run_cron())
        self.spend("1.5")
        self.assertIn("is used up", self.run_cron().subject)

    def test_used_up_at_once_is_one_mail(self):
        self.spend(11)
        mail = self.run_cron()
        self.assertEqual(len(mail), 1)
        self.assertIn("is used up", mail.subject)
        self.assertFalse(self.run_cron())

    def test_without_a_threshold_only_used_up(self):
        self.user.low_balance_threshold = 0
        self.spend("9.99")
        self.assertFalse(self.run_cron())
        self.spend("0.01")
        self.assertIn("is used up", self.run_cron().subject)

    def test_postpaid_at_its_limit(self):
        self.user.write({"payment_mode": "postpaid", "credit_limit": 20})
        self.spend(24)
        self.assertFalse(self.run_cron())
        self.spend(2)
        self.assertIn("4.00", self.run_cron().body_html)
        self.spend(4)
        self.assertIn("is used up", self.run_cron().subject)
        self.user.credit_limit = 100
        self.assertFalse(self.run_cron())
        self.assertFalse(self.user.used_up_warned_at)

    def test_a_session_in_progress_is_no_reason(self):
        """A call may hold all there is, and give most of it back."""
        place_holds(self.env.cr, [("s", self.user.account_id.id, 10)], ["2099-01-01"])
        self.env.invalidate_all()
        self.assertEqual(self.user.available, 0)
        self.assertFalse(self.run_cron())
        self.assertEqual(self.user.credit_status, "ok")

    def test_a_new_wallet_has_used_up_nothing(self):
        new = self.new_wallet("New", self.dealer, low_balance_threshold=5)
        self.assertEqual(new.credit_status, "none")
        self.assertIn(new, self.env["tier.wallet"].search([("credit_status", "=", "none")]))
        self.assertNotIn(new.id, [row[0] for row in self.env["tier.wallet"]._find_to_warn(0, 10**6)])

    def test_neither_closed_nor_archived_nor_the_provider(self):
        self.spend(6)
        self.user.active = False
        self.usage(self.provider, 5, "carrier")
        self.provider.low_balance_threshold = 5
        self.assertFalse(self.run_cron())

    # ------------------------------------------------------------------
    # To whom, and how
    # ------------------------------------------------------------------

    def test_contacts_for_invoices_as_well(self):
        self.env["res.partner"].create(
            [
                {"name": name, "type": kind, "email": f"{name}@example.com", "parent_id": self.user.partner_id.id}
                for name, kind in (("books", "invoice"), ("goods", "delivery"))
            ]
        )
        self.spend(6)
        self.assertEqual(
            sorted(self.run_cron().recipient_ids.mapped("email")), ["books@example.com", "user@example.com"]
        )

    def test_the_parent_if_asked_for(self):
        self.user.warn_parent = True
        self.spend(6)
        mails = self.run_cron()
        self.assertEqual(sorted(mails.recipient_ids.mapped("email")), ["dealer@example.com", "user@example.com"])
        to_parent = mails.filtered(lambda mail: mail.recipient_ids == self.dealer.partner_id)
        self.assertIn("your customer", to_parent.subject)
        self.assertIn("Calls go on", to_parent.body_html)
        self.assertNotIn("No further call", to_parent.body_html)
        self.spend(6)
        to_parent = self.run_cron().filtered(lambda mail: mail.recipient_ids == self.dealer.partner_id)
        self.assertIn("No further call", to_parent.body_html)

    def test_in_their_language(self):
        self.env["res.lang"]._activate_lang("de_DE")
        template = self.env.ref("tier_billing.mail_template_credit_low")
        template.with_context(lang="de_DE").subject = "Guthaben bei {{ object.parent_id.sudo().name }} wird knapp"
        books = self.env["res.partner"].create(
            {"name": "Books", "type": "invoice", "email": "b@example.com", "parent_id": self.user.partner_id.id}
        )
        self.user.partner_id.lang, books.lang = "de_DE", "en_US"
        self.spend(6)
        subjects = {mail.recipient_ids: mail.subject for mail in self.run_cron()}
        self.assertEqual(subjects[self.user.partner_id], "Guthaben bei Dealer wird knapp")
        self.assertEqual(subjects[books], "Your credit with Dealer is low")
        body = template._render_field("body_html", self.user.ids, compute_lang=True)[self.user.id]
        self.assertIn("4,00", body)

    def test_without_an_address(self):
        self.user.partner_id.email = False
        self.spend(6)
        self.assertFalse(self.run_cron())
        self.assertIn("has no e-mail address", self.user.message_ids[0].body)
        count = len(self.user.message_ids)
        self.run_cron()
        self.assertEqual(len(self.user.message_ids), count)

    def test_a_failing_mail_does_not_stop_the_others(self):
        other = self.new_wallet("Other", self.dealer, low_balance_threshold=5)
        other.partner_id.email = "other@example.com"
        other._allocate(4, "o")
        self.spend(6)
        Template = type(self.env["mail.template"])
        original = Template.send_mail

        def fail(template, res_id, **kwargs):
            if res_id == self.user.id:
                raise ValueError("broken")
            return original(template, res_id, **kwargs)

        with patch.object(Template, "send_mail", fail), mute_logger(MODULE), self.assertLogs(MODULE, "ERROR"):
            self.assertFalse(self.run_cron())
        self.assertTrue(other.low_balance_warned_at)
        self.assertFalse(self.user.low_balance_warned_at)
        self.assertEqual(len(self.run_cron()), 1)

    def test_queries_do_not_grow_with_the_wallets(self):
        """Wallets that need no warning cost nothing each, however many."""

        def queries():
            self.env.flush_all()
            before = self.cr.sql_log_count
            self.env["tier.wallet"]._forget_warnings()
            self.env["tier.wallet"]._find_to_warn(0, 200)
            return self.cr.sql_log_count - before

        few = queries()
        for number in range(30):
            self.new_wallet(f"Customer {number}", self.dealer, low_balance_threshold=5)._allocate(9, f"c:{number}")
        self.assertEqual((queries(), few), (2, 2))

    def test_small_batches(self):
        wallets = self.env["tier.wallet"].browse()
        for number in range(5):
            wallets |= self.new_wallet(f"Customer {number}", self.dealer, low_balance_threshold=5)
            wallets[-1]._allocate(4, f"c:{number}")
        with patch.object(type(self.env["ir.cron"]), "_commit_progress", lambda *args, **kwargs: 1):
            self.env["tier.wallet"]._warn_of_low_credit(limit=2)
        self.assertTrue(all(wallets.mapped("low_balance_warned_at")))

    # ------------------------------------------------------------------
    # Status
    # ------------------------------------------------------------------

    def test_status_and_filters(self):
        Wallet = self.env["tier.wallet"]
        chain = self.provider | self.reseller | self.dealer | self.user

        def found(status):
            return Wallet.search([("credit_status", "=", status)]) & chain

        self.assertEqual((self.user.credit_status, found("low")), ("ok", Wallet))
        self.spend(6)
        self.assertEqual((self.user.credit_status, found("low"), found("used_up")), ("low", self.user, Wallet))
        self.spend(4)
        self.assertEqual((self.user.credit_status, found("low"), found("used_up")), ("used_up", Wallet, self.user))
        self.assertEqual(found("ok"), self.dealer | self.reseller)
        self.assertEqual(Wallet.search([("credit_status", "in", ["low", "used_up"])]) & chain, self.user)
        self.assertFalse(Wallet.search([("credit_status", "=", False)]) & chain)
        auditor = Wallet.with_user(self.staff("auditor"))
        self.assertIn(self.user.id, auditor.search([("credit_status", "!=", "ok")]).ids)
