from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from .common import TierRatingCase


@tagged("post_install", "-at_install")
class TestDestinationCountry(TierRatingCase):
    """Destinations of rate decks get the country that their prefixes belong to."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider = cls.new_wallet("Provider")
        cls.price_list = cls.new_list(cls.new_brand(cls.provider))

    def country(self, *prefixes, name="Test place"):
        place = self.env["tier.destination"].create({"name": name})
        for prefix in prefixes:
            self.new_rate(self.price_list, prefix, "0.1", destination_id=place.id)
        place.action_find_countries()
        code = place.country_id.code or None
        self.price_list.rate_ids.unlink()
        place.unlink()
        return code

    def test_by_prefix(self):
        for prefixes, code in (
            (("49",), "DE"),
            (("4930", "49"), "DE"),
            (("390612",), "IT"),
            (("3906698",), "VA"),
            (("1",), "US"),
            (("1416",), "CA"),
            (("1876",), "JM"),
            (("77",), "KZ"),
            (("7495",), "RU"),
            (("441624",), "IM"),
            (("44",), "GB"),
            (("870",), None),
            (("999",), None),
        ):
            with self.subTest(prefixes):
                self.assertEqual(self.country(*prefixes), code)

    def test_by_name_where_a_code_is_shared(self):
        self.assertEqual(self.country("1", name="Canada Mobile"), "CA")
        self.assertEqual(self.country("44", name="Jersey Mobile"), "JE")

    def test_one_that_is_set_stays(self):
        france = self.env.ref("base.fr")
        place = self.env["tier.destination"].create({"name": "Test place", "country_id": france.id})
        self.new_rate(self.price_list, "49", "0.1", destination_id=place.id)
        self.env["tier.destination"].action_find_countries()
        self.assertEqual(place.country_id, france)

    def test_of_a_deck(self):
        deck = b"prefix,destination,price\n4930,Test Berlin,0.1\n33,Test Paris,0.2\n"
        self.env["tier.rate.import"]._import_deck(self.price_list, self.voice, deck)
        found = self.env["tier.destination"].search([("name", "in", ("Test Berlin", "Test Paris"))], order="name")
        self.assertEqual(found.country_id.mapped("code"), ["DE", "FR"])

    def test_managers_only(self):
        clerk = new_test_user(self.env, "country-clerk", "tier_billing.group_tier_user")
        with self.assertRaises(AccessError):
            self.env["tier.destination"].with_user(clerk).action_find_countries()
