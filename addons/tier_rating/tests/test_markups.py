import random
from decimal import Decimal
from unittest.mock import patch

import psycopg2

from odoo.exceptions import ValidationError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..charging import books, markups
from .common import NOON, TierRatingCase

MOBILE, LAND = "447911123456", "442079460000"


@tagged("post_install", "-at_install")
class TestMarkups(TierRatingCase):
    """A derived list may add something else to some of its base's prices."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider = cls.new_wallet("Provider")
        cls.user = cls.new_wallet("User", cls.provider)
        cls.new_endpoint(cls.user, "user")
        cls.brand = cls.new_brand(cls.provider, initial_increment=1, increment=1, rounding_digits=6)
        Destination = cls.env["tier.destination"]
        cls.britain, cls.france = cls.env.ref("base.uk"), cls.env.ref("base.fr")
        cls.land = Destination.create({"name": "Test land", "country_id": cls.britain.id})
        cls.mobile = Destination.create({"name": "Test mobile", "country_id": cls.britain.id})
        cls.base = cls.new_list(cls.brand)
        cls.new_rate(cls.base, "44", "0.10", destination_id=cls.land.id)
        cls.new_rate(cls.base, "447", "0.20", destination_id=cls.mobile.id)
        cls.own = cls.new_list(cls.brand, base_id=cls.base.id, markup_percent=10)
        cls.user.price_list_id = cls.own

    def setUp(self):
        super().setUp()
        books.shelf(self.env.cr.dbname).forget()

    def markup(self, percent, price_list=None, **values):
        return self.env["tier.price.markup"].create(
            {"price_list_id": (price_list or self.own).id, "markup_percent": percent, **values}
        )

    def assertMinutes(self, land, mobile):
        """Compare what a minute costs, looked up and from memory."""
        for worth in (0, 10**9):
            with (
                patch.object(books, "WORTH_READING", worth),
                patch.object(books, "RATES_PER_NUMBER", 10**9),
                self.subTest(worth=worth),
            ):
                self.assertEqual(self.cost(60, number=LAND), Decimal(land))
                self.assertEqual(self.cost(60, number=MOBILE), Decimal(mobile))

    def test_by_destination(self):
        self.markup(50, kind="destination", destination_ids=[Command.link(self.mobile.id)])
        self.assertMinutes("0.11", "0.30")

    def test_by_prefix(self):
        """Of the number, whatever rate it has: longer than the rate's prefix, or shorter."""
        self.markup(50, kind="prefix", prefix="4479")
        self.assertMinutes("0.11", "0.30")
        self.markup(100, kind="prefix", prefix="4")
        self.assertMinutes("0.20", "0.30")

    def test_by_country(self):
        line = self.markup(50, kind="country", country_ids=[Command.link(self.britain.id)])
        self.assertMinutes("0.15", "0.30")
        self.mobile.country_id = self.france
        self.assertMinutes("0.15", "0.22")
        line.country_ids = [Command.set([self.france.id])]
        self.assertMinutes("0.11", "0.30")
        self.land.country_id = self.france
        self.assertMinutes("0.15", "0.30")

    def test_by_service(self):
        self.markup(50, kind="service", service_id=self.voice.id)
        self.assertMinutes("0.15", "0.30")
        self.markup(70, kind="service", service_id=self.env.ref("tier_rating.service_data").id)
        self.assertMinutes("0.15", "0.30")

    def test_what_is_nearest_applies(self):
        self.markup(20, kind="service", service_id=self.voice.id)
        self.assertMinutes("0.12", "0.24")
        self.markup(30, kind="country", country_ids=[Command.link(self.britain.id)])
        self.assertMinutes("0.13", "0.26")
        self.markup(40, kind="destination", destination_ids=[Command.link(self.mobile.id)])
        self.assertMinutes("0.13", "0.28")
        self.markup(50, kind="prefix", prefix="447")
        self.assertMinutes("0.13", "0.30")
        self.markup(60, kind="prefix", prefix="44791")
        self.assertMinutes("0.13", "0.32")

    def test_of_one_service_before_all(self):
        self.markup(50, kind="prefix", prefix="44")
        self.markup(70, kind="prefix", prefix="44", service_id=self.voice.id)
        self.markup(90, kind="prefix", prefix="44", service_id=self.env.ref("tier_rating.service_message").id)
        self.assertMinutes("0.17", "0.34")

    def test_own_rates_have_none(self):
        self.markup(50, kind="prefix", prefix="447")
        self.new_rate(self.own, "447", "0.5")
        self.assertMinutes("0.11", "0.5")

    def test_fixed(self):
        self.markup(0, kind="prefix", prefix="447", fixed=0.003)
        self.assertMinutes("0.11", "0.203")

    def test_a_change_counts_at_once(self):
        line = self.markup(50, kind="prefix", prefix="447")
        self.assertMinutes("0.11", "0.30")
        line.markup_percent = 60
        self.assertMinutes("0.11", "0.32")
        line.prefix = "442"
        self.assertMinutes("0.16", "0.22")
        line.write({"kind": "destination", "destination_ids": [Command.set(self.mobile.ids)]})
        self.assertMinutes("0.11", "0.32")
        line.destination_ids = [Command.set(self.land.ids)]
        self.assertMinutes("0.16", "0.22")
        self.own.markup_percent = 20
        self.assertMinutes("0.16", "0.24")
        line.unlink()
        self.assertMinutes("0.12", "0.24")

    def test_what_was_rolled_back_does_not_count(self):
        self.markup(50, kind="prefix", prefix="447")
        savepoint = self.env.cr.savepoint()
        self.own.markup_ids.markup_percent = 80
        self.assertMinutes("0.11", "0.36")
        savepoint.rollback()
        self.env.invalidate_all()
        self.assertMinutes("0.11", "0.30")

    def test_a_line_that_moves_to_another_list(self):
        line = self.markup(50, kind="prefix", prefix="447")
        self.assertMinutes("0.11", "0.30")
        line.price_list_id = self.new_list(self.brand, base_id=self.base.id)
        self.assertMinutes("0.11", "0.22")

    def test_at_any_depth_in_any_currency(self):
        """Coins, marked up in a list in shells (0.8 each), marked up again in coins."""
        abroad = self.new_list(self.brand, base_id=self.base.id, currency_id=self.shell.id, markup_percent=50)
        top = self.new_list(self.brand, base_id=abroad.id, markup_percent=10, currency_id=self.coin.id)
        self.user.price_list_id = top
        self.assertMinutes("0.165", "0.33")
        self.markup(100, abroad, kind="destination", destination_ids=[Command.link(self.mobile.id)])
        self.assertMinutes("0.165", "0.44")
        self.markup(0, top, kind="prefix", prefix="4479", fixed=0.01)
        self.assertMinutes("0.165", "0.41")
        self.markup(0, abroad, kind="prefix", prefix="44", fixed=0.008)
        # (0.10 × 0.8 + 0.008) / 0.8 × 1.1, and (0.20 × 0.8 + 0.008) / 0.8 + 0.01
        self.assertMinutes("0.121", "0.22")

    def test_the_brands_markup(self):
        self.brand.markup_percent = 30
        self.assertMinutes("0.11", "0.22")
        self.own.markup_of_brand = True
        self.assertMinutes("0.13", "0.26")
        self.brand.markup_percent = 40
        self.assertMinutes("0.14", "0.28")
        self.markup(50, kind="prefix", prefix="447")
        self.assertMinutes("0.14", "0.30")

    def test_a_copy_has_its_own(self):
        self.markup(50, kind="destination", destination_ids=[Command.link(self.mobile.id)])
        self.user.price_list_id = self.own.copy()
        self.assertMinutes("0.11", "0.30")
        self.own.markup_ids.markup_percent = 80
        self.assertMinutes("0.11", "0.30")

    def test_a_list_without_reads_nothing(self):
        self.env.flush_all()
        with patch.object(markups, "shelf", side_effect=AssertionError):
            self.charge(self.call("m:none"))

    def test_known_ones_are_read_once(self):
        self.markup(50, kind="prefix", prefix="447")
        self.assertMinutes("0.11", "0.30")
        with patch.object(markups, "_read", side_effect=AssertionError):
            self.assertMinutes("0.11", "0.30")

    def test_what_it_cannot_be(self):
        self.markup(50, kind="prefix", prefix="447")
        self.markup(50, kind="country", country_ids=[Command.link(self.britain.id)])
        for values in (
            {"kind": "prefix", "prefix": "447"},
            {"kind": "prefix", "prefix": "44a"},
            {"kind": "prefix", "prefix": False},
            {"kind": "destination"},
            {"kind": "country"},
            {"kind": "service"},
            {"kind": "prefix", "prefix": "448", "markup_percent": -100},
            {"kind": "prefix", "prefix": "448", "fixed": 1e9},
            {"kind": "country", "country_ids": [Command.set([self.britain.id, self.france.id])]},
        ):
            with self.subTest(values), mute_logger("odoo.sql_db"):
                try:
                    with self.env.cr.savepoint():
                        self.markup(values.pop("markup_percent", 1), **values)
                except (ValidationError, psycopg2.IntegrityError):
                    continue
                self.fail("it was taken")

    def test_random_lists(self):
        """Memory and database, and a plain computation, say the same."""
        chance = random.Random(11)
        places = self.env["tier.destination"].create(
            [{"name": f"Test place {n}", "country_id": chance.choice((self.britain, self.france)).id} for n in range(4)]
        )
        self.base.rate_ids.unlink()
        for prefix in {"".join(chance.choice("012") for _ in range(chance.randrange(1, 5))) for _ in range(40)}:
            self.new_rate(
                self.base, prefix, f"0.{chance.randrange(1, 1000):03}", destination_id=chance.choice(places).id
            )
        for prefix in {"".join(chance.choice("012") for _ in range(chance.randrange(1, 6))) for _ in range(10)}:
            self.markup(chance.randrange(100), kind="prefix", prefix=prefix)
        self.markup(7, kind="destination", destination_ids=[Command.set(places[:1].ids)])
        self.markup(9, kind="country", country_ids=[Command.set(self.france.ids)])
        numbers = {"".join(chance.choice("012") for _ in range(6)) for _ in range(60)}
        for number in numbers:
            expected = self.expected(number)
            if expected is None:
                continue
            for worth in (0, 10**9):
                with patch.object(books, "WORTH_READING", worth), patch.object(books, "RATES_PER_NUMBER", 10**9):
                    self.assertEqual(self.cost(60, number=number, at=NOON), expected, number)

    def expected(self, number):
        """Return the price of a minute as one would reckon by hand, None without a rate."""

        def longest(records):
            fitting = [record for record in records if number.startswith(record.prefix)]
            return max(fitting, key=lambda record: len(record.prefix), default=None)

        rate = longest(self.base.rate_ids)
        if rate is None:
            return None
        lines = self.own.markup_ids
        line = longest(lines.filtered(lambda line: line.kind == "prefix")) or next(
            iter(
                lines.filtered(lambda line: rate.destination_id in line.destination_ids)
                or lines.filtered(lambda line: rate.destination_id.country_id in line.country_ids)
            ),
            self.own,
        )
        return (Decimal(str(rate.price)) * (100 + int(line.markup_percent)) / 100).quantize(Decimal("1e-6"))
