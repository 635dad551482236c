from decimal import Decimal

from odoo import fields
from odoo.tests import freeze_time, tagged

from odoo.addons.tier_billing.ledger.writer import Movement
from odoo.addons.tier_billing.tests.test_booking import BookingCase

from ..charging.refund import refund
from ..rerating.post import movements_of
from .common import NOON, RatingBuilder
from .invoicing_common import BERLIN, DECEMBER, NOVEMBER, InvoicingCase
from .test_rerating import LATER, ReratingCase

STEP = Decimal("0.000001")


@freeze_time(LATER)
@tagged("post_install", "-at_install")
class TestReratingLedger(ReratingCase):
    """Corrections between currencies, and what the database refuses."""

    def abroad(self):
        """Return a user in another currency, below the dealer, whose calls cost 1.00 coin, in shells."""
        user = self.new_wallet("Abroad", self.dealer, currency_id=self.shell.id)
        user.price_list_id = self.new_list(self.user.price_list_id.brand_id, {"49": "1.00"})
        self.new_endpoint(user, "abroad")
        self.env["res.currency.rate"].search([("currency_id", "=", self.shell.id)])
        return user

    def test_between_currencies_both_sides_move_by_what_they_differ(self):
        user = self.abroad()
        self.charge(self.call("k:1", 60, account="abroad"))
        self.assertBalances(user, "-0.80", self.dealer, "0.20")
        user.price_list_id.rate_ids.price = 1.5
        self.rerate()
        self.assertBalances(user, "-1.20", self.dealer, "0.70")
        user.price_list_id.rate_ids.price = 0.9
        self.rerate()
        self.assertBalances(user, "-0.72", self.dealer, "0.10")
        self.assertAudited()
        refund(self.env, self.event("k:1").ids, "dead line")
        self.env.invalidate_all()
        self.assertBalances(user, "0", self.dealer, "0")
        self.assertAudited()

    def test_an_exchange_rate_that_came_late(self):
        """The payer pays less in its currency, the payee gets the same: the exchange account takes the difference."""
        user = self.abroad()
        self.charge(self.call("k:1", 60, account="abroad"))
        self.set_rate(self.shell, 0.5, "2026-11-19")
        self.rerate()
        self.assertBalances(user, "-0.50", self.dealer, "0.20")
        self.assertAudited()

    def test_both_sides_may_differ_in_opposite_directions(self):
        user = self.abroad()
        self.charge(self.call("k:1", 60, account="abroad"))
        self.set_rate(self.shell, 0.5, "2026-11-19")
        user.price_list_id.rate_ids.price = 1.2
        run = self.rerate()
        self.assertBalances(user, "-0.60", self.dealer, "0.40")
        posted = self.env["tier.transfer"].search([("source_key", "=like", f"rerate:{run.id}:%")], order="id")
        self.assertEqual(
            [(move.kind, move.amount, move.amount_to) for move in posted.sorted("kind")],
            [("rebate", 0, 0.2), ("usage", 0, 0.2)],
        )
        self.assertAudited()
        refund(self.env, self.event("k:1").ids, "dead line")
        self.env.invalidate_all()
        self.assertBalances(user, "0", self.dealer, "0")
        self.assertAudited()

    def test_movements_of_any_difference(self):
        forward = Movement("there", "usage", 1, 2, Decimal(0), Decimal(0))
        back = Movement("back", "rebate", 2, 1, Decimal(0), Decimal(0))
        amounts = [Decimal(number) for number in ("-2", "-1", "0", "1", "2")]
        for cost in amounts:
            for received in amounts:
                found = movements_of(cost, received, forward=forward, back=back)
                paid = sum(m.amount if m.kind == "usage" else -m.amount_to for m in found)
                got = sum(m.amount_to if m.kind == "usage" else -m.amount for m in found)
                self.assertEqual((paid, got), (cost, received))
                self.assertTrue(all(m.amount >= 0 and m.amount_to >= 0 for m in found))
                if found:
                    self.assertEqual(found[0].kind, "rebate" if cost < 0 or (not cost and received < 0) else "usage")

    def payment(self, key="k:1"):
        self.charge(self.call(key, 60))
        return self.event(key).charge_ids.filtered(lambda charge: charge.wallet_id == self.user).transfer_id

    def post(self, payment, kind, amount, key="x", **values):
        ends = (payment.from_account_id.id, payment.to_account_id.id)
        giver, taker = ends if kind == "usage" else ends[::-1]
        movement = Movement(key, kind, giver, taker, Decimal(amount), Decimal(amount), reverses=payment.id)
        return self.env["tier.transfer"]._post([movement._replace(**values)])

    def test_the_database_refuses_to_give_back_more_than_was_paid(self):
        payment = self.payment()
        self.post(payment, "rebate", "0.40", "a")
        with self.assertDatabaseRefuses("more would go back"):
            self.post(payment, "rebate", "0.61", "b")
        self.post(payment, "usage", "0.10", "c")
        self.post(payment, "rebate", "0.70", "d")
        with self.assertDatabaseRefuses("more would go back"):
            self.post(payment, "rebate", STEP, "e")
        with self.assertDatabaseRefuses("more would go back"):
            self.post(payment, "refund", "1.00", "f")

    def test_the_database_refuses_a_correction_of_something_else(self):
        payment, other = self.payment(), self.payment("k:2")
        correction = self.post(payment, "usage", "0.10", "a")
        topup = self.user._topup("1.00", "top")
        for number, (kind, values) in enumerate(
            [
                ("rebate", {"reverses": None}),
                ("rebate", {"reverses": correction.id}),
                ("usage", {"reverses": correction.id}),
                ("rebate", {"reverses": topup.id}),
                ("usage", {"from_account": payment.to_account_id.id, "to_account": payment.from_account_id.id}),
                ("rebate", {"to_account": self.reseller.account_id.id}),
            ]
        ):
            with self.subTest(kind=kind, **values), self.assertDatabaseRefuses("does not fit the payment"):
                self.post(other, kind, "0.10", f"b:{number}", **values)

    def test_a_charge_is_corrected_once(self):
        self.payment()
        self.reprice(self.user, "1.30")
        self.rerate()
        with self.assertDatabaseRefuses("tier_charge"):
            self.env.cr.execute(
                """INSERT INTO tier_charge (event_id, wallet_id, currency_id, reverses_id)
                   SELECT event_id, wallet_id, currency_id, reverses_id FROM tier_charge
                    WHERE rerating_id IS NOT NULL LIMIT 1"""
            )

    def test_statements_are_proven(self):
        self.payment()
        self.reprice(self.user, "0.70")
        self.dealer.sell_below_cost = True
        self.rerate()
        first = fields.Date.to_date("2026-12-01")
        november = self.user._statement(fields.Date.to_date("2026-11-01"), fields.Date.to_date("2026-11-30"))
        december = self.user._statement(first, fields.Date.to_date("2026-12-31"))
        self.assertTrue(november.proven and december.proven)
        self.assertEqual((november.closing, december.opening, december.closing), (-1, -1, Decimal("-0.70")))
        self.assertEqual(
            [(row.kind, row.received, row.amount) for row in december.kinds], [("rebate", True, Decimal("0.3"))]
        )

    def test_figures_of_the_month(self):
        self.payment()
        self.reprice(self.user, "0.70")
        self.dealer.sell_below_cost = True
        self.rerate()
        self.env.invalidate_all()
        self.assertEqual((self.user.spent_month, self.dealer.sale_month, self.dealer.call_count), (-0.3, -0.3, 0))


@freeze_time(LATER)
@tagged("post_install", "-at_install")
class TestReratingBill(ReratingCase):
    """What a reseller bills its customer."""

    def bill(self, first, last):
        return self.env["tier.bill"].create(
            {"wallet_id": self.dealer.id, "child_id": self.user.id, "date_from": first, "date_to": last}
        )

    def test_a_correction_is_on_the_next_bill(self):
        self.charge(self.call("k:1", 60), self.call("k:2", 60))
        november = self.bill(*NOVEMBER)
        november.action_issue()
        self.assertEqual((november.amount_total, november.call_count), (2, 2))
        self.reprice(self.user, "1.30")
        self.rerate()
        december = self.bill(*DECEMBER)
        self.assertEqual((december.amount_total, december.call_count), (0.6, 0))
        self.reprice(self.user, "1.10")
        self.rerate()
        december.unlink()
        december = self.bill(*DECEMBER)
        december.action_issue()
        self.assertEqual((december.amount_total, december.call_count), (0.2, 0))
        self.assertEqual(sum(december.line_ids.mapped("quantity")), 0)


@freeze_time(LATER)
@tagged("post_install", "-at_install")
class TestReratingInvoice(InvoicingCase):
    """What a postpaid customer is invoiced for."""

    def rerate(self, price):
        self.user.price_list_id.rate_ids.filtered(lambda rate: rate.prefix == "49").price = price
        self.registry_enter_test_mode()
        run = self.env["tier.rerating"].create(
            {"date_from": "2026-11-01", "reason": "wrong rate", "wallet_id": self.provider.id}
        )
        run.action_compute()
        run.action_post()
        self.env.invalidate_all()

    def test_a_correction_is_a_line_of_the_next_invoice(self):
        self.use_in_november()
        november = self.invoice()
        self.assertEqual(november.amount_untaxed, 6)
        self.rerate(1.25)
        self.use(self.call("d:1", number=BERLIN, at=NOON.replace(month=12, day=2)))
        december = self.invoice(DECEMBER)
        self.assertEqual(
            self.usage_lines(december),
            [("QGermany: 1 call, 1.00 minutes", 1.25), ("Price corrected: QGermany, 2 calls", 1)],
        )
        self.assertEqual(november.amount_untaxed, 6)
        self.assertTrue(self.env["tier.audit"]._is_clean())

    def test_a_correction_before_the_invoice_is_on_it(self):
        self.use_in_november()
        self.rerate(0.75)
        invoice = self.invoice(DECEMBER)
        self.assertEqual(invoice.amount_untaxed, 5)
        self.assertIn(("Price corrected: QGermany, 2 calls", -1), self.usage_lines(invoice))
        rows = invoice.tier_calls_csv_id.raw.decode("utf-8-sig").splitlines()
        self.assertEqual(sum(row.endswith(",yes") for row in rows), 2)


@tagged("post_install", "-at_install")
class TestReratingBooking(RatingBuilder, BookingCase):
    """Corrections reach the books by service, on the day on which they were made."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.new_chain()
        cls.sell(cls.reseller, {"49": "0.70"})
        cls.sell(cls.user, {"49": "1.00"})
        cls.new_endpoint(cls.user, "user")

    def rerate(self, price):
        self.reseller.price_list_id.rate_ids.price = price
        with self.enter_registry_test_mode():
            run = self.env["tier.rerating"].create(
                {"date_from": "2026-11-01", "reason": "wrong rate", "company_id": self.company.id}
            )
            run.action_compute()
            run.action_post()
        self.env.invalidate_all()
        return run

    def test_up_and_down(self):
        self.charge(self.call("a"), self.call("b"))
        self.book()
        for price, name, amount in ((0.8, "Used: Voice", -0.2), (0.65, "Price lowered: Voice", 0.3)):
            self.rerate(price)
            move = self.book()
            self.assertEqual(move.date, fields.Date.today())
            revenue = move.line_ids.filtered(lambda line: line.account_id == self.company.tier_revenue_account_id)
            self.assertEqual([(line.name, line.amount_currency) for line in revenue], [(name, amount)])
            rows = self.env["tier.booking.line"].search(move.action_tier_bookings()["domain"])
            self.assertEqual((rows.service_id, rows.transfer_count), (self.voice, 2))
            charges = self.env["tier.charge"].search(rows.action_transfers()["domain"])
            self.assertEqual(len(charges), 2)
            self.assertTrue(all(charges.mapped("rerating_id")))
            self.assertBooked()
        with self.enter_registry_test_mode():
            self.env["tier.usage.event"]._refund(self.event("a").ids, "Echo")
        self.env.invalidate_all()
        self.book()
        self.assertBooked()
