from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged

from ..ledger.reserve import place_holds, release_sessions
from .common import TierBillingCase


@tagged("post_install", "-at_install")
class TestMove(TierBillingCase):
    """A wallet with a history goes below another parent."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_chain()
        cls.other = cls.new_wallet("Other reseller", cls.provider)
        cls.reseller._topup(100, "move:reseller")
        cls.other._topup(100, "move:other")
        cls.dealer._allocate(40, "move:dealer")
        cls.user._allocate(15, "move:user")
        cls.manager = cls.staff("manager")

    def tearDown(self):
        self.assertConserved()
        super().tearDown()

    def move(self, wallet, parent, reason="Sold", role=None):
        """Fill in the dialog and press its button."""
        Move = self.env["tier.wallet.move"].with_user(role or self.manager)
        move = Move.create({"wallet_id": wallet.id, "parent_id": parent.id, "reason": reason})
        move.action_apply()
        return move

    def test_inside_money_moves_along(self):
        with self.assertNothingMoves():
            self.move(self.dealer, self.other)
        self.assertEqual(self.dealer.parent_id, self.other)
        self.assertBalances(self.dealer, 25, self.user, 15, self.reseller, 60, self.other, 100)
        self.assertEqual(self.dealer.grant_account_id, self.other.account_id)
        self.assertEqual(self.user.parent_path, f"{self.provider.id}/{self.other.id}/{self.dealer.id}/{self.user.id}/")
        # From here on it pays and is funded by the new one.
        self.usage(self.dealer, 5, "move:usage")
        self.dealer._allocate(10, "move:later")
        self.assertBalances(self.dealer, 30, self.other, 95, self.reseller, 60)

    def test_the_history_stays(self):
        before = self.env["tier.transfer"].search([("to_wallet_id", "=", self.dealer.id)])
        self.move(self.dealer, self.other, "Sold to the other")
        self.assertEqual(before.from_wallet_id, self.reseller)
        told = "Moved from Reseller to Other reseller: Sold to the other"
        note = self.dealer.message_ids.filtered(lambda message: told in message.body)
        self.assertEqual(note.author_id, self.manager.partner_id)

    def test_to_another_tier(self):
        self.move(self.dealer, self.provider)
        self.assertEqual((self.dealer.tier, self.user.tier), (1, 2))
        earned = self.earned(self.provider)
        self.usage(self.dealer, 5, "move:usage")
        self.assertEqual(self.earned(self.provider) - earned, 5)
        self.move(self.dealer, self.other)
        self.assertEqual((self.dealer.tier, self.user.tier), (2, 3))

    def test_outside_credit_is_handed_back_and_granted_anew(self):
        outside = self.new_wallet("Outside", self.reseller, money="outside")
        below = self.new_wallet("Below", outside)
        outside._allocate(20, "move:outside")
        below._allocate(5, "move:below")
        self.usage(outside, 8, "move:usage")
        self.move(outside, self.other)
        # 20 granted, 8 of it collected, 12 handed back: the old parent has nothing out.
        self.assertEqual(self.collected(self.reseller), 0)
        self.assertEqual(self.collected(self.other), -12)
        self.assertBalances(outside, 12, below, 5, self.reseller, 60, self.other, 100)
        kinds = self.env["tier.transfer"].search([("source_key", "like", "move:%-%")]).mapped("kind")
        self.assertEqual(sorted(kinds), ["allocation", "reclaim"])
        self.usage(outside, 2, "move:more")
        self.assertEqual(self.collected(self.other), -10)

    def test_outside_credit_respects_the_guard_of_the_new_parent(self):
        outside = self.new_wallet("Outside", self.reseller, money="outside")
        outside._allocate(20, "move:outside")
        self.other.overcommit_percent = 10
        with self.assertRaisesRegex(UserError, "may grant 10.00"), self.cr.savepoint():
            self.move(outside, self.other)
        self.assertEqual(outside.parent_id, self.reseller)
        self.other.overcommit_percent = 20
        self.move(outside, self.other)

    def test_who_owes_settles_first(self):
        outside = self.new_wallet("Outside", self.reseller, money="outside")
        self.usage(outside, 3, "move:debt")
        with self.assertRaisesRegex(UserError, "owes 3 QCO to Reseller"):
            self.move(outside, self.other)

    def test_outside_credit_abroad(self):
        outside = self.new_wallet("Abroad", self.reseller, money="outside", currency_id=self.shell.id)
        outside._allocate(20, "move:outside")
        self.move(outside, self.other)
        self.assertEqual(self.collected(self.other, self.shell), -20)
        self.assertEqual(self.collected(self.reseller, self.shell), 0)

    def test_no_session_may_be_in_progress_anywhere_below(self):
        place_holds(self.env.cr, [("move-call", self.user.account_id.id, 0)], ["2099-01-01"])
        with self.assertRaisesRegex(UserError, "User has 1 sessions in progress: move Dealer"), self.cr.savepoint():
            self.move(self.dealer, self.other)
        release_sessions(self.env.cr, ["move-call"])
        self.move(self.dealer, self.other)

    def test_a_second_click_changes_nothing(self):
        outside = self.new_wallet("Outside", self.reseller, money="outside")
        outside._allocate(20, "move:outside")
        move = self.move(outside, self.other)
        with self.assertNothingMoves():
            move.action_apply()
        # There and back again is another move.
        self.move(outside, self.reseller)
        self.assertEqual((self.collected(self.reseller), self.collected(self.other)), (-20, 0))

    def test_what_is_refused(self):
        other = self.env["res.company"].create({"name": "Other company"})
        elsewhere = self.new_wallet("Elsewhere", company_id=other.id)
        closed = self.new_wallet("Closed", self.provider, state="closed")
        outside = self.new_wallet("Outside", self.reseller, money="outside")
        for wallet, parent, reason, words in (
            (self.dealer, self.user, "Why", "below"),
            (self.dealer, self.dealer, "Why", "below"),
            (self.dealer, closed, "Why", "closed"),
            (self.dealer, elsewhere.sudo(), "Why", None),
            (self.dealer, self.other, " ", "reason"),
            (self.provider, self.other, "Why", "stays at the top"),
        ):
            with self.subTest(wallet.name, parent=parent.name), self.assertRaisesRegex(UserError, words or ""):
                self.move(wallet, parent, reason)
        for wallet, parent in ((self.dealer, outside), (outside, self.provider)):
            with self.subTest(wallet.name), self.assertRaises(ValidationError), self.cr.savepoint():
                self.move(wallet, parent)

    def test_only_a_manager(self):
        for role in ("user", "auditor"):
            with self.assertRaises(AccessError):
                self.move(self.dealer, self.other, role=self.staff(role))

    def test_the_field_alone_still_refuses(self):
        with self.assertRaisesRegex(UserError, "by “Change parent”"):
            self.dealer.with_user(self.manager).parent_id = self.other
        # Nor with a context that a request may bring along.
        for value in (True, "MOVING", 1):
            with self.assertRaisesRegex(UserError, "by “Change parent”"):
                self.dealer.with_context(tier_moving=value).parent_id = self.other
        with self.assertRaisesRegex(UserError, "kind of money"):
            self.dealer.money = "outside"

    def test_the_dialog(self):
        Move = self.env["tier.wallet.move"].with_user(self.manager)
        with Form(Move.with_context(default_wallet_id=self.dealer.id)) as form:
            self.assertEqual((form.old_parent_id, form.below_count, form.balance), (self.reseller, 1, 25))
            form.parent_id = self.other
            form.reason = "Why"
