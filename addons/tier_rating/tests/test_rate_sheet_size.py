"""Rate sheets of any size: files that stream, and prints from which nothing is missing unsaid."""

import gc
import io
import tracemalloc
from datetime import timedelta
from unittest.mock import patch

from openpyxl import load_workbook

from odoo.exceptions import UserError
from odoo.tests import tagged

from ..ratesheet import effective, files, printed
from ..wizards import tier_rate_sheet
from .common import TierRatingCase
from .test_rate_sheet import DAY, SheetCase


@tagged("post_install", "-at_install")
class TestRateSheetSize(SheetCase, TierRatingCase):
    def fill(self, rates):
        """Add rates to the base at one go: (prefix, price, destination)."""
        self.env["tier.rate"].create(
            [
                {
                    "price_list_id": self.base.id,
                    "prefix": prefix,
                    "price": price,
                    "destination_id": destination and destination.id,
                }
                for prefix, price, destination in rates
            ]
        )

    def printed(self, is_whole=True, **limits):
        sheet = self.sheet()
        entries = map(printed.Entry, sheet.rows())
        return printed.lines(sheet, entries, is_whole, **{"all_upto": 0, **limits})

    @staticmethod
    def table(made):
        return [
            (line["destination"], line["prefixes"], line["lines"][0]["price"])
            for table in made.tables
            for line in table
        ]

    # ------------------------------------------------------------------
    # Print
    # ------------------------------------------------------------------

    def test_few_prefixes_are_all_printed(self):
        self.fill([("491", "0.01", self.germany), ("492", "0.01", self.germany)])
        made = self.printed(all_upto=100)
        self.assertIn(("Sheetland", "49, 491, 492", "0.0184375"), self.table(made))
        self.assertEqual((made.folded, made.summed, made.count), (False, False, 7))

    def test_of_many_only_those_that_make_a_difference(self):
        self.fill(
            [
                ("491", "0.01", self.germany),  # as 49
                ("49151", "0.01", self.germany),  # not as 4915, though as 49
                ("49152", "0.01", self.germany),
                ("49153", "0.1", self.mobile),  # as 4915
                ("4917", "0.1", self.mobile),
                ("4918", "0.1", self.mobile),
                ("4919", "0.1", self.mobile),
                ("49188", "0.01", self.france),
                ("4995", "0.01", self.mobile),
            ]
        )
        made = self.printed()
        self.assertEqual(
            self.table(made),
            [
                ("Elsewhere", "33", "0.035625"),
                ("Elsewhere", "49188", "0.0184375"),
                ("Sheetland", "49, 49151-49152", "0.0184375"),
                ("Sheetland Mobile", "4915, 4917-4919", "0.1731250"[:8]),
                ("Sheetland Mobile", "4995", "0.0184375"),
                ("", "331", "0.0375"),
                ("", "4930", "0.005"),
            ],
        )
        self.assertTrue(made.folded)

    def test_every_number_has_the_price_of_what_is_printed(self):
        """The longest printed prefix, with the ends of ranges between, gives what the list charges."""
        places = (self.germany, self.mobile, self.france)
        taken = set(self.base.rate_ids.mapped("prefix"))
        fresh = [str(prefix) for prefix in range(490, 500)] + [str(prefix) for prefix in range(4900, 5000)]
        self.fill(
            [
                (prefix, "0.01" if int(prefix) % 7 else "0.05", places[int(prefix) // 40 % 3])
                for prefix in fresh
                if prefix not in taken
            ]
        )
        known = {}
        for destination, prefixes, price in self.table(self.printed()):
            for span in prefixes.split(", "):
                start, _dash, end = span.partition("-")
                for prefix in range(int(start), int(end or start) + 1):
                    self.assertNotIn(str(prefix), known)
                    known[str(prefix)] = destination, price
        sheet = self.sheet()
        self.assertLess(len(known), sheet.count())
        rows = {row.prefix: row for row in sheet.rows()}
        names = {place.id: place.name for place in places}
        for prefix, row in rows.items():
            longest = next(prefix[:size] for size in range(len(prefix), 0, -1) if prefix[:size] in known)
            destination, price = known[longest]
            self.assertEqual(destination, names.get(row.destination_id, ""))
            self.assertAlmostEqual(float(price), float(row.first_price), 7)

    def test_of_a_part_of_a_list_every_prefix_is_printed(self):
        """Of what lies between two prefixes that were found nothing is known."""
        self.fill([("491", "0.01", self.germany)])
        self.assertIn(("Sheetland", "49, 491", "0.0184375"), self.table(self.printed(is_whole=False)))

    def test_long_lists_of_prefixes_are_cut_into_lines(self):
        self.fill([(str(prefix), "0.01", self.france) for prefix in range(700, 800, 2)])
        with patch.object(printed, "PREFIXES_A_LINE", 20), patch.object(printed, "LINES_A_TABLE", 2):
            made = self.printed()
        lines = [line for line in self.table(made) if line[1].startswith("7")]
        self.assertEqual([text.count(",") for _place, text, _price in lines], [19, 19, 9])
        self.assertTrue(all(len(table) <= 2 for table in made.tables))

    def test_beyond_that_each_destination_with_its_span(self):
        self.fill([(f"49{number}", f"0.0{number}", self.germany) for number in range(2, 9)])
        self.fill([("499", "0", None)])
        made = self.printed(most=6)
        self.assertTrue(made.summed)
        self.assertEqual(
            self.table(made),
            [
                ("Elsewhere", "1 prefixes", "0.035625"),
                ("Sheetland", "8 prefixes", "0.0184375 – 0.13875"),
                ("Sheetland Mobile", "1 prefixes", "0.173125"),
                ("", "331… (1 prefixes)", "0.0375"),
                ("", "493… (1 prefixes)", "0.005"),
                ("", "499… (1 prefixes)", "0.00125"),
            ],
        )
        with self.assertRaises(printed.TooMany):
            self.printed(most=5)

    def wizard(self, **values):
        return self.env["tier.rate.sheet"].create({"date": DAY, "wallet_id": self.customer.id, **values})

    def test_the_page_says_what_was_left_out(self):
        self.fill([("491", "0.01", self.germany), ("492", "0.02", self.germany)])
        report = self.env["ir.actions.report"]

        def html():
            return report._render_qweb_html("tier_rating.tier_rate_sheet_report", self.wizard().ids)[0].decode()

        def limited(**limits):
            lines = printed.lines
            return patch.object(tier_rate_sheet.printed, "lines", lambda *args, **kw: lines(*args, **{**kw, **limits}))

        self.assertNotIn("that make a", html())
        with limited(all_upto=0):
            self.assertIn("longest prefix listed", " ".join(html().split()))
        with limited(most=5):
            self.assertIn("lowest and highest price", " ".join(html().split()))
        with limited(most=2), self.assertRaisesRegex(UserError, "too many to print"):
            self.wizard()._file("pdf")

    def test_changes_are_printed_by_destination_too(self):
        self.fill([("491", "0.01", self.germany), ("492", "0.01", self.germany), ("495", "0.01", self.germany)])
        self.base.rate_ids.filtered(lambda rate: rate.prefix in ("491", "492")).date_from = DAY
        self.base.rate_ids.filtered(lambda rate: rate.prefix == "495").date_to = DAY - timedelta(days=1)
        [table] = self.wizard(since=DAY - timedelta(days=2))._printed()["tables"]
        self.assertEqual(
            [(line["change"], line["prefixes"]) for line in table], [("New", "491, 492"), ("No longer listed", "495")]
        )

    # ------------------------------------------------------------------
    # Files
    # ------------------------------------------------------------------

    def test_a_workbook_goes_on_in_another_sheet(self):
        sheet = self.sheet()
        for largest, parts in ((100, [5]), (8, [5]), (7, [4, 1]), (5, [2, 2, 1])):
            stream = io.BytesIO()
            files.write_xlsx(stream, files.rows(sheet, sheet.rows()), self.env, "Title", ["A note"], largest)
            book = load_workbook(stream)
            sheets = [[[cell.value for cell in row] for row in page.iter_rows()] for page in book]
            self.assertEqual([len(rows) - 3 for rows in sheets], parts)
            self.assertTrue(all(rows[0][0] == "Title" and rows[2][0] == "prefix" for rows in sheets))
            self.assertEqual(
                [row[0] for rows in sheets for row in rows[3:]], ["33", "331", "49", "4915", "4930"], largest
            )
        self.assertEqual(book.sheetnames, ["Rates", "Rates 2", "Rates 3"])

    def test_a_workbook_without_rates(self):
        self.customer.price_list_id = self.new_list(self.own.brand_id)
        stream, _mime = self.wizard()._file("xlsx")
        with stream:
            self.assertEqual(load_workbook(stream).active.max_row, 1 + len(self.wizard()._printed()["terms"]) + 1)

    def test_memory_does_not_grow_with_the_list(self):
        """Ten times the rates take no more memory in a file."""

        def add(first, last):
            self.env.cr.execute(
                "INSERT INTO tier_rate (price_list_id, service_id, prefix, price)"
                " SELECT %s, %s, (700000 + n)::text, n %% 50 * 0.001 FROM generate_series(%s, %s) n",
                [self.base.id, self.voice.id, first, last],
            )

        def peak(file_format):
            tracemalloc.start()
            with wizard._file(file_format)[0] as stream:
                size = stream.seek(0, 2)
            used = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            return used, size

        # What is waiting to be collected is not what is needed.
        self.addCleanup(gc.set_threshold, *gc.get_threshold())
        gc.freeze()
        self.addCleanup(gc.unfreeze)
        gc.set_threshold(500, 2, 2)
        wizard, small = self.wizard(), {}
        with patch.object(tier_rate_sheet, "IN_MEMORY", 1 << 13), patch.object(effective, "CHUNK", 200):
            add(1, 400)
            for file_format in ("csv", "csv", "xlsx", "xlsx"):
                small[file_format] = peak(file_format)
            add(401, 4000)
            for file_format in ("csv", "xlsx"):
                used, size = peak(file_format)
                self.assertGreater(size, 4 * small[file_format][1])
                self.assertLess(used, small[file_format][0] * 2, file_format)
