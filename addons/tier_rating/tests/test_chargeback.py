from datetime import datetime
from decimal import Decimal

from odoo.exceptions import AccessError, UserError
from odoo.tests import freeze_time, tagged

from ..charging.refund import refund
from .common import TierRatingCase

OCTOBER = datetime(2025, 10, 15, 10, 0)


@tagged("post_install", "-at_install")
class TestChargeback(TierRatingCase):
    """The cost of extensions goes to departments, once, by Odoo's analytic accounts."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider = cls.new_wallet("Carrier", currency_id=cls.company.currency_id.id)
        cls.office = cls.new_wallet("Head office", cls.provider, payment_mode="postpaid", credit_limit=1000)
        cls.sell(cls.office, {"49": "0.30"})
        plan = cls.env["account.analytic.plan"].create({"name": "Test departments"})
        cls.sales, cls.support = cls.env["account.analytic.account"].create(
            [{"name": name, "plan_id": plan.id} for name in ("Sales", "Support")]
        )
        cls.new_endpoint(cls.office, "401", analytic_distribution={str(cls.sales.id): 100})
        cls.shared = cls.new_endpoint(
            cls.office, "402", analytic_distribution={str(cls.sales.id): 50, str(cls.support.id): 50}
        )
        cls.new_endpoint(cls.office, "403")
        accounts = cls.env["account.account"].create(
            [
                {"name": "Phones", "code": "TCB1", "account_type": "expense"},
                {"name": "Phones recovered", "code": "TCB2", "account_type": "expense"},
            ]
        )
        cls.accounts = accounts
        cls.journal = cls.env["account.journal"].create({"name": "Charge-back", "code": "TCB", "type": "general"})

    def chargeback(self, month="2025-10-01", **values):
        return self.env["tier.chargeback"].create(
            {
                "date_from": month,
                "journal_id": self.journal.id,
                "expense_account_id": self.accounts[0].id,
                "recovery_account_id": self.accounts[1].id,
                **values,
            }
        )

    def ring(self, key, extension, minutes, at=OCTOBER):
        self.charge(self.call(key, minutes * 60, account=extension, at=at))

    def borne(self, chargeback):
        """Return what the journal entry puts on each department."""
        found = {}
        for item in chargeback.move_id.line_ids.analytic_line_ids:
            for name in item._get_plan_fnames():
                if item[name]:
                    found[item[name].name] = round(found.get(item[name].name, 0) - item.amount, 2)
        return found

    def test_departments_bear_what_their_extensions_use(self):
        self.ring("c:1", "401", 10)
        self.ring("c:2", "402", 4)
        self.ring("c:3", "403", 5)
        record = self.chargeback()
        self.assertEqual(
            record.line_ids.mapped(lambda line: (line.endpoint_id.identifier, line.calls, line.quantity, line.cost)),
            [("401", 1, 600, 3.0), ("402", 1, 240, 1.2)],
        )
        self.assertEqual(record.amount, 4.2)
        record.action_post()
        self.assertEqual(record.state, "posted")
        self.assertEqual(self.borne(record), {"Sales": 3.6, "Support": 0.6})
        balances = {line.account_id: line.balance for line in record.move_id.line_ids if line.balance < 0}
        self.assertEqual(balances, {self.accounts[1]: -4.2})

    def test_of_nobody_until_the_wallet_says_whose(self):
        self.ring("c:1", "403", 10)
        self.office.analytic_distribution = {str(self.support.id): 100}
        record = self.chargeback()
        self.assertEqual(record.line_ids.mapped("departments"), ["Support"])
        self.office.analytic_distribution = False
        record.action_refresh()
        self.assertFalse(record.line_ids)
        self.assertEqual(record.unassigned, 3)

    def test_others_than_departments_are_let_be(self):
        customer = self.new_wallet("Customer", self.provider)
        self.sell(customer, {"49": "1.00"})
        self.new_endpoint(customer, "701")
        customer._topup(100, "c:customer")
        self.ring("c:1", "701", 10)
        record = self.chargeback()
        self.assertFalse(record.line_ids)
        self.assertEqual(record.unassigned, 0)

    def test_departments_of_a_wallet_above(self):
        branch = self.new_wallet("Branch", self.office)
        self.sell(branch, {"49": "0.40"})
        self.new_endpoint(branch, "501")
        branch._allocate(10, "c:branch")
        self.office.analytic_distribution = {str(self.support.id): 100}
        self.ring("c:1", "501", 10)
        record = self.chargeback()
        self.assertEqual((record.line_ids.wallet_id, record.amount), (branch, 4.0), "what the branch pays, once")

    def test_once(self):
        self.ring("c:1", "401", 10)
        first, twin = self.chargeback(), self.chargeback()
        first.action_post()
        first.action_post()
        self.assertEqual(len(first.move_id), 1)
        with self.assertRaisesRegex(UserError, "Nothing was used"):
            twin.action_post()

    def test_late_records_and_refunds_come_with_the_next(self):
        self.ring("c:1", "401", 10)
        self.chargeback().action_post()
        self.ring("c:late", "401", 1)
        self.ring("c:november", "401", 2, at=datetime(2025, 11, 3, 10))
        november = self.chargeback("2025-11-01")
        november.action_post()
        self.assertEqual(
            november.line_ids.mapped(lambda line: (str(line.month), Decimal(str(line.cost)))),
            [("2025-10-01", Decimal("0.3")), ("2025-11-01", Decimal("0.6"))],
        )
        self.assertEqual(self.borne(november), {"Sales": 0.9})

    def test_usage_before_the_first_charge_back_is_let_be(self):
        self.ring("c:old", "401", 10, at=datetime(2025, 9, 15, 10))
        self.ring("c:1", "401", 1)
        self.assertEqual(self.chargeback().amount, 0.3)

    def test_cancelled_comes_again(self):
        self.ring("c:1", "401", 10)
        first = self.chargeback()
        first.action_post()
        first.action_cancel()
        self.assertEqual(first.state, "cancelled")
        self.assertTrue(first.move_id.reversal_move_ids)
        again = self.chargeback()
        again.action_post()
        self.assertEqual(again.amount, 3)

    def test_posted_stays(self):
        self.ring("c:1", "401", 10)
        record = self.chargeback()
        record.action_post()
        with self.assertRaisesRegex(UserError, "stays as it is"):
            record.date_from = "2025-11-01"
        with self.assertRaisesRegex(UserError, "buttons"):
            record.write({"state": "draft"})
        with self.assertRaisesRegex(UserError, "kept"):
            record.unlink()
        with self.assertRaisesRegex(UserError, "cancel the charge-back"):
            record.move_id.button_draft()

    def test_a_context_posts_nothing(self):
        record = (
            self.env["tier.chargeback"]
            .with_context(default_state="posted")
            .create(
                {
                    "date_from": "2025-10-20",
                    "journal_id": self.journal.id,
                    "expense_account_id": self.accounts[0].id,
                    "recovery_account_id": self.accounts[1].id,
                }
            )
        )
        self.assertEqual(
            (record.state, str(record.date_from), str(record.date_to)), ("draft", "2025-10-01", "2025-10-31")
        )

    def test_next_months_draft_comes_by_itself(self):
        self.ring("c:1", "401", 10)
        Chargeback = self.env["tier.chargeback"]
        own = [("company_id", "=", self.company.id)]
        with freeze_time("2025-11-04 03:00:00"):
            Chargeback._cron_draft()
            self.assertFalse(Chargeback.search([*own, ("date_from", "=", "2025-10-01")]), "none was posted before")
            self.chargeback().action_post()
        self.ring("c:november", "402", 1, at=datetime(2025, 11, 3, 10))
        november = [*own, ("date_from", "=", "2025-11-01")]
        with freeze_time("2025-12-02 03:00:00"):
            Chargeback._cron_draft()
            self.assertFalse(Chargeback.search(november), "records may still come")
        # What the demo has of later months stands in the way of nothing here.
        Chargeback.search([("date_from", ">", "2025-11-01")])._set({"state": "cancelled"})
        for _run in range(2):
            with freeze_time("2025-12-03 03:00:00"):
                Chargeback._cron_draft()
        draft = Chargeback.search(november)
        self.assertEqual((draft.state, draft.amount, draft.journal_id), ("draft", 0.3, self.journal))

    def test_refunds(self):
        self.ring("c:1", "401", 10)
        self.ring("c:2", "401", 5)
        refund(self.env, self.event("c:2").ids, "wrong")
        self.env.invalidate_all()
        # The refund is of the day on which it is made; the month has both calls.
        self.assertEqual(self.chargeback().line_ids.mapped("cost"), [4.5])

    def test_rights(self):
        self.ring("c:1", "401", 10)
        record = self.chargeback()
        for role in ("auditor", "user"):
            with self.subTest(role), self.assertRaises(AccessError):
                record.with_user(self.staff(role)).action_post()

    def test_other_currency(self):
        foreign = self.new_wallet("Foreign", self.provider, currency_id=self.shell.id)
        brand = self.new_brand(self.provider, currency_id=self.shell.id)
        foreign.price_list_id = self.new_list(brand, {"49": "0.80"})
        foreign._topup(100, "c:foreign")
        self.new_endpoint(foreign, "601", analytic_distribution={str(self.sales.id): 100})
        self.ring("c:1", "601", 10)
        # 8 shells; a shell is 1 / 0.8 of the company's currency
        self.assertEqual(self.chargeback().amount, 10)
