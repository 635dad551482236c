from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from odoo.addons.tier_billing.tests.test_booking import BookingCase

from .common import NOON, RatingBuilder


@tagged("post_install", "-at_install")
class TestBookingOfUsage(RatingBuilder, BookingCase):
    """Charged usage reaches the books by service, and the entry leads back to the charges."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.new_chain()
        cls.sell(cls.reseller, {"49": "0.70"})
        cls.sell(cls.user, {"49": "1.00"})
        cls.new_endpoint(cls.user, "user")

    def test_calls_are_revenue_of_their_service(self):
        self.reseller._topup("100.00", "top")
        self.user._allocate("50.00", "give")
        self.charge(self.call("a"), self.call("b"))
        move = self.book()
        used = move.filtered(lambda entry: entry.date == NOON.date())
        self.assertEqual(
            [(line.account_id, line.name, line.amount_currency) for line in used.line_ids.sorted("balance")],
            [
                (self.company.tier_revenue_account_id, "Used: Voice", -1.40),
                (self.company.tier_credit_account_id, "Used: Voice", 1.40),
            ],
        )
        # The reseller keeps its margin: that is still what the company owes.
        self.assertBooked()
        self.assertBalances(self.reseller, "50.60", self.user, "48.00")

    def test_a_refund_is_told_apart(self):
        self.charge(self.call("a"))
        self.book()
        with self.enter_registry_test_mode():
            self.env["tier.usage.event"]._refund(self.event("a").ids, "Echo")
        self.env.invalidate_all()
        move = self.book()
        self.assertEqual(set(move.line_ids.mapped("name")), {"Refunded: Voice"})
        self.assertEqual(move.date, fields.Date.today())
        self.assertBooked()

    def test_what_a_cheaper_tier_of_volume_gives_back_is_no_revenue(self):
        self.env["tier.volume.plan"].create(
            {
                "name": "Volume",
                "price_list_id": self.reseller.price_list_id.id,
                "kind": "volume",
                "tier_ids": [(0, 0, {"upto": 2, "price": 0.7}), (0, 0, {"upto": 0, "price": 0.3})],
            }
        )
        self.charge(self.call("a", 120), self.call("b", 60))
        self.assertEqual([self.shares(key)[1][2] for key in "ab"], ["1.4", "-0.5"])
        move = self.book()
        revenue = move.line_ids.filtered(lambda line: line.account_id == self.company.tier_revenue_account_id)
        self.assertEqual(sorted(revenue.mapped("name")), ["Refunded: Voice", "Used: Voice"])
        self.assertAlmostEqual(sum(revenue.mapped("amount_currency")), -0.9)
        self.assertBooked()

    def test_the_entry_leads_to_its_charges(self):
        self.charge(self.call("a"), self.call("b", at=NOON + timedelta(days=1)))
        move = self.book().sorted("date")[0]
        rows = self.env["tier.booking.line"].search(move.action_tier_bookings()["domain"])
        self.assertEqual((rows.service_id, rows.transfer_count), (self.voice, 1))
        charges = self.env["tier.charge"].search(rows.action_transfers()["domain"])
        self.assertEqual(charges.event_id, self.event("a"))
        self.assertEqual(charges.wallet_id, self.reseller)
