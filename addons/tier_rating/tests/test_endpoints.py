import psycopg2

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import TierRatingCase


@tagged("post_install", "-at_install")
class TestEndpoints(TierRatingCase):
    """What a switch knows a caller by, and the switches themselves."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_selling_chain()
        cls.switch = cls.new_switch("test_switch")
        cls.other_switch = cls.new_switch("test_other")

    def payer(self, key, *accounts, switch=None):
        """Charge a call and return who paid for it."""
        self.charge(self.call(key, accounts=accounts, switch_id=switch and switch.id))
        return self.event(key).wallet_id

    def assertTaken(self, wallet, identifier, **values):
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaisesRegex(psycopg2.IntegrityError, "tier_endpoint_identity"),
            self.env.cr.savepoint(),
        ):
            self.new_endpoint(wallet, identifier, **values)

    def test_the_best_identity_comes_first(self):
        self.new_endpoint(self.dealer, "203.0.113.7", kind="ip")
        self.assertEqual(self.payer("k:1", ("sip_user", "user"), ("ip", "203.0.113.7")), self.user)
        self.assertEqual(self.payer("k:2", ("ip", "203.0.113.7"), ("sip_user", "user")), self.dealer)
        self.assertEqual(self.payer("k:3", ("pin", "1"), ("sip_user", "x"), ("ip", "203.0.113.7")), self.dealer)

    def test_the_kind_counts(self):
        self.assertFalse(self.payer("k:1", ("pin", "user"), ("number", "user")))
        self.new_endpoint(self.dealer, "user", kind="pin")
        self.assertEqual(self.payer("k:2", ("pin", "user")), self.dealer)

    def test_the_switchs_own_endpoint_goes_before_that_of_any(self):
        self.new_endpoint(self.dealer, "user", switch_id=self.switch.id)
        self.assertEqual(self.payer("k:1", ("sip_user", "user"), switch=self.switch), self.dealer)
        self.assertEqual(self.payer("k:2", ("sip_user", "user"), switch=self.other_switch), self.user)
        self.assertEqual(self.payer("k:3", ("sip_user", "user")), self.user)

    def test_an_endpoint_of_one_switch_is_unknown_to_others(self):
        self.new_endpoint(self.dealer, "desk", switch_id=self.switch.id)
        self.assertFalse(self.payer("k:1", ("sip_user", "desk"), switch=self.other_switch))
        self.assertFalse(self.payer("k:2", ("sip_user", "desk")))

    def test_one_owner_at_a_time(self):
        self.assertTaken(self.dealer, "user")
        self.assertTaken(self.dealer, " user ")
        self.new_endpoint(self.dealer, "user", switch_id=self.switch.id)
        self.assertTaken(self.user, "user", switch_id=self.switch.id)

    def test_an_archived_endpoint_frees_its_name(self):
        self.user.endpoint_ids.active = False
        self.env.flush_all()
        self.assertFalse(self.payer("k:1", ("sip_user", "user")))
        endpoint = self.new_endpoint(self.dealer, "user")
        self.assertEqual(self.payer("k:2", ("sip_user", "user")), self.dealer)
        endpoint.active = False
        self.env.flush_all()
        self.user.with_context(active_test=False).endpoint_ids.active = True
        self.assertEqual(self.payer("k:3", ("sip_user", "user")), self.user)

    def test_space_around_an_identifier_does_not_count(self):
        endpoint = self.new_endpoint(self.dealer, "  desk\t")
        self.assertEqual(endpoint.identifier, "desk")
        endpoint.identifier = " room 7 "
        self.assertEqual(endpoint.identifier, "room 7")

    def test_a_caller_without_a_name_is_nobody(self):
        for identifier in ("", "   ", False):
            with (
                self.subTest(identifier),
                mute_logger("odoo.sql_db"),
                self.assertRaises(psycopg2.IntegrityError),
                self.env.cr.savepoint(),
            ):
                self.new_endpoint(self.dealer, identifier)
        self.assertFalse(self.payer("k:1", ("sip_user", "")))

    def test_a_switchs_code_is_part_of_its_records_names(self):
        """Under another code, a file that was imported would be charged again."""
        self.switch.code = "test_free"
        self.payer("k:1", ("sip_user", "user"), switch=self.switch)
        with self.assertRaisesRegex(UserError, "charged again"):
            self.switch.code = "test_renamed"
        self.switch.write({"code": "test_free", "name": "Renamed"})
        with mute_logger("odoo.sql_db"), self.assertRaises(psycopg2.IntegrityError), self.env.cr.savepoint():
            self.other_switch.code = "test_free"
            self.env.flush_all()
