import doctest
from datetime import date
from decimal import Decimal
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, freeze_time, new_test_user, tagged
from odoo.tools import mute_logger

from .. import months
from ..ledger.reserve import place_holds
from ..ledger.writer import Movement
from ..models import tier_allocation_run
from .common import TierBillingCase


@freeze_time("2026-11-20 10:00:00")
@tagged("post_install", "-at_install")
class TestAllocationSchedule(TierBillingCase):
    """Credit that comes by itself every month."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.partner_id.tz = "UTC"
        cls.provider, cls.reseller, cls.campus, cls.user = cls.new_chain()
        cls.user.unlink()
        cls.campus._topup(1000, "schedule:funds")
        cls.students = [cls.new_wallet(name, cls.campus) for name in ("Ada", "Bo", "Cleo")]
        cls.ada, cls.bo, cls.cleo = cls.students
        cls.manager = cls.staff("manager")
        cls.cron = cls.env.ref("tier_billing.ir_cron_allocation_schedules")

    def tearDown(self):
        self.assertConserved()
        super().tearDown()

    def schedule(self, start=True, **values):
        schedule = (
            self.env["tier.allocation.schedule"]
            .with_user(self.manager)
            .create(
                {"name": "Students", "parent_id": self.campus.id, "amount": 10, "date_from": "2026-11-20", **values}
            )
        )
        if start:
            schedule.action_start()
        return schedule

    def on(self, day):
        """Let the cron run on a day."""
        with freeze_time(f"{day} 10:00:00"), self.enter_registry_test_mode():
            self.cron.method_direct_trigger()

    def test_the_calendar(self):
        self.assertFalse(doctest.testmod(months).failed)
        due, day = [], date(2026, 12, 1)
        for _month in range(4):
            due.append(str(months.first_due(day, 31)))
            day = months.next_month(day)
        self.assertEqual(due, ["2026-12-31", "2027-01-31", "2027-02-28", "2027-03-31"])

    def test_every_month_once(self):
        schedule = self.schedule()
        self.assertEqual(schedule.next_date, date(2026, 12, 1))
        self.on("2026-11-30")
        self.assertBalances(self.ada, 0)
        for _time in range(2):
            self.on("2026-12-01")
            self.assertBalances(self.ada, 10, self.bo, 10, self.cleo, 10, self.campus, 970)
        self.assertEqual(schedule.next_date, date(2027, 1, 1))
        self.assertEqual((schedule.run_ids.state, schedule.run_ids.given_count), ("done", 3))
        self.assertEqual(schedule.run_ids.period, date(2026, 12, 1))
        transfer = self.env["tier.transfer"].search([("to_wallet_id", "=", self.ada.id)])
        self.assertEqual((transfer.reason, transfer.kind), ("Students", "allocation"))

    def test_unused_credit_returns(self):
        schedule = self.schedule()
        self.on("2026-12-01")
        self.usage(self.ada, 4, "schedule:ada")
        self.usage(self.bo, 25, "schedule:bo")  # beyond what it has
        self.cleo._topup(7, "schedule:cleo")
        self.on("2027-01-01")
        # 6 of Ada's went back and all of Cleo's grant, not what Cleo paid; Bo's debt stays.
        self.assertBalances(self.ada, 10, self.bo, -5, self.cleo, 17, self.campus, 1000 - 30 + 29 + 16 - 30)
        run = schedule.run_ids[0]
        self.assertEqual((run.given_count, run.returned_count), (3, 2))
        back = self.env["tier.transfer"].search([("kind", "=", "reclaim"), ("from_wallet_id", "=", self.ada.id)])
        self.assertEqual((back.amount, back.source_key), (6, f"schedule:{schedule.id}:2027-01:{self.ada.id}:back"))

    def test_the_return_of_the_grant_before_is_not_spending(self):
        """The second return looks at the second grant alone."""
        self.schedule()
        for day in ("2026-12-01", "2027-01-01", "2027-02-01"):
            self.on(day)
            self.assertBalances(self.ada, 10, self.campus, 970)

    def test_a_refund_is_unused_credit(self):
        self.schedule()
        self.on("2026-12-01")
        used = self.usage(self.ada, 4, "schedule:ada")
        self.env["tier.transfer"]._post([self._backwards(used)])
        self.on("2027-01-01")
        self.assertBalances(self.ada, 10, self.campus, 970)

    def _backwards(self, transfer):
        return Movement(
            source_key=f"{transfer.source_key}:refund",
            kind="refund",
            from_account=transfer.to_account_id.id,
            to_account=transfer.from_account_id.id,
            amount=Decimal(str(transfer.amount)),
            amount_to=Decimal(str(transfer.amount)),
            reverses=transfer.id,
        )

    def test_what_is_held_does_not_return(self):
        self.schedule()
        self.on("2026-12-01")
        place_holds(self.env.cr, [("schedule-call", self.ada.account_id.id, 3)], [fields.Datetime.now()])
        self.on("2027-01-01")
        self.assertBalances(self.ada, 13)

    def test_unused_credit_stays(self):
        self.schedule(return_unused=False)
        self.on("2026-12-01")
        self.on("2027-01-01")
        self.assertBalances(self.ada, 20, self.campus, 940)

    def test_after_an_outage_each_month_is_made_up_for(self):
        schedule = self.schedule(return_unused=False, day=31)
        self.on("2027-03-15")
        self.assertBalances(self.ada, 40)
        self.assertEqual(
            [str(day) for day in schedule.run_ids.sorted("period").mapped("due_date")],
            ["2026-11-30", "2026-12-31", "2027-01-31", "2027-02-28"],
        )
        self.assertEqual(schedule.next_date, date(2027, 3, 31))

    def test_what_fell_due_while_stopped_is_not(self):
        schedule = self.schedule()
        self.on("2026-12-01")
        schedule.action_stop()
        self.on("2027-03-01")
        with freeze_time("2027-03-15 10:00:00"):
            schedule.action_start()
        self.assertEqual(schedule.next_date, date(2027, 4, 1))
        self.on("2027-03-31")
        self.assertEqual(schedule.run_count, 1)

    def test_another_day_of_the_month_is_no_second_grant(self):
        schedule = self.schedule()
        self.on("2026-12-01")
        with freeze_time("2026-12-02 10:00:00"):
            schedule.action_stop()
            schedule.day = 15
            schedule.action_start()
        self.assertEqual(schedule.next_date, date(2027, 1, 15))

    def test_the_day_begins_where_the_company_is(self):
        self.company.partner_id.tz = "Pacific/Auckland"  # 13 hours ahead
        self.schedule()
        self.on("2026-11-30")
        self.assertBalances(self.ada, 0)
        with freeze_time("2026-11-30 11:30:00"), self.enter_registry_test_mode():
            self.cron.method_direct_trigger()
        self.assertBalances(self.ada, 10)

    def test_an_end(self):
        schedule = self.schedule(date_to="2026-12-31")
        self.on("2027-02-01")
        self.assertEqual((schedule.run_count, schedule.next_date), (1, False))

    def test_who_fails_is_named_and_can_be_given_to_later(self):
        self.campus._reclaim(985, "schedule:poor")
        schedule = self.schedule(user_id=self.manager.id)
        self.on("2026-12-01")
        run = schedule.run_ids
        self.assertEqual((run.state, run.given_count, run.failed_count), ("incomplete", 1, 2))
        self.assertEqual(run.failure_ids.wallet_id, self.bo | self.cleo)
        self.assertIn("Dealer has 5 QCO available", run.failure_ids[0].message)
        self.assertEqual(schedule.activity_ids.user_id, self.manager)
        self.campus._topup(100, "schedule:rich")
        with self.enter_registry_test_mode():
            run.with_user(self.manager).action_run_again()
            run.with_user(self.manager).action_run_again()
        self.assertEqual((run.state, run.given_count, run.failed_count), ("done", 3, 0))
        self.assertFalse(schedule.activity_ids)
        self.assertBalances(self.ada, 10, self.bo, 10, self.cleo, 10)

    def test_who_fails_keeps_the_grant_before(self):
        self.schedule(amount=100)
        self.on("2026-12-01")
        self.usage(self.ada, 40, "schedule:ada")
        self.campus._reclaim(self.campus.balance, "schedule:poor")
        self.on("2027-01-01")
        # The 60 that came back do not pay for 100: nothing moved. The others paid for theirs.
        self.assertBalances(self.ada, 60, self.bo, 100, self.cleo, 100)

    def test_only_active_customers(self):
        self.bo.state = "suspended"
        schedule = self.schedule()
        self.new_wallet("Grandchild", self.ada)
        late = self.new_wallet("Late", self.campus)
        self.on("2026-12-01")
        self.assertBalances(self.ada, 10, self.bo, 0, late, 10)
        self.assertEqual(schedule.run_ids.given_count, 3)

    def test_these_wallets(self):
        self.schedule(scope="wallets", parent_id=False, wallet_ids=[(6, 0, (self.ada | self.cleo).ids)])
        self.on("2026-12-01")
        self.assertBalances(self.ada, 10, self.bo, 0, self.cleo, 10)

    def test_outside_credit(self):
        outside = self.new_wallet("Outside", self.campus, money="outside")
        self.schedule()
        self.on("2026-12-01")
        self.usage(outside, 4, "schedule:outside")
        self.on("2027-01-01")
        self.assertBalances(outside, 10)
        # 20 granted, 6 back, 4 collected.
        self.assertEqual(self.collected(self.campus), -10)

    def test_it_goes_on_where_it_was_interrupted(self):
        schedule = self.schedule()
        with (
            patch.object(tier_allocation_run, "BATCH", 1),
            patch.object(type(schedule.run_ids), "_end", side_effect=RuntimeError),
            mute_logger("odoo.addons.tier_billing.models.tier_allocation_schedule"),
        ):
            self.on("2026-12-01")
        self.env.invalidate_all()
        self.assertEqual((schedule.run_ids.state, schedule.run_ids.given_count), ("running", 3))
        with patch.object(tier_allocation_run, "BATCH", 2):
            self.on("2026-12-01")
        self.assertEqual((schedule.run_ids.state, schedule.run_ids.given_count), ("done", 3))
        self.assertBalances(self.ada, 10, self.bo, 10, self.cleo, 10)

    def test_a_batch_that_breaks_does_not_stop_the_others(self):
        schedule = self.schedule()
        give = type(schedule.run_ids)._give

        def broken(run, wallet_ids):
            if self.bo.id in wallet_ids:
                raise RuntimeError("broken")
            return give(run, wallet_ids)

        with (
            patch.object(tier_allocation_run, "BATCH", 1),
            patch.object(type(schedule.run_ids), "_give", broken),
            mute_logger("odoo.addons.tier_billing.models.tier_allocation_run"),
        ):
            self.on("2026-12-01")
        self.assertBalances(self.ada, 10, self.bo, 0, self.cleo, 10)
        self.assertEqual(schedule.run_ids.state, "running")
        self.on("2026-12-01")
        self.assertBalances(self.ada, 10, self.bo, 10, self.cleo, 10)
        self.assertEqual(schedule.run_ids.state, "done")

    def test_stopping_in_the_middle(self):
        schedule = self.schedule()
        give = type(schedule.run_ids)._give

        def stopping(run, wallet_ids):
            give(run, wallet_ids)
            run.schedule_id._progress({"state": "stopped"})

        with patch.object(tier_allocation_run, "BATCH", 1), patch.object(type(schedule.run_ids), "_give", stopping):
            self.on("2026-12-01")
        self.assertEqual(schedule.run_ids.given_count, 1)

    # ------------------------------------------------------------------
    # Rights
    # ------------------------------------------------------------------

    def test_a_running_schedule_is_not_changed(self):
        schedule = self.schedule()
        for values in ({"amount": 20}, {"day": 5}, {"parent_id": self.reseller.id}, {"active": False}):
            with self.subTest(values), self.assertRaisesRegex(UserError, "Stop the schedule"):
                schedule.write(values)
        schedule.write({"amount": 10, "name": "Other name"})
        for values in ({"state": "stopped"}, {"next_date": "2026-11-20"}, {"terms_user_id": False}):
            with self.subTest(values), self.assertRaisesRegex(UserError, "buttons"):
                schedule.write(values)

    def test_only_managers(self):
        schedule = self.schedule(start=False)
        clerk = self.staff("user")
        for attempt in (schedule.with_user(clerk).action_start, lambda: schedule.with_user(clerk).write({"amount": 5})):
            with self.assertRaises(AccessError):
                attempt()
        schedule.with_user(clerk).read(["amount"])
        self.schedule()
        self.on("2026-12-01")
        run = self.env["tier.allocation.run"].search([("schedule_id.name", "=", "Students")], limit=1)
        for role in (clerk, self.manager):
            with self.assertRaises(AccessError):
                run.with_user(role).write({"state": "running"})
        with self.assertRaises(AccessError):
            run.with_user(clerk).action_run_again()

    def test_above_the_limit_a_second_manager_starts_it(self):
        self.company.tier_approval_limit = 15  # the company's currency is at par with the coin
        schedule = self.schedule(start=False)
        with self.assertRaisesRegex(AccessError, "second billing manager"):
            schedule.action_start()
        second = new_test_user(self.env, "schedule_second", "tier_billing.group_tier_manager")
        schedule.with_user(second).action_start()
        schedule.with_user(second).action_stop()
        schedule.with_user(second).amount = 11
        with self.assertRaisesRegex(AccessError, "second billing manager"):
            schedule.with_user(second).action_start()
        schedule.action_start()

    def test_it_cannot_be_made_running(self):
        schedule = self.schedule(start=False, state="running", next_date="2026-11-20", terms_user_id=1)
        self.assertEqual((schedule.state, schedule.next_date), ("stopped", False))
        self.assertEqual(schedule.terms_user_id, self.manager)
        running = self.schedule()
        self.assertEqual(running.copy().state, "stopped")
        # Nor by a default that a request may bring along.
        Schedule = self.env["tier.allocation.schedule"].with_user(self.manager)
        sneaky = Schedule.with_context(
            default_state="running", default_next_date="2026-11-20", default_terms_user_id=self.env.uid
        ).create({"name": "Sneaky", "parent_id": self.campus.id, "amount": 10})
        self.assertEqual((sneaky.state, sneaky.next_date, sneaky.terms_user_id), ("stopped", False, self.manager))

    def test_a_schedule_with_runs_is_kept(self):
        schedule = self.schedule()
        self.on("2026-12-01")
        with self.assertRaisesRegex(UserError, "archive"):
            schedule.unlink()
        self.schedule(start=False).unlink()

    def test_the_form(self):
        with Form(self.env["tier.allocation.schedule"].with_user(self.manager)) as form:
            form.name = "Form"
            form.parent_id = self.campus
            form.amount = 5
        self.assertEqual(form.record.target_count, 3)
        self.assertEqual(form.record.action_targets()["domain"], form.record._target_domain())

    def test_companies(self):
        other = self.env["res.company"].create({"name": "Other company"})
        elsewhere = self.new_wallet("Elsewhere", company_id=other.id)
        with self.assertRaises(UserError):
            self.schedule(parent_id=elsewhere.id)
