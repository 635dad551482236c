from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form, new_test_user, tagged

from ..charging.usage import DialPlan
from .common import TierRatingCase


@tagged("post_install", "-at_install")
class TestDialling(TierRatingCase):
    """How people dial at a switch: what is charged, and what is not."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_selling_chain()
        cls.user._topup(100, "dialling:funds")
        cls.switch = cls.new_switch("test_dialling", area_code="30", outside="0", extension_length=3)

    def dial(self, key, callee):
        """Charge a call of a minute as an import does; return its event."""
        number = DialPlan.of(self.switch).number(callee)
        self.charge(self.call(key, callee=callee, number=number, switch_id=self.switch.id))
        return self.event(key)

    def test_an_extension_costs_nobody_anything(self):
        """Guards against the extension 491 being charged as a call to Germany."""
        event = self.dial("k:1", "491")
        self.assertEqual((event.state, event.number), ("charged", "x491"))
        self.assertFalse(any(event.charge_ids.mapped("cost")))
        self.assertBalances(self.user, 100)

    def test_behind_the_outside_line_it_is_charged(self):
        self.assertEqual(self.dial("k:2", "0 1234567").number, "49301234567")
        self.assertBalances(self.user, 99)

    def test_a_retry_reads_the_number_by_the_plan_of_today(self):
        self.switch.country_prefix = "7"
        event = self.dial("k:3", "0 1234567")
        self.assertEqual((event.state, event.reason, event.number), ("suspense", "no_rate", "7301234567"))
        self.switch.country_prefix = "49"
        self.env.flush_all()
        self.retry(event)
        self.assertEqual((event.state, event.number), ("charged", "49301234567"))

    def test_the_dialog_tells(self):
        action = self.switch.action_test_number()
        with Form(self.env["tier.switch.number"].with_context(**action["context"])) as test:
            test.dialled = "0 089 1234567"
            self.assertEqual(test.number, "49891234567")
            self.assertIn("outside line", test.explanation)
            self.assertIn("+49 89 1234567", test.explanation)
            test.dialled = "201"
            self.assertIn("nobody pays", test.explanation)
            test.dialled = "hello"
            self.assertFalse(test.number)
            self.assertIn("no number", test.explanation)

    def test_prefixes_are_digits(self):
        for name, value in (("area_code", "3o"), ("outside", "00000000000"), ("extension_length", 99)):
            with self.assertRaises(ValidationError):
                self.switch[name] = value

    def test_it_takes_a_right(self):
        nobody = new_test_user(self.env, "nobody@dialling", groups="base.group_user")
        with self.assertRaises(AccessError):
            self.switch.with_user(nobody).action_test_number()
