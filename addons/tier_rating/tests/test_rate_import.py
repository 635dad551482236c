import base64
from datetime import date

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from .common import TierRatingCase

HEADER = "prefix,destination,price_per_minute\n"


@tagged("post_install", "-at_install")
class TestRateImport(TierRatingCase):
    """A rate deck as carriers send it: the whole file or nothing."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider = cls.new_wallet("Provider")
        cls.list = cls.new_list(cls.new_brand(cls.provider))
        cls.peak = cls.env["tier.time.band"].create({"name": "Peak", "code": "Test Peak"})

    def load(self, data, service=None):
        """Import a deck, as text in UTF-8 or as bytes; return (new, updated)."""
        data = data.encode() if isinstance(data, str) else data
        return self.env["tier.rate.import"]._import_deck(self.list, service or self.voice, data)

    def rates(self):
        """Return what the list has, as {prefix: (destination, price)}."""
        self.env.cr.execute(
            """SELECT r.prefix, d.name, r.price::text FROM tier_rate r
                 LEFT JOIN tier_destination d ON d.id = r.destination_id WHERE r.price_list_id = %s""",
            [self.list.id],
        )
        return {prefix: (name, price) for prefix, name, price in self.env.cr.fetchall()}

    def assertRefused(self, data, *words):
        """Nothing is imported, and the message has all these words."""
        before = self.rates()
        with self.assertRaises(UserError) as caught:
            self.load(data)
        for word in words:
            self.assertIn(word, str(caught.exception))
        self.assertEqual(self.rates(), before)

    # ------------------------------------------------------------------
    # Good decks
    # ------------------------------------------------------------------

    def test_a_good_deck(self):
        deck = (
            "Prefix,Destination,Price_per_minute,Initial,Increment,Effective_from,Valid_to,"
            "Connection_charge,Band,Blocked,Remarks\n"
            "49,Germany,0.0043,30,6,2026-01-01,2026-12-31,0.01,test peak,,cheap\n"
            "\n"
            "+49 30,Germany Berlin,0.00215,,,,,,,,\n"
            "881,Satellite,,,,,,,,x,\n"
            "870,Inmarsat,5,0,0,,,0,,no,\n"
        )
        self.assertEqual(self.load(deck), (4, 0))
        self.assertEqual(
            self.rates(),
            {
                "49": ("Germany", "0.0043"),
                "4930": ("Germany Berlin", "0.00215"),
                "881": ("Satellite", "0"),
                "870": ("Inmarsat", "5"),
            },
        )
        rates = {rate.prefix: rate for rate in self.list.rate_ids}
        self.assertRecordValues(
            rates["49"],
            [
                {
                    "service_id": self.voice.id,
                    "initial_increment": 30,
                    "increment": 6,
                    "date_from": date(2026, 1, 1),
                    "date_to": date(2026, 12, 31),
                    "connection_charge": 0.01,
                    "connection_charge_own": True,
                    "band_id": self.peak.id,
                    "blocked": False,
                    "create_uid": self.env.uid,
                }
            ],
        )
        self.assertFalse(rates["4930"].connection_charge_own)
        self.assertTrue(rates["870"].connection_charge_own, "zero is a charge of its own")
        self.assertEqual([rates[prefix].blocked for prefix in ("881", "870")], [True, False])

    def test_byte_order_mark(self):
        self.load(b"\xef\xbb\xbf" + HEADER.encode() + "49,Österreich,1\n".encode())
        self.assertEqual(self.rates(), {"49": ("Österreich", "1")})

    def test_latin_1(self):
        self.load((HEADER + "43,Österreich,1\n").encode("latin-1"))
        self.assertEqual(self.rates()["43"][0], "Österreich")

    def test_decimal_comma_with_semicolon_or_tab(self):
        for separator, prefix in ((";", "49"), ("\t", "43")):
            deck = f"prefix;name;rate\n{prefix};Somewhere;0,0043\n".replace(";", separator)
            with self.subTest(separator):
                self.load(deck)
                self.assertEqual(self.rates()[prefix][1], "0.0043")

    def test_line_ends_and_quotes(self):
        self.load('prefix,destination,price\r\n49,"Germany, all",1\r\n43,"Aus\r\ntria",2\r\n')
        self.assertEqual(self.rates()["49"][0], "Germany, all")

    def test_dates(self):
        dates = ("2026-11-20", "20.11.2026", "20/11/2026", "20261120")
        lines = [f"{prefix},a,1,{day}" for prefix, day in enumerate(dates, 1)]
        self.load("\n".join(["prefix,destination,price,effective_from", *lines]))
        self.assertEqual(set(self.list.rate_ids.mapped("date_from")), {date(2026, 11, 20)})

    def test_a_destination_is_shared(self):
        known = self.env["tier.destination"].create({"name": "Test known"})
        self.load(HEADER + "49,Test known,1\n491,Test known,2\n492,,3\n")
        destinations = {rate.prefix: rate.destination_id for rate in self.list.rate_ids}
        self.assertEqual((destinations["49"], destinations["491"]), (known, known))
        self.assertEqual(destinations["492"].name, "492")

    def test_importing_again_updates(self):
        self.load(HEADER + "49,Germany,1\n43,Austria,2\n")
        kept = self.list.rate_ids.ids
        self.assertEqual(self.load(HEADER + "49,Germany,1.5\n41,Switzerland,3\n"), (1, 1))
        self.assertEqual(
            {prefix: price for prefix, (_, price) in self.rates().items()}, {"49": "1.5", "43": "2", "41": "3"}
        )
        self.assertLess(set(kept), set(self.list.rate_ids.ids))

    def test_another_date_or_band_is_another_rate(self):
        header = "prefix,destination,price,effective_from,band\n"
        self.load(header + "49,a,1,,\n49,a,2,2026-12-01,\n49,a,3,,Test Peak\n")
        self.assertEqual(len(self.list.rate_ids), 3)
        self.assertEqual(self.load(header + "49,a,4,2026-12-01,TEST PEAK\n49,a,5,2026-12-01,\n"), (1, 1))

    def test_another_list_or_service_is_left_alone(self):
        data = self.env.ref("tier_rating.service_data")
        self.load(HEADER + "49,Germany,1\n")
        self.load(HEADER + "49,Germany,2\n", service=data)
        prices = {rate.service_id: rate.price for rate in self.list.rate_ids}
        self.assertEqual(prices, {self.voice: 1, data: 2})

    def test_what_looks_like_a_formula_is_text(self):
        self.load(HEADER + '49,"=HYPERLINK(""http://example.com"",""x"")",1\n')
        self.assertEqual(self.rates()["49"][0], '=HYPERLINK("http://example.com","x")')
        self.assertRefused(HEADER + "=1+48,Germany,1\n", "Line 2")
        self.assertRefused(HEADER + "49,Germany,=1+1\n", "Line 2", "price")

    def test_a_new_price_applies_at_once(self):
        user = self.new_wallet("User", self.provider)
        user.price_list_id = self.list
        self.new_endpoint(user, "user")
        self.load(HEADER + "49,Germany,1\n")
        self.assertEqual(self.cost(60), 1)
        self.load(HEADER + "49,Germany,2\n4930,Berlin,3\n")
        self.assertEqual(self.cost(60), 3)

    # ------------------------------------------------------------------
    # Bad decks
    # ------------------------------------------------------------------

    def test_bad_lines_are_named_and_nothing_is_imported(self):
        self.load(HEADER + "49,Germany,1\n")
        for line, words in (
            ("49x,Germany,1", ("Line 3", "49x", "digits only")),
            (",Germany,1", ("Line 3", "digits only")),
            ("٤٩,Germany,1", ("Line 3",)),
            ("1234567890123456789,Long,1", ("Line 3",)),
            ("43,Austria,", ("Line 3", "price is empty")),
            ("43,Austria,cheap", ("Line 3", "price", "'cheap'")),
            ("43,Austria,-1", ("Line 3", "out of range")),
            ("43,Austria,NaN", ("Line 3", "out of range")),
            ("43,Austria,Infinity", ("Line 3", "out of range")),
            ("43,Austria,1e9", ("Line 3", "out of range")),
            ("43,Austria,1e-101", ("Line 3", "decimals")),
            ("43,Austria,0.0000000000001", ("Line 3", "decimals")),
            ('43,Austria,"0,0043"', ("Line 3", "price")),
            ("43", ("Line 3", "price is empty")),
        ):
            with self.subTest(line):
                self.assertRefused(f"{HEADER}41,Switzerland,1\n{line}\n", *words)
        self.assertEqual(self.rates(), {"49": ("Germany", "1")})

    def test_bad_cells_of_other_columns(self):
        header = "prefix,destination,price,initial,connection_charge,effective_from,valid_to,band\n"
        for cells, word in (
            ("x,,,,", "initial"),
            ("1.5,,,,", "initial"),
            ("86401,,,,", "initial"),
            (",-1,,,", "connection_charge"),
            (",,2026-02-30,,", "2026-02-30"),
            (",,soon,,", "soon"),
            (",,2026-12-01,2026-11-30,", "2026-11-30"),
            (",,,,Teatime", "Teatime"),
        ):
            with self.subTest(cells):
                self.assertRefused(f"{header}49,Germany,1,{cells}\n", "Line 2", word)

    def test_all_faults_are_told_at_once(self):
        self.assertRefused(HEADER + "x,a,1\n49,b,\n43,c,1\ny,d,1\n", "Line 2", "Line 3", "Line 5")
        many = HEADER + "".join(f"x{n},a,1\n" for n in range(50))
        self.assertRefused(many, "Line 21", "… and 30 more")

    def test_duplicates_within_a_deck(self):
        self.assertRefused(HEADER + "49,a,1\n43,b,1\n49,c,2\n+4 9,d,3\n", "Line 4", "prefix 49", "line 2", "Line 5")

    def test_no_deck_at_all(self):
        for data, word in (
            (b"", "empty"),
            (b"\n\n", "empty"),
            (HEADER, "no rates"),
            (HEADER + "\n,,\n", "no rates"),
            ("prefix,price\n49,1\n", "no column destination"),
            ("a,b,c\n1,2,3\n", "no column prefix"),
            (b"PK\x03\x04\0\0\0\0workbook", "not a text file"),
            (bytes(range(1, 256)) * 10, "no column"),
            ('prefix,destination,price\n49,"' + "x" * 200_000 + '",1\n', "longer than"),
        ):
            with self.subTest(data[:20]):
                self.assertRefused(data, word)

    # ------------------------------------------------------------------
    # The dialog
    # ------------------------------------------------------------------

    def dialog(self, role, data):
        Import = self.env["tier.rate.import"].with_user(self.staff(role))
        with Form(Import.with_context(default_price_list_id=self.list.id, default_filename="deck.csv")) as form:
            form.data = base64.b64encode(data.encode())
        return form.record

    def test_the_dialog(self):
        action = self.dialog("manager", HEADER + "49,Germany,1\n").action_import()
        self.assertEqual(action["params"]["message"], "1 new rates, 0 updated.")
        self.assertEqual(self.rates(), {"49": ("Germany", "1")})
        self.assertIn("deck.csv", self.list.message_ids[0].body)

    def test_only_a_manager_sets_prices(self):
        for role in ("auditor", "user"):
            with self.subTest(role), self.assertRaises(AccessError):
                self.dialog(role, HEADER + "49,Germany,1\n")
        self.assertEqual(self.rates(), {})

    # ------------------------------------------------------------------
    # Check and undo
    # ------------------------------------------------------------------

    def check(self, data):
        return self.env["tier.rate.import"]._check_deck(self.list, self.voice, data.encode())

    def test_a_check_changes_nothing(self):
        self.load(HEADER + "49,Germany,1\n43,Austria,2\n41,Switzerland,3\n39,Italy,1\n")
        before = self.rates()
        deck = self.check(HEADER + "49,Germany,1.2\n43,Austria,0.5\n41,Switzerland,3\n39,Rome Test,1\n33,Neverland,1\n")
        self.assertEqual(self.rates(), before)
        self.assertFalse(self.env["tier.destination"].search([("name", "=", "Rome Test")]))
        figures = [(line.prefix, line.change, line.warnings) for line in deck.line_ids]
        self.assertEqual(
            figures,
            [
                ("49", "up", False),
                ("43", "down", "jump"),
                ("41", "unchanged", False),
                ("39", "changed", "unknown"),
                ("33", "new", "unknown"),
            ],
        )
        self.assertEqual(deck.unchanged_count, 1)
        deck.action_import()
        self.assertEqual(self.rates()["49"], ("Germany", "1.2"))
        with self.assertRaises(UserError):
            deck.action_import()

    def test_undo(self):
        self.load(HEADER + "49,Germany,1\n43,Austria,2\n")
        before = self.rates()
        deck = self.check(HEADER + "49,Berlin,1.2\n33,France,1\n")
        deck.action_import()
        deck.action_undo()
        self.assertEqual(self.rates(), before)
        self.assertEqual(deck.state, "undone")
        with self.assertRaises(UserError):
            deck.action_undo()

    def test_undo_leaves_what_was_changed_since(self):
        deck = self.check(HEADER + "49,Germany,1\n33,France,1\n")
        deck.action_import()
        self.list.rate_ids.filtered(lambda rate: rate.prefix == "49").price = 7
        deck.action_undo()
        self.assertEqual(self.rates(), {"49": ("Germany", "7.00000000")})

    def test_only_the_last_deck_is_undone(self):
        first = self.check(HEADER + "49,Germany,1\n")
        first.action_import()
        self.load(HEADER + "49,Germany,2\n")
        with self.assertRaises(UserError):
            first.action_undo()

    def test_a_check_that_is_out_of_date(self):
        deck = self.check(HEADER + "49,Germany,1\n")
        self.load(HEADER + "49,Germany,2\n")
        with self.assertRaises(UserError):
            deck.action_import()

    def test_who_may_import_and_undo(self):
        deck = self.check(HEADER + "49,Germany,1\n")
        for role in ("auditor", "user"):
            for action in ("action_import", "action_undo"):
                with self.subTest((role, action)), self.assertRaises(AccessError):
                    getattr(deck.with_user(self.staff(role)), action)()
        deck.with_user(self.staff("manager")).action_import()
        self.assertEqual(len(self.rates()), 1)
