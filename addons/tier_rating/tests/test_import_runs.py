import io
import os
import shutil
import tempfile
import time
from pathlib import Path
from unittest.mock import patch

import psycopg2

from odoo.tests import tagged
from odoo.tools import config, mute_logger

from odoo.addons.base.models.ir_cron import MIN_TIME_PER_JOB

from .. import charging
from ..adapters import registry
from ..charging import reader
from ..charging.alone import alone
from ..charging.shift import Shift
from ..models import tier_usage_import_run as module
from .common import TierRatingCase
from .test_usage_import import asterisk

FILES = "odoo.addons.tier_rating.models.tier_usage_import_file"


class _Batches:
    """A shift of so many batches."""

    def __init__(self, count):
        self.left = count
        self.prolonged = None

    def is_over(self):
        self.left -= 1
        return self.left <= 0

    def prolong(self, seconds):
        self.prolonged = seconds


@tagged("post_install", "-at_install")
class TestImportRuns(TierRatingCase):
    """A long file in several runs: each record once, counts and outcome as if it were one run."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_selling_chain()
        cls.user._topup(100, "runs:funds")
        cls.new_endpoint(cls.user, "1001")
        cls.switch = cls.new_switch("test_runs", folder="runs")
        # Of ten records the third can be read by nobody, the fifth is the fourth once more, the eighth has no payer.
        lines = [asterisk(number, minute=5 * number) for number in range(10)]
        lines[2], lines[4] = "hello\n", lines[3]
        lines[7] = lines[7].replace("1001", "1999")
        cls.body = "".join(lines).encode()
        cls.outcome = {
            "state": "done",
            "record_count": 10,
            "charged_count": 7,
            "suspense_count": 2,
            "duplicate_count": 1,
            "unreadable_count": 1,
        }

    def setUp(self):
        super().setUp()
        self.startPatcher(patch.object(charging, "BATCH", 1))
        self.startPatcher(patch.object(module, "TELL_EVERY_S", 0))
        self.base = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.base)
        self.where = self.base / "runs"
        self.where.mkdir()
        self.startPatcher(patch.object(type(self.switch), "_ingest_root", lambda switch: str(self.base)))

    def new_import(self, body=None):
        record = self.env["tier.usage.import"].create({"name": "Master.csv", "switch_id": self.switch.id})
        record._keep(io.BytesIO(self.body if body is None else body))
        record._queue()
        return record

    def put(self, body=None, age=3600):
        path = self.where / "Master.csv"
        path.write_bytes(self.body if body is None else body)
        os.utime(path, (time.time() - age,) * 2)
        return path

    def run_import(self, record, batches):
        """Let a run of so many batches be."""
        self.env.flush_all()
        with self.enter_registry_test_mode():
            record._import_queued(_Batches(batches))
        self.env.invalidate_all()

    def take(self, batches):
        self.env.flush_all()
        with self.enter_registry_test_mode():
            count = self.switch._take_files(_Batches(batches))
        self.env.invalidate_all()
        return count

    def watched(self):
        return self.env["tier.usage.import"].search([("switch_id", "=", self.switch.id)])

    def events(self):
        return self.env["tier.usage.event"].search_count([("switch_id", "=", self.switch.id)])

    # ------------------------------------------------------------------
    # In parts
    # ------------------------------------------------------------------

    def test_runs_add_up(self):
        record = self.new_import()
        for done in (3, 6, 9):
            self.run_import(record, 3)
            self.assertEqual((record.state, record.record_count), ("queued", done))
        self.run_import(record, 3)
        self.assertRecordValues(record, [self.outcome])
        self.assertIn("Line 3: ", record.problem)
        self.assertFalse(record.resume or record.note)
        self.assertEqual(self.events(), 9)
        self.assertBalances(self.user, 93)

    def test_what_is_done_is_not_asked_for_again(self):
        record = self.new_import()
        self.run_import(record, 6)
        asked = []
        known = charging.settle._known

        def spied(env, keys):
            asked.extend(keys)
            return known(env, keys)

        with patch.object(charging.settle, "_known", spied):
            self.run_import(record, 100)
        self.assertEqual(len(asked), 4)
        self.assertRecordValues(record, [self.outcome])

    def test_a_process_reads_a_file_once(self):
        record, read = self.new_import(), []
        adapter = registry.get("asterisk_csv")
        usual = adapter.read

        def spied(stream, options=None):
            for number, line in enumerate(usual(stream, options)):
                read.append(number)
                yield line

        with patch.object(adapter, "read", spied):
            for _run in range(4):
                self.run_import(record, 3)
        self.assertEqual(read, list(range(10)))
        self.assertRecordValues(record, [self.outcome])
        self.assertNotIn((self.env.cr.dbname, record.id), reader._kept)

    def test_two_processes_by_turns(self):
        record = self.new_import()
        self.run_import(record, 2)
        key = (self.env.cr.dbname, record.id)
        first = reader._kept.pop(key)
        self.run_import(record, 3)
        self.assertEqual((record.record_count, reader._kept[key][1].count), (5, 5))
        reader._kept[key] = first
        self.run_import(record, 2)
        self.assertEqual(record.record_count, 7)
        self.run_import(record, 100)
        self.assertRecordValues(record, [self.outcome])

    def test_few_files_are_kept_open(self):
        streams = [io.BytesIO() for _number in range(reader.MOST + 1)]
        with patch.dict(reader._kept, clear=True):
            for number, stream in enumerate(streams):
                reader.keep(number, "as it is", reader.Reader(stream, iter(())))
            self.assertEqual([stream.closed for stream in streams], [True] + [False] * reader.MOST)
            self.assertIsNone(reader.kept(1, "another", 0))
            self.assertTrue(streams[1].closed)
            self.assertIs(reader.kept(2, "as it is", 0).stream, streams[2])
            self.assertIsNone(reader.kept(2, "as it is", 0))

    def test_a_shift_is_as_long_as_it_took_to_get_there(self):
        record, shift = self.new_import(), _Batches(3)
        self.env.flush_all()
        with self.enter_registry_test_mode():
            record._import_queued(shift)
            self.assertIsNone(shift.prolonged)
            reader._kept.clear()  # another process
            shift = _Batches(3)
            record._import_queued(shift)
        self.assertGreater(shift.prolonged, 0)

    def test_a_file_that_ends_with_the_shift(self):
        record = self.new_import()
        self.run_import(record, 10)
        self.assertEqual((record.state, record.record_count), ("queued", 10), "nobody has seen the end")
        self.run_import(record, 1)
        self.assertRecordValues(record, [self.outcome])

    # ------------------------------------------------------------------
    # Kills and lost databases
    # ------------------------------------------------------------------

    def die(self, record, after):
        """Let a process die after so many batches, of which the last ones were not noted."""
        charge, calls = type(record)._charge_batch, []

        def mortal(records, batch, turn=None):
            if len(calls) == after:
                raise KeyboardInterrupt
            calls.append(batch)
            return charge(records, batch, turn)

        self.env.flush_all()
        with (
            self.enter_registry_test_mode(),
            patch.object(type(record), "_charge_batch", mortal),
            self.assertRaises(KeyboardInterrupt),
        ):
            record._import_queued()
        self.env.invalidate_all()

    def test_a_kill_before_the_note_counts_nothing_twice(self):
        for noted in (0, 3):
            for after in range(1, 8 - noted):
                with self.subTest(noted=noted, after=after), self.env.cr.savepoint() as savepoint:
                    record = self.new_import()
                    if noted:
                        self.run_import(record, noted)
                    with patch.object(module, "TELL_EVERY_S", 1000):
                        self.die(record, after)
                    self.assertEqual((record.state, record.record_count), ("queued", noted))
                    self.run_import(record, 2)
                    self.assertGreaterEqual(record.duplicate_count, 0)
                    self.run_import(record, 100)
                    self.assertRecordValues(record, [self.outcome])
                    self.assertEqual(self.events(), 9)
                    self.assertBalances(self.user, 93)
                    savepoint.rollback()

    def test_two_kills(self):
        record = self.new_import()
        with patch.object(module, "TELL_EVERY_S", 1000):
            self.die(record, 4)
            self.die(record, 6)
        self.run_import(record, 100)
        self.assertRecordValues(record, [self.outcome])

    def test_a_lost_database_keeps_what_was_done(self):
        record = self.new_import()
        charge, calls = type(record)._charge_batch, []

        def lost(records, batch, turn=None):
            calls.append(batch)
            if len(calls) == 5:
                raise psycopg2.OperationalError
            return charge(records, batch, turn)

        self.env.flush_all()
        with (
            self.enter_registry_test_mode(),
            patch.object(module, "TELL_EVERY_S", 1000),
            patch.object(type(record), "_charge_batch", lost),
            patch.object(self.env.cr, "rollback"),
            mute_logger(FILES),
        ):
            record._import_queued()
        self.env.invalidate_all()
        self.assertEqual((record.state, record.record_count), ("queued", 4))
        self.run_import(record, 100)
        self.assertRecordValues(record, [self.outcome])

    # ------------------------------------------------------------------
    # Files that change, go, or are read by two
    # ------------------------------------------------------------------

    def test_a_changed_way_to_read_begins_anew(self):
        record = self.new_import()
        self.run_import(record, 4)
        other = asterisk(20, minute=3) + asterisk(21, minute=4)
        record.data = False
        record._keep(io.BytesIO(other.encode()))
        self.run_import(record, 100)
        self.assertIn("after 4 records", record.note)
        self.assertRecordValues(record, [{"state": "done", "record_count": 2, "charged_count": 2}])
        self.assertFalse(record.problem)

    def test_a_watched_file_is_put_away_at_its_end(self):
        path = self.put()
        for done in (4, 8):
            self.assertEqual(self.take(4), 0)
            self.assertTrue(path.exists())
            self.assertRecordValues(self.watched(), [{"state": "queued", "record_count": done, "is_watched": True}])
        self.assertEqual(self.take(4), 1)
        self.assertFalse(path.exists())
        self.assertTrue((self.where / "done" / "Master.csv").exists())
        self.assertRecordValues(self.watched(), [self.outcome])

    def test_a_watched_file_without_a_record_goes_to_failed(self):
        self.put(b"hello\nworld\nand more\n")
        self.assertEqual(self.take(2), 0)
        self.assertEqual(self.take(2), 1)
        self.assertTrue((self.where / "failed" / "Master.csv").exists())
        self.assertRecordValues(self.watched(), [{"record_count": 3, "unreadable_count": 3}])

    def test_a_watched_file_that_grew_is_read_again(self):
        self.put()
        self.take(4)
        self.put(self.body + asterisk(30, minute=2).encode())
        self.take(100)
        record = self.watched()
        self.assertIn("after 4 records", record.note)
        self.assertRecordValues(
            record, [{"state": "done", "record_count": 11, "charged_count": 5, "duplicate_count": 5}]
        )
        self.assertEqual(self.events(), 10)
        self.assertBalances(self.user, 92)

    def test_a_kill_after_a_change(self):
        self.put()
        self.take(4)
        self.put(self.body + asterisk(30, minute=2).encode())
        with patch.object(module, "TELL_EVERY_S", 1000):
            charge, calls = type(self.watched())._charge_batch, []

            def mortal(records, batch, turn=None):
                calls.append(batch)
                if len(calls) == 8:
                    raise KeyboardInterrupt
                return charge(records, batch, turn)

            with patch.object(type(self.watched()), "_charge_batch", mortal), self.assertRaises(KeyboardInterrupt):
                self.take(100)
        self.take(100)
        self.assertRecordValues(
            self.watched(), [{"state": "done", "record_count": 11, "charged_count": 5, "duplicate_count": 5}]
        )

    def test_a_watched_file_that_is_taken_away(self):
        path = self.put()
        self.take(4)
        path.unlink()
        self.env.flush_all()
        with self.enter_registry_test_mode():
            self.assertFalse(self.env["tier.switch"]._leave_gone_files())
        self.env.invalidate_all()
        self.assertRecordValues(self.watched(), [{"state": "done", "record_count": 4, "charged_count": 3}])
        self.assertIn("not in the folder", self.watched().note)

    def test_a_folder_that_is_not_there_is_waited_for(self):
        self.put()
        self.take(4)
        self.where.rename(self.base / "elsewhere")
        with self.enter_registry_test_mode():
            self.assertEqual(self.env["tier.switch"]._leave_gone_files(), self.switch)
        (self.base / "elsewhere").rename(self.where)
        self.assertEqual(self.take(100), 1)
        self.assertRecordValues(self.watched(), [self.outcome])

    def test_one_at_a_time(self):
        record = self.new_import()
        name = f"tier.usage.import:{record.id}"
        with self.registry_connection() as cr:
            cr.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [name])
            self.run_import(record, 100)
            self.assertEqual((record.state, record.record_count), ("queued", 0))
            cr.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])
        self.run_import(record, 100)
        self.assertRecordValues(record, [self.outcome])

    def registry_connection(self):
        """A connection of its own, which no test's transaction wraps."""
        from odoo.sql_db import db_connect

        return db_connect(self.env.cr.dbname).cursor()

    def test_the_lock_goes_with_the_block(self):
        name = "test_runs:lock"
        with alone(self.env.registry, name) as is_ours:
            self.assertTrue(is_ours)
        with self.registry_connection() as cr:
            cr.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name])
            self.assertTrue(cr.fetchone()[0])
            with alone(self.env.registry, name) as is_ours:
                self.assertFalse(is_ours)
            cr.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])

    # ------------------------------------------------------------------
    # The scheduler
    # ------------------------------------------------------------------

    def run_job(self, cron, batches=4):
        """Let the scheduler run an action as it does, a shift of so many batches; return its status and how often."""
        shifts = []

        def of(env):
            # The second time within a job its shift is over, as in life.
            over = bool(shifts)
            shifts.append(_Batches(0 if over else batches + 1))  # the action itself asks first
            return shifts[-1]

        self.env.flush_all()
        job = {"id": cron.id, "cron_name": cron.cron_name, "user_id": cron.user_id.id, "lastcall": None}
        job |= {"timed_out_counter": 0, "ir_actions_server_id": cron.ir_actions_server_id.id}
        with self.enter_registry_test_mode(), patch.object(Shift, "of", of):
            status = type(cron)._run_job(job)
        self.env.invalidate_all()
        return status, len(shifts)

    def test_the_scheduler_comes_again(self):
        cron, record = self.env.ref("tier_rating.ir_cron_usage_import"), self.new_import()
        self.env["tier.usage.import"].search([("state", "=", "queued"), ("id", "!=", record.id)]).state = "draft"
        triggers = self.env["ir.cron.trigger"].search_count([("cron_id", "=", cron.id)])
        with self.assertNoLogs("odoo.addons.base.models.ir_cron", "WARNING"):
            status, times = self.run_job(cron)
        self.assertEqual((status, times), ("partially done", 2))
        self.assertEqual(self.env["ir.cron.trigger"].search_count([("cron_id", "=", cron.id)]), triggers + 1)
        self.assertEqual(record.record_count, 4)
        self.assertEqual(self.run_job(cron)[0], "partially done")
        self.assertEqual(self.run_job(cron), ("fully done", 1))
        self.assertRecordValues(record, [self.outcome])

    def test_the_scheduler_comes_again_for_a_folder(self):
        cron = self.env.ref("tier_rating.ir_cron_watch_folders")
        self.env["tier.switch"].search([("id", "!=", self.switch.id)]).folder = False
        self.put()
        self.assertEqual(self.run_job(cron), ("partially done", 2))
        self.assertEqual(self.run_job(cron), ("partially done", 2))
        self.assertEqual(self.run_job(cron, 100), ("fully done", 1))
        self.assertRecordValues(self.watched(), [self.outcome])

    def test_a_long_file_does_not_hold_up_other_switches(self):
        self.env["tier.switch"].search([("id", "!=", self.switch.id)]).folder = False
        other = self.new_switch("test_runs_z", folder="runs_z", name="ZZZ")
        (self.base / "runs_z").mkdir()
        cron = self.env.ref("tier_rating.ir_cron_watch_folders")
        self.put()
        self.run_job(cron)
        path = self.base / "runs_z" / "short.csv"
        path.write_text(asterisk(40))
        os.utime(path, (0, 0))
        self.run_job(cron)
        self.assertFalse(path.exists())
        self.assertEqual(self.env["tier.usage.import"].search([("switch_id", "=", other.id)]).record_count, 1)

    def test_the_button_leaves_the_rest_to_the_scheduler(self):
        self.put()
        cron = self.env.ref("tier_rating.ir_cron_watch_folders")
        before = self.env["ir.cron.trigger"].search_count([("cron_id", "=", cron.id)])
        with self.enter_registry_test_mode(), patch.object(Shift, "is_over", lambda shift: True):
            action = self.switch.action_watch_folder()
        self.env.invalidate_all()
        self.assertIn("in the background", action["params"]["message"])
        self.assertEqual(self.env["ir.cron.trigger"].search_count([("cron_id", "=", cron.id)]), before + 1)
        self.assertEqual(self.watched().record_count, 1)

    # ------------------------------------------------------------------
    # How long
    # ------------------------------------------------------------------

    def seconds(self, **context):
        return Shift.of(self.env(context=context))._end - time.monotonic()

    def test_how_long_a_shift_is(self):
        parameters = self.env["ir.config_parameter"].sudo()
        with patch.dict(config.options, {"limit_time_real_cron": 0, "limit_time_real": 0}):
            self.assertAlmostEqual(self.seconds(), 180, delta=5)
            for value, seconds in (("30", 30), ("0", 180), ("x", 180), ("600", 600)):
                parameters.set_param("tier_rating.import_seconds", value)
                self.assertAlmostEqual(self.seconds(), seconds, delta=5)
        with patch.dict(config.options, {"limit_time_real_cron": -1, "limit_time_real": 120}):
            self.assertAlmostEqual(self.seconds(), 60, delta=5)
        with patch.dict(config.options, {"limit_time_real_cron": 300, "limit_time_real": 120}):
            self.assertAlmostEqual(self.seconds(), 150, delta=5)

    def test_it_counts_from_the_begin_of_the_job(self):
        with patch.dict(config.options, {"limit_time_real_cron": 0, "limit_time_real": 0}):
            begun = time.monotonic() - 100
            self.assertAlmostEqual(self.seconds(cron_end_time=begun + MIN_TIME_PER_JOB), 80, delta=5)

    def test_a_shift_is_prolonged_as_far_as_the_server_allows(self):
        shift = Shift(10, 30, time.monotonic() - 5)
        shift.prolong(1)
        self.assertAlmostEqual(shift._end - time.monotonic(), 5, delta=1)
        shift.prolong(15)
        self.assertAlmostEqual(shift._end - time.monotonic(), 15, delta=1)
        shift.prolong(100)
        self.assertAlmostEqual(shift._end - time.monotonic(), 25, delta=1)
        endless = Shift()
        endless.prolong(10)
        self.assertFalse(endless.is_over())
