"""How much credit a payment gives: tax, other goods, parts, currencies, outside money."""

from odoo import Command

from .common import ShopCase


class TestCreditShare(ShopCase):
    def test_tax_is_no_credit(self):
        tax = self.env["account.tax"].create({"name": "10%", "amount": 10})
        order = self.order(
            {
                "product_id": self.credit20.id,
                "price_unit": 20,
                "product_uom_qty": 1,
                "tax_ids": [Command.set(tax.ids)],
            }
        )
        self.assertEqual(order.amount_total, 22)
        self.pay(order)
        self.assertBalances(self.wallet, "20")

    def test_tax_within_the_price_is_no_credit(self):
        tax = self.env["account.tax"].create({"name": "25%", "amount": 25, "price_include_override": "tax_included"})
        order = self.order(
            {
                "product_id": self.credit20.id,
                "price_unit": 20,
                "product_uom_qty": 1,
                "tax_ids": [Command.set(tax.ids)],
            }
        )
        self.assertEqual(order.amount_total, 20)
        self.pay(order)
        self.assertBalances(self.wallet, "16")

    def test_product_is_sold_without_tax(self):
        self.assertFalse(self.order().order_line.tax_ids)
        self.assertFalse(self.env.ref("tier_ecommerce.product_credit").sudo().taxes_id)

    def test_discount_on_the_line_lowers_the_credit(self):
        order = self.order(
            {
                "product_id": self.credit20.id,
                "price_unit": 20,
                "product_uom_qty": 1,
                "discount": 25,
            }
        )
        self.pay(order)
        self.assertBalances(self.wallet, "15")

    def test_other_goods_are_no_credit(self):
        self.pay(self.order((self.credit20, 20), (self.goods, 30)))
        self.assertBalances(self.wallet, "20")

    def test_parts_of_an_order_give_parts_of_its_credit(self):
        order = self.order((self.credit20, 20), (self.goods, 30))
        self.pay(order, 12.5)
        self.assertBalances(self.wallet, "5")
        self.pay(order, 37.5)
        self.assertBalances(self.wallet, "20")

    def test_thirds_add_up(self):
        order = self.order((self.credit20, 10))
        for amount, balance in ((3.33, "3.33"), (3.33, "6.66"), (3.34, "10")):
            self.pay(order, amount)
            self.assertBalances(self.wallet, balance)

    def test_cents_of_two_lines_add_up(self):
        order = self.order((self.credit20, 10), (self.credit20, 10), (self.goods, 10))
        for _third in range(3):
            self.pay(order, 10)
        self.assertBalances(self.wallet, "20")
        self.assertEqual(sorted(self.topups().mapped("amount")), [3.33, 3.33, 3.33, 3.33, 3.34, 3.34])

    def test_second_part_processed_first(self):
        order = self.order()
        first, second = (self.pay(order, amount, process=False) for amount in (5, 15))
        second._post_process()
        first._post_process()
        self.assertBalances(self.wallet, "20")
        line = order.order_line
        self.assertEqual(line._tier_transfers(str(first.id)).amount, 5)
        self.assertEqual(line._tier_transfers(str(second.id)).amount, 15)

    def test_paid_too_much(self):
        order = self.order()
        self.pay(order, 50)
        self.pay(order, 20)
        self.assertBalances(self.wallet, "20")

    def test_more_ordered_after_the_payment(self):
        order = self.order()
        self.pay(order)
        order.order_line.product_uom_qty = 2
        self.pay(order, 20)
        self.assertBalances(self.wallet, "40")

    def test_dearer_by_other_goods_after_the_payment(self):
        order = self.order()
        tx = self.pay(order)
        order.order_line = [Command.create({"product_id": self.goods.id, "price_unit": 30})]
        tx._post_process()
        self.assertBalances(self.wallet, "20")
        self.pay(order, 30)
        self.assertBalances(self.wallet, "20")

    def test_cart_that_grew_while_it_was_paid(self):
        order = self.order()
        tx = self.pay(order, process=False)
        order.order_line = [Command.create({"product_id": self.credit20.id, "price_unit": 80})]
        tx._post_process()
        # The money that came, on both lines.
        self.assertBalances(self.wallet, "20")

    def test_one_payment_of_two_orders(self):
        orders = self.order() | self.order((self.goods, 60))
        self.pay(orders, 40)
        self.assertBalances(self.wallet, "10")

    def test_other_currency_at_the_rate_of_the_day(self):
        wallet = self.new_wallet("Bea", self.top, currency_id=self.shell.id)
        order = self.order(partner=wallet.partner_id)
        self.pay(order, 10)
        self.assertBalances(wallet, "8")
        self.set_rate(self.shell, 0.5, self.env.cr.now().date())
        tx = self.pay(order, 10)
        self.assertBalances(wallet, "13")
        self.assertEqual(self.topups(wallet).mapped("currency_id"), self.shell)
        tx._post_process()
        self.assertBalances(wallet, "13")
        self.assertConserved()

    def test_conversion_is_rounded_once(self):
        self.set_rate(self.shell, 0.333333, self.env.cr.now().date())
        wallet = self.new_wallet("Bea", self.top, currency_id=self.shell.id)
        self.pay(self.order((self.credit20, 9.99), partner=wallet.partner_id))
        self.assertBalances(wallet, "3.33")

    def test_outside_money_goes_to_the_nearest_inside_ancestor(self):
        provider, reseller, dealer, user = self.new_chain("outside", "outside")
        tx = self.pay(self.order(partner=user.partner_id))
        tx._post_process()
        self.assertBalances(provider, "0", reseller, "20", dealer, "20", user, "20")
        self.assertConserved()
