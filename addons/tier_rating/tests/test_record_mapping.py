import base64

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form, tagged

from ..adapters._mapping import KINDS, TARGETS
from .common import TierRatingCase

LINES = "vm;flavor;day;bytes;id\nweb1;m1.small;20.11.2026;1500000;a\nweb1;m1.small;20.11.2026;2500000;b\n"


@tagged("post_install", "-at_install")
class TestRecordMapping(TierRatingCase):
    """Files whose columns a person names."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_selling_chain()
        cls.user._topup(10, "mapping:funds")
        cls.data = cls.env.ref("tier_rating.service_data")
        columns = {"vm": "host", "flavor": "resource", "day": "start", "bytes": "quantity", "id": "record_id"}
        cls.mapping = cls.env["tier.record.mapping"].create(
            {
                "name": "Traffic",
                "service_id": cls.data.id,
                "factor": 0.000001,
                "times": "form",
                "time_form": "%d.%m.%Y",
                "delimiter": ";",
                "line_ids": [(0, 0, {"column": name, "target": target}) for name, target in columns.items()],
            }
        )
        cls.switch = cls.new_switch("test_map", "mapped_csv", mapping_id=cls.mapping.id)
        cls.new_endpoint(cls.user, "web1", kind="host")
        for wallet in (cls.reseller, cls.dealer, cls.user):
            cls.new_rate(wallet.price_list_id, "m1", 1000, service_id=cls.data.id)

    def load(self, data):
        record = self.env["tier.usage.import"].create(
            {"name": "x", "switch_id": self.switch.id, "data": base64.b64encode(data.encode())}
        )
        self.env.flush_all()
        with self.enter_registry_test_mode():
            record.action_import()
        self.env.invalidate_all()
        return record

    def test_a_file(self):
        record = self.load(LINES)
        self.assertEqual((record.charged_count, record.suspense_count), (2, 0))
        self.assertBalances(self.user, 6)  # 1.5 and 2.5 MB at 1,000 a GB
        self.assertEqual(self.event("test_map:a").number, "m1.small")
        self.assertEqual(self.load(LINES).duplicate_count, 2)
        self.assertBalances(self.user, 6)

    def test_the_sample(self):
        with Form(self.mapping) as form:
            form.sample = LINES + "web1;m1.small;yesterday;1;c\n"
            self.assertIn(
                "Line 2: 1.5 of data to m1.small at 2026-11-20 00:00:00 UTC for host web1", form.sample_result
            )
            self.assertIn("Line 4 cannot be read.", form.sample_result)
            form.delimiter = ","
            self.assertIn("names none of the mapped columns", form.sample_result)

    def test_a_switch_needs_one(self):
        with self.assertRaises(ValidationError) as refused:
            self.switch.mapping_id = False
        self.assertIn("choose a mapping", str(refused.exception))
        with self.assertRaises(ValidationError):
            self.new_switch("test_map2", "mapped_json")
        self.switch.adapter = "mapped_json"

    def test_forms_of_times(self):
        for form in ("", "%d.%m", "%Q", "abc", "%"):
            with self.subTest(form=form), self.assertRaises(ValidationError):
                self.mapping.time_form = form
                self.mapping.flush_recordset()
        self.mapping.time_form = "%m/%d/%y %I:%M %p"

    def test_all_targets_are_known(self):
        field = self.env["tier.record.mapping.line"]._fields["target"]
        self.assertEqual({code for code, _label in field.selection}, {*KINDS, *TARGETS})

    def test_who_may(self):
        groups = self.env.ref("tier_billing.group_tier_user")
        clerk = self.env["res.users"].create({"name": "c", "login": "mapping_c", "group_ids": [(6, 0, groups.ids)]})
        self.mapping.with_user(clerk).read(["name"])
        with self.assertRaises(AccessError):
            self.mapping.with_user(clerk).name = "x"
        with self.assertRaises(AccessError):
            self.mapping.line_ids[0].with_user(clerk).column = "x"
