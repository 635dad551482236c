from datetime import timedelta
from unittest.mock import patch

import psycopg2

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..models import tier_usage_retention
from .common import TierRatingCase


@tagged("post_install", "-at_install")
class TestUsageRetention(TierRatingCase):
    """What records say of people goes when its time is over; money and facts stay."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.chain = cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_selling_chain()
        cls.user._topup(100, "retention:funds")
        # What the database has already is younger than what is received here; in life, ids tell the order.
        cls.env.cr.execute(
            """INSERT INTO tier_usage_retention (company_id, kind, until_id)
               SELECT %s, unnest(ARRAY['raw', 'details']), COALESCE(max(id), 0) FROM tier_usage_event
               UNION ALL SELECT %s, 'sessions', COALESCE(max(id), 0) FROM tier_session
               ON CONFLICT (company_id, kind) DO UPDATE SET until_id = EXCLUDED.until_id""",
            [cls.company.id, cls.company.id],
        )

    def receive(self, key, days, **values):
        """Charge a call that was received so many days ago."""
        self.charge(self.call(key, raw=f"record {key}", source_ip="10.0.0.1", user_agent="phone", **values))
        received = fields.Datetime.now() - timedelta(days=days)
        self.env.cr.execute("UPDATE tier_usage_event SET create_date = %s WHERE source_key = %s", [received, key])
        return self.event(key)

    def forget(self, batch=2):
        """Let the scheduled action run."""
        self.env.flush_all()
        progress = patch.object(type(self.env["ir.cron"]), "_commit_progress", return_value=1)
        with self.enter_registry_test_mode(), progress, patch.object(tier_usage_retention, "BATCH", batch):
            self.env["tier.usage.retention"]._cron_forget()
        self.env.invalidate_all()

    def test_nothing_goes_unless_it_is_set(self):
        event = self.receive("k:1", 5000)
        self.forget()
        self.assertEqual((event.raw, event.source_ip), ("record k:1", "10.0.0.1"))

    def test_the_text_of_old_records_goes(self):
        self.company.tier_raw_days = 90
        old = [self.receive(f"k:{number}", 91) for number in range(5)]
        young = self.receive("k:young", 89)
        self.forget()
        self.assertEqual([event.raw for event in old], [False] * 5)
        self.assertEqual([event.number for event in old], ["4930123456"] * 5)
        self.assertEqual(young.raw, "record k:young")

    def test_it_goes_on_where_it_was(self):
        self.company.tier_raw_days = 90
        self.receive("k:1", 95)
        self.forget()
        state = self.env["tier.usage.retention"].search([("company_id", "=", self.company.id), ("kind", "=", "raw")])
        self.assertEqual(state.until_id, self.event("k:1").id)
        later = self.receive("k:2", 91)
        self.forget()
        self.assertFalse(later.raw)

    def test_what_waits_in_suspense_keeps_its_text_until_it_is_charged(self):
        self.company.tier_raw_days = 90
        event = self.receive("k:1", 100, account="nobody", company_id=self.company.id)
        after = self.receive("k:2", 100)
        self.forget()
        self.assertEqual(event.raw, "record k:1")
        self.assertFalse(after.raw, "it does not hold up those behind it")
        self.new_endpoint(self.user, "nobody")
        self.retry(event)
        self.forget()
        self.assertFalse(event.raw)
        self.assertFalse(self.env["tier.usage.kept"].search([("event_id", "=", event.id)]))

    def test_who_called_whom_goes(self):
        self.company.tier_details_months = 6
        event = self.receive("k:1", 190)
        money = self.shares("k:1")
        self.forget()
        self.assertEqual((event.number, event.callee), ("493012****", "493012****"))
        self.assertEqual(event.caller, "****")
        self.assertFalse(any((event.raw, event.source_ip, event.user_agent, event.accounts)))
        self.assertTrue(event.details_removed)
        self.assertEqual(self.shares("k:1"), money)
        self.assertEqual(event.charge_ids[:1].sudo().prefix, "49")

    def test_a_resource_is_nobody(self):
        message = self.env.ref("tier_rating.service_message")
        for wallet in self.chain:
            self.new_rate(wallet.price_list_id, "sms", "0.01", service_id=message.id)
        self.company.tier_details_months = 6
        event = self.receive("k:1", 190, number="sms-abroad", service=message.code)
        self.assertEqual(event.state, "charged")
        self.forget()
        self.assertTrue(event.details_removed)
        self.assertEqual(event.number, "sms-abroad")

    def test_the_same_record_again_is_charged_once_all_the_same(self):
        self.company.tier_details_months = 6
        self.receive("k:1", 190)
        self.forget()
        with self.assertNothingMoves():
            outcome = self.charge(self.call("k:1"))
        self.assertEqual(outcome.duplicate, 1)

    def test_what_is_not_invoiced_waits(self):
        self.company.tier_details_months = 6
        self.user.payment_mode = "postpaid"
        self.env.flush_all()
        self.env.cr.execute("UPDATE tier_wallet SET postpaid_since = NULL WHERE id = %s", [self.user.id])
        event = self.receive("k:1", 190)
        self.forget()
        self.assertEqual(event.number, "4930123456")
        self.assertEqual(self.env["tier.usage.kept"].search([("event_id", "=", event.id)]).kind, "details")
        move = self.env["account.move"].create({"move_type": "out_invoice", "partner_id": self.user.partner_id.id})
        charge = event.charge_ids.filtered(lambda charge: charge.wallet_id == self.user)
        self.env.cr.execute(
            "INSERT INTO tier_charge_invoice (charge_id, move_id) VALUES (%s, %s)", [charge.id, move.id]
        )
        self.forget()
        self.assertEqual(event.number, "4930123456", "the invoice is a draft")
        self.env.cr.execute("UPDATE account_move SET state = 'posted' WHERE id = %s", [move.id])
        self.forget()
        self.assertEqual(event.number, "493012****")

    def test_what_is_contested_waits(self):
        self.company.tier_details_months = 6
        event = self.receive("k:1", 190)
        charge = event.charge_ids.filtered(lambda charge: charge.wallet_id == self.user)
        dispute = self.env["tier.dispute"].create(
            {
                "wallet_id": self.user.id,
                "reason": "Not mine",
                "line_ids": [fields.Command.create({"charge_id": charge.id})],
            }
        )
        self.forget()
        self.assertEqual(event.number, "4930123456")
        dispute.line_ids._set_open(False)
        self.forget()
        self.assertEqual(event.number, "493012****")

    def test_uploaded_files_go_with_the_text(self):
        switch = self.new_switch("retention")
        Import = self.env["tier.usage.import"]
        values = {"name": "a.csv", "switch_id": switch.id, "data": b"eA=="}
        old, waiting = Import.create([values, values])
        old.write({"state": "done", "date": fields.Datetime.now() - timedelta(days=100)})
        self.company.tier_raw_days = 90
        self.forget()
        self.assertFalse(old.data)
        self.assertTrue(waiting.data, "it is not imported yet")

    def ask(self, key, days, **values):
        """Authorize a call so many days ago."""
        self.authorize(self.request(key, **values))
        asked = fields.Datetime.now() - timedelta(days=days)
        self.env.cr.execute("UPDATE tier_session SET create_date = %s WHERE session_key = %s", [asked, key])
        return self.env["tier.session"].search([("session_key", "=", key)])

    def test_numbers_of_sessions_go_with_those_of_calls(self):
        old, young = self.ask("s:old", 190), self.ask("s:young", 100)
        self.forget()
        self.assertEqual(old.number, "4930123456", "nothing goes unless it is set")
        self.company.tier_details_months = 6
        self.forget()
        self.assertEqual((old.number, old.state, old.wallet_id), ("493012****", "open", self.user))
        self.assertEqual(young.number, "4930123456")
        state = self.env["tier.usage.retention"].search([("company_id", "=", self.company.id)])
        self.assertEqual(dict(state.mapped(lambda one: (one.kind, one.until_id)))["sessions"], old.id)
        self.env.cr.execute("UPDATE tier_session SET create_date = '2000-01-01' WHERE id = %s", [young.id])
        self.forget()
        self.assertEqual(young.number, "493012****")

    def test_many_sessions_go_in_steps(self):
        self.company.tier_details_months = 6
        sessions = [self.ask(f"s:{number}", 190) for number in range(5)]
        self.forget(batch=2)
        self.assertEqual({session.number for session in sessions}, {"493012****"})

    def test_a_session_of_nobody_is_that_of_its_switch(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.new_switch("retention_own")
        self.new_switch("retention_other", company_id=other.id)
        own = self.ask("retention_own:1", 190, account="nobody")
        others = self.ask("retention_other:1", 190, account="nobody")
        nobodys = self.ask("no_such_switch:1", 190, account="nobody")
        self.assertFalse(own.wallet_id)
        self.company.tier_details_months = 6
        self.forget()
        self.assertEqual([own.number, others.number, nobodys.number], ["493012****", "4930123456", "493012****"])
        other.tier_details_months = 6
        self.forget()
        self.assertEqual(others.number, "493012****")
        self.assertEqual(nobodys.number, "493012****", "hiding twice hides no more")

    @mute_logger("odoo.sql_db")
    def test_the_time_is_no_less_than_nothing(self):
        with self.assertRaises(psycopg2.IntegrityError):
            self.company.tier_raw_days = -1
            self.env.flush_all()
