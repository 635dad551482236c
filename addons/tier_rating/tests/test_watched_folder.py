import os
import shutil
import tempfile
import time
from pathlib import Path
from unittest.mock import patch

import psycopg2

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from ..intake import folder
from .common import TierRatingCase
from .test_usage_import import asterisk

MODULE = "odoo.addons.tier_rating.models.tier_switch_folder"


@tagged("post_install", "-at_install")
class TestWatchedFolder(TierRatingCase):
    """Files that arrive by themselves: imported whole, once, and put away."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_selling_chain()
        cls.user._topup(100, "folder:funds")
        cls.new_endpoint(cls.user, "1001")
        cls.switch = cls.new_switch("test_folder", folder="berlin")

    def setUp(self):
        super().setUp()
        self.base = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.base)
        self.root = self.base / "root"
        self.where = self.root / "berlin"
        self.where.mkdir(parents=True)
        root = patch.object(type(self.switch), "_ingest_root", lambda switch: str(self.root))
        self.startPatcher(root)

    def put(self, name, content, age=3600):
        """Put a file into the folder that was last written so many seconds ago."""
        path = self.where / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        os.utime(path, (time.time() - age,) * 2)
        return path

    def take(self, switch=None):
        self.env.flush_all()
        with self.enter_registry_test_mode():
            count = (switch or self.switch)._take_files()
        self.env.invalidate_all()
        return count

    def here(self, name="."):
        """Return the names of the plain files in the folder, or one below it."""
        found = self.where / name
        return sorted(path.name for path in found.iterdir() if path.is_file()) if found.exists() else []

    def test_a_file_is_imported_and_put_away(self):
        self.put("a.csv", asterisk(1) + asterisk(2, minute=5))
        self.assertEqual(self.take(), 1)
        self.assertBalances(self.user, 98)
        self.assertEqual((self.here(), self.here("done")), ([], ["a.csv"]))
        record = self.env["tier.usage.import"].search([("switch_id", "=", self.switch.id)])
        self.assertRecordValues(record, [{"name": "a.csv", "state": "done", "charged_count": 2}])
        self.assertEqual(self.take(), 0)

    def test_the_same_name_again_replaces_nothing(self):
        self.put("a.csv", asterisk(1))
        self.take()
        self.put("a.csv", asterisk(1) + asterisk(2, minute=5))
        self.take()
        self.assertEqual(self.here("done"), ["a.1.csv", "a.csv"])
        self.assertBalances(self.user, 98)

    def test_the_wrong_format_goes_to_failed(self):
        self.put("a.csv", "hello\nworld\n")
        self.put("b.csv", "hello\n" + asterisk(1))
        self.assertEqual(self.take(), 2)
        self.assertEqual((self.here("failed"), self.here("done")), (["a.csv"], ["b.csv"]))
        record = self.env["tier.usage.import"].search([("switch_id", "=", self.switch.id), ("name", "=", "a.csv")])
        self.assertEqual(record.unreadable_count, 2)
        self.assertIn("Line 1: ", record.problem)

    def test_half_written_files_are_left_alone(self):
        self.put("young.csv", asterisk(1), age=1)
        self.put("empty.csv", "")
        for name in (".hidden", "a.csv.part", "b.tmp", "c.csv~", "d.filepart", "e.swp"):
            self.put(name, asterisk(1))
        (self.where / "subfolder.csv").mkdir()
        with open(self.put("open.csv", asterisk(1)), "ab"):
            self.assertEqual(self.take(), 0)
        self.assertBalances(self.user, 100)
        self.assertEqual(self.take(), 1)  # open.csv was closed
        self.assertEqual(self.here("done"), ["open.csv"])

    def test_a_file_that_grows_while_it_is_read_stays(self):
        path = self.put("a.csv", asterisk(1))
        charge = type(self.env["tier.usage.import"])._run_watched

        def grows(imports, *args):
            record = charge(imports, *args)
            with open(path, "ab") as stream:
                stream.write(asterisk(2, minute=5).encode())
            return record

        with patch.object(type(self.env["tier.usage.import"]), "_run_watched", grows):
            self.assertEqual(self.take(), 0)
        os.utime(path, (0, 0))
        self.assertEqual(self.take(), 1)
        self.assertBalances(self.user, 98)

    def test_a_file_that_is_replaced_while_it_is_read_stays(self):
        path = self.put("a.csv", asterisk(1))
        charge = type(self.env["tier.usage.import"])._run_watched

        def replaced(imports, *args):
            record = charge(imports, *args)
            other = self.put("b.part", asterisk(2, minute=5))
            os.replace(other, path)
            return record

        with patch.object(type(self.env["tier.usage.import"]), "_run_watched", replaced):
            self.assertEqual(self.take(), 0)
        self.assertEqual(self.take(), 1)
        self.assertBalances(self.user, 98)

    def test_links_are_not_followed(self):
        secret = self.base / "secret.csv"
        secret.write_text(asterisk(1))
        os.utime(secret, (0, 0))
        (self.where / "a.csv").symlink_to(secret)
        os.mkfifo(self.where / "pipe.csv")
        os.utime(self.where / "pipe.csv", (0, 0))
        self.assertEqual(self.take(), 0)
        with folder.opened(self.where, "a.csv") as stream:
            self.assertIsNone(stream)
        with folder.opened(self.where, "pipe.csv") as stream:
            self.assertIsNone(stream)
        (self.where / "done").symlink_to(self.base)
        self.put("b.csv", asterisk(2))
        with self.assertRaises(folder.FolderError):
            self.take()
        self.assertFalse((self.base / "b.csv").exists())

    def test_folders_outside_of_the_allowed_one(self):
        for name in ("..", "../x", "/etc", "a/../../b", "a//b", ".", "./a", "~", "a\\..\\b", "a\n", "a/"):
            with self.subTest(name=name), self.assertRaises(ValidationError):
                self.switch.write({"folder": name})
            self.assertFalse(folder.is_name(name))
        (self.base / "outside").mkdir()
        (self.root / "way_out").symlink_to(self.base / "outside")
        (self.root / "itself").symlink_to(self.root)
        for name in ("way_out", "itself", "nowhere"):
            self.switch.folder = name
            with self.subTest(name=name), self.assertRaises(folder.FolderError):
                self.take()
            with self.subTest(name=name), self.assertRaises(UserError):
                self.switch.action_watch_folder()

    def test_the_cron_goes_on_after_a_bad_folder(self):
        self.new_switch("test_folder_0", folder="aaa_nowhere", name="AAA")
        self.put("a.csv", asterisk(1))
        self.env.flush_all()
        commit = patch.object(type(self.env["ir.cron"]), "_commit_progress")
        with commit, self.enter_registry_test_mode(), self.assertLogs(MODULE, "WARNING") as log:
            self.env["tier.switch"]._cron_watch_folders()
        self.assertIn("aaa_nowhere", "".join(log.output))
        self.env.invalidate_all()
        self.assertBalances(self.user, 99)

    def test_a_database_that_is_down_is_no_bad_file(self):
        self.put("a.csv", asterisk(1))
        down = patch.object(
            type(self.env["tier.usage.event"]), "_charge", side_effect=psycopg2.errors.SerializationFailure
        )
        with down, self.assertRaises(psycopg2.OperationalError):
            self.take()
        self.assertEqual(self.here(), ["a.csv"])
        self.assertEqual(self.take(), 1)
        self.assertBalances(self.user, 99)

    def test_who_may(self):
        groups = self.env.ref("tier_billing.group_tier_user")
        clerk = self.env["res.users"].create({"name": "c", "login": "folder_c", "group_ids": [(6, 0, groups.ids)]})
        with self.assertRaises(AccessError):
            self.switch.with_user(clerk).action_watch_folder()
        with self.assertRaises(AccessError):
            self.switch.with_user(clerk).folder = "elsewhere"
