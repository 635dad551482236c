import base64
import io
from datetime import date
from decimal import Decimal
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, tagged

from ..decks.reader import read
from ..decks.writer import WRITERS
from ..loading import exporting
from ..models import tier_deck_task
from ..wizards import tier_rate_import
from .test_deck import DATED, HEADER, DeckCase

ODD = "Angebot\nZielgebiet;Vorwahl;Tarif;Code\nDeutschland;49;0,0043;9\nWien;431;0,02;9\n"


class ScreenCase(DeckCase):
    def wizard(self, data, **values):
        values = {"price_list_id": self.list.id, "filename": "deck.csv", **values}
        return self.env["tier.rate.import"].create({**values, "data": base64.b64encode(data.encode())})

    def columns(self, wizard):
        return [(column.name, column.field) for column in wizard.column_ids]

    def deck_of(self, action):
        return self.env["tier.deck"].browse(action["res_id"])


@tagged("post_install", "-at_install")
class TestDeckScreens(ScreenCase):
    """From the dialog to a version that is compared and exported."""

    def test_columns_with_usual_names_are_found(self):
        wizard = self.wizard("Some Carrier\nCode,Destination,Rate,Remarks\n49,Germany,0.0043,x\n")
        wizard.action_columns()
        self.assertEqual(wizard.step, "columns")
        self.assertFalse(wizard.fault)
        self.assertEqual(
            self.columns(wizard),
            [("Code", "prefix"), ("Destination", "destination"), ("Rate", "price"), ("Remarks", False)],
        )
        self.assertEqual(wizard.column_ids[0].sample, "49")
        deck = self.deck_of(wizard.action_check())
        self.assertEqual((deck.state, deck.row_count, deck.name), ("checked", 1, "deck.csv"))

    def test_a_person_says_which_column_is_which_and_the_sender_remembers(self):
        sender = self.env["tier.deck.sender"].create({"name": "Odd Carrier", "full": True})
        wizard = self.wizard(ODD, sender_id=sender.id)
        wizard.action_columns()
        self.assertIn("no column", wizard.fault)
        self.assertEqual(wizard.full, True)
        self.assertEqual(self.columns(wizard)[3], ("Code", "prefix"))
        for name, field in (("Zielgebiet", "destination"), ("Vorwahl", "prefix"), ("Tarif", "price"), ("Code", False)):
            wizard.column_ids.filtered(lambda column, name=name: column.name == name).field = field
        deck = self.deck_of(wizard.action_check())
        self.assertEqual([(line.prefix, line.price) for line in deck.line_ids], [("49", 0.0043), ("431", 0.02)])
        self.assertEqual((deck.sender_id, deck.full), (sender, True))
        # The next deck needs nobody.
        second = self.wizard(ODD.replace("0,02", "0,03"), sender_id=sender.id)
        second.action_columns()
        self.assertFalse(second.fault)
        self.assertEqual(self.columns(second), self.columns(wizard))
        third = self.wizard(ODD, sender_id=sender.id)
        self.assertEqual(self.deck_of(third.action_check()).row_count, 2)
        self.assertEqual(sender.deck_count, 2)

    def test_the_sender_writes_in_another_way(self):
        sender = self.env["tier.deck.sender"].create({"name": "Odd Carrier"})
        sender.column_ids = [(0, 0, {"field": "prefix", "column": "Vorwahl"}), (0, 0, {"field": "blocked"})]
        wizard = self.wizard(HEADER + "49,Germany,1\n", sender_id=sender.id)
        wizard.action_columns()
        self.assertFalse(wizard.fault)
        self.assertEqual([column.field for column in wizard.column_ids], ["prefix", "destination", "price"])

    def test_the_needed_columns_must_be_known(self):
        wizard = self.wizard(ODD)
        wizard.action_columns()
        wizard.column_ids.field = False
        with self.assertRaisesRegex(UserError, "Prefix, Destination,? and Price"):
            wizard.action_check()

    def test_two_columns_cannot_be_the_same(self):
        wizard = self.wizard(ODD)
        wizard.action_columns()
        wizard.column_ids.field = "price"
        with self.assertRaises(UserError):
            wizard.action_check()

    def test_a_file_without_headings(self):
        wizard = self.wizard("49;Germany;0,01\n43;Austria;0,02\n", has_header=False)
        wizard.action_columns()
        for column, field in zip(wizard.column_ids, ("prefix", "destination", "price"), strict=True):
            column.field = field
        self.assertEqual(self.deck_of(wizard.action_check()).row_count, 2)

    def test_a_refused_deck_is_mapped_anew(self):
        wizard = self.wizard(ODD)
        deck = self.deck_of(wizard.action_check())
        self.assertEqual(deck.state, "refused")
        self.assertIn("no column", deck.problems)
        action = deck.action_map()
        self.assertFalse(deck.exists())
        again = self.env["tier.rate.import"].browse(action["res_id"])
        self.assertEqual(len(again.column_ids), 4)
        for column, field in zip(again.column_ids, ("destination", "prefix", "price", False), strict=True):
            column.field = field
        self.assertEqual(self.deck_of(again.action_check()).state, "checked")

    def test_check_again_after_the_rates_changed(self):
        deck = self.deck_of(self.wizard(HEADER + "49,Germany,1\n").action_check())
        self.load(HEADER + "49,Germany,2\n")
        with self.assertRaises(UserError):
            deck.action_import()
        deck.action_check_again()
        self.assertEqual(self.changes(deck), [("49", "down", "")])
        deck.action_import()

    def test_what_a_context_says_makes_no_checked_deck(self):
        Deck = self.env["tier.deck"].with_context(default_state="checked")
        deck = Deck.create({"price_list_id": self.list.id, "service_id": self.voice.id, "state": "imported"})
        self.assertEqual(deck.state, "waiting")
        with self.assertRaises(UserError):
            deck.action_import()

    def test_the_form_shows_few_lines(self):
        deck = self.check_deck(HEADER + "".join(f"{n},Place,1\n" for n in range(100, 200)))
        self.assertEqual(len(deck.notable_ids), 20)
        action = deck.with_context(tier_change="up").action_lines()
        self.assertEqual(action["context"], {"search_default_up": 1})

    # ------------------------------------------------------------------
    # In the background
    # ------------------------------------------------------------------

    def run_tasks(self):
        self.env.flush_all()
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            self.env(cr=cr)["tier.deck"]._cron_tasks()
        self.env.invalidate_all()

    def test_a_large_file_is_read_and_written_in_the_background(self):
        with (
            patch.object(tier_rate_import, "LARGEST_AT_ONCE", 10),
            patch.object(tier_deck_task, "MOST_AT_ONCE", 1),
            patch.object(tier_deck_task, "TELL_EVERY", 0),
        ):
            deck = self.deck_of(self.wizard(HEADER + "49,Germany,1\n43,Austria,2\n").action_check())
            self.assertEqual((deck.state, deck.task), ("waiting", "check"))
            self.run_tasks()
            self.assertEqual((deck.state, deck.task, deck.progress), ("checked", False, 100))
            deck.action_import()
            self.assertEqual((deck.state, deck.task), ("checked", "import"))
            self.assertFalse(self.rates())
            with self.assertRaises(UserError):
                deck.action_import()
            self.run_tasks()
        self.assertEqual((deck.state, len(self.rates())), ("imported", 2))

    def test_a_task_that_fails_tells_why(self):
        with patch.object(tier_rate_import, "LARGEST_AT_ONCE", 10):
            bad = self.deck_of(self.wizard(HEADER + "49x,Germany,1\n").action_check())
            self.run_tasks()
        self.assertEqual((bad.state, bad.task), ("refused", False))
        self.assertIn("digits only", bad.problems)
        deck = self.deck_of(self.wizard(HEADER + "49,Germany,1\n").action_check())
        self.load(HEADER + "49,Germany,2\n")
        deck._start("import")
        self.run_tasks()
        self.assertEqual((deck.state, deck.task), ("checked", False))
        self.assertIn("check it again", deck.problems)

    # ------------------------------------------------------------------
    # Versions
    # ------------------------------------------------------------------

    def test_two_versions_side_by_side(self):
        first = self.load(HEADER + "49,Germany,1\n43,Austria,2\n41,Switzerland,3\n")
        second = self.check_deck(HEADER + "49,Germany,1.2\n43,Austria,2\n33,France,4\n")
        context = second.action_compare()["context"]
        self.assertEqual(context["default_other_id"], first.id)
        wizard = self.env["tier.deck.compare"].with_context(**context).create({})
        found = self.env["tier.deck.difference"].search(wizard.action_compare()["domain"])
        self.assertEqual(
            [(row.prefix, row.change, row.old_price, row.price, row.percent) for row in found],
            [("33", "new", 0, 4, 0), ("41", "removed", 3, 0, 0), ("49", "up", 1, 1.2, 20)],
        )

    def test_an_exported_list_is_imported_again_unchanged(self):
        self.env["tier.time.band"].create({"name": "Peak", "code": "Test Peak"})
        self.load(
            "prefix,destination,price,initial,increment,connection_charge,effective_from,valid_to,band,blocked\n"
            '49,"=Germany, all",0.004312345678,30,6,0.01,2026-01-01,2026-12-31,Test Peak,\n'
            "49,Germany,0.005,,,,,,,\n"
            "881,Satellite,,,,,,,,x\n"
            "870,Inmarsat,5,,,0,,,,\n"
        )
        before = self.rates()
        for form in ("csv", "xlsx"):
            with self.subTest(form):
                stream = io.BytesIO()
                WRITERS[form](stream, exporting.of_list(self.env.cr, self.list, self.voice))
                deck = self.env["tier.rate.import"]._check_deck(self.list, self.voice, stream, full=True)
                self.assertEqual((deck.unchanged_count, deck.removed_count, deck.row_count), (4, 0, 4))
                other = self.new_list(self.list.brand_id, name=form)
                self.env["tier.rate.import"]._import_deck(other, self.voice, stream)
                own, self.list = self.list, other
                self.assertEqual(self.rates(), before)
                self.list = own

    def test_a_kept_deck_is_exported_as_it_was_read(self):
        deck = self.check_deck(DATED + "49,Germany,0.0043,2026-12-01,\n43,Austria,2,,2027-01-01\n")
        stream = io.BytesIO()
        WRITERS["csv"](stream, exporting.of_deck(self.env.cr, deck))
        rows = list(read(stream))
        self.assertEqual([(row.prefix, row.price) for row in rows], [("49", Decimal("0.0043")), ("43", Decimal(2))])
        self.assertEqual((rows[0].date_from, rows[1].date_to), (date(2026, 12, 1), date(2027, 1, 1)))

    # ------------------------------------------------------------------
    # Rights
    # ------------------------------------------------------------------

    def test_who_may_do_what(self):
        deck = self.deck_of(self.wizard(HEADER + "49,Germany,1\n").action_check())
        for role in ("auditor", "user"):
            mine = deck.with_user(self.staff(role))
            self.assertTrue(mine.notable_ids)
            self.assertTrue(mine.action_csv())
            for action in ("action_import", "action_undo", "action_check_again", "action_map"):
                with self.subTest((role, action)), self.assertRaises(AccessError):
                    getattr(mine, action)()
        manager = deck.with_user(self.staff("manager"))
        manager.action_check_again()
        manager.action_import()
        manager.action_undo()
        self.assertFalse(self.rates())


@tagged("post_install", "-at_install")
class TestDeckFiles(HttpCase, ScreenCase):
    """The files that the buttons lead to."""

    def test_files_are_for_staff(self):
        deck = self.load(HEADER + "49,Germany,1\n")
        urls = [
            f"/tier_rating/deck/{deck.id}/csv",
            f"/tier_rating/price_list/{self.list.id}/{self.voice.id}/xlsx",
        ]
        self.assertEqual(self.list.action_export_xlsx()["url"], urls[1])
        auditor = self.staff("auditor")
        portal = self.env["res.users"].create(
            {
                "name": "P",
                "login": "deck_portal",
                "password": "deck_portal",
                "group_ids": self.env.ref("base.group_portal"),
            }
        )
        auditor.password = "deck_auditor"
        for user, status in ((auditor, 200), (portal, 404)):
            self.authenticate(user.login, "deck_auditor" if user == auditor else "deck_portal")
            for url in urls:
                with self.subTest((user.name, url)):
                    answer = self.url_open(url)
                    self.assertEqual(answer.status_code, status)
                    if status == 200:
                        (row,) = read(answer.content)
                        self.assertEqual((row.prefix, row.price), ("49", 1))
        self.authenticate(auditor.login, "deck_auditor")
        self.assertEqual(self.url_open("/tier_rating/deck/2147483647/csv").status_code, 404)
