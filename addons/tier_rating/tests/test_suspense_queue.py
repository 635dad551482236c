from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, new_test_user, tagged

from .. import charging
from .common import TierRatingCase


@tagged("post_install", "-at_install")
class TestSuspenseQueue(TierRatingCase):
    """What waits is charged as soon as its cause is mended, without choosing it one by one."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_selling_chain()
        cls.user._topup(100, "queue:funds")
        cls.switch = cls.new_switch("test_queue", suspense_from=3, user_id=cls.env.ref("base.user_admin").id)
        cls.staff = new_test_user(cls.env, "staff@queue", groups="tier_billing.group_tier_user")

    def setUp(self):
        super().setUp()
        # Without a cursor of its own: what a test has done is seen.
        run = patch.object(charging, "run", lambda env, function, *args: function(env, *args))
        self.startPatcher(run)

    def wait(self, count, **values):
        """Have calls of an unknown caller wait."""
        values = {"account": "stranger", "switch_id": self.switch.id, **values}
        start = self.env["tier.usage.event"].search_count([])
        self.charge(*(self.call(f"q:{start + number}", **values) for number in range(count)))

    def waiting(self):
        return self.env["tier.usage.event"].search_count(
            [("state", "=", "suspense"), ("switch_id", "=", self.switch.id)]
        )

    def test_all_of_a_reason_beyond_a_page(self):
        self.wait(5)
        self.wait(1, account="user", number="33123456789")
        self.new_endpoint(self.user, "stranger")
        with patch.object(charging, "BATCH", 2), Form(self.env["tier.suspense.retry"].with_user(self.staff)) as form:
            form.switch_id = self.switch
            self.assertEqual(form.event_count, 6)
            form.reason = "unknown_account"
            self.assertEqual(form.event_count, 5)
            retry = form.save()
            message = retry.action_apply()["params"]["message"]
        self.assertEqual(message, "5 charged, 0 still in suspense.")
        self.assertEqual(self.waiting(), 1)
        self.assertBalances(self.user, 95)

    def test_by_the_number(self):
        self.wait(2, account="user", number="33123456789")
        self.wait(1, account="user", number="34123456789")
        for wallet in (self.reseller, self.dealer, self.user):
            self.new_rate(wallet.price_list_id, "33", "1.0")
            self.new_rate(wallet.price_list_id, "34", "1.0")
        retry = self.env["tier.suspense.retry"].create({"number_prefix": "33", "switch_id": self.switch.id})
        retry.action_apply()
        self.assertEqual(self.waiting(), 1)
        with self.assertRaisesRegex(UserError, "Nothing waits"):
            self.env["tier.suspense.retry"].create({"number_prefix": "3%", "switch_id": self.switch.id}).action_apply()

    def test_the_reason_of_what_is_selected(self):
        self.wait(1)
        event = self.env["tier.usage.event"].search([("switch_id", "=", self.switch.id)])
        context = {"active_model": "tier.usage.event", "active_ids": event.ids}
        self.assertEqual(self.env["tier.suspense.retry"].with_context(**context).new().reason, "unknown_account")

    def test_what_a_new_endpoint_mends(self):
        self.wait(2)
        self.wait(1, account="other")
        endpoint = self.new_endpoint(self.user, "stranger")
        elsewhere = self.new_endpoint(self.user, "stranger", switch_id=self.new_switch("test_queue_2").id)
        self.env.flush_all()
        self.assertEqual((endpoint.waiting_count, elsewhere.waiting_count), (2, 0))
        endpoint.with_user(self.staff).action_retry_waiting()
        self.assertEqual((endpoint.waiting_count, self.waiting()), (0, 1))
        self.assertBalances(self.user, 98)

    def test_what_a_new_rate_mends(self):
        base = self.user.price_list_id.copy({"name": "Base"})
        self.user.price_list_id.base_id = base
        self.wait(2, account="user", number="33123456789")
        self.assertEqual((self.user.price_list_id.waiting_count, base.waiting_count), (2, 2))
        for price_list in (base, self.dealer.price_list_id, self.reseller.price_list_id):
            self.new_rate(price_list, "33", "1.0")
        base.with_user(self.staff).action_retry_waiting()
        self.assertEqual((self.waiting(), base.waiting_count), (0, 0))

    def test_staff_is_called_as_suspense_grows(self):
        warn = self.env["tier.switch"]._cron_warn_of_suspense
        self.wait(2)
        warn()
        self.assertFalse(self.switch.activity_ids)
        self.wait(1)
        warn()
        activity = self.switch.activity_ids
        self.assertEqual(activity.summary, "3 records of test_queue wait in suspense")
        self.assertIn("Unknown caller: 3", str(activity.note))
        self.wait(1)
        warn()  # not each time
        self.assertEqual(self.switch.activity_ids, activity)
        self.wait(2)
        warn()
        self.assertEqual(self.switch.activity_ids.summary, "6 records of test_queue wait in suspense")
        self.new_endpoint(self.user, "stranger").action_retry_waiting()
        warn()
        self.assertFalse(self.switch.activity_ids)
        self.assertFalse(self.switch.suspense_warned)

    def test_without_a_responsible_person_all_are_called(self):
        self.assertFalse(self.new_switch("test_queue_3").user_id)  # made by nobody in person
        self.switch.user_id = False
        self.wait(3)
        self.env["tier.switch"]._cron_warn_of_suspense()
        self.assertIn(self.staff, self.switch.activity_ids.user_id)

    def test_it_takes_a_right(self):
        self.wait(1)
        endpoint = self.new_endpoint(self.user, "stranger")
        auditor = new_test_user(self.env, "auditor@queue", groups="tier_billing.group_tier_auditor")
        for record in (endpoint, self.user.price_list_id):
            with self.assertRaises(AccessError):
                record.with_user(auditor).action_retry_waiting()
        with self.assertRaises(AccessError):
            self.env["tier.suspense.retry"].with_user(auditor).create({})
