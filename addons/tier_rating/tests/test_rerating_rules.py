from odoo.exceptions import AccessError, UserError
from odoo.tests import freeze_time, tagged

from .test_rerating import LATER, ReratingCase


@tagged("post_install", "-at_install")
@freeze_time(LATER)
class TestReratingRules(ReratingCase):
    """What a re-rating leaves alone, in what steps it works, and who may post it."""

    def test_a_contested_event_is_left(self):
        self.charge(self.call("k:1", 60))
        self.reprice(self.user, "1.30")
        run = self.compute()
        charge = self.event("k:1").charge_ids.filtered(lambda charge: charge.wallet_id == self.user)
        self.env["tier.dispute"].create(
            {"wallet_id": self.user.id, "reason": "dead", "line_ids": [(0, 0, {"charge_id": charge.id})]}
        )
        with self.assertNothingMoves():
            run.action_post()
        self.assertEqual(run.event_ids.reason, "contested")
        self.assertEqual(self.compute().event_ids.reason, "contested")

    def test_a_dispute_is_about_what_was_paid_in_all(self):
        self.charge(self.call("k:1", 60))
        self.reprice(self.user, "1.30")
        self.rerate()
        charges = self.event("k:1").charge_ids.filtered(lambda charge: charge.wallet_id == self.user)
        correction = charges.filtered("rerating_id")
        Dispute = self.env["tier.dispute"]
        with self.assertRaisesRegex(UserError, "contest the call itself"):
            Dispute.create(
                {"wallet_id": self.user.id, "reason": "dead", "line_ids": [(0, 0, {"charge_id": correction.id})]}
            )
        dispute = Dispute.create(
            {
                "wallet_id": self.user.id,
                "reason": "dead",
                "line_ids": [(0, 0, {"charge_id": (charges - correction).id})],
            }
        )
        self.assertEqual(dispute.amount, 1.3)
        dispute.action_accept()
        self.assertBalances(self.user, "0", self.dealer, "0")
        self.assertAudited()

    def test_chosen_one_by_one(self):
        self.charge(*(self.call(f"k:{number}", 60) for number in range(4)), self.call("k:free", 0))
        self.reprice(self.user, "1.30")
        chosen = self.event("k:1") | self.event("k:2") | self.event("k:free")
        run = self.env["tier.rerating"].browse(chosen.action_rerate()["res_id"])
        run.reason = "wrong rate"
        run.action_compute()
        self.assertEqual((run.by_hand, run.looked_at_count, run.changed_count, run.left_count), (True, 3, 2, 1))
        run.action_draft()
        self.assertEqual(run.event_ids.mapped("state"), ["chosen"] * 3)
        run.action_compute()
        run.action_post()
        self.assertEqual(run.posted_count, 2)
        self.assertBalances(self.user, "-4.60")
        self.assertEqual((self.event("k:1").rerating_count, self.event("k:3").rerating_count), (1, 0))
        self.assertEqual(
            self.env["tier.rerating.event"].search(self.event("k:1").action_reratings()["domain"]).state, "posted"
        )
        self.assertEqual(self.env["tier.transfer"].search_count(run.action_transfers()["domain"]), 2)
        self.assertEqual(
            self.env["tier.rerating.share"].search_count(self.line(run, self.user).action_events()["domain"]), 2
        )

    def test_batches(self):
        self.charge(*(self.call(f"k:{number}", 60) for number in range(7)))
        self.reprice(self.user, "1.30")
        self.patch(rerating_package(), "BATCH", 3)
        run = self.rerate()
        self.assertEqual((run.looked_at_count, run.posted_count), (7, 7))
        self.assertBalances(self.user, "-9.10")
        self.assertAudited()

    def test_states_and_rights(self):
        self.charge(self.call("k:1", 60))
        self.reprice(self.user, "1.30")
        with self.assertRaises(UserError):
            self.new_run(state="posted")
        run = (
            self.env["tier.rerating"]
            .with_context(default_state="computed", default_posted_count=4)
            .create({"date_from": "2026-11-01", "wallet_id": self.provider.id})
        )
        self.assertEqual((run.state, run.posted_count), ("draft", 0))
        with self.assertRaises(UserError):
            run.state = "computed"
        with self.assertRaises(UserError):
            run.action_post()
        auditor, user = self.staff("auditor"), self.staff("user")
        with self.assertRaises(AccessError):
            run.with_user(auditor).action_compute()
        run.with_user(user).action_compute()
        self.assertEqual((run.state, run.computed_by_id), ("computed", user))
        with self.assertRaises(UserError):
            run.prefix = "49"
        with self.assertRaises(AccessError):
            run.with_user(user).action_post()
        with self.assertRaisesRegex(UserError, "reason"):
            run.action_post()
        run.action_draft()
        self.assertEqual((run.state, run.looked_at_count, len(run.event_ids), len(run.line_ids)), ("draft", 0, 0, 0))
        run.reason = "wrong"
        run.action_compute()
        run.action_cancel()
        self.assertEqual((run.state, len(run.event_ids)), ("cancelled", 0))

    def test_above_the_limit_a_second_manager_posts(self):
        self.charge(self.call("k:1", 600))
        self.reprice(self.user, "1.30")
        self.company.tier_approval_limit = 0.01
        manager = self.staff("manager")
        run = self.new_run().with_user(manager)
        run.action_compute()
        self.assertTrue(run.needs_other)
        with self.assertRaisesRegex(AccessError, "another billing manager"):
            run.action_post()
        run.with_user(self.env.ref("base.user_admin")).action_post()
        self.assertEqual(run.state, "posted")


def rerating_package():
    from .. import rerating

    return rerating
