"""The money audit finds what it looks for. Faults are made with the triggers off."""

from decimal import Decimal

from odoo import fields
from odoo.tools import mute_logger

from ..ledger.writer import Movement
from .common import TierBillingCase

AUDIT_LOG = "odoo.addons.tier_billing.models.tier_audit"


class TestAudit(TierBillingCase):
    def setUp(self):
        super().setUp()
        self.provider, self.reseller, self.dealer, self.user = self.new_chain()
        self.reseller._topup("100", "audit-topup")
        self.dealer._allocate("10", "audit-allocation")

    def tamper(self, statement, *values):
        """Change the ledger as nobody may, past its triggers."""
        self.env.flush_all()
        for table in ("tier_account", "tier_transfer", "tier_hold"):
            self.env.cr.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        self.env.cr.execute(statement, values)
        for table in ("tier_account", "tier_transfer", "tier_hold"):
            self.env.cr.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")

    @mute_logger(AUDIT_LOG)
    def run_audit(self):
        audit = self.env["tier.audit"]._run()
        return audit, set(audit.finding_ids.mapped("check_code"))

    def test_clean(self):
        audit, codes = self.run_audit()
        self.assertEqual((audit.state, audit.finding_count, codes), ("clean", 0, set()))
        self.assertGreaterEqual(audit.transfer_count, 2)
        self.assertConserved()

    def test_wrong_balance_names_the_wallet(self):
        account = self.dealer.account_id
        self.tamper("UPDATE tier_account SET balance = balance + 0.000001 WHERE id = %s", account.id)
        audit, codes = self.run_audit()
        self.assertEqual((audit.state, codes), ("faulty", {"balance", "conserved"}))
        finding = audit.finding_ids.filtered(lambda f: f.check_code == "balance")
        self.assertEqual(finding.wallet_id, self.dealer)
        self.assertEqual((finding.expected, finding.found), (10, 10.000001))

    def test_lost_transfer(self):
        self.tamper("DELETE FROM tier_transfer WHERE source_key = 'audit-allocation'")
        audit, codes = self.run_audit()
        self.assertEqual(codes, {"balance"})
        self.assertEqual(audit.finding_ids.wallet_id, self.reseller | self.dealer)

    def test_wrong_hold(self):
        self.tamper("UPDATE tier_account SET held = 1, open_sessions = 1 WHERE id = %s", self.user.account_id.id)
        audit, codes = self.run_audit()
        self.assertEqual(codes, {"held"})
        self.assertEqual(audit.finding_ids.wallet_id, self.user)

    def test_wrong_count_of_what_was_spent(self):
        """Limits look at a counter: it is what the ledger tells, a refund included."""
        self.dealer.monthly_limit = 50
        account = self.dealer.account_id
        self.spend(account, "3")
        self.spend(account, "1.50")
        undone = self.env["tier.transfer"].search([("from_account_id", "=", account.id), ("amount", "=", 3)])
        self.env["tier.transfer"].sudo()._post(
            [
                Movement(
                    "audit-refund", "refund", undone.to_account_id.id, account.id, Decimal(3), Decimal(3),
                    date=fields.Datetime.now(), reverses=undone.id,
                )
            ]
        )  # fmt: skip
        self.assertEqual(self.run_audit()[1], set())
        self.tamper("UPDATE tier_spending SET amount = amount + 1 WHERE account_id = %s", account.id)
        audit, codes = self.run_audit()
        self.assertEqual(codes, {"spending"})
        self.assertEqual(audit.finding_ids.wallet_id, self.dealer)
        self.assertEqual((audit.finding_ids.expected, audit.finding_ids.found), (1.5, 2.5))
        self.tamper("DELETE FROM tier_spending WHERE account_id = %s", account.id)
        self.assertEqual(self.run_audit()[1], {"spending"})

    def spend(self, account, amount):
        """Post usage of now, past what a call would be."""
        amount = Decimal(amount)
        self.env["tier.transfer"].sudo()._post(
            [
                Movement(
                    f"audit-usage-{amount}", "usage", account.id, self.dealer.payee_account_id.id, amount, amount,
                    date=fields.Datetime.now(),
                )
            ]
        )  # fmt: skip

    def test_transfer_that_does_not_fit(self):
        self.tamper(
            "UPDATE tier_transfer SET currency_id = %s, currency_to_id = %s WHERE source_key = 'audit-allocation'",
            self.shell.id,
            self.shell.id,
        )
        self.assertIn("fits", self.run_audit()[1])

    def test_taken_back_and_given_again(self):
        transfers = self.env["tier.transfer"].search([("source_key", "=", "audit-topup")])
        for share in ("1", "0", "1"):
            transfers._take_back(Decimal(share), "test")
        self.assertEqual(self.run_audit()[1], set())
        self.tamper("UPDATE tier_transfer SET amount = 99, amount_to = 99 WHERE source_key = 'audit-topup'")
        self.assertIn("reversal", self.run_audit()[1])

    def test_paid_and_not_credited(self):
        change = self.env["tier.paid.change"].create({"res_model": "account.move", "res_id": 1})
        self.assertEqual(self.run_audit()[1], set())
        self.tamper("UPDATE tier_paid_change SET create_date = now() - interval '2 hours' WHERE id = %s", change.id)
        audit, codes = self.run_audit()
        self.assertEqual(codes, {"unsettled"})
        self.assertEqual(audit.finding_ids.detail, "account.move 1")

    def test_nightly_calls_the_managers(self):
        manager = self.staff("manager")
        self.env["tier.audit"]._run_nightly()
        self.assertFalse(manager.partner_id.activity_ids)
        self.tamper("UPDATE tier_account SET balance = balance + 1 WHERE id = %s", self.user.account_id.id)
        with mute_logger(AUDIT_LOG):
            self.env["tier.audit"]._run_nightly()
        self.assertIn("faults", manager.partner_id.activity_ids.summary)

    def test_auditor_runs_it_and_changes_nothing(self):
        auditor = self.staff("auditor")
        action = self.env["tier.audit"].with_user(auditor).action_run()
        self.assertEqual(self.env["tier.audit"].browse(action["res_id"]).user_id, auditor)
