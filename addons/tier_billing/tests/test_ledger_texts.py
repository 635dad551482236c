import doctest
import itertools
from datetime import datetime
from decimal import Decimal

from odoo.tests import TransactionCase, tagged

from ..ledger import arrays, bulk

# What a switch, or whoever sends its records, may put into a text.
PARTS = ("", "a", "NULL", '"', "\\", ",", "{", "}", " ", "\t", "\n", "\r", "'", "\\N", "é", "%s", '","')
HOSTILE = ["".join(pair) for pair in itertools.product(PARTS, repeat=2)]


@tagged("post_install", "-at_install")
class TestLedgerTexts(TransactionCase):
    """What is written out for PostgreSQL as text arrives as it was."""

    def assertArrives(self, array, kind, values):
        self.env.cr.execute(f"SELECT %s::{kind}[]", [array])
        self.assertEqual(self.env.cr.fetchone()[0], values)

    def test_arrays_of_texts(self):
        self.assertArrives(arrays.of_texts(HOSTILE), "varchar", HOSTILE)
        for texts in ([], *([text] for text in HOSTILE), ["a", "b"], ["a", '"', "b"]):
            with self.subTest(texts=texts):
                self.assertArrives(arrays.of_texts(texts), "varchar", texts)

    def test_arrays_of_anything(self):
        self.assertArrives(arrays.of([*HOSTILE, None]), "varchar", [*HOSTILE, None])
        moment = datetime(2026, 11, 23, 1, 2, 3, 4)
        self.assertArrives(arrays.of([moment, None]), "timestamp", [moment, None])
        self.assertArrives(arrays.of([Decimal("0.000001")]), "numeric", [0.000001])

    def test_arrays_of_numbers(self):
        for numbers in ([], [0, -1, 2**31 - 1], [None, 1]):
            self.assertArrives(arrays.of_numbers(numbers), "integer", numbers)

    def test_rows(self):
        self.env.cr.execute("CREATE TEMPORARY TABLE hostile (id integer, one varchar, other varchar) ON COMMIT DROP")
        rows = [(number, text, HOSTILE[-number]) for number, text in enumerate(HOSTILE)] + [(-1, None, "")]
        lines = ["\t".join((str(number), *bulk.encode_all(texts))) for number, *texts in rows]
        bulk.copy_lines(self.env.cr, "hostile", ("id", "one", "other"), lines)
        self.env.cr.execute("SELECT * FROM hostile")
        self.assertEqual(self.env.cr.fetchall(), rows)

    def test_times(self):
        for moment in (datetime(2026, 11, 23), datetime(2026, 11, 23, 1, 2, 3, 4), datetime(999, 1, 1)):
            self.env.cr.execute("SELECT %s::timestamp", [bulk.stamp(moment)])
            self.assertEqual(self.env.cr.fetchone()[0], moment)
        self.assertEqual(bulk.stamp(None), bulk.NULL)

    def test_examples(self):
        for module in (arrays, bulk):
            result = doctest.testmod(module)
            self.assertEqual((result.failed, result.attempted > 0), (0, True), module.__name__)
