from decimal import Decimal

from odoo.exceptions import UserError
from odoo.tests import tagged

from ..charging.refund import refund
from .common import TierRatingCase


@tagged("post_install", "-at_install")
class TestPayoutMargin(TierRatingCase):
    """What a reseller may ask for: what it earned, as far as it has it."""

    def test_margin_of_inside_customers(self):
        _provider, reseller, dealer, user = self.new_selling_chain()
        for number, wallet in enumerate((reseller, dealer, user)):
            wallet._topup(50, f"margin:{number}")
        self.charge(self.call("margin:call", 600))
        self.assertEqual(dealer._payout_margin(), Decimal(2))
        self.assertEqual(reseller._payout_margin(), Decimal(1))
        self.assertEqual(dealer._payout_limit(), Decimal(2))
        owner = self.portal_user(dealer, "margin_dealer")
        with self.assertRaisesRegex(UserError, "2.00"):
            dealer.with_user(owner)._request_payout(3, "", "margin:too-much")
        payout = dealer.with_user(owner)._request_payout("1.50", "", "margin:ok")
        self.assertEqual(dealer._payout_limit(), Decimal("0.50"))
        self.assertEqual(payout.margin_left, 2)
        # Staff may pay back credit that was bought as well.
        self.assertEqual(payout.own_funds, 52)

    def test_a_refund_takes_the_margin_back(self):
        _provider, reseller, dealer, user = self.new_selling_chain()
        for number, wallet in enumerate((reseller, dealer, user)):
            wallet._topup(50, f"margin:{number}")
        self.charge(self.call("margin:call", 600))
        refund(self.env, self.event("margin:call").ids, "Mistake")
        self.assertEqual((dealer._payout_margin(), dealer._payout_limit()), (0, 0))

    def test_margin_on_outside_money_was_collected_by_the_reseller(self):
        _provider, reseller, dealer, user = self.new_selling_chain(user="outside")
        for number, wallet in enumerate((reseller, dealer)):
            wallet._topup(50, f"margin:{number}")
        user._allocate(50, "margin:user")
        self.charge(self.call("margin:call", 600))
        self.assertEqual(dealer._payout_margin(), 0)
        self.assertEqual(dealer._payout_limit(), 0)
        self.assertEqual(reseller._payout_margin(), 1)
        self.assertEqual(user._payout_limit(), 0)

    def test_own_calls_are_no_loss(self):
        _provider, reseller, dealer, user = self.new_selling_chain()
        self.new_endpoint(dealer, "desk")
        for number, wallet in enumerate((reseller, dealer, user)):
            wallet._topup(50, f"margin:{number}")
        self.charge(self.call("margin:call", 600), self.call("margin:own", 600, account="desk"))
        self.assertEqual(dealer._payout_margin(), Decimal(2))

    def test_funds_that_were_spent_are_not_there(self):
        _provider, reseller, dealer, user = self.new_selling_chain()
        for wallet in (reseller, user):
            wallet._topup(50, f"margin:{wallet.id}")
        dealer._topup(10, "margin:dealer")
        self.charge(self.call("margin:call", 600))
        self.usage(dealer, "11.505", "margin:usage")
        self.assertEqual(self.balance(dealer), Decimal("0.495"))
        # Down: half a cent cannot be paid.
        self.assertEqual(dealer._payout_limit(), Decimal("0.49"))
