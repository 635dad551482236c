import base64
from datetime import timedelta
from decimal import Decimal

from psycopg2 import IntegrityError

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..trades import smdr
from .hotel_common import HotelCase


@tagged("post_install", "-at_install")
class TestHotel(HotelCase):
    """A guest's wallet opens at check-in and closes at check-out; in between the room is the guest's."""

    def test_a_stay_from_deposit_to_folio(self):
        stay = self.stay(deposit=20)
        self.assertEqual((stay.state, stay.room_id.stay_id, self.room.guest_id), ("in", stay, stay.partner_id))
        self.assertEqual(stay.wallet_id.payment_mode, "prepaid")
        self.ring("h:1", 2)
        self.put(stay, 2)
        # The guest pays the house at its prices, the house its own supplier.
        self.assertShares(
            "h:1", (stay.wallet_id, "0", "1", "0"), (self.house, "1", "0.2", "0.8"), (self.provider, "0.2", "0", "0.2")
        )
        self.assertBalances(stay.wallet_id, "13", self.house, "99.80")
        self.leave(stay)
        self.assertEqual((stay.state, stay.wallet_id.state), ("out", "closed"))
        self.assertBalances(stay.wallet_id, "0", self.house, "99.80")
        # 20 taken, 13 returned: the house collected what the guest used.
        self.assertEqual(self.collected(self.house), Decimal(0))
        self.assertFalse(self.room.stay_id)
        self.assertConserved()

    def test_room_account_is_paid_at_check_out(self):
        stay = self.stay(payment="account")
        self.assertEqual((stay.wallet_id.payment_mode, stay.wallet_id.credit_limit), ("postpaid", 50))
        self.ring("h:1", 10)
        checkout = self.env["tier.stay.checkout"].create({"stay_id": stay.id})
        self.assertEqual((checkout.due, checkout.returned), (5, 0))
        checkout.action_apply()
        self.assertBalances(stay.wallet_id, "0")
        self.assertEqual(stay.wallet_id.state, "closed")

    def test_other_telephones_of_the_room(self):
        self.new_endpoint(self.house, "softphone-101", room_id=self.room.id)
        self.new_endpoint(self.house, "lobby")
        stay = self.stay(deposit=10)
        for name in ("softphone-101", "lobby"):
            self.charge(self.call(f"h:{name}", account=name, at=self.noon + timedelta(minutes=30)))
        self.assertEqual(self.event("h:softphone-101").wallet_id, stay.wallet_id)
        self.assertEqual(self.event("h:lobby").wallet_id, self.house)

    def test_nobody_in_the_room(self):
        self.ring("h:1")
        self.assertEqual(self.event("h:1").wallet_id, self.house)
        self.assertBalances(self.house, "99.90")

    def test_who_was_in_the_room_at_that_moment(self):
        now = fields.Datetime.now()
        stay = self.stay(at=now - timedelta(hours=2), deposit=10)
        self.ring("before", at=now - timedelta(hours=2, minutes=1))
        self.ring("during", at=now - timedelta(hours=1))
        self.ring("elsewhere", room="102", at=now - timedelta(hours=1))
        self.assertEqual(self.event("before").wallet_id, self.house)
        self.assertEqual(self.event("during").wallet_id, stay.wallet_id)
        self.assertEqual(self.event("elsewhere").wallet_id, self.house)

    def test_the_next_guest_never_pays_for_the_one_before(self):
        first = self.stay("First", at=self.noon - timedelta(hours=2), deposit=10)
        self.ring("first", at=self.noon)
        self.leave(first)
        second = self.stay("Second", at=fields.Datetime.now(), deposit=10)
        # A record that the exchange delivers late is of the first one's time.
        self.ring("late", at=self.noon)
        self.assertEqual(self.event("late").wallet_id, self.house, "the first has paid and gone: the house pays")
        self.assertBalances(second.wallet_id, "10", first.wallet_id, "0")
        found = self.env["tier.usage.event"].search(first._late_domain())
        self.assertEqual(found, self.event("late"))
        self.assertFalse(self.env["tier.usage.event"].search(second._late_domain()))

    def test_the_next_guest_sees_nothing_of_the_one_before(self):
        first = self.stay("First", at=self.noon - timedelta(hours=2), deposit=10)
        self.ring("first", at=self.noon)
        self.leave(first)
        second = self.stay("Second", at=fields.Datetime.now(), deposit=10)
        user = self.portal_user(second.wallet_id, "second_guest")
        Charge = self.env["tier.charge"].with_user(user)
        self.assertFalse(Charge.search([]))
        with self.assertRaises(AccessError):
            first.with_user(user).read(["partner_id"])
        with self.assertRaises(AccessError):
            first.wallet_id.with_user(user).read(["name"])

    def test_lines_of_the_exchange(self):
        """One file with the calls of two guests and of nobody, some of them late."""
        now = fields.Datetime.now().replace(second=0)
        first = self.stay("First", at=now - timedelta(hours=5), deposit=10)
        self.leave(first)
        # As if the first had left an hour ago, and the second come half an hour later.
        first.occupancy_ids.date_to = now - timedelta(hours=1)
        second = self.stay("Second", at=now - timedelta(minutes=30), deposit=10)
        calls = [(120, "101", "049301111111"), (45, "101", "049302222222"), (10, "101", "049303333333")]
        calls += [(10, "102", "049304444444")]
        data = smdr.panasonic(
            [(now - timedelta(minutes=ago), room, number, 60, "") for ago, room, number in calls], "UTC"
        )
        self.switch.write({"adapter": "panasonic_smdr", "international_prefix": "0"})
        record = self.env["tier.usage.import"].create(
            {"name": "smdr.txt", "switch_id": self.switch.id, "data": base64.b64encode(data)}
        )
        for _time in range(2):
            with self.enter_registry_test_mode():
                record.action_import()
            self.env.invalidate_all()
        events = self.env["tier.usage.event"].search([("import_id", "=", record.id)])
        payers = {event.number: event.wallet_id for event in events}
        self.assertEqual(
            payers,
            {
                "49301111111": self.house,  # the first's, but its record came when it had left
                "49302222222": self.house,  # between the two
                "49303333333": second.wallet_id,
                "49304444444": self.house,  # nobody in the other room
            },
        )
        self.assertBalances(first.wallet_id, "0", second.wallet_id, "9.5")
        late = self.env["tier.usage.event"].search(first._late_domain())
        self.assertEqual(late.mapped("number"), ["49301111111"])

    def test_change_of_room(self):
        stay = self.stay(deposit=10)
        self.env["tier.stay.move"].create({"stay_id": stay.id, "room_id": self.other.id}).action_apply()
        self.assertEqual((stay.room_id, self.room.stay_id.id, self.other.stay_id), (self.other, False, stay))
        now = fields.Datetime.now() + timedelta(seconds=10)
        self.ring("old", at=now)
        self.ring("new", room="102", at=now)
        self.ring("then", at=self.noon + timedelta(minutes=1))
        self.assertEqual(self.event("old").wallet_id, self.house)
        self.assertEqual(self.event("new").wallet_id, stay.wallet_id)
        self.assertEqual(self.event("then").wallet_id, stay.wallet_id, "of the time before the move")

    def test_calls_of_a_room_are_granted_from_the_deposit(self):
        self.stay(deposit=1)
        answer = self.authorize(
            self.request("h:s", accounts=(("room", "101"),), at=fields.Datetime.now(), switch_id=self.switch.id)
        )
        self.assertEqual(answer.granted, 120, "two minutes at 0.50")

    def test_no_check_out_during_a_call(self):
        stay = self.stay(deposit=1)
        self.authorize(
            self.request("h:s", accounts=(("room", "101"),), at=fields.Datetime.now(), switch_id=self.switch.id)
        )
        with self.assertRaisesRegex(UserError, "in progress"):
            self.leave(stay)
        self.assertEqual(stay.state, "in")

    def test_what_the_guest_was_told_still_holds(self):
        stay = self.stay(deposit=10)
        checkout = self.env["tier.stay.checkout"].create({"stay_id": stay.id})
        self.ring("h:1")
        with self.assertRaisesRegex(UserError, "look at it again"):
            checkout.action_apply()

    def test_twice_is_once(self):
        stay = self.stay(deposit=10)
        stay.action_check_in()
        self.assertEqual(len(self.house.child_ids), 1)
        self.assertBalances(stay.wallet_id, "10")
        extra = self.put(stay)
        with self.enter_registry_test_mode():
            extra.action_apply()
        self.assertBalances(stay.wallet_id, "7")
        checkout = self.leave(stay)
        with self.assertNothingMoves():
            checkout.action_apply()

    def test_one_guest_a_room(self):
        self.stay(deposit=10)
        with self.assertRaisesRegex(UserError, "is in room 101"):
            self.stay("Another", deposit=10)
        stay = self.stay("Elsewhere", room=self.other, deposit=10)
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"), self.env.cr.savepoint():
            self.env["tier.stay.room"].create({"stay_id": stay.id, "room_id": self.room.id, "date_from": self.noon})

    def test_check_in_before_the_last_guest_left(self):
        self.leave(self.stay(deposit=10))
        with self.assertRaisesRegex(UserError, "left room 101"):
            self.stay("Next", at=self.noon, deposit=10)
        with self.assertRaisesRegex(UserError, "future"):
            self.stay("Next", at=fields.Datetime.now() + timedelta(hours=1), deposit=10)

    def test_items_beyond_the_deposit_are_due(self):
        stay = self.stay(deposit=5)
        self.put(stay, 3)
        self.assertBalances(stay.wallet_id, "-4")
        checkout = self.leave(stay)
        self.assertEqual(checkout.due, 4)
        self.assertBalances(stay.wallet_id, "0")

    def test_an_item_that_somebody_has_no_price_for_waits(self):
        self.house.price_list_id.rate_ids.filtered(lambda rate: rate.service_id == self.item).unlink()
        stay = self.stay(deposit=5)
        extra = self.put(stay)
        self.assertSuspense(extra.source_key, "no_rate")
        self.assertBalances(stay.wallet_id, "5")

    def test_items_of_another_list_are_refused(self):
        stay = self.stay(deposit=5)
        cheap = self.new_rate(self.house.price_list_id, "HOTEL-X", "0", service_id=self.item.id)
        with self.assertRaisesRegex(UserError, "guests' price list"):
            self.put(stay, rate=cheap)
        with self.assertRaisesRegex(UserError, "above zero"):
            self.put(stay, -1)

    def test_what_waits_in_suspense_is_told_at_check_out(self):
        stay = self.stay(deposit=10)
        self.charge(
            self.call("h:1", number="88123", at=self.noon, accounts=(("room", "101"),), switch_id=self.switch.id),
            self.call(
                "h:2",
                number="88123",
                at=self.noon + timedelta(minutes=5),
                accounts=(("room", "101"),),
                switch_id=self.switch.id,
            ),
        )
        checkout = self.env["tier.stay.checkout"].create({"stay_id": stay.id})
        self.assertEqual((checkout.waiting_count, checkout.returned), (1, 10), "the other began before the guest came")
        checkout.action_apply()
        # Once there is a price, it is the house's: the guest has gone.
        self.new_rate(self.house.price_list_id, "88", "0.10")
        self.retry(self.event("h:2"))
        self.assertEqual((self.event("h:2").state, self.event("h:2").wallet_id), ("charged", self.house))

    def test_folio(self):
        stay = self.stay(deposit=20)
        self.ring("h:1", 2)
        self.put(stay, 2, text="at night")
        folio = stay._folio()
        self.assertEqual([row["number"] for row in folio["calls"]], ["4930123456"])
        self.assertEqual([row["clock"] for row in folio["calls"]], ["2:00"])
        self.assertEqual(
            [(row["what"], row["note"], row["quantity"]) for row in folio["items"]],
            [("Test: bottle of water", "at night", "2")],
        )
        self.assertEqual(folio["balance"], Decimal(13))
        self.assertEqual([row["in"] for row in folio["payments"]], [True])
        self.leave(stay)
        folio = stay._folio()
        self.assertEqual([row["in"] for row in folio["payments"]], [True, False])
        self.assertEqual(folio["balance"], 0)
        html = self.env["ir.actions.report"]._render_qweb_html("tier_rating.report_folio", stay.ids)[0].decode()
        for words in ("4930123456", "Test: bottle of water", "Room 101", "Returned"):
            self.assertIn(words, html)

    def test_house_invoice_for_who_pays_later(self):
        stay = self.stay(payment="account")
        self.ring("h:1", 10)
        self.leave(stay, by_invoice=True)
        self.assertEqual((stay.state, stay.wallet_id.state), ("out", "suspended"))
        self.assertEqual((stay.bill_id.state, stay.bill_id.amount_total), ("issued", 5))
        self.assertBalances(stay.wallet_id, "-5")
        stay.wallet_id._allocate(5, "hotel:paid later")
        stay.wallet_id.state = "closed"
        self.assertFalse(self.room.stay_id, "the room is free in the meantime")


@tagged("post_install", "-at_install")
class TestOwnHotel(HotelCase):
    """A hotel that runs the system itself: guests' money comes through its own books."""

    guest_money = "inside"

    def test_money_of_guests(self):
        stay = self.stay(deposit=20)
        self.ring("o:1", 2)
        self.assertBalances(stay.wallet_id, "19", self.house, "100.80")
        self.leave(stay)
        self.assertBalances(stay.wallet_id, "0", self.house, "100.80")
        kinds = self.env["tier.transfer"].search(stay.wallet_id._transfers_domain()).mapped("kind")
        self.assertEqual(sorted(kinds), ["payout", "topup", "usage"])
        self.assertConserved()

    def test_invoice_in_invoicing(self):
        account = self.env["account.account"].search([("account_type", "=", "liability_current")], limit=1)
        self.company.tier_clearing_account_id = account
        stay = self.stay(payment="account")
        self.ring("o:1", 10)
        checkout = self.env["tier.stay.checkout"].with_user(self.staff("user")).create({"stay_id": stay.id})
        self.assertTrue(checkout.must_invoice)
        checkout.action_apply()
        self.assertEqual((stay.state, stay.wallet_id.state), ("out", "suspended"))
        self.assertEqual((stay.invoice_id.state, stay.invoice_id.amount_untaxed), ("draft", 5))
