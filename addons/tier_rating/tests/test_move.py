from odoo.exceptions import UserError
from odoo.tests import Form, tagged

from ..charging.refund import refund
from .common import TierRatingCase


@tagged("post_install", "-at_install")
class TestMove(TierRatingCase):
    """What calls cost before and after a wallet moved, and what undoes them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_selling_chain()
        cls.other = cls.new_wallet("Other reseller", cls.provider)
        cls.sell(cls.other, {"49": "0.60"})
        cls.list = cls.new_list(cls.new_brand(cls.other), {"49": "0.75"})
        cls.user._topup(10, "move:user")

    def tearDown(self):
        self.env.invalidate_all()
        audit = self.env["tier.audit"]._run()
        self.assertFalse(audit.finding_ids.mapped("detail"))
        super().tearDown()

    def move(self, wallet, parent, price_list=None, key="move"):
        Move = self.env["tier.wallet.move"]
        move = Move.create({"wallet_id": wallet.id, "parent_id": parent.id, "reason": "Sold"})
        move.price_list_id = price_list
        move.action_apply()

    def test_calls_before_and_after(self):
        self.charge(self.call("before"))
        self.move(self.dealer, self.other, self.list)
        self.charge(self.call("after"))
        self.assertShares(
            "before",
            (self.user, 0, "1", 0),
            (self.dealer, "1", "0.8", "0.2"),
            (self.reseller, "0.8", "0.7", "0.1"),
            (self.provider, "0.7", "0.5", "0.2"),
        )
        self.assertShares(
            "after",
            (self.user, 0, "1", 0),
            (self.dealer, "1", "0.75", "0.25"),
            (self.other, "0.75", "0.6", "0.15"),
            (self.provider, "0.6", "0.5", "0.1"),
        )

    def test_a_call_before_is_undone_where_it_was_paid(self):
        self.charge(self.call("before"))
        balances = [self.balance(wallet) for wallet in (self.user, self.dealer, self.reseller, self.other)]
        self.move(self.dealer, self.provider, self.new_list(self.new_brand(self.provider), {"49": "0.55"}))
        refund(self.env, self.event("before").ids, "Bad line")
        after = [self.balance(wallet) for wallet in (self.user, self.dealer, self.reseller, self.other)]
        self.assertEqual([str(new - old) for old, new in zip(balances, after, strict=True)][3], "0")
        self.assertBalances(self.user, 10, self.dealer, 0, self.reseller, 0)

    def test_on_another_tier_the_audit_stays_clean(self):
        self.charge(self.call("before"))
        self.move(self.user, self.provider, self.new_list(self.new_brand(self.provider), {"49": "0.55"}))
        self.charge(self.call("after"))
        self.assertEqual(len(self.shares("before")), 4)
        self.assertEqual(len(self.shares("after")), 2)

    def test_without_a_list_calls_wait(self):
        self.move(self.dealer, self.other)
        self.assertFalse(self.dealer.price_list_id)
        self.assertIn("no price list", self.dealer.message_ids[0].body)
        self.charge(self.call("after"))
        self.assertEqual((self.event("after").state, self.event("after").reason), ("suspense", "no_price_list"))

    def test_only_a_list_of_the_new_parent(self):
        foreign = self.dealer.price_list_id
        with self.assertRaisesRegex(UserError, "not a price list of Other reseller"):
            self.move(self.dealer, self.other, foreign)
        # One of the provider's is there for all below it.
        self.move(self.dealer, self.other, self.new_list(self.new_brand(self.provider), {"49": "0.55"}))

    def test_the_dialog_keeps_a_list_that_both_may_give(self):
        shared = self.new_list(self.new_brand(self.provider), {"49": "0.55"})
        own, self.dealer.price_list_id = self.dealer.price_list_id, shared
        for price_list, kept in ((shared, shared), (own, own.browse())):
            self.dealer.price_list_id = price_list
            with Form(self.env["tier.wallet.move"].with_context(default_wallet_id=self.dealer.id)) as form:
                form.parent_id = self.other
                form.reason = "Sold"
                self.assertEqual(form.price_list_id, kept)

    def test_a_session_in_progress_stops_the_move(self):
        self.dealer._topup(10, "move:dealer")
        self.assertTrue(self.authorize(self.request("call")).granted)
        with self.assertRaisesRegex(UserError, "sessions in progress"):
            self.move(self.dealer, self.other, self.list)
        self.charge(self.call("end", session_key="call"))
        self.move(self.dealer, self.other, self.list)
