from datetime import date

from psycopg2 import errors

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..decks.errors import MESSAGES, DeckError
from ..loading import words
from .common import TierRatingCase

HEADER = "prefix,destination,price\n"
DATED = "prefix,destination,price,effective_from,valid_to\n"


class DeckCase(TierRatingCase):
    """A price list and short ways to load decks into it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider = cls.new_wallet("Provider")
        cls.list = cls.new_list(cls.new_brand(cls.provider))

    def check_deck(self, data, **values):
        return self.env["tier.rate.import"]._check_deck(self.list, self.voice, data.encode(), **values)

    def load(self, data, **values):
        deck = self.check_deck(data, **values)
        deck._raise_if_refused()
        deck.action_import()
        return deck

    def rates(self):
        """Return {(prefix, first day): (price, last day)} of the list."""
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT prefix, date_from, price::text, date_to FROM tier_rate WHERE price_list_id = %s", [self.list.id]
        )
        return {(prefix, first): (price, last) for prefix, first, price, last in self.env.cr.fetchall()}

    def changes(self, deck):
        return [(line.prefix, line.change, line.warnings or "") for line in deck.line_ids]


@tagged("post_install", "-at_install")
class TestDeck(DeckCase):
    """Full decks, dates to come, what is worth a look, and the way back."""

    def test_a_full_deck_ends_what_it_does_not_have(self):
        self.load(HEADER + "49,Germany,1\n43,Austria,2\n41,Switzerland,3\n")
        deck = self.check_deck(HEADER + "49,Germany,1\n43,Austria,2.2\n", full=True, date_from="2026-12-01")
        self.assertEqual(self.changes(deck), [("49", "unchanged", ""), ("43", "up", ""), ("41", "removed", "")])
        self.assertEqual((deck.unchanged_count, deck.up_count, deck.removed_count, deck.row_count), (1, 1, 1, 2))
        before = self.rates()
        deck.action_import()
        self.assertEqual(
            self.rates(),
            {
                ("49", None): ("1", None),
                ("43", None): ("2", None),
                ("43", date(2026, 12, 1)): ("2.2", None),
                ("41", None): ("3", date(2026, 11, 30)),
            },
        )
        deck.action_undo()
        self.assertEqual(self.rates(), before)

    def test_only_changes_leave_the_rest(self):
        self.load(HEADER + "49,Germany,1\n43,Austria,2\n")
        deck = self.load(HEADER + "43,Austria,3\n")
        self.assertEqual(deck.removed_count, 0)
        self.assertEqual(self.rates(), {("49", None): ("1", None), ("43", None): ("3", None)})

    def test_a_rate_to_come_that_a_full_deck_does_not_have_goes_and_comes_back(self):
        self.load(DATED + "49,Germany,1,,\n43,Austria,2,2027-01-01,\n")
        rate = self.list.rate_ids.filtered(lambda rate: rate.prefix == "43")
        rate.step_ids = [(0, 0, {"from_second": 60, "price": 1, "increment": 60})]
        before = self.rates()
        deck = self.load(HEADER + "49,Germany,1\n", full=True, date_from="2026-12-01")
        self.assertEqual(self.changes(deck)[-1], ("43", "removed", "later"))
        self.assertFalse(rate.exists())
        deck.action_undo()
        self.assertEqual(self.rates(), before)
        self.assertEqual(rate.step_ids.from_second, 60)

    def test_a_full_deck_counts_from_the_first_day_it_names(self):
        self.load(HEADER + "49,Germany,1\n43,Austria,2\n")
        self.load(DATED + "49,Germany,2,2026-12-15,\n33,France,1,2026-12-10,\n", full=True)
        self.assertEqual(self.rates()["43", None], ("2", date(2026, 12, 9)))

    def test_the_deck_gives_the_day_where_a_row_names_none(self):
        self.load(DATED + "49,Germany,1,,\n43,Austria,2,2026-12-15,\n", date_from="2026-12-01")
        self.assertEqual(set(self.rates()), {("49", date(2026, 12, 1)), ("43", date(2026, 12, 15))})

    def test_the_same_price_from_a_later_day_is_no_change(self):
        self.load(HEADER + "49,Germany,1\n43,Austria,2\n")
        deck = self.load(HEADER + "49,Germany,1\n43,Austria,2\n", date_from="2026-12-01")
        self.assertEqual(deck.unchanged_count, 2)
        self.assertEqual(set(self.rates()), {("49", None), ("43", None)})

    def test_what_ended_begins_again(self):
        self.load(DATED + "49,Germany,1,,2026-11-30\n")
        deck = self.load(HEADER + "49,Germany,1\n", date_from="2027-01-01")
        self.assertEqual(deck.unchanged_count, 0)
        self.assertEqual(len(self.rates()), 2)

    def test_twice_the_same_counts_once(self):
        deck = self.load(HEADER + '"49,49",Germany,1\n43,Austria,2\n49,Germany,1\n')
        self.assertEqual(self.changes(deck), [("49", "new", "double unknown"), ("43", "new", "unknown")])
        self.assertEqual(deck.row_count, 2)

    def test_contradictions_refuse_the_deck(self):
        deck = self.check_deck(HEADER + "49,Germany,1\n49,Germany,2\nx,y,z\n")
        self.assertEqual((deck.state, deck.fault_count), ("refused", 2))
        self.assertIn("Line 3: prefix 49 stands on line 2 already", deck.problems)
        self.assertFalse(deck.line_ids)
        with self.assertRaises(UserError):
            deck.action_import()

    def test_every_fault_can_be_said(self):
        names = "band", "begin", "column", "end", "longest", "most", "names", "other"
        names += "prefix", "sheet", "sheets", "text", "why"
        values = dict.fromkeys(names, "something")
        for code in MESSAGES:
            fault = DeckError(7, code, **values)
            self.assertEqual(words.sentence(self.env(context={"lang": "en_US"}), fault), str(fault))

    def test_overlapping_periods(self):
        self.load(DATED + "43,Austria,1,2026-01-01,2026-12-31\n")
        deck = self.check_deck(
            DATED + "49,Germany,1,2026-01-01,2026-12-31\n49,Germany,2,2026-12-01,\n43,Austria,2,2026-06-01,\n"
        )
        self.assertEqual(
            [(line.prefix, "overlap" in (line.warnings or "")) for line in deck.line_ids],
            [("49", False), ("49", True), ("43", True)],
        )

    def test_the_jump_that_is_told_of(self):
        self.load(HEADER + "49,Germany,1\n43,Austria,1\n")
        deck = self.check_deck(HEADER + "49,Germany,1.1\n43,Austria,1.11\n", jump_percent=10)
        self.assertEqual([line.warnings or "" for line in deck.line_ids], ["", "jump"])
        self.assertEqual(deck.line_ids[1].warnings_text, "Large change of price")

    def test_what_is_sold_below_cost(self):
        carrier = self.new_list(self.list.brand_id, name="Carrier")
        self.env["tier.rate.import"]._import_deck(
            carrier, self.voice, (HEADER + "49,Germany,1\n491,Mobile,3\n43,Austria,1\n").encode()
        )
        self.provider.price_list_id = carrier
        deck = self.check_deck(HEADER + "49,Germany,1\n4917,Mobile,2.9\n493,Berlin,0.9\n43,Austria,1.1\n44,UK,0.1\n")
        self.assertEqual(
            [line.prefix for line in deck.line_ids if "cost" in (line.warnings or "")],
            ["4917", "493"],
        )
        self.assertIn("Below cost", deck.line_ids[1].warnings_text)
        cost = self.env["tier.rate.import"]._check_deck(carrier, self.voice, (HEADER + "49,Germany,0.5\n").encode())
        self.assertNotIn("cost", cost.line_ids.warnings or "")

    def test_undo_takes_back_the_destinations_that_nothing_else_has(self):
        other = self.new_list(self.list.brand_id, name="Other")
        deck = self.load(HEADER + "49,Testland one,1\n43,Testland two,2\n")
        two = self.env["tier.destination"].search([("name", "=", "Testland two")])
        self.env["tier.rate"].create({"price_list_id": other.id, "prefix": "43", "destination_id": two.id, "price": 1})
        deck.action_undo()
        self.assertEqual(
            self.env["tier.destination"].search([("name", "like", "Testland")]).mapped("name"), ["Testland two"]
        )

    def test_links_are_guarded_without_foreign_keys(self):
        self.load(HEADER + "49,Testland,1\n")
        rate = self.list.rate_ids
        peak = self.env["tier.time.band"].create({"name": "Peak", "code": "Test Peak"})
        rate.band_id = peak
        self.env.flush_all()
        for statement in (
            "UPDATE tier_rate SET destination_id = 999999999 WHERE id = %s",
            "UPDATE tier_rate SET band_id = 999999999 WHERE id = %s",
            "UPDATE tier_rate SET service_id = 999999999 WHERE id = %s",
            "UPDATE tier_rate SET price_list_id = 999999999 WHERE id = %s",
            "DELETE FROM tier_destination WHERE id = (SELECT destination_id FROM tier_rate WHERE id = %s)",
            "DELETE FROM tier_time_band WHERE id = (SELECT band_id FROM tier_rate WHERE id = %s)",
        ):
            with (
                self.subTest(statement),
                mute_logger("odoo.sql_db"),
                self.assertRaises(errors.ForeignKeyViolation),
                self.env.cr.savepoint(),
            ):
                self.env.cr.execute(statement, [rate.id])
        self.list.unlink()
        self.assertFalse(rate.exists())
