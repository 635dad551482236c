import base64
from datetime import timedelta
from unittest.mock import patch

import psycopg2

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import html2plaintext, mute_logger

from ..charging import books
from ..charging.usage import DialPlan
from .common import NOON, TierRatingCase
from .hotel_common import HotelCase
from .test_rerating import ReratingCase
from .test_usage_import import asterisk


class DialPlanCase(TierRatingCase):
    """A branch in London on the exchange of an office in Berlin: a minute to 44 costs twice as much as one to 49."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_selling_chain()
        for wallet, price in ((cls.reseller, 1.4), (cls.dealer, 1.6), (cls.user, 2)):
            cls.new_rate(wallet.price_list_id, "44", price)
        cls.reseller._topup(1000, "plans:reseller")
        cls.dealer._allocate(500, "plans:dealer")
        cls.user._allocate(100, "plans:user")
        cls.switch = cls.new_switch("test_plans", area_code="30")
        cls.plan = cls.new_plan("London", country_prefix="44", area_code="20", local_length=8, outside="9")
        cls.branch = cls.new_endpoint(cls.user, "branch", dial_plan_id=cls.plan.id)

    @classmethod
    def new_plan(cls, name, **values):
        return cls.env["tier.dial.plan"].create({"name": name, **values})

    def dialled(self, key, callee, account="branch", **values):
        """Return a call as an import reads it: its number is what the switch makes of it."""
        number = DialPlan.of(self.switch).number(callee)
        return self.call(key, callee=callee, number=number, account=account, switch_id=self.switch.id, **values)

    def dial(self, key, callee, account="branch", **values):
        """Charge a call of a minute as an import does; return its event."""
        self.charge(self.dialled(key, callee, account, **values))
        return self.event(key)


@tagged("post_install", "-at_install")
class TestDialPlans(DialPlanCase):
    """Endpoints that dial otherwise than their switch says."""

    def load(self, text):
        record = self.env["tier.usage.import"].create(
            {"name": "x", "switch_id": self.switch.id, "data": base64.b64encode(text.encode())}
        )
        self.env.flush_all()
        with self.enter_registry_test_mode():
            record.action_import()
        self.env.invalidate_all()
        return record

    def test_each_endpoint_dials_in_its_own_way(self):
        for callee, of_branch, of_office in (
            ("79460018", "442079460018", "493079460018"),
            ("9 79460018", "442079460018", "979460018"),
            ("9 020 79460018", "442079460018", "902079460018"),
            ("030 123456", "4430123456", "4930123456"),
            ("9 0049 30 123456", "4930123456", "9004930123456"),
            ("+49 30 123456", "4930123456", "4930123456"),
            ("112", "112", "112"),
            ("116117", "116117", "116117"),
            ("hello", "", ""),
        ):
            with self.subTest(callee):
                key = f"k:{callee}"
                self.charge(self.dialled(key, callee), self.dialled(f"{key}:office", callee, "user"))
                found = self.event(key), self.event(f"{key}:office")
                self.assertEqual([event.number or "" for event in found], [of_branch, of_office])
                self.assertEqual([event.callee for event in found], [callee, callee])

    def test_it_is_charged_for_where_it_went(self):
        self.assertEqual(self.dial("k:1", "79460018").state, "charged")
        self.assertBalances(self.user, 98)
        self.dial("k:2", "79460018", "user")
        self.assertBalances(self.user, 97)

    def test_a_file(self):
        self.new_endpoint(self.user, "1001", dial_plan_id=self.plan.id)
        self.new_endpoint(self.user, "1002")
        record = self.load(asterisk(1, callee="979460018") + asterisk(2, account="1002", callee="0301234567", minute=5))
        self.assertEqual((record.charged_count, record.suspense_count), (2, 0))
        events = self.env["tier.usage.event"].search([("import_id", "=", record.id)], order="line")
        self.assertEqual(events.mapped("number"), ["442079460018", "49301234567"])
        self.assertEqual(self.load(asterisk(1, callee="979460018")).duplicate_count, 1)

    def test_a_trunk_that_sends_whole_numbers(self):
        """Behind an exchange whose numbers have nine digits and no prefix, 493012345 would be a local one."""
        self.switch.national_length = 9
        trunk = self.new_plan("Trunk", international_prefix=False, national_prefix=False)
        self.new_endpoint(self.user, "203.0.113.9", kind="ip", dial_plan_id=trunk.id)
        accounts = (("sip_user", "nobody"), ("ip", "203.0.113.9"))
        self.assertEqual(self.dial("k:1", "493012345", accounts=accounts).number, "493012345")
        self.assertEqual(self.dial("k:2", "493012345", "user").number, "49493012345")

    def test_an_extension_of_the_branch_costs_nobody_anything(self):
        self.plan.extension_length = 3
        event = self.dial("k:1", "491")
        self.assertEqual((event.state, event.number), ("charged", "x491"))
        self.assertBalances(self.user, 100)
        self.assertEqual(self.dial("k:2", "112").number, "112")

    # ------------------------------------------------------------------
    # Retry
    # ------------------------------------------------------------------

    def test_what_waited_for_the_endpoint_is_read_by_its_plan(self):
        event = self.dial("k:1", "79460018", "new")
        self.assertEqual((event.reason, event.number), ("unknown_account", "493079460018"))
        endpoint = self.new_endpoint(self.user, "new", dial_plan_id=self.plan.id)
        with self.enter_registry_test_mode():
            endpoint.action_retry_waiting()
        self.env.invalidate_all()
        self.assertEqual((event.state, event.number), ("charged", "442079460018"))
        self.assertBalances(self.user, 98)

    def test_a_retry_reads_the_number_by_the_plan_of_today(self):
        self.plan.country_prefix = "7"
        event = self.dial("k:1", "79460018")
        self.assertEqual((event.reason, event.number), ("no_rate", "72079460018"))
        self.plan.country_prefix = "44"
        self.retry(event)
        self.assertEqual((event.state, event.number), ("charged", "442079460018"))

    def test_without_the_plan_a_retry_reads_it_as_the_switch_does(self):
        self.plan.country_prefix = "7"
        event = self.dial("k:1", "79460018")
        self.branch.dial_plan_id = False
        self.retry(event)
        self.assertEqual((event.state, event.number), ("charged", "493079460018"))

    # ------------------------------------------------------------------
    # What is no call
    # ------------------------------------------------------------------

    def test_a_message_is_dialled(self):
        message = self.env.ref("tier_rating.service_message")
        event = self.dial("k:1", "79460018", "new", service="message")
        self.assertEqual((event.reason, event.number), ("unknown_account", "493079460018"))
        self.new_endpoint(self.user, "new", dial_plan_id=self.plan.id)
        for wallet in (self.reseller, self.dealer, self.user):
            self.new_rate(wallet.price_list_id, "44", 1, service_id=message.id)
        self.retry(event)
        self.assertEqual((event.state, event.number), ("charged", "442079460018"))
        self.assertEqual(self.dial("k:2", "79460018", "new", service="message").number, "442079460018")

    def test_a_resource_code_is_not(self):
        hosting = self.env.ref("tier_rating.service_hosting")
        usage = self.dialled("k:1", "VM-M", service="hosting")
        usage.number, usage.is_code = "VM-M", True
        self.charge(usage)
        event = self.event("k:1")
        self.assertEqual((event.reason, event.number), ("no_rate", "VM-M"))
        for wallet in (self.reseller, self.dealer, self.user):
            self.new_rate(wallet.price_list_id, "VM-M", 1, service_id=hosting.id)
        self.retry(event)
        self.assertEqual((event.state, event.number), ("charged", "VM-M"))

    def test_a_code_of_a_mapped_file_is_none_either(self):
        """Guards against 79460018, an account of storage, becoming a number in London."""
        columns = {"user": "sip_user", "code": "resource", "at": "start", "hours": "quantity", "id": "record_id"}
        hosting = self.env.ref("tier_rating.service_hosting")
        mapping = self.env["tier.record.mapping"].create(
            {
                "name": "Hours",
                "service_id": hosting.id,
                "line_ids": [Command.create({"column": name, "target": target}) for name, target in columns.items()],
            }
        )
        for wallet in (self.reseller, self.dealer, self.user):
            self.new_rate(wallet.price_list_id, "79460018", 1, service_id=hosting.id)
        self.switch = self.new_switch("test_hours", "mapped_csv", mapping_id=mapping.id)
        record = self.load("user,code,at,hours,id\nbranch,79460018,2026-11-20 10:00:00,2,a\n")
        self.assertEqual(record.charged_count, 1)
        self.assertEqual(self.event("test_hours:a").number, "79460018")

    # ------------------------------------------------------------------
    # Authorization
    # ------------------------------------------------------------------

    def ask(self, key, callee, account="branch"):
        number = DialPlan.of(self.switch).number(callee)
        values = {"switch_id": self.switch.id, "callee": callee, "requested": 60}
        return self.authorize(self.request(key, number=number, account=account, **values))

    def test_a_session_is_priced_as_it_will_be_charged(self):
        self.assertEqual(self.ask("s:1", "79460018").granted, 60)
        self.assertEqual(self.env["tier.session"].search([("session_key", "=", "s:1")]).number, "442079460018")
        held = self.env["tier.hold"].search([("session_key", "=", "s:1")])
        self.assertEqual(held.filtered(lambda hold: hold.account_id == self.user.account_id).amount, 2)
        self.dial("k:1", "79460018", session_key="s:1")
        self.assertBalances(self.user, 98)
        self.assertEqual(self.ask("s:2", "79460018", "user").granted, 60)
        self.assertEqual(self.env["tier.session"].search([("session_key", "=", "s:2")]).number, "493079460018")

    def test_without_what_was_dialled_the_number_stays(self):
        request = self.request("s:1", number="447946001800", account="branch", requested=60)
        self.assertEqual(self.authorize(request).granted, 60)
        self.assertEqual(self.env["tier.session"].search([("session_key", "=", "s:1")]).number, "447946001800")

    # ------------------------------------------------------------------
    # Special numbers
    # ------------------------------------------------------------------

    def only_999(self):
        """Let 999 be an emergency in Great Britain, and nothing anywhere else."""
        Class = self.env["tier.number.class"]
        Class.search([]).active = False
        line = {"prefix": "999", "exact": True, "country_id": self.env.ref("base.uk").id}
        Class.create({"name": "Test", "kind": "emergency", "line_ids": [Command.create(line)]})

    def test_an_emergency_of_the_endpoints_country(self):
        self.only_999()
        self.plan.outside = False
        self.assertEqual(self.dial("k:1", "999").state, "charged")
        self.assertEqual(self.dial("k:2", "999", "user").reason, "no_rate")
        self.user.state = "suspended"
        self.assertEqual(self.ask("s:1", "999").granted, 60)
        self.assertEqual(self.ask("s:2", "999", "user").reason, "account_blocked")

    def test_a_plan_without_a_country_is_where_the_switch_is(self):
        self.only_999()
        self.switch.country_prefix = "44"
        self.plan.write({"country_prefix": False, "outside": False})
        self.assertEqual(self.dial("k:1", "999").state, "charged")

    # ------------------------------------------------------------------
    # What it costs to read
    # ------------------------------------------------------------------

    def statements(self, *usages):
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.cr.sql_log_count
        self.charge(*usages)
        return self.cr.sql_log_count - before

    @patch.object(books, "WORTH_READING", 10**9)
    def test_one_statement_for_all_plans_and_none_without(self):
        self.statements(self.dialled("k:warm", "79460018"))
        none = self.statements(self.dialled("k:none", "0301234567", "user"))
        self.assertEqual(self.statements(self.dialled("k:one", "79460018")), none + 1)
        others = [self.new_plan(f"Plan {n}", country_prefix="44") for n in range(3)]
        for n, plan in enumerate(others):
            self.new_endpoint(self.user, f"other {n}", dial_plan_id=plan.id)
        many = [self.dialled(f"k:{n}", f"0207946{n:04}", f"other {n % 3}") for n in range(30)]
        many += [self.dialled(f"k:o{n}", "030 1234567", "user", at=NOON + timedelta(hours=n)) for n in range(30)]
        self.assertEqual(self.statements(*many), none + 1)

    # ------------------------------------------------------------------
    # Screens
    # ------------------------------------------------------------------

    def test_prefixes_are_digits(self):
        for name, value in (("area_code", "3o"), ("outside", "00000000000"), ("extension_length", 99)):
            with self.assertRaises(ValidationError):
                self.plan[name] = value

    def test_a_plan_in_use_stays(self):
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(psycopg2.errors.ForeignKeyViolation),
            self.env.cr.savepoint(),
        ):
            self.plan.unlink()
        self.assertEqual(self.plan.endpoint_count, 1)
        action = self.plan.action_endpoints()
        self.assertEqual(self.env["tier.endpoint"].search(action["domain"]), self.branch)

    def test_a_plan_is_of_the_endpoints_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        theirs = self.new_plan("Theirs", company_id=other.id)
        with self.assertRaises(UserError):
            self.branch.dial_plan_id = theirs
        with self.assertRaises(UserError):
            self.plan.company_id = other

    def test_the_dialog_tells(self):
        def form(record):
            return Form(self.env["tier.switch.number"].with_context(**record.action_test_number()["context"]))

        with form(self.branch) as test:
            test.dialled = "9 79460018"
            self.assertEqual(test.number, "442079460018")
            self.assertIn("London", test.read_by)
            self.assertIn("9 for the outside line", test.explanation)
            self.assertIn("the country 44 and the area 20", test.explanation)
        with form(self.plan) as test:
            test.dialled = "79460018"
            self.assertEqual(test.number, "442079460018")
        with form(self.switch) as test:
            test.dialled = "79460018"
            self.assertEqual(test.number, "493079460018")
            self.assertIn("test_plans", test.read_by)
            test.endpoint_id = self.branch
            self.assertEqual(test.number, "442079460018")
        with form(self.user.endpoint_ids - self.branch) as test:
            test.dialled = "79460018"
            self.assertFalse(test.number)
            self.assertIn("Which switch", test.explanation)
            test.switch_id = self.switch
            self.assertEqual(test.number, "493079460018")

    def test_it_takes_a_right(self):
        nobody = new_test_user(self.env, "nobody@plans", groups="base.group_user")
        for record in (self.plan, self.branch):
            with self.assertRaises(AccessError):
                record.with_user(nobody).action_test_number()
        with self.assertRaises(AccessError):
            self.plan.with_user(nobody).action_endpoints()

    def test_an_explanation_reads_it_too(self):
        self.only_999()
        self.plan.outside = False

        def explain(number, **values):
            values = {"wallet_id": self.user.id, "switch_id": self.switch.id, "at": NOON, "quantity": 60, **values}
            wizard = self.env["tier.price.explain"].create({"number": number, **values})
            return html2plaintext(wizard.result).replace("*", "")

        self.assertIn("493079460018", explain("79460018"))
        self.assertIn("442079460018", explain("79460018", endpoint_id=self.branch.id))
        with Form(self.env["tier.price.explain"].with_context(default_wallet_id=self.user.id)) as wizard:
            wizard.number = "79460018"
            self.assertNotIn("442079460018", wizard.result)
            wizard.endpoint_id = self.branch
            self.assertIn("442079460018", wizard.result)
        here = self.new_endpoint(self.user, "here", switch_id=self.switch.id)
        self.assertIn("493079460018", explain("79460018", endpoint_id=here.id, switch_id=False))
        self.assertIn("Special number", explain("999", endpoint_id=self.branch.id))
        self.assertNotIn("Special number", explain("999"))
        event = self.dial("k:1", "999")
        context = event.action_explain()["context"]
        wizard = self.env["tier.price.explain"].with_context(**context).create({})
        self.assertIn("Special number", html2plaintext(wizard.result))


@tagged("post_install", "-at_install")
class TestDialPlanOfARoom(HotelCase):
    """A room's telephone with a plan: the guest pays for what it really dialled."""

    def test_the_guest_pays(self):
        self.new_rate(self.house.price_list_id, "44", "0.20")
        self.new_rate(self.prices, "44", "1.00")
        plan = self.env["tier.dial.plan"].create({"name": "Annexe", "country_prefix": "44", "outside": "9"})
        self.room.endpoint_ids.dial_plan_id = plan
        stay = self.stay()
        call = {"at": self.noon + timedelta(hours=1), "switch_id": self.switch.id, "accounts": (("room", "101"),)}
        self.charge(self.call("k:1", callee="9 020 79460018", number="902079460018", **call))
        event = self.event("k:1")
        self.assertEqual((event.state, event.number, event.wallet_id), ("charged", "442079460018", stay.wallet_id))
        self.assertBalances(stay.wallet_id, -1)


@tagged("post_install", "-at_install")
class TestDialPlanRerated(ReratingCase):
    """A charged number stays what it was; what is special there is told by the endpoint's plan."""

    def test_an_emergency_stays_one(self):
        Class = self.env["tier.number.class"]
        Class.search([]).active = False
        line = {"prefix": "999", "exact": True, "country_id": self.env.ref("base.uk").id}
        Class.create({"name": "Test", "kind": "emergency", "line_ids": [Command.create(line)]})
        plan = self.env["tier.dial.plan"].create({"name": "London", "country_prefix": "44"})
        self.new_endpoint(self.user, "branch", dial_plan_id=plan.id)
        self.charge(self.call("k:1", number="999", account="branch"))
        self.assertEqual(self.event("k:1").state, "charged")
        for wallet in (self.reseller, self.dealer, self.user):
            self.new_rate(wallet.price_list_id, "9", 5)
        run = self.compute()
        self.assertFalse(run.line_ids)
        self.assertEqual(run.unchanged_count, 1)
