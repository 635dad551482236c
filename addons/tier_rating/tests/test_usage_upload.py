import base64
import io
import tracemalloc
from unittest.mock import patch

import psycopg2

from odoo.exceptions import UserError
from odoo.http import Request
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from .. import charging
from ..models import tier_usage_import_file as module
from ..models import tier_usage_import_run as run
from .common import RatingBuilder
from .test_usage_import import asterisk


@tagged("post_install", "-at_install")
class TestUsageUpload(RatingBuilder, HttpCase):
    """Large files: kept without holding them in memory, imported by the scheduled action, charged once."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_selling_chain()
        cls.user._topup(100, "upload:funds")
        cls.new_endpoint(cls.user, "1001")
        cls.switch = cls.new_switch("test_upload")
        cls.staff = new_test_user(cls.env, "staff_upload", groups="tier_billing.group_tier_user")
        cls.body = "".join(asterisk(number, minute=5 * number) for number in range(3)).encode()

    def new_import(self, body=None):
        values = {"name": "Master.csv", "switch_id": self.switch.id}
        record = self.env["tier.usage.import"].create(values)
        record._keep(io.BytesIO(self.body if body is None else body))
        return record

    def run_cron(self):
        self.env.flush_all()
        with patch.object(type(self.env["ir.cron"]), "_commit_progress"):
            self.env["tier.usage.import"]._cron_import()
        self.env.invalidate_all()

    def test_what_is_kept_is_the_file(self):
        record = self.new_import()
        self.assertEqual(base64.b64decode(record.data), self.body)
        with record._open_data() as stream:
            self.assertEqual(stream.read(), self.body)
        again = self.new_import()
        self.assertEqual(again._attachment().store_fname, record._attachment().store_fname)

    def test_a_large_file_is_never_whole_in_memory(self):
        body = io.BytesIO(b"x" * 40_000_000)
        record = self.env["tier.usage.import"].create({"name": "x", "switch_id": self.switch.id})
        tracemalloc.start()
        try:
            record._keep(body)
            with record._open_data() as stream:
                self.assertEqual(len(stream.read(10)), 10)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        self.assertLess(peak, 8_000_000)
        self.assertEqual(record._attachment().file_size, 40_000_000)

    def test_a_small_file_is_imported_at_once_and_a_large_one_by_the_scheduled_action(self):
        small, large = self.new_import(), self.new_import()
        small.action_import()
        self.assertEqual((small.state, small.charged_count), ("done", 3))
        with patch.object(module, "LARGE_BYTES", 10):
            large.action_import()
        self.assertEqual(large.state, "queued")
        self.run_cron()
        self.assertEqual((large.state, large.charged_count, large.duplicate_count), ("done", 0, 3))
        self.assertBalances(self.user, 97)

    def test_progress_is_told(self):
        record = self.new_import()
        record._queue()
        told = []
        write = type(record).write

        def noted(records, values):
            told.append((values.get("progress"), values.get("record_count")))
            return write(records, values)

        batch, every = patch.object(charging, "BATCH", 1), patch.object(run, "TELL_EVERY_S", 0)
        with batch, every, patch.object(type(record), "write", noted):
            self.run_cron()
        # A batch is read ahead.
        self.assertEqual(told, [(None, 0), (66, 1), (66, 2), (99, 3), (None, 3)])

    def test_a_lost_database_leaves_it_waiting(self):
        record = self.new_import()
        record._queue()
        charge = patch.object(type(record), "_charge_batch", side_effect=psycopg2.OperationalError)
        with charge, patch.object(self.env.cr, "rollback"), mute_logger(module.__name__):
            self.run_cron()
        self.assertEqual(record.state, "queued")
        self.run_cron()
        self.assertEqual((record.state, record.charged_count), ("done", 3))

    def test_no_file(self):
        record = self.env["tier.usage.import"].create({"name": "x", "switch_id": self.switch.id})
        with self.assertRaises(UserError):
            record.action_import()

    def upload(self, login, body=None, switch=None, token=None):
        self.authenticate(login, login)
        self.env.flush_all()
        data = {
            "csrf_token": Request.csrf_token(self) if token is None else token,
            "switch_id": (switch or self.switch).id,
        }
        files = {"ufile": ("Master.csv", io.BytesIO(self.body if body is None else body))}
        answer = self.url_open("/tier/usage/upload", data=data, files=files)
        self.env.invalidate_all()
        return answer

    def test_from_the_browser(self):
        answer = self.upload("staff_upload")
        self.assertEqual(answer.status_code, 200, answer.text)
        record = self.env["tier.usage.import"].browse(answer.json()["id"])
        self.assertEqual((record.name, record.state), ("Master.csv", "queued"))
        self.run_cron()
        self.assertEqual((record.state, record.charged_count), ("done", 3))

    def test_it_takes_a_right(self):
        new_test_user(self.env, "auditor_upload", groups="tier_billing.group_tier_auditor")
        new_test_user(self.env, "portal_upload", groups="base.group_portal")
        for login in ("auditor_upload", "portal_upload"):
            with mute_logger("odoo.addons.base.models.ir_model", "odoo.addons.base.models.ir_rule"):
                self.assertEqual(self.upload(login).status_code, 403)
        with mute_logger("odoo.http"):
            self.assertEqual(self.upload("staff_upload", token="").status_code, 400)
        self.assertFalse(self.env["tier.usage.import"].search([("switch_id", "=", self.switch.id)]))

    def test_no_such_switch(self):
        other = self.switch.copy({"code": "test_gone"})
        gone = other.browse(other.id)
        self.env["tier.switch"].browse(other.id).unlink()
        self.assertEqual(self.upload("staff_upload", switch=gone).status_code, 404)
