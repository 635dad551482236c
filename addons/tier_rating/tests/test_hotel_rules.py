from datetime import timedelta

from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from .hotel_common import HotelCase


@tagged("post_install", "-at_install")
class TestHotelRules(HotelCase):
    """Who may do what at the desk, and what stays as it was."""

    def test_what_was_agreed_stays(self):
        stay = self.stay(deposit=10)
        for values in ({"deposit": 99}, {"room_id": self.other.id}, {"check_in": self.noon - timedelta(days=1)}):
            with self.subTest(values), self.assertRaisesRegex(UserError, "agreed"):
                stay.write(values)
        stay.write({"note": "late breakfast", "deposit": 10})
        for values in ({"state": "out"}, {"wallet_id": self.house.id}):
            with self.subTest(values), self.assertRaisesRegex(UserError, "buttons"):
                stay.write(values)
        with self.assertRaisesRegex(UserError, "kept"):
            stay.unlink()

    def test_a_context_sets_no_state(self):
        values = {"partner_id": self.house.partner_id.id, "room_id": self.room.id}
        context = {"default_state": "out", "default_wallet_id": self.house.id}
        stay = self.env["tier.stay"].with_context(**context).create(values)
        self.assertEqual((stay.state, stay.wallet_id.id), ("booked", False))

    def test_rooms_with_guests_stay_as_they_are(self):
        stay = self.stay(deposit=10)
        with self.assertRaisesRegex(UserError, "guest in 101"):
            self.room.active = False
        endpoint = self.room.endpoint_ids
        for change in (lambda: endpoint.write({"room_id": False}), endpoint.unlink, self.room.unlink):
            with self.assertRaises(UserError):
                change()
        self.leave(stay)
        self.room.active = False

    def test_endpoints_of_rooms_are_the_houses(self):
        stranger = self.new_wallet("Stranger", self.provider)
        with self.assertRaisesRegex(ValidationError, "house wallet"), self.env.cr.savepoint():
            self.new_endpoint(stranger, "x", room_id=self.room.id)
        self.assertEqual(self.room.endpoint_ids.mapped("kind"), ["room"])

    def test_hotel_sells_its_own_list(self):
        with self.assertRaisesRegex(ValidationError, "buy from the house"):
            self.hotel.price_list_id = self.house.price_list_id
        with self.assertRaisesRegex(ValidationError, "buys from nobody"):
            self.hotel.wallet_id = self.provider

    def test_the_desk_opens_wallets_with_the_houses_limit(self):
        desk = self.staff("user")
        stay = (
            self.env["tier.stay"]
            .with_user(desk)
            .create(
                {
                    "partner_id": self.house.partner_id.id,
                    "room_id": self.room.id,
                    "payment": "account",
                    "check_in": self.noon,
                }
            )
        )
        stay.action_check_in()
        self.assertEqual(stay.wallet_id.credit_limit, 50)
        with self.assertRaises(AccessError):
            self.hotel.with_user(desk).credit_limit = 5000
        self.ring("h:1", 4)
        self.env["tier.stay.checkout"].with_user(desk).create({"stay_id": stay.id}).action_apply()
        self.assertEqual(stay.state, "out")

    def test_auditors_look_only(self):
        stay = self.env["tier.stay"].create(
            {"partner_id": self.house.partner_id.id, "room_id": self.room.id, "deposit": 5, "check_in": self.noon}
        )
        auditor = self.staff("auditor")
        with self.assertRaises(AccessError):
            stay.with_user(auditor).action_check_in()
        self.assertEqual(stay.with_user(auditor).state, "booked")

    def test_another_payment(self):
        stay = self.stay(deposit=5)
        action = stay.action_payment()
        operation = self.env["tier.wallet.operation"].with_context(**action["context"]).create({"amount": 7})
        operation.action_apply()
        self.assertBalances(stay.wallet_id, "12")

    def test_folio_by_mail(self):
        stay = self.stay(deposit=5)
        stay.partner_id.email = "guest@example.com"
        context = stay.action_send_folio()["context"]
        composer = self.env["mail.compose.message"].with_context(**context).create({})
        self.assertEqual(composer.subject, "Your stay at Test Inn")
        self.assertEqual(composer.partner_ids, stay.partner_id)

    def test_other_companies_see_nothing(self):
        stay = self.stay(deposit=5)
        other = self.env["res.company"].create({"name": "Other inn"})
        user = self.staff("manager")
        user.write({"company_ids": [Command.set(other.ids)], "company_id": other.id})
        for records in (stay, self.hotel, self.room, stay.occupancy_ids):
            with self.subTest(records._name):
                self.assertFalse(records.with_user(user).search([("id", "in", records.ids)]))

    def test_large_deposits_need_approval(self):
        self.company.tier_approval_limit = 100
        with self.assertRaisesRegex(UserError, "second person"), self.env.cr.savepoint():
            self.stay(deposit=1000)
        self.assertFalse(self.house.child_ids)
