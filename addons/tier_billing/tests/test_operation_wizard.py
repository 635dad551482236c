from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from ..ledger.reserve import place_holds
from .common import TierBillingCase


@tagged("post_install", "-at_install")
class TestOperationWizard(TierBillingCase):
    """Moving funds by hand."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_chain()
        cls.reseller._topup(100, "wizard:funds")
        cls.manager = cls.staff("manager")

    def operation(self, wallet, operation, amount, role=None, **values):
        """Open the dialog on a wallet and fill it in."""
        Operation = self.env["tier.wallet.operation"].with_user(role or self.manager)
        with Form(Operation.with_context(default_wallet_id=wallet.id)) as form:
            form.operation = operation
            form.amount = amount
            for name, value in values.items():
                setattr(form, name, value)
        return form.record

    def test_every_operation(self):
        self.operation(self.reseller, "topup", 20).action_apply()
        self.assertBalances(self.reseller, 120)
        self.operation(self.dealer, "allocate", 50, reason="November").action_apply()
        self.assertBalances(self.reseller, 70, self.dealer, 50)
        self.operation(self.dealer, "reclaim", 10).action_apply()
        self.assertBalances(self.reseller, 80, self.dealer, 40)
        self.operation(self.dealer, "adjust", -0.5, reason="Mistake").action_apply()
        self.assertBalances(self.dealer, "39.5")
        allocation = self.env["tier.transfer"].search([("reason", "=", "November")])
        self.assertEqual((allocation.kind, allocation.create_uid), ("allocation", self.manager))
        self.assertConserved()

    def test_close_with_what_is_left(self):
        self.dealer._allocate("12.345678", "close:funds")
        operation = self.env["tier.wallet.operation"].with_user(self.manager)
        operation = operation.create({"wallet_id": self.dealer.id, "operation": "close", "reason": "Moved away"})
        for _click in range(2):
            operation.action_apply()
            self.assertBalances(self.reseller, 100, self.dealer, 0)
        self.assertEqual(self.dealer.state, "closed")
        back = self.env["tier.transfer"].search([("source_key", "=", operation.source_key)])
        self.assertEqual((back.kind, back.reason), ("reclaim", "Moved away"))
        self.assertConserved()

    def test_close_an_empty_one(self):
        self.env["tier.wallet.operation"].create({"wallet_id": self.user.id, "operation": "close"}).action_apply()
        self.assertEqual(self.user.state, "closed")

    def test_close_what_cannot_be(self):
        """With a session in progress, and with a debt: nothing moves by half."""
        self.dealer._allocate(10, "close:busy")
        place_holds(self.env.cr, [("close:session", self.dealer.account_id.id, 4)], ["2099-01-01"])
        self.env.invalidate_all()
        operation = self.env["tier.wallet.operation"].create({"wallet_id": self.dealer.id, "operation": "close"})
        with self.assertRaisesRegex(UserError, "in progress"), self.assertNothingMoves():
            operation.action_apply()
        self.user._adjust(-3, "close:debt", "Mistake")
        operation = self.env["tier.wallet.operation"].create({"wallet_id": self.user.id, "operation": "close"})
        with self.assertRaisesRegex(UserError, "owes"), self.assertNothingMoves():
            operation.action_apply()
        self.assertEqual((self.dealer.state, self.user.state), ("active", "active"))

    def test_a_second_click_changes_nothing(self):
        operation = self.operation(self.dealer, "allocate", 30)
        self.assertEqual(operation.action_apply(), {"type": "ir.actions.act_window_close"})
        with self.assertNothingMoves():
            operation.action_apply()
        self.assertBalances(self.dealer, 30)

    def test_another_dialog_is_another_operation(self):
        for _time in range(2):
            self.operation(self.dealer, "allocate", 30).action_apply()
        self.assertBalances(self.dealer, 60)

    def test_another_amount_is_not_the_same_click(self):
        operation = self.operation(self.dealer, "allocate", 30)
        operation.action_apply()
        operation.amount = 40
        with self.assertRaises(UserError), self.assertNothingMoves():
            operation.action_apply()

    def test_the_dialog_tells_what_there_is(self):
        operation = self.operation(self.dealer, "allocate", 30)
        self.assertEqual((operation.parent_available, operation.wallet_available), (100, 0))
        self.assertEqual((operation.currency_id, operation.parent_currency_id), (self.coin, self.coin))

    def test_the_dialog_offers_a_provider_a_topup(self):
        with Form(self.env["tier.wallet.operation"].with_context(default_wallet_id=self.provider.id)) as form:
            self.assertEqual(form.operation, "topup")
            form.amount = 1

    def test_a_small_amount_is_kept(self):
        self.operation(self.dealer, "topup", 0.0043).action_apply()
        self.assertBalances(self.dealer, "0.0043")

    def test_amounts(self):
        for operation, amount in (("topup", 0), ("allocate", -5), ("reclaim", -1), ("topup", 1e12)):
            with self.subTest(operation), self.assertRaises(UserError), self.assertNothingMoves():
                self.operation(self.dealer, operation, amount).action_apply()

    def test_an_adjustment_needs_a_reason(self):
        operation = self.env["tier.wallet.operation"].create(
            {"wallet_id": self.dealer.id, "operation": "adjust", "amount": 1}
        )
        with self.assertRaisesRegex(UserError, "reason"):
            operation.action_apply()

    def test_only_a_manager_adjusts(self):
        user = self.staff("user")
        with self.assertRaisesRegex(AccessError, "manager"), self.assertNothingMoves():
            self.operation(self.dealer, "adjust", 5, role=user, reason="Gift").action_apply()
        self.operation(self.dealer, "allocate", 5, role=user).action_apply()
        self.assertBalances(self.dealer, 5)

    def test_an_auditor_moves_nothing(self):
        with self.assertRaises(AccessError):
            self.operation(self.dealer, "allocate", 5, role=self.staff("auditor"))

    def test_a_wallet_of_another_company(self):
        other = self.env["res.company"].create({"name": "Other company"})
        elsewhere = self.new_wallet("Elsewhere", company_id=other.id)
        operation = self.env["tier.wallet.operation"].with_user(self.manager)
        with self.assertRaises(AccessError):
            operation.create({"wallet_id": elsewhere.id, "operation": "topup", "amount": 5}).action_apply()
        self.assertBalances(elsewhere, 0)
