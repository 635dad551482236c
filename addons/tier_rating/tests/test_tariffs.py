"""Tariffs beyond a price a minute: steps by elapsed time, completed minutes, caps."""

from decimal import Decimal

import psycopg2

from odoo import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import TierRatingCase


@tagged("post_install", "-at_install")
class TestTariffs(TierRatingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider = cls.new_wallet("Provider")
        cls.customer = cls.new_wallet("Customer", cls.provider)
        cls.list = cls.sell(cls.customer, {"49": "0.60"}, initial_increment=1, increment=1)
        cls.new_endpoint(cls.customer, "user")
        cls.rate = cls.list.rate_ids

    def test_steps_by_elapsed_time(self):
        """A first minute whole, then by the second, cheaper from the tenth minute on."""
        self.rate.initial_increment = self.rate.increment = 60
        self.rate.step_ids = [
            Command.create({"from_second": 60, "price": 0.60, "increment": 1}),
            Command.create({"from_second": 600, "price": 0.06, "increment": 6}),
        ]
        self.assertEqual([self.cost(s) for s in (1, 61, 600, 601)], list(map(Decimal, ("0.6", "0.61", "6", "6.01"))))

    def test_steps_are_marked_up_as_the_rate(self):
        self.rate.step_ids = [Command.create({"from_second": 60, "price": 0.30, "increment": 1})]
        derived = self.new_list(self.list.brand_id, base_id=self.list.id, markup_percent=100)
        self.customer.price_list_id = derived
        self.assertEqual(self.cost(120), Decimal("1.8"))

    def test_completed_increments(self):
        self.list.brand_id.write({"billed_time_rule": "completed", "increment": 60})
        self.assertEqual([self.cost(s) for s in (59, 119, 120)], list(map(Decimal, ("0", "0.6", "1.2"))))

    def test_a_deductible_connection_charge_is_the_least_a_call_costs(self):
        self.list.brand_id.write({"connection_charge": 0.2, "connection_deductible": True})
        self.assertEqual([self.cost(s) for s in (10, 30)], list(map(Decimal, ("0.2", "0.3"))))

    def test_a_maximum_charge(self):
        self.list.brand_id.maximum_charge = 2
        self.assertEqual([self.cost(s) for s in (120, 3600)], list(map(Decimal, ("1.2", "2"))))

    def test_a_session_is_granted_what_its_steps_allow(self):
        self.rate.step_ids = [Command.create({"from_second": 60, "price": 6, "increment": 1})]
        self.customer._topup(Decimal("1.60"), "fund")
        self.assertEqual(self.authorize(self.request("session", requested=600)).granted, 70)

    def test_steps_that_make_no_sense(self):
        Step = self.env["tier.rate.step"]
        Step.create({"rate_id": self.rate.id, "from_second": 60, "price": 1})
        for values in ({"from_second": 60}, {"from_second": 0}, {"from_second": 9, "price": -1}, {"increment": 0}):
            with (
                self.subTest(values),
                mute_logger("odoo.sql_db"),
                self.assertRaises(psycopg2.IntegrityError),
                self.cr.savepoint(),
            ):
                Step.create({"rate_id": self.rate.id, "from_second": 70, "price": 1, **values}).flush_recordset()
