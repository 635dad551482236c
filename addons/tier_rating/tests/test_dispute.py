from decimal import Decimal

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import freeze_time, tagged

from .common import NOON, TierRatingCase


class DisputeBuilder:
    """Calls that are contested, on top of a :class:`RatingBuilder`."""

    def build(self):
        self.chain = self.provider, self.reseller, self.dealer, self.user = self.new_selling_chain()
        self.reseller._topup(10, "funds:reseller")
        self.dealer._allocate(5, "funds:dealer")
        self.user._allocate(4, "funds:user")
        self.before = self.balances()
        self.charge(self.call("k:1"), self.call("k:2", 120), self.call("k:lost", 0))

    def balances(self):
        return [self.balance(wallet) for wallet in self.chain]

    def share(self, key, wallet=None):
        """Return a wallet's charge for an event; the end user's by default."""
        wallet = wallet or self.user
        return self.event(key).charge_ids.filtered(lambda c: c.wallet_id == wallet and not c.reverses_id)

    def dispute(self, *charges, wallet=None, **values):
        charges = charges or [self.share("k:1")]
        return self.env["tier.dispute"].create(
            {
                "wallet_id": (wallet or self.user).id,
                "reason": "The line was dead",
                "line_ids": [Command.create({"charge_id": charge.id}) for charge in charges],
                **values,
            }
        )


@freeze_time("2026-11-25")
@tagged("post_install", "-at_install")
class TestDispute(DisputeBuilder, TierRatingCase):
    """Charges that customers contest, and what becomes of it."""

    def setUp(self):
        super().setUp()
        self.build()

    def test_accepted(self):
        """Every tier gets back what it paid, to the cent, and once."""
        dispute = self.dispute(self.share("k:1"), self.share("k:2"))
        self.assertRecordValues(
            dispute, [{"state": "new", "amount": 3, "charge_count": 2, "currency_id": self.coin.id}]
        )
        self.assertRegex(dispute.name, r"^DSP/2026/\d{5}$")
        decider = self.staff("user")
        dispute.with_user(decider).action_review()
        self.assertEqual((dispute.state, dispute.user_id), ("review", decider))
        dispute.with_user(decider).action_accept()
        self.assertRecordValues(dispute, [{"state": "accepted", "decided_by_id": decider.id}])
        self.assertEqual(dispute.decided_at.isoformat(), "2026-11-25T00:00:00")
        self.assertEqual(self.balances(), self.before)
        self.assertEqual(set(dispute.line_ids.mapped("event_state")), {"refunded"})
        back = self.env["tier.transfer"].search([("reverses_id", "=", self.share("k:1").transfer_id.id)])
        self.assertEqual(back.reason, f"Dispute {dispute.name}")
        with self.assertNothingMoves():
            dispute.action_accept()
        for again in (dispute.action_review, dispute.action_reject, dispute.action_reopen):
            with self.subTest(again.__name__), self.assertRaises(UserError):
                again()
        self.assertConserved()

    def test_a_new_one_is_accepted_at_once(self):
        dispute = self.dispute()
        dispute.action_accept()
        self.assertEqual((dispute.state, self.event("k:1").state), ("accepted", "refunded"))

    def test_rejected(self):
        dispute = self.dispute()
        with self.assertRaisesRegex(UserError, "answer"):
            dispute.action_reject()
        dispute.answer = "The switch recorded speech in both directions."
        with self.assertNothingMoves():
            dispute.action_reject()
            dispute.action_reject()
        self.assertEqual((dispute.state, dispute.decided_by_id), ("rejected", self.env.user))
        with self.assertRaises(UserError):
            dispute.action_accept()
        dispute.action_reopen()
        self.assertRecordValues(dispute, [{"state": "review", "decided_by_id": False, "decided_at": False}])
        dispute.action_accept()
        self.assertEqual(self.event("k:1").state, "refunded")

    def test_the_resellers_own_charge(self):
        """A reseller contests what it paid itself; the refund goes all the way."""
        dispute = self.dispute(self.share("k:1", self.reseller), wallet=self.reseller)
        self.assertEqual(dispute.amount, 0.7)
        dispute.action_accept()
        self.assertEqual(self.balance(self.user), Decimal(2))
        self.assertEqual(
            self.env["tier.charge"].search_count([("reverses_id", "in", self.event("k:1").charge_ids.ids)]), 4
        )

    def test_refunded_meanwhile(self):
        """Staff refunded the call by hand: accepting adds nothing."""
        dispute = self.dispute()
        self.registry_enter_test_mode()
        self.env["tier.usage.event"]._refund(self.event("k:1").ids, "Outage")
        self.env.invalidate_all()
        with self.assertNothingMoves():
            dispute.action_accept()
        self.assertEqual(dispute.state, "accepted")

    # ------------------------------------------------------------------
    # What may be contested
    # ------------------------------------------------------------------

    def test_an_event_is_in_one_open_dispute(self):
        first = self.dispute()
        for charge, wallet in ((self.share("k:1"), self.user), (self.share("k:1", self.dealer), self.dealer)):
            with self.subTest(wallet=wallet.name), self.assertRaisesRegex(UserError, "already"):
                self.dispute(charge, wallet=wallet)
        first.answer = "No"
        first.action_reject()
        second = self.dispute(self.share("k:1", self.dealer), wallet=self.dealer)
        with self.assertRaisesRegex(UserError, "already"), self.env.cr.savepoint():
            first.action_reopen()
        second.action_accept()
        with self.assertRaisesRegex(UserError, "refunded already"), self.env.cr.savepoint():
            first.action_reopen()

    def test_the_database_keeps_one_open(self):
        dispute = self.dispute(self.share("k:1"))
        other = self.dispute(self.share("k:2"))
        self.env.flush_all()
        with self.assertDatabaseRefuses("one_open"):
            self.env.cr.execute(
                "UPDATE tier_dispute_line SET event_id = %s WHERE dispute_id = %s",
                [dispute.line_ids.event_id.id, other.id],
            )

    def test_what_cannot_be_contested(self):
        refunded = self.dispute(self.share("k:2"))
        refunded.action_accept()
        back = self.share("k:2").search([("reverses_id", "=", self.share("k:2").id)])
        for what, charge in (
            ("free", self.share("k:lost")),
            ("somebody else's", self.share("k:1", self.dealer)),
            ("refunded", self.share("k:2")),
            ("a refund", back),
        ):
            with self.subTest(what), self.assertRaises(UserError), self.env.cr.savepoint():
                self.dispute(charge)
        with self.subTest("carrier"), self.assertRaises(UserError), self.env.cr.savepoint():
            self.dispute(self.share("k:1", self.provider), wallet=self.provider)
        with self.subTest("nothing"), self.assertRaises(UserError), self.env.cr.savepoint():
            self.dispute(line_ids=[])
        with self.subTest("no charge"), self.assertRaises(UserError), self.env.cr.savepoint():
            self.dispute(line_ids=[Command.create({"charge_id": 2**31 - 1})])
        self.assertEqual(self.env["tier.dispute"].search_count([("wallet_id", "=", self.user.id)]), 1)

    # ------------------------------------------------------------------
    # It stays as it was
    # ------------------------------------------------------------------

    def test_no_form_decides(self):
        dispute = self.dispute()
        for values in (
            {"state": "accepted"},
            {"name": "DSP/1"},
            {"decided_at": NOON},
            {"decided_by_id": self.env.uid},
            {"wallet_id": self.dealer.id},
        ):
            with self.subTest(values=values), self.assertRaises(UserError):
                dispute.write(values)
        with self.assertRaises(UserError):
            self.dispute(self.share("k:2"), state="accepted")
        # Nor a default of the context.
        other = dispute.with_context(default_state="accepted", default_decided_at=NOON).create(
            {
                "wallet_id": self.user.id,
                "reason": "Too long",
                "line_ids": [Command.create({"charge_id": self.share("k:2").id})],
            }
        )
        self.assertEqual((other.state, other.decided_at), ("new", False))
        for values in ({"amount": 100}, {"is_open": False}, {"charge_id": self.share("k:2").id}):
            with self.subTest(values=values), self.assertRaises(UserError):
                dispute.line_ids.write(values)

    def test_amounts_are_those_of_the_charge(self):
        dispute = self.dispute(line_ids=[Command.create({"charge_id": self.share("k:1").id, "amount": 100})])
        self.assertEqual((dispute.amount, dispute.line_ids.amount), (1, 1))

    def test_a_decided_dispute_is_not_edited(self):
        dispute = self.dispute()
        dispute.line_ids = [Command.create({"charge_id": self.share("k:2").id})]
        self.assertEqual(dispute.amount, 3)
        dispute.line_ids = [Command.delete(dispute.line_ids[1].id)]
        with self.assertRaises(UserError), self.env.cr.savepoint():
            dispute.line_ids = [Command.clear()]
        dispute.answer = "Yes"
        dispute.action_accept()
        for values in ({"reason": "another"}, {"answer": "No"}, {"line_ids": [Command.clear()]}):
            with self.subTest(values=values), self.assertRaises(UserError), self.env.cr.savepoint():
                dispute.write(values)
        for records in (dispute, dispute.line_ids):
            with self.assertRaises(UserError):
                records.unlink()

    # ------------------------------------------------------------------
    # Who is called, and who is told
    # ------------------------------------------------------------------

    def test_billing_users_are_called(self):
        user, auditor = self.staff("user"), self.staff("auditor")
        other = self.staff("manager")
        other.write(
            {
                "company_ids": [Command.set(self.env["res.company"].create({"name": "Elsewhere"}).ids)],
                "company_id": self.env["res.company"].search([("name", "=", "Elsewhere")]).id,
            }
        )
        dispute = self.dispute()
        called = dispute.activity_ids.user_id
        self.assertIn(user, called)
        self.assertFalse((auditor | other) & called)
        dispute.with_user(user).action_review()
        self.assertEqual(dispute.activity_ids.user_id, user)
        dispute.with_user(user).action_accept()
        self.assertFalse(dispute.activity_ids)

    def test_the_customer_is_told_in_its_language(self):
        dispute = self.dispute()
        self.assertIn(self.user.partner_id, dispute.message_partner_ids)
        dispute.answer = "You are right."
        dispute.action_accept()
        told = dispute.message_ids.filtered(lambda message: message.subtype_id == self.env.ref("mail.mt_comment"))
        self.assertEqual(len(told), 1)
        self.assertIn("1.00 QCO", told.body)
        self.assertIn("You are right.", told.body)
        self.assertEqual(told.message_type, "comment", "the portal shows no other")
        self.assertIn(self.user.partner_id, told.notified_partner_ids)

    def test_the_wallet_counts_them(self):
        self.dispute(self.share("k:1")).action_accept()
        self.dispute(self.share("k:2"))
        self.env.invalidate_all()
        self.assertEqual((self.user.dispute_count, self.user.open_dispute_count), (2, 1))
        self.assertEqual(self.dealer.dispute_count, 0)
        action = self.user.action_disputes()
        self.assertEqual(self.env["tier.dispute"].search_count(action["domain"]), 2)
        with self.assertQueryCount(2):
            (self.user | self.dealer | self.reseller)._compute_dispute_count()

    # ------------------------------------------------------------------
    # By hand
    # ------------------------------------------------------------------

    def test_staff_contests_from_the_list_of_charges(self):
        action = self.share("k:1").with_user(self.staff("user")).action_contest()
        dispute = self.env["tier.dispute"].with_context(**action["context"]).create({"reason": "By telephone"})
        self.assertEqual((dispute.wallet_id, dispute.amount), (self.user, 1))
        with self.assertRaises(UserError):
            self.event("k:1").charge_ids.action_contest()
        with self.assertRaises(AccessError):
            self.share("k:1").with_user(self.staff("auditor")).action_contest()

    def test_refund_by_hand(self):
        self.registry_enter_test_mode()
        events = self.event("k:1") | self.event("k:2") | self.event("k:lost")
        wizard = (
            self.env["tier.usage.refund"]
            .with_user(self.staff("user"))
            .with_context(active_model="tier.usage.event", active_ids=events.ids)
            .create({"reason": "Outage"})
        )
        self.assertEqual(wizard.event_count, 3)
        self.assertIn("2 refunded, 1 with", wizard.action_apply()["params"]["message"])
        self.assertIn("0 refunded, 3 with", wizard.action_apply()["params"]["message"])
        self.assertEqual(self.balances(), self.before)
        wizard.reason = " "
        with self.assertRaises(UserError):
            wizard.action_apply()
        with self.assertRaises(AccessError):
            self.env["tier.usage.refund"].with_user(self.staff("auditor")).create({"reason": "no"})
