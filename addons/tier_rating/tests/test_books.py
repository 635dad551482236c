import random
from datetime import date, timedelta
from unittest.mock import patch

from odoo.fields import Command
from odoo.tests import tagged

from ..charging import books
from ..charging.priced import Item
from ..charging.pricing import Pricer
from .common import NOON, TierRatingCase

ALWAYS, NEVER = 0, 10**9


@tagged("post_install", "-at_install")
class TestBooks(TierRatingCase):
    """A price list in memory prices as the database does, whatever changes."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider = cls.new_wallet("Provider")
        cls.reseller = cls.new_wallet("Reseller", cls.provider)
        cls.user = cls.new_wallet("User", cls.reseller, currency_id=cls.env.ref("base.EUR").id)
        brand = cls.new_brand(cls.provider, rounding_digits=6, tz="Asia/Tokyo")
        cls.base = cls.new_list(brand, {"4": "0.10", "49": "0.20"})
        cls.own = cls.new_list(brand, {"4930": "0.30"}, base_id=cls.base.id, markup_percent=12.5)
        (cls.reseller | cls.user).price_list_id = cls.own

    def setUp(self):
        super().setUp()
        books.shelf(self.env.cr.dbname).forget()
        self.worth = self.startPatcher(patch.object(books, "WORTH_READING", ALWAYS))
        self.startPatcher(patch.object(books, "RATES_PER_NUMBER", 10**9))

    def priced(self, *numbers, at=NOON, service=None):
        """Price numbers for the user: a list of reason or (amount, rate, prefix, destination)."""
        items = [
            Item(position, self.user.id, (service or self.voice).id, number, at, 61)
            for position, number in enumerate(numbers)
        ]
        self.env.flush_all()
        pricer = Pricer(self.env, items)
        results = []
        for item in items:
            priced = pricer.priced(item)
            results.append(
                priced.reason
                or [
                    (edge.amount, edge.amount_to, edge.rate_id, edge.prefix, edge.destination_id)
                    for edge in priced.edges
                ]
            )
        return results

    def looked_up(self, *numbers, **values):
        with patch.object(books, "WORTH_READING", NEVER):
            return self.priced(*numbers, **values)

    def assertSame(self, *numbers, **values):
        found = self.priced(*numbers, **values)
        self.assertEqual(found, self.looked_up(*numbers, **values))
        return found

    def kept(self, price_list):
        """Whether the list is in memory as it is now."""
        self.env.flush_all()
        self.env.cr.execute("SELECT rates_version FROM tier_price_list WHERE id = %s", [price_list.id])
        return books.shelf(self.env.cr.dbname).version(price_list.id, self.voice.id) == self.env.cr.fetchone()[0]

    def test_the_same_as_looked_up(self):
        """Random lists with all that a rate may have, for numbers near to their prefixes."""
        chance = random.Random(7)
        band = self.env["tier.time.band"].create(
            {"name": "Night", "code": "night", "line_ids": [Command.create({"hour_from": 0, "hour_to": 20})]}
        )
        places = self.env["tier.destination"].create([{"name": f"Place {number}"} for number in range(3)])
        used = set()
        for _ in range(300):
            prefix = "".join(chance.choice("0123") for _ in range(chance.randrange(1, 6)))
            kind = chance.randrange(6)
            key = (kind in (1, 2) and prefix, prefix)
            if (prefix in used and kind not in (1, 2)) or key in used:
                continue
            used.update((key, prefix))
            values = (
                {},
                {"band_id": band.id},
                {"date_from": NOON.date() + timedelta(days=chance.randrange(-2, 3))},
                {"initial_increment": 7, "increment": 3},
                {"blocked": True},
                {"connection_charge_own": True, "connection_charge": 0.05, "destination_id": chance.choice(places).id},
            )[kind]
            price_list = chance.choice((self.base, self.own))
            self.new_rate(price_list, prefix, f"{chance.randrange(10**6)}e-6", **values)
        numbers = ["".join(chance.choice("01234") for _ in range(chance.randrange(1, 12))) for _ in range(400)]
        results = self.assertSame(*numbers)
        self.assertGreater(len({str(result) for result in results}), 50)
        self.assertSame(*numbers, at=NOON + timedelta(hours=14))
        self.assertSame(*numbers, at=NOON - timedelta(days=200))

    def test_a_change_counts_at_once(self):
        self.assertSame("49301")
        self.assertTrue(self.kept(self.own))
        changes = (
            lambda: self.own.rate_ids.write({"price": 0.77}),
            lambda: self.new_rate(self.own, "49301", "0.99"),
            lambda: self.own.rate_ids.filtered(lambda rate: rate.prefix == "49301").unlink(),
            lambda: self.own.rate_ids.write({"blocked": True}),
            self.own.rate_ids.unlink,
            lambda: self.own.write({"markup_percent": 50}),
            lambda: self._add_step(self.base, "49", 1),
            lambda: self.base.rate_ids.step_ids.write({"price": 3}),
            lambda: self.base.rate_ids.step_ids.unlink(),  # noqa: PLW0108
            lambda: self.new_rate(self.base, "493", "0.11"),
            lambda: self.voice.write({"price_per": 30}),
        )
        before = self.priced("49301")
        for number, change in enumerate(changes):
            with self.subTest(change=number):
                change()
                after = self.assertSame("49301")
                self.assertNotEqual(after, before)
                before = after

    def _add_step(self, price_list, prefix, price):
        rate = price_list.rate_ids.filtered(lambda rate: rate.prefix == prefix)
        self.env["tier.rate.step"].create({"rate_id": rate.id, "from_second": 10, "price": price})

    def test_what_was_rolled_back_does_not_count(self):
        before = self.priced("49301")
        for price in (0.5, 0.6):
            savepoint = self.env.cr.savepoint()
            self.own.rate_ids.write({"price": price})
            self.assertNotEqual(self.assertSame("49301"), before)
            savepoint.rollback()
            self.env.invalidate_all()
            self.assertEqual(self.assertSame("49301"), before)

    def test_a_rate_that_moves(self):
        """From one list to another, by SQL as by hand: both have changed."""
        other = self.new_list(self.own.brand_id)
        self.assertSame("49301")
        self.own.rate_ids.write({"price_list_id": other.id})
        found = self.assertSame("49301")
        self.assertEqual([edge[3] for edge in found[0]], ["49", "49"])

    def test_a_list_that_is_too_large(self):
        with patch.object(books, "LARGEST", 1):
            self.assertSame("49301")
            self.assertFalse(self.kept(self.base))
            self.assertTrue(self.kept(self.own))

    def test_only_so_much_is_kept(self):
        with patch.object(books, "KEPT", 2):
            self.assertSame("49301")
            self.assertLess(self.kept(self.base) + self.kept(self.own), 2)

    def test_few_questions_read_nothing(self):
        with patch.object(books, "WORTH_READING", 3):
            self.priced("49301")
            self.assertFalse(self.kept(self.own))
            self.priced("49301", "49302", "49303")
            self.assertTrue(self.kept(self.own))

    def test_resource_codes(self):
        """Of any length and with any sign, line breaks and separators included."""
        hosting = self.env.ref("tier_rating.service_hosting")
        codes = ("vm.small", "vm\n,small", "vm\\t", "v" * 300, "é,ü")
        for number, code in enumerate(codes):
            self.new_rate(self.own, code, f"0.{number + 1}", service_id=hosting.id)
        found = self.assertSame(*codes, "vm", *(code + "x" for code in codes), service=hosting)
        self.assertEqual([result[0][3] for result in found[: len(codes)]], list(codes))

    def test_rates_that_ended_long_ago(self):
        day = date.today() - timedelta(days=100)
        self.new_rate(self.own, "4930", "0.55", date_from=day - timedelta(days=9), date_to=day)
        self.own.rate_ids.filtered(lambda rate: not rate.date_to).date_from = day + timedelta(days=1)
        self.assertSame("49301")
        found = self.assertSame("49301", at=NOON.replace(year=day.year, month=day.month, day=day.day))
        self.assertEqual(found[0][0][3], "4930")
