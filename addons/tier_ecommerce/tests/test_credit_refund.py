"""A refund takes the credit back: its share of it, once, even if it is spent."""

from decimal import Decimal

from .common import ShopCase


class TestCreditRefund(ShopCase):
    def setUp(self):
        super().setUp()
        self.shop_order = self.order()
        self.tx = self.pay(self.shop_order)

    def test_full_refund(self):
        refund = self.refund(self.tx)
        self.assertBalances(self.wallet, "0")
        back = self.env["tier.transfer"].search([("from_wallet_id", "=", self.wallet.id)])
        self.assertEqual((back.kind, back.amount), ("adjustment", 20))
        self.assertEqual(back.reverses_id, self.topups())
        self.assertEqual(back.to_account_id.kind, "world")
        self.assertEqual(back.reason, f"Refund of payment {self.tx.reference}")
        self.assertIn("20.00", self.notes()[0])
        self.assertIn("taken back", self.notes()[0])
        self.assertTrue(refund.is_post_processed)
        self.assertConserved()

    def test_refund_processed_again_changes_nothing(self):
        refund = self.refund(self.tx, 5)
        for again in (refund, self.tx, refund):
            again._post_process()
            self.assertBalances(self.wallet, "15")
        refund.is_post_processed = False
        self.run_cron()
        self.assertBalances(self.wallet, "15")

    def test_parts_add_up(self):
        for amount, balance in ((6.67, "13.33"), (6.67, "6.66"), (6.66, "0")):
            self.refund(self.tx, amount)
            self.assertBalances(self.wallet, balance)

    def test_two_refunds_done_before_either_is_processed(self):
        refunds = self.refund(self.tx, 5, process=False) | self.refund(self.tx, 7, process=False)
        for refund in refunds:
            refund._post_process()
            self.assertBalances(self.wallet, "8")

    def test_refund_processed_before_its_payment(self):
        tx = self.pay(self.order(), process=False)
        self.refund(tx)
        self.assertBalances(self.wallet, "20")
        tx._post_process()
        self.assertBalances(self.wallet, "20")

    def test_spent_credit_is_owed(self):
        self.usage(self.wallet, "15", "call")
        self.refund(self.tx)
        self.assertBalances(self.wallet, "-15")

    def test_draft_refund_takes_nothing(self):
        refund = self.tx._refund(20)
        refund._post_process()
        self.assertBalances(self.wallet, "20")

    def test_refund_that_fails_after_all(self):
        refund = self.refund(self.tx, 5)
        self.reach(refund, "error")
        for _again in range(2):
            refund._post_process()
            self.assertBalances(self.wallet, "20")
        self.reach(refund, "done")
        refund._post_process()
        self.assertBalances(self.wallet, "15")
        self.assertConserved()

    def test_payment_undone_after_all(self):
        for state in ("cancel", "error"):
            with self.subTest(state):
                tx = self.pay(self.order())
                self.assertBalances(self.wallet, "40")
                self.reach(tx, state)
                # The accounting of it is Odoo's business, which a test's payment lacks.
                tx._tier_settle()
                tx._tier_settle()
                self.assertBalances(self.wallet, "20")

    def test_share_of_an_order_with_other_goods(self):
        tx = self.pay(self.order((self.credit20, 20), (self.goods, 30)))
        self.refund(tx, 25)
        self.assertBalances(self.wallet, "30")
        self.refund(tx, 25)
        self.assertBalances(self.wallet, "20")

    def test_each_payment_gives_back_its_own_part(self):
        order = self.order()
        first, second = self.pay(order, 5), self.pay(order, 15)
        self.assertBalances(self.wallet, "40")
        self.refund(second)
        self.assertBalances(self.wallet, "25")
        self.refund(first)
        self.assertBalances(self.wallet, "20")

    def test_refund_after_the_order_changed(self):
        self.shop_order.order_line.price_unit = 90
        self.refund(self.tx, 10)
        self.assertBalances(self.wallet, "10")

    def test_capture_refunded(self):
        tx = self.pay(self.order(), state="authorized")
        capture = tx._create_child_transaction(20)
        capture._set_done()
        (capture | tx)._post_process()
        self.assertBalances(self.wallet, "40")
        self.refund(capture, 5)
        self.assertBalances(self.wallet, "35")

    def test_rate_of_the_purchase(self):
        wallet = self.new_wallet("Bea", self.top, currency_id=self.shell.id)
        tx = self.pay(self.order(partner=wallet.partner_id))
        self.assertBalances(wallet, "16")
        self.set_rate(self.shell, 3, self.env.cr.now().date())
        self.refund(tx, 5)
        self.assertBalances(wallet, "12")
        self.refund(tx, 15)
        self.assertBalances(wallet, "0")
        self.assertConserved()

    def test_outside_money_comes_back_up_the_chain(self):
        provider, reseller, dealer, user = self.new_chain("outside", "outside")
        tx = self.pay(self.order(partner=user.partner_id))
        self.usage(user, "8", "call")  # spent, and yet to be given back
        refund = self.refund(tx, 10)
        refund._post_process()
        self.assertBalances(provider, "0", reseller, "10", dealer, "10", user, "2")
        self.refund(tx, 10)
        self.assertBalances(provider, "0", reseller, "0", dealer, "0", user, "-8")
        self.assertConserved()

    def test_outside_money_between_currencies(self):
        provider = self.new_wallet("Provider", currency_id=self.currency.id)
        reseller = self.new_wallet("Reseller", provider)
        user = self.new_wallet("User", reseller, money="outside", currency_id=self.shell.id)
        tx = self.pay(self.order(partner=user.partner_id))
        self.assertBalances(reseller, "20", user, "16")
        self.refund(tx, 6.66)
        self.assertBalances(reseller, "13.34", user, "10.67")
        self.refund(tx, 13.34)
        self.assertBalances(reseller, "0", user, "0")
        self.assertConserved()

    def test_refunds_of_more_than_the_payment(self):
        self.refund(self.tx)
        self.refund(self.tx, 5)
        self.assertBalances(self.wallet, "0")

    def test_nothing_undone_twice_by_share(self):
        transfers = self.topups()
        for share, balance in (("0.5", "10"), ("0.25", "15"), ("1", "0"), ("0", "20")):
            transfers._take_back(Decimal(share), "test")
            transfers._take_back(Decimal(share), "test")
            self.assertBalances(self.wallet, balance)
