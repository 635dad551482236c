import base64
import io
import json
from datetime import datetime, timezone
from decimal import Decimal
from unittest.mock import patch

import psycopg2

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import file_path, mute_logger

from .. import charging
from ..adapters import UsageRecord
from ..adapters.asterisk_csv import AsteriskCsv
from .common import TierRatingCase


def asterisk(number, seconds=60, account="1001", callee="030123456", disposition="ANSWERED", minute=0):
    """Return a line of Master.csv; its uniqueid ends with the number."""
    answer = f"2026-11-20 10:{minute:02}:00" if seconds else ""
    end = f"2026-11-20 10:{minute + seconds // 60:02}:{seconds % 60:02}"
    start = f"2026-11-20 10:{minute:02}:00"
    fields = [account, "1001", callee, "phones", "", f"PJSIP/{account}-0000{number:04x}", "PJSIP/x-1", "Dial", ""]
    fields += [start, answer, end, str(seconds), str(seconds), disposition if seconds else "NO ANSWER"]
    fields += ["DOCUMENTATION", f"1795168800.{number}", ""]
    return ",".join(f'"{field}"' for field in fields) + "\n"


def freeswitch(number, seconds=60, account="2001", callee="4930123456"):
    """Return a record of mod_json_cdr."""
    start = int(datetime(2026, 11, 20, 10, tzinfo=timezone.utc).timestamp()) * 10**6
    return json.dumps(
        {
            "variables": {
                "uuid": f"00000000-0000-4000-8000-{number:012}",
                "sip_from_user": account,
                "hangup_cause": "NORMAL_CLEARING",
                "start_uepoch": str(start),
                "answer_uepoch": str(start if seconds else 0),
                "end_uepoch": str(start + seconds * 10**6),
                "billsec": str(seconds),
            },
            "callflow": [{"caller_profile": {"destination_number": callee}}],
        }
    )


@tagged("post_install", "-at_install")
class TestUsageImport(TierRatingCase):
    """Files of switches: every record is charged once or waits with its line."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_selling_chain()
        cls.user._topup(100, "import:funds")
        cls.asterisk = cls.new_switch("test_ast")
        cls.freeswitch = cls.new_switch("test_fs", "freeswitch_json")
        cls.new_endpoint(cls.user, "1001", switch_id=cls.asterisk.id)
        cls.new_endpoint(cls.user, "2001", switch_id=cls.freeswitch.id)

    def tearDown(self):
        self.assertConserved()
        super().tearDown()

    def load(self, data, switch=None, role=None):
        """Upload a file and import it."""
        data = data.encode() if isinstance(data, str) else data
        record = self.env["tier.usage.import"].create(
            {"name": "test.csv", "switch_id": (switch or self.asterisk).id, "data": base64.b64encode(data)}
        )
        self.env.flush_all()
        with self.enter_registry_test_mode():
            (record.with_user(role) if role else record).action_import()
        self.env.invalidate_all()
        return record

    def assertCounts(self, record, records, charged, suspense=0, duplicate=0):
        self.assertRecordValues(
            record,
            [
                {
                    "state": "done",
                    "record_count": records,
                    "charged_count": charged,
                    "suspense_count": suspense,
                    "duplicate_count": duplicate,
                }
            ],
        )

    def events(self, record):
        return self.env["tier.usage.event"].search([("import_id", "=", record.id)], order="line")

    # ------------------------------------------------------------------
    # Whole files
    # ------------------------------------------------------------------

    def test_an_asterisk_file(self):
        record = self.load(asterisk(1) + asterisk(2, 0, minute=5) + asterisk(3, 61, minute=10))
        self.assertCounts(record, 3, 3)
        self.assertTrue(record.date)
        self.assertBalances(self.user, 97)
        events = self.events(record)
        self.assertEqual(events.mapped("line"), [1, 2, 3])
        self.assertRecordValues(
            events[0],
            [
                {
                    "switch_id": self.asterisk.id,
                    "wallet_id": self.user.id,
                    "callee": "030123456",
                    "number": "4930123456",
                    "started_at": datetime(2026, 11, 20, 10),
                    "answered_at": datetime(2026, 11, 20, 10),
                    "ended_at": datetime(2026, 11, 20, 10, 1),
                    "quantity": 60,
                    "disposition": "answered",
                    "company_id": self.company.id,
                    "raw": asterisk(1).strip(),
                }
            ],
        )
        self.assertTrue(events[0].source_key.startswith("test_ast:1795168800.1/"))
        self.assertEqual(events[0].session_key, "test_ast:1795168800.1")
        self.assertEqual(record.action_events()["domain"], [("import_id", "=", record.id)])

    def test_a_freeswitch_file(self):
        record = self.load("\n".join(freeswitch(n, n * 30) for n in range(4)), self.freeswitch)
        self.assertCounts(record, 4, 4)
        self.assertBalances(self.user, 96)
        self.assertEqual(self.events(record).mapped("quantity"), [0, 30, 60, 90])

    def test_the_switchs_time_zone(self):
        self.asterisk.tz = "Europe/Berlin"
        record = self.load(asterisk(1))
        self.assertEqual(self.events(record).started_at, datetime(2026, 11, 20, 9))

    def test_the_switchs_dial_plan(self):
        self.asterisk.write({"country_prefix": "44", "international_prefix": "011"})
        record = self.load(asterisk(1, callee="0114930123456") + asterisk(2, callee="0207946000", minute=5))
        self.assertEqual(self.events(record).mapped("number"), ["4930123456", "44207946000"])

    def test_broken_lines_wait_with_their_line(self):
        good = asterisk(1)
        broken = [
            "not a record\n",
            good.replace("ANSWERED", "DANCED"),
            good.replace('"60","60"', '"60","-60"'),
            good.replace('"60","60"', '"60","9999"'),
            good.replace("2026-11-20 10:01:00", "2026-13-20 10:01:00"),
            good.replace('"030123456"', '""'),
        ]
        record = self.load(good + "".join(broken) + asterisk(2, minute=5))
        self.assertCounts(record, 8, 2, suspense=6)
        waiting = self.events(record).filtered(lambda event: event.state == "suspense")
        self.assertEqual(waiting.mapped("line"), [2, 3, 4, 5, 6, 7])
        self.assertEqual(set(waiting.mapped("reason")), {"bad_record"})
        self.assertIn("1 columns", waiting[0].detail)
        self.assertIn("DANCED", waiting[1].detail)
        self.assertEqual(waiting[0].raw, "not a record")
        self.assertFalse(waiting.charge_ids)
        again = self.load(good + "".join(broken) + asterisk(2, minute=5))
        self.assertCounts(again, 8, 0, duplicate=8)

    def test_broken_json_waits_with_its_line(self):
        lines = [freeswitch(1), '{"variables": {"uuid": "cut', freeswitch(2), "[1, 2]", freeswitch(3)]
        record = self.load("\n".join(lines), self.freeswitch)
        self.assertEqual(record.charged_count, 3)
        waiting = self.events(record).filtered(lambda event: event.state == "suspense")
        self.assertEqual(set(waiting.mapped("reason")), {"bad_record"})
        self.assertIn(2, waiting.mapped("line"))
        self.assertEqual(record.record_count, record.charged_count + record.suspense_count)

    def test_unknown_callers_and_no_rates(self):
        record = self.load(asterisk(1, account="1002").replace("1001", "1002") + asterisk(2, callee="0033123456789"))
        self.assertCounts(record, 2, 0, suspense=2)
        self.assertEqual(self.events(record).mapped("reason"), ["unknown_account", "no_rate"])

    # ------------------------------------------------------------------
    # Again
    # ------------------------------------------------------------------

    def test_the_same_file_twice(self):
        data = asterisk(1) + asterisk(2, minute=5)
        self.load(data)
        with self.assertNothingMoves():
            self.assertCounts(self.load(data), 2, 0, duplicate=2)
        self.assertBalances(self.user, 98)

    def test_the_same_upload_twice(self):
        record = self.load(asterisk(1))
        with self.enter_registry_test_mode(), self.assertNothingMoves():
            record.action_import()
        self.assertBalances(self.user, 99)

    def test_overlapping_files(self):
        lines = [asterisk(n, minute=n) for n in range(6)]
        self.load("".join(lines[:4]))
        self.assertCounts(self.load("".join(lines[2:])), 4, 2, duplicate=2)
        self.assertBalances(self.user, 94)

    def test_a_line_twice_in_a_file(self):
        self.assertCounts(self.load(asterisk(1) * 2 + asterisk(2, minute=5)), 3, 2, duplicate=1)

    def test_the_same_record_of_another_switch(self):
        """Two switches may count alike: they are two calls."""
        other = self.new_switch("test_ast2")
        self.new_endpoint(self.user, "1001", switch_id=other.id)
        self.load(asterisk(1))
        self.assertCounts(self.load(asterisk(1), other), 1, 1)
        self.assertBalances(self.user, 98)

    def test_many_batches(self):
        lines = "".join(asterisk(n, 1, minute=n % 50) for n in range(25))
        told = []
        with patch.object(charging, "BATCH", 10), self.enter_registry_test_mode():
            record = self.env["tier.usage.import"].create({"name": "many", "switch_id": self.asterisk.id})
            outcome = record._import_stream(io.BytesIO(lines.encode()), told.append)
        self.assertEqual(told, [10, 20, 25])
        self.assertEqual(outcome.charged, 25)
        self.assertCounts(record, 25, 25)

    # ------------------------------------------------------------------
    # What is no such file
    # ------------------------------------------------------------------

    def test_no_file(self):
        record = self.env["tier.usage.import"].create({"name": "none", "switch_id": self.asterisk.id})
        with self.assertRaisesRegex(UserError, "Choose a file"):
            record.action_import()

    def test_an_empty_file(self):
        with self.enter_registry_test_mode():
            record = self.env["tier.usage.import"].create({"name": "empty", "switch_id": self.asterisk.id})
            record._import_stream(io.BytesIO())
        self.assertCounts(record, 0, 0)

    def test_the_wrong_format(self):
        """Nothing is charged, nothing is lost, and each line tells why it waits."""
        record = self.load("\n".join(freeswitch(n) for n in range(3)), self.asterisk)
        self.assertCounts(record, 3, 0, suspense=3)
        record = self.load(asterisk(1) + asterisk(2), self.freeswitch)
        self.assertEqual(record.charged_count, 0)
        self.assertGreater(record.suspense_count, 0)
        record = self.load(bytes(range(256)) * 20, self.asterisk)
        self.assertEqual((record.state, record.charged_count), ("done", 0))
        self.assertBalances(self.user, 100)

    # ------------------------------------------------------------------
    # What no check foresaw
    # ------------------------------------------------------------------

    def stub(self, position, **values):
        """Return ten records, one of them with odd values."""
        at = datetime(2026, 11, 20, 10, tzinfo=timezone.utc)
        records = [
            {
                "record_id": f"stub:{n}",
                "callee": "030123456",
                "start": at,
                "answer": at,
                "end": at,
                "quantity": Decimal(60),
                "accounts": (("sip_user", "1001"),),
                "disposition": "answered",
                "line": n,
                "raw": f"line {n}",
            }
            for n in range(1, 11)
        ]
        records[position].update(values)
        return patch.object(AsteriskCsv, "read", lambda *args: iter([UsageRecord(**row) for row in records]))

    def test_a_record_that_the_database_refuses(self):
        refused = Decimal("1e200000")  # more digits than a numeric has
        with (
            self.stub(6, quantity=refused, accounts=(("sip_user", "nobody"),)),
            mute_logger("odoo.sql_db", "odoo.addons.tier_rating.models.tier_usage_import"),
        ):
            record = self.load("x")
        self.assertCounts(record, 10, 9, suspense=1)
        waiting = self.events(record).filtered(lambda event: event.state == "suspense")
        self.assertEqual((waiting.line, waiting.reason, waiting.raw), (7, "bad_record", "line 7"))
        self.assertBalances(self.user, 91)

    def test_records_that_nobody_foresaw(self):
        """Whatever one record is, the other nine are charged."""
        odd = (
            {"quantity": Decimal("NaN")},
            {"quantity": Decimal("1e50")},
            {"quantity": Decimal(10) ** 17},
            {"q850": 2**40, "sip_code": 2**40, "source_port": -(2**40)},
            {"raw": "a\0b"},
            {"user_agent": "a\0b"},
            {"callee": "\ud800"},
            {"cause": "x" * 100_000},
            {"start": datetime(1, 1, 1, tzinfo=timezone.utc)},
            {"disposition": "danced"},
        )
        for number, values in enumerate(odd):
            switch = self.new_switch(f"test_odd_{number}")
            self.new_endpoint(self.user, "1001", switch_id=switch.id)
            with (
                self.subTest(", ".join(values), number=number),
                mute_logger("odoo.sql_db", "odoo.addons.tier_rating.models.tier_usage_import"),
                self.stub(4, **values),
            ):
                record = self.load("x", switch)
                self.assertEqual((record.record_count, record.duplicate_count), (10, 0))
                self.assertGreaterEqual(record.charged_count, 9)
                self.assertEqual(record.charged_count + record.suspense_count, 10)

    def test_a_database_that_is_down_is_no_bad_record(self):
        with (
            self.stub(0),
            patch.object(type(self.env["tier.usage.event"]), "_charge", side_effect=psycopg2.OperationalError),
            self.assertRaises(psycopg2.OperationalError),
        ):
            self.load("x")

    # ------------------------------------------------------------------
    # From disk, and who may
    # ------------------------------------------------------------------

    def test_a_file_from_disk(self):
        path = file_path("tier_rating/demo/files/switch_asterisk_Master.csv")
        with self.enter_registry_test_mode():
            record = self.env["tier.usage.import"]._import_file(self.asterisk, path)
        self.env.invalidate_all()
        self.assertEqual((record.name, record.state), ("switch_asterisk_Master.csv", "done"))
        self.assertGreater(record.charged_count, 0)

    def test_a_billing_user_imports(self):
        self.assertCounts(self.load(asterisk(1), role=self.staff("user")), 1, 1)

    def test_an_auditor_charges_nothing(self):
        """The charge would be committed on its own, ahead of the write that fails."""
        with (
            patch.object(type(self.env["tier.usage.event"]), "_charge") as charge,
            self.assertRaises(AccessError),
        ):
            self.load(asterisk(1), role=self.staff("auditor"))
        charge.assert_not_called()
