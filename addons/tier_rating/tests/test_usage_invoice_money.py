from decimal import Decimal

from odoo.tests import freeze_time, tagged

from .invoicing_common import DECEMBER, IN_DECEMBER, LONDON, InvoicingCase


@freeze_time("2026-12-02 09:00:00")
@tagged("post_install", "-at_install")
class TestUsageInvoiceMoney(InvoicingCase):
    """Refunds and fractions on drafts of postpaid usage, payments of them, and own money deducted."""

    # ------------------------------------------------------------------
    # Refunds and fractions
    # ------------------------------------------------------------------

    def test_a_refund_is_a_negative_line_of_the_next(self):
        self.use_in_november()
        self.invoice()
        self.refund("k:3")
        self.use(self.call("dec", 300, at=IN_DECEMBER))
        move = self.invoice(DECEMBER)
        self.assertEqual(
            self.usage_lines(move),
            [
                ("QGermany: 1 call, 5.00 minutes", 5),
                ("Refund: QLondon: 1 call, -1.00 minutes", -2),
            ],
        )
        self.assertEqual(move.amount_untaxed, 3)

    def test_refunds_beyond_the_usage_wait(self):
        self.use_in_november()
        self.invoice()
        self.refund("k:2")
        self.use(self.call("dec", at=IN_DECEMBER))
        self.assertFalse(self.invoice(DECEMBER))
        self.use(self.call("dec:2", 600, at=IN_DECEMBER))
        self.assertEqual(self.invoice(DECEMBER).amount_untaxed, 8)

    def test_fractions_go_on_to_the_next_invoice(self):
        """Each invoice is rounded; all of them together bill what was used, to the coin."""
        self.bill_by_the_second()
        # A second is 0.016667 to Germany and 0.033333 to London.
        self.use(self.call("nov:1", 1), self.call("nov:2", 1, number=LONDON), self.call("nov:3", 1))
        november = self.invoice()
        self.assertEqual((november.tier_usage_cost, november.amount_untaxed), (0.066667, 0.07))
        self.assertEqual([amount for _name, amount in self.usage_lines(november)], [0.04, 0.03])
        self.use(self.call("dec", 7, number=LONDON, at=IN_DECEMBER))
        december = self.invoice(DECEMBER)
        self.assertEqual((december.tier_usage_cost, december.amount_untaxed), (0.233333, 0.23))
        self.pay_all(november | december)
        self.assertEqual(self.balance(self.user), Decimal("0.000000"))

    def bill_by_the_second(self):
        brands = (self.user | self.reseller).price_list_id.brand_id
        brands.write({"rounding_digits": 6, "initial_increment": 1, "increment": 1})

    def pay_all(self, moves):
        moves.action_post()
        for move in moves:
            self.pay(move)

    def test_less_than_a_coin_waits(self):
        self.bill_by_the_second()
        self.new_rate(self.user.price_list_id, "4940", "0.24")
        self.new_rate(self.reseller.price_list_id, "4940", "0.12")
        self.use(self.call("k", 1, number="4940123456"))
        self.assertFalse(self.invoice())

    # ------------------------------------------------------------------
    # Payment, and money that the wallet had
    # ------------------------------------------------------------------

    def test_payment_restores_the_wallet(self):
        self.use_in_november()
        self.assertBalances(self.user, -6)
        move = self.invoice()
        move.action_post()
        self.settle()
        self.assertBalances(self.user, -6)
        self.pay(move, 3.6)
        self.assertBalances(self.user, -3)
        self.pay(move)
        self.assertBalances(self.user, 0)
        self.assertConserved()

    def test_a_cancelled_payment_takes_it_out_again(self):
        self.use_in_november()
        move = self.invoice()
        move.action_post()
        payment = self.pay(move)
        payment.action_draft()
        payment.action_cancel()
        self.settle()
        self.assertBalances(self.user, -6)

    def test_what_the_balance_paid_is_deducted(self):
        self.user._topup(4, "funds")
        self.use_in_november()
        self.assertBalances(self.user, -2)
        move = self.invoice()
        self.assertEqual(self.usage_lines(move)[-1], ("Paid from wallet balance", -4))
        # Credit is taxed when it is bought: the deduction takes the tax off.
        self.assertEqual((move.amount_untaxed, move.amount_tax, move.tier_usage_billed), (2, 0.4, 6))
        move.action_post()
        self.pay(move)
        self.assertBalances(self.user, 0)

    def test_tax_on_use_is_due_on_all_of_it(self):
        self.company.tier_tax_policy = "use"
        self.user._topup(4, "funds")
        self.use_in_november()
        move = self.invoice()
        self.assertEqual((move.amount_untaxed, move.amount_tax, move.amount_total), (2, 1.2, 3.2))
        move.action_post()
        self.pay(move)
        self.assertBalances(self.user, 0)

    def test_all_of_it_was_paid(self):
        self.user._topup(10, "funds")
        self.use_in_november()
        move = self.invoice()
        self.assertEqual(move.amount_total, 0)
        move.action_post()
        self.settle()
        self.assertBalances(self.user, 4)
        self.use(self.call("dec", 300, at=IN_DECEMBER))
        # Four are left of the ten; the six were deducted already.
        self.assertEqual(self.usage_lines(self.invoice(DECEMBER))[-1], ("Paid from wallet balance", -4))

    def test_the_deduction_is_made_once(self):
        """What an open invoice will bring, and usage after the period, are told from own money."""
        self.user._topup(1, "funds")
        self.use_in_november()
        self.use(self.call("dec", 300, at=IN_DECEMBER))
        november = self.invoice()
        self.assertEqual(november.amount_untaxed, 5)
        november.action_post()
        self.assertEqual(self.invoice(DECEMBER).amount_untaxed, 5)

    def test_a_part_payment_is_no_money_of_its_own(self):
        self.use_in_november()
        november = self.invoice()
        november.action_post()
        self.pay(november, 3.6)
        self.use(self.call("dec", 300, at=IN_DECEMBER))
        self.assertEqual(self.invoice(DECEMBER).amount_untaxed, 5)

    def test_a_payment_undone_a_moment_ago(self):
        """The ledger does not know yet: its money must not count twice."""
        self.use_in_november()
        november = self.invoice()
        november.action_post()
        payment = self.pay(november)
        payment.action_draft()
        self.use(self.call("dec", 300, at=IN_DECEMBER))
        self.assertEqual(self.invoice(DECEMBER).amount_untaxed, 5)

    def test_the_deduction_splits_by_taxes(self):
        message = self.env.ref("tier_rating.service_message")
        message.product_id = self.env["product.product"].create(
            {"name": "Messages", "type": "service", "taxes_id": self.new_tax(10).ids}
        )
        self.new_rate(self.user.price_list_id, "49", "0.05", service_id=message.id)
        self.new_rate(self.reseller.price_list_id, "49", "0.04", service_id=message.id)
        self.user._topup(3, "funds")
        self.use_in_november()
        self.use(self.call("sms", 60, service="message"))
        move = self.invoice()
        self.assertEqual(self.usage_lines(move)[2][0], f"{message.name}: 60.000 {message.price_unit}")
        self.assertEqual(sorted(amount for name, amount in self.usage_lines(move) if "balance" in name), [-2, -1])
        self.assertEqual((move.amount_untaxed, move.amount_tax), (6, 1.0))
        sections = move.invoice_line_ids.filtered(lambda line: line.display_type == "line_section")
        self.assertEqual(sections.mapped("name"), [self.voice.name, message.name])
