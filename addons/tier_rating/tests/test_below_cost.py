import random
from datetime import datetime, time
from decimal import Decimal
from itertools import pairwise
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from ..charging.priced import Item, Priced
from ..charging.pricing import Pricer
from ..margins import compare
from ..ratesheet import whole
from ..ratesheet.effective import Sheet
from .common import NOON, TierRatingCase


@tagged("post_install", "-at_install")
class TestBelowCost(TierRatingCase):
    """What is sold for less than it costs, prefix by prefix, on every tier that sells."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_selling_chain()
        cls.sold, cls.bought = cls.user.price_list_id, cls.dealer.price_list_id

    def check(self, **values):
        """Check the dealer's list; return {(prefix, band): (price, cost)}."""
        wizard = self.env["tier.below.cost.check"].create(
            {"price_list_ids": self.sold.ids, "day": NOON.date(), "quantity": 60, **values}
        )
        action = wizard.action_check()
        found = self.env["tier.below.cost"].search(action["domain"])
        return {(line.prefix, line.band_id.name or ""): (round(line.price, 6), round(line.cost, 6)) for line in found}

    def test_nothing_is_lost(self):
        self.assertEqual(self.check(), {})

    def test_a_finer_cost(self):
        self.new_rate(self.bought, "4917", "1.5")
        self.assertEqual(self.check(), {("4917", ""): (1, 1.5)})
        self.assertEqual(self.sold.below_cost_count, 1)
        self.assertEqual(self.sold.action_below_cost()["domain"], [("price_list_id", "=", self.sold.id)])

    def test_a_finer_price(self):
        self.new_rate(self.sold, "4930", "0.7")
        self.new_rate(self.sold, "4940", "0.8")
        self.assertEqual(self.check(), {("4930", ""): (0.7, 0.8)})

    def test_what_has_no_price_or_no_cost(self):
        self.new_rate(self.sold, "1", "0.01")
        self.new_rate(self.bought, "33", "5")
        self.new_rate(self.sold, "4930", "0.1", blocked=True)
        self.new_rate(self.bought, "4940", "9", blocked=True)
        self.assertEqual(self.check(), {})

    def test_by_time_of_day(self):
        band = self.env["tier.time.band"].create(
            {"name": "Night", "code": "test night", "line_ids": [Command.create({"hour_from": 0, "hour_to": 8})]}
        )
        self.new_rate(self.sold, "49", "0.5", band_id=band.id)
        self.assertEqual(self.check(), {("49", "Night"): (0.5, 0.8)})
        self.new_rate(self.bought, "49", "0.4", band_id=band.id)
        self.assertEqual(self.check(), {})

    def test_other_currencies_and_markups(self):
        brand = self.new_brand(self.dealer, currency_id=self.shell.id)
        self.sold = self.new_list(brand, base_id=self.bought.id, markup_percent=10)
        self.assertEqual(self.check(), {})
        self.sold.markup_ids = [Command.create({"kind": "prefix", "prefix": "4930", "markup_percent": -10})]
        self.assertEqual(self.check(), {("4930", ""): (0.576, 0.64)})

    def test_connection_charges_and_increments_count(self):
        self.bought.rate_ids.write({"connection_charge_own": True, "connection_charge": 0.5})
        self.assertEqual(self.check(), {("49", ""): (1, 0.8)})
        self.assertEqual(self.check(quantity=600), {})
        self.bought.rate_ids.write({"connection_charge_own": False, "initial_increment": 120})
        self.assertEqual(self.check(), {("49", ""): (1, 0.8)})
        self.assertEqual(self.check(quantity=120), {})

    def test_steps(self):
        self.sold.rate_ids.step_ids = [Command.create({"from_second": 60, "price": 0.1, "increment": 60})]
        self.assertEqual(self.check(), {})
        self.assertEqual(self.check(quantity=180), {("49", ""): (1, 0.8)})

    def test_a_thin_margin(self):
        self.assertEqual(self.check(least_percent=20), {})
        self.assertEqual(self.check(least_percent=20.5), {("49", ""): (1, 0.8)})
        self.assertFalse(self.env["tier.below.cost"].search([("price_list_id", "=", self.sold.id)]).is_loss)

    def test_a_new_check_forgets_the_old(self):
        self.new_rate(self.bought, "4917", "1.5")
        self.check()
        self.bought.rate_ids.filtered(lambda rate: rate.prefix == "4917").unlink()
        self.assertEqual(self.check(), {})

    def test_all_that_customers_buy_by(self):
        lists = self.env["tier.price.list"].search([])._sold()
        self.assertIn(self.sold, lists)
        self.assertIn(self.reseller.price_list_id, lists)
        self.assertNotIn(self.provider.price_list_id, lists)
        self.new_rate(self.provider.price_list_id, "4917", "0.75")
        with patch.object(type(self.env["ir.cron"]), "_commit_progress", return_value=1.0):
            self.env["tier.below.cost"]._cron_check()
        found = self.env["tier.below.cost"].search([("price_list_id", "in", lists.ids), ("prefix", "=", "4917")])
        self.assertEqual(found.price_list_id, self.reseller.price_list_id)

    def test_the_same_as_charged(self):
        """Random lists: for numbers of every kind the walk says what charging takes."""
        chance = random.Random(5)
        for price_list in (self.sold, self.bought):
            price_list.rate_ids.unlink()
            prefixes = {"".join(chance.choice("12") for _ in range(chance.randrange(1, 6))) for _ in range(25)}
            for prefix in sorted(prefixes):
                self.new_rate(price_list, prefix, f"0.{chance.randrange(10, 100)}")
        found = {
            line.prefix: line.sale < line.expense
            for line in compare.lines(self.env, self.sold, self.bought, self.voice, NOON.date(), 60)
        }
        at = datetime.combine(NOON.date(), time(12))
        numbers = ["".join(chance.choice("12") for _ in range(8)) for _ in range(100)]
        items = [Item(n, self.user.id, self.voice.id, n, at, Decimal(60)) for n in numbers]
        pricer = Pricer(self.env, items)
        chain = pricer.chains[self.user.id]
        for item in items:
            prefix = next((item.number[:end] for end in range(8, 0, -1) if item.number[:end] in found), None)
            prices = [pricer._edge_or_refusal(*pair, item, Priced(), None) for pair in pairwise(chain[:3])]
            if all(prices):
                self.assertEqual(found[prefix], prices[0].amount < prices[1].amount, item.number)

    def test_the_whole_of_a_sheet(self):
        """Read from memory it is what it is looked up."""
        band = self.env["tier.time.band"].create(
            {"name": "Late", "code": "test late", "line_ids": [Command.create({"hour_from": 18, "hour_to": 24})]}
        )
        brand = self.new_brand(self.dealer, currency_id=self.shell.id)
        own = self.new_list(brand, {"4930": "0.5"}, base_id=self.sold.id, markup_percent=10)
        own.markup_ids = [Command.create({"kind": "prefix", "prefix": "49301", "markup_percent": 30})]
        self.new_rate(self.sold, "4940", "0.4", band_id=band.id)
        self.new_rate(self.sold, "4940", "0.7", date_from="2020-01-01")
        self.new_rate(self.sold, "4950", "0.7", initial_increment=30)
        sheet = Sheet(self.env, own, self.voice, NOON.date(), currency=self.coin)
        expected = list(sheet.rows())
        self.assertEqual(len(expected), 5)
        self.assertEqual(list(whole.rows(sheet)), expected)

    def test_rights(self):
        clerk = new_test_user(self.env, "cost-clerk", "tier_billing.group_tier_user")
        auditor = new_test_user(self.env, "cost-auditor", "tier_billing.group_tier_auditor")
        self.env["tier.below.cost.check"].with_user(clerk).create({"price_list_ids": self.sold.ids}).action_check()
        with self.assertRaises(AccessError):
            self.env["tier.below.cost.check"].with_user(auditor).create({})
        self.env["tier.below.cost"].with_user(auditor).search([])
        with self.assertRaises(UserError):
            self.check(quantity=0)
