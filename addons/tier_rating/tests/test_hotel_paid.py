"""A guest who leaves and pays by invoice; and what is printed of whom it called."""

from decimal import Decimal

from psycopg2 import IntegrityError

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..invoicing import call_list
from .hotel_common import HotelCase


@tagged("post_install", "-at_install")
class TestHouseInvoicePaid(HotelCase):
    """The house collects: what the guest pays is put on its wallet."""

    def setUp(self):
        super().setUp()
        self.guest = self.stay(payment="account")
        self.ring("h:1", 10)
        self.leave(self.guest, by_invoice=True)

    def pay(self, amount=None):
        context = self.guest.action_invoice_paid()["context"]
        operation = self.env["tier.wallet.operation"].with_context(**context).create({})
        if amount:
            operation.amount = amount
        operation.action_apply()
        self.env.invalidate_all()

    def test_paid_it_closes(self):
        self.assertTrue(self.guest.awaits_payment)
        self.assertEqual(self.env["tier.stay"].search([("awaits_payment", "=", True)]), self.guest)
        self.assertEqual(self.guest.owed, 5)
        self.pay()
        self.assertEqual((self.guest.wallet_id.state, self.guest.awaits_payment), ("closed", False))
        self.assertBalances(self.guest.wallet_id, "0")
        self.assertNotIn(self.guest, self.env["tier.stay"].search([("awaits_payment", "=", True)]))
        self.assertIn(self.guest, self.env["tier.stay"].search([("awaits_payment", "=", False)]))
        self.assertIn("is paid", self.guest.message_ids[0].body)
        with self.assertRaisesRegex(UserError, "waiting to be paid"):
            self.guest.action_invoice_paid()

    def test_a_part_does_not_close_it(self):
        self.pay(2)
        self.assertEqual((self.guest.wallet_id.state, self.guest.owed), ("suspended", 3))
        self.pay()
        self.assertEqual(self.guest.wallet_id.state, "closed")

    def test_undone_the_question_is_open_again(self):
        self.pay()
        self.guest.wallet_id._adjust(-5, "hotel:bounced", "The cheque bounced")
        self.env.invalidate_all()
        self.assertTrue(self.guest.awaits_payment)
        self.assertEqual(self.guest.activity_ids.mapped("summary"), ["The payment of the invoice was undone"])
        self.pay()
        self.assertEqual((self.guest.wallet_id.state, len(self.guest.activity_ids)), ("closed", 0))
        self.assertConserved()

    def test_too_much_is_asked_about(self):
        self.pay(6)
        self.assertEqual(self.guest.wallet_id.state, "suspended")
        self.assertEqual(self.guest.activity_ids.mapped("summary"), ["The guest has paid too much"])
        self.guest.wallet_id._reclaim(1, "hotel:back")
        self.env.invalidate_all()
        self.assertEqual((self.guest.wallet_id.state, len(self.guest.activity_ids)), ("closed", 0))

    def test_others_are_left_alone(self):
        """A wallet that somebody suspended, and a guest who is in, stay as they are."""
        other = self.stay("Staying", room=self.other, deposit=5)
        other.wallet_id.state = "suspended"
        other.wallet_id._reclaim(5, "hotel:all")
        self.house.state = "suspended"
        self.house._reclaim(99, "hotel:house:back")
        self.env.invalidate_all()
        self.assertEqual((other.wallet_id.state, self.house.state), ("suspended", "suspended"))


@tagged("post_install", "-at_install")
class TestProviderInvoicePaid(HotelCase):
    """The provider collects: the invoice is one of Invoicing."""

    guest_money = "inside"

    def setUp(self):
        super().setUp()
        if not self.company.chart_template:
            self.env["account.chart.template"].try_loading("generic_coa", company=self.company, install_demo=False)
        self.company._tier_setup_accounting()
        product = self.env["product.product"].create({"name": "Calls", "type": "service", "taxes_id": False})
        self.voice.product_id = product
        self.guest = self.stay(payment="account")
        self.ring("o:1", 10)
        self.leave(self.guest)
        self.invoice = self.guest.invoice_id

    def pay(self, amount=None):
        wizard = self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=self.invoice.ids
        )
        payment = wizard.create({"amount": amount} if amount else {})._create_payments()
        self.settle()
        return payment

    def settle(self):
        self.env["tier.paid.change"]._settle_here()
        self.env.invalidate_all()

    def test_paid_it_closes_and_undone_it_opens(self):
        self.assertEqual((self.guest.wallet_id.state, self.invoice.amount_total), ("suspended", 5))
        self.invoice.action_post()
        self.pay(2)
        self.assertBalances(self.guest.wallet_id, "-3")
        self.assertEqual(self.guest.wallet_id.state, "suspended")
        payment = self.pay()
        self.assertBalances(self.guest.wallet_id, "0")
        self.assertEqual(self.guest.wallet_id.state, "closed")
        payment.move_id.line_ids.remove_move_reconcile()
        self.settle()
        self.assertBalances(self.guest.wallet_id, "-3")
        self.assertEqual(self.guest.wallet_id.state, "suspended")
        self.assertEqual(self.guest.activity_ids.mapped("summary"), ["The payment of the invoice was undone"])
        self.pay()
        self.assertEqual((self.guest.wallet_id.state, len(self.guest.activity_ids)), ("closed", 0))
        self.assertConserved()

    def test_the_desk_is_not_asked_to_take_it(self):
        with self.assertRaisesRegex(UserError, "waiting to be paid"):
            self.guest.action_invoice_paid()

    def test_hidden_digits_on_the_call_list(self):
        [call] = call_list.calls(self.env, self.invoice)
        self.assertEqual(call["number"], "4930123456")
        self.hotel.hidden_digits = 4
        [call] = call_list.calls(self.env, self.invoice)
        self.assertEqual((call["number"], call["cost"]), ("493012xxxx", Decimal(5)))
        self.assertIn(b",493012xxxx,", call_list.to_csv(self.env, self.invoice))
        html = self.env["ir.actions.report"]._render_qweb_html("tier_rating.report_call_list", self.invoice.ids)[0]
        self.assertIn(b"493012xxxx", html)
        self.assertNotIn(b"4930123456", html)

    def test_numbers_of_others_are_printed_in_full(self):
        self.hotel.hidden_digits = 4
        self.assertEqual(self.house._hidden_digits(), 0)


@tagged("post_install", "-at_install")
class TestHiddenDigits(HotelCase):
    def test_on_the_folio(self):
        self.hotel.hidden_digits = 3
        stay = self.stay(deposit=20)
        self.ring("h:1", 2)
        self.put(stay)
        self.assertEqual([row["number"] for row in stay._folio()["calls"]], ["4930123xxx"])
        html = self.env["ir.actions.report"]._render_qweb_html("tier_rating.report_folio", stay.ids)[0].decode()
        self.assertIn("4930123xxx", html)
        self.assertNotIn("4930123456", html)
        self.assertIn("Test: bottle of water", html)
        self.assertEqual(self.event("h:1").number, "4930123456", "what was dialled is kept for staff")

    def test_sane(self):
        for hidden in (-1, 21):
            with (
                self.subTest(hidden),
                self.assertRaises(IntegrityError),
                mute_logger("odoo.sql_db"),
                self.env.cr.savepoint(),
            ):
                self.hotel.hidden_digits = hidden
                self.env.flush_all()

    def test_a_masked_number_is_no_formula(self):
        self.assertEqual(call_list.harmless("+49301xxx"), "+49301xxx")
        self.assertEqual(call_list.masked("", 3), "")
