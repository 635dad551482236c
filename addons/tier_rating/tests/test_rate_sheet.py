"""A rate sheet says exactly what charging charges, and nothing else."""

import base64
import csv
import io
import random
from datetime import date, timedelta
from decimal import Decimal

from openpyxl import load_workbook

from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, tagged

from ..engine.increments import Blocks
from ..engine.rounding import round_quotient
from ..ratesheet import changes, effective, files, layout, search
from .common import NOON, RatingBuilder, TierRatingCase

DAY = NOON.date()


class SheetCase(RatingBuilder):
    """A user that buys by a list derived twice, over two currencies."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.customer = cls.new_selling_chain()
        cls.germany, cls.mobile, cls.france = cls.env["tier.destination"].create(
            [
                {"name": "Sheetland", "country_id": cls.env.ref("base.de").id},
                {"name": "Sheetland Mobile", "country_id": cls.env.ref("base.de").id},
                {"name": "Elsewhere"},
            ]
        )
        usd, eur = cls.env.ref("base.USD"), cls.env.ref("base.EUR")
        (usd | eur).active = True
        other = eur if cls.customer.currency_id == usd else usd
        cls.other = other
        cls.env["res.currency.rate"].search([("currency_id", "in", (usd | eur).ids)]).unlink()
        cls.env["res.currency.rate"].create({"currency_id": other.id, "name": "2026-01-01", "rate": 0.8})
        brand = cls.new_brand(cls.dealer, initial_increment=30, increment=6, connection_charge=0.01, rounding_digits=4)
        cls.base = cls.new_list(brand, {"49": "0.01", "4915": "0.1", "33": "0.02"}, currency_id=other.id)
        cls.base.rate_ids.filtered(lambda rate: rate.prefix == "49").destination_id = cls.germany
        cls.base.rate_ids.filtered(lambda rate: rate.prefix == "4915").destination_id = cls.mobile
        cls.base.rate_ids.filtered(lambda rate: rate.prefix == "33").destination_id = cls.france
        cls.middle = cls.new_list(brand, {"331": "0.03"}, base_id=cls.base.id, markup_percent=10, fixed=0.001)
        cls.own = cls.new_list(brand, {"4930": "0.005"}, base_id=cls.middle.id, markup_percent=25)
        cls.customer.price_list_id = cls.own

    def sheet(self, day=DAY, **values):
        return effective.Sheet(self.env, self.own, self.voice, day, **values)

    @staticmethod
    def csv_of(sheet, rows):
        stream = io.BytesIO()
        files.write_csv(stream, files.rows(sheet, rows))
        return stream.getvalue()

    def prices(self, **values):
        return {row.prefix: layout.shown(row.prices[0].price) for row in self.sheet(**values).rows()}


@tagged("post_install", "-at_install")
class TestRateSheet(SheetCase, TierRatingCase):
    def test_every_prefix_of_the_list_and_its_bases_once(self):
        prices = self.prices()
        self.assertEqual(list(prices), ["33", "331", "49", "4915", "4930"])
        self.assertEqual(prices["4930"], Decimal("0.005"))
        self.assertEqual(prices["331"], Decimal("0.0375"))
        # 0.01 of the other currency is 0.0125, plus 10 % and 0.001, plus 25 %.
        self.assertEqual(prices["49"], Decimal("0.0184375"))

    def test_in_another_currency_for_information(self):
        self.assertEqual(self.prices(currency=self.other)["331"], Decimal("0.03"))

    def test_a_change_of_the_base_shows_at_once(self):
        self.base.rate_ids.filtered(lambda rate: rate.prefix == "33").price = 0.04
        self.assertEqual(self.prices()["33"], Decimal("0.07"))

    def test_only_what_is_in_force_on_the_day(self):
        self.new_rate(self.base, "44", "0.02", date_from=DAY, date_to=DAY + timedelta(days=1))
        self.new_rate(self.base, "33", "0.01", date_from=DAY + timedelta(days=1))
        days = [self.prices(day=DAY + timedelta(days=shift)) for shift in (-1, 0, 1, 2)]
        self.assertEqual(["44" in prices for prices in days], [False, True, True, False])
        self.assertEqual(len({prices["33"] for prices in days}), 2)

    def test_blocked_and_banded_and_stepped(self):
        band = self.env["tier.time.band"].create(
            {
                "name": "Night",
                "code": "sheet-night",
                "line_ids": [
                    (0, 0, {"weekday_from": "1", "weekday_to": "7", "hour_from": 22, "hour_to": 6}),
                ],
            }
        )
        self.new_rate(self.own, "4930", "0.002", band_id=band.id)
        self.new_rate(self.own, "4989", "0", blocked=True)
        rate = self.new_rate(self.own, "4940", "0.01", initial_increment=60, increment=1)
        self.env["tier.rate.step"].create({"rate_id": rate.id, "from_second": 120, "price": 0.005, "increment": 6})
        rows = {entry["prefix"]: entry["lines"] for entry in layout.page(self.sheet(), self.sheet().rows())}
        self.assertEqual(
            [(line["band"], line["price"]) for line in rows["4930"]], [("Night", "0.002"), ("Other times", "0.005")]
        )
        self.assertTrue(rows["4989"][0]["blocked"])
        self.assertEqual(rows["4940"][0]["increments"], "60 s, then every 1 s")
        self.assertEqual(rows["4940"][0]["steps"], ["from 120 s: 0.005"])
        self.assertEqual(rows["49"][0]["connection"], "0.01")

    # ------------------------------------------------------------------
    # The same as charging
    # ------------------------------------------------------------------

    def test_random_numbers_are_charged_what_the_sheet_says(self):
        """Lists of any depth, currency and mark-up: the longest prefix of the sheet is the price charged."""
        rand = random.Random(4)
        digits = "0123"
        lists, base = [], None
        brand = self.own.brand_id
        for depth in range(4):
            base = self.new_list(
                brand,
                currency_id=rand.choice((self.other, self.customer.currency_id)).id,
                base_id=base and base.id,
                markup_percent=rand.choice((0, 7.5, 40, -10)),
                fixed=rand.choice((0, 0.0007, -0.004)),
            )
            lists.append(base)
            prefixes = {
                "7" + "".join(rand.choices(digits, k=rand.randint(0, 4))) for _rate in range(12 if depth else 30)
            }
            for prefix in prefixes:
                self.new_rate(
                    base,
                    prefix,
                    rand.randint(1, 999) / 10000,
                    blocked=rand.random() < 0.1,
                    destination_id=rand.choice((self.germany, self.france, self.mobile)).id,
                    date_from=rand.choice((False, DAY, DAY + timedelta(days=1))),
                    increment=rand.choice((0, 0, 7)),
                )
            if depth:
                self._mark_up(rand, base, digits)
        self.customer.price_list_id = base
        self.customer.sudo().sell_below_cost = True
        (self.dealer | self.reseller).write({"sell_below_cost": True})
        for wallet in (self.dealer, self.reseller, self.provider):
            self.new_rate(wallet.price_list_id, "7", "0.01")
        sheet = effective.Sheet(self.env, base, self.voice, DAY, self.customer.currency_id)
        rows = {row.prefix: row for row in sheet.rows()}
        self.assertEqual(len(rows), sheet.count())
        numbers = ["7" + "".join(rand.choices(digits, k=9)) for _number in range(300)]
        seconds = {number: rand.randint(1, 400) for number in numbers}
        self.charge(*(self.call(f"sheet:{number}", seconds[number], number) for number in seconds))
        charged = 0
        for number, duration in seconds.items():
            row = next((rows[number[:size]] for size in range(10, 0, -1) if number[:size] in rows), None)
            self.assertEqual(row, sheet.price_of(number), number)
            event = self.event(f"sheet:{number}")
            if row is None or row.prices[0].blocked:
                self.assertEqual(event.state, "suspense", number)
                continue
            self.assertEqual(event.state, "charged", event.detail)
            self.assertEqual(self._price(row.prices[0], duration), Decimal(self.shares(event.source_key)[0][2]))
            charged += 1
        self.assertGreater(charged, 100)

    def _mark_up(self, rand, price_list, digits):
        """Give a list mark-ups of some prefixes and destinations."""
        Line = self.env["tier.price.markup"]
        for _line in range(4):
            prefix = "7" + "".join(rand.choices(digits, k=rand.randint(1, 5)))
            if not Line.search_count([("price_list_id", "=", price_list.id), ("prefix", "=", prefix)]):
                Line.create(
                    {
                        "price_list_id": price_list.id,
                        "kind": "prefix",
                        "prefix": prefix,
                        "markup_percent": rand.choice((0, 50, 3.3)),
                        "fixed": rand.choice((0, 0.01)),
                    }
                )
        Line.create(
            {
                "price_list_id": price_list.id,
                "kind": "destination",
                "destination_ids": [(6, 0, rand.choice((self.germany, self.france)).ids)],
                "markup_percent": 80,
            }
        )

    @staticmethod
    def _price(price, seconds):
        """Return what a customer works out from a line of the sheet."""
        billed = Blocks(price.initial, price.increment).end(seconds)
        exact = price.price * billed / price.per + price.connection
        above, below = exact.as_integer_ratio()
        return round_quotient(above, below, 4, "half_up").normalize()

    def test_messages_have_no_terms_of_calls(self):
        message = self.env.ref("tier_rating.service_message")
        self.new_rate(self.base, "49", "0.08", service_id=message.id)
        [row] = effective.Sheet(self.env, self.own, message, DAY).rows()
        self.assertEqual((row.prices[0].initial, row.prices[0].connection), (1, 0))
        self.assertEqual(self.own._rate_sheet_services(), self.voice | message)

    def test_numbers_that_are_free_or_closed(self):
        closed, free = self.env["tier.number.class"].create(
            [
                {"name": "Sheet premium", "kind": "closed", "line_ids": [(0, 0, {"prefix": "4915"})]},
                {"name": "Sheet free", "kind": "free", "line_ids": [(0, 0, {"prefix": "33800"})]},
            ]
        )
        sheet = self.customer._rate_sheet(self.voice, DAY)
        self.assertTrue({row.prefix: row for row in sheet.rows()}["4915"].prices[0].blocked)
        self.assertTrue(sheet.price_of("4915111").prices[0].blocked)
        self.assertEqual(sheet.price_of("33800123").prices[0].price, 0)
        self.assertFalse(self.sheet().price_of("4915111").prices[0].blocked)
        self.customer.open_class_ids = closed
        self.assertFalse(self.customer._rate_sheet(self.voice, DAY).price_of("4915111").prices[0].blocked)
        self.assertEqual(free.kind, "free")

    def test_prices_by_volume(self):
        """A plan of a base, for a prefix that no rate has: it is a line of its own, marked up as rates are."""
        self.env["tier.volume.plan"].create(
            {
                "name": "Many to 4917",
                "price_list_id": self.middle.id,
                "service_id": self.voice.id,
                "prefix": "4917",
                "tier_ids": [(0, 0, {"upto": 100, "price": 0.04}), (0, 0, {"upto": 0, "price": 0.02})],
            }
        )
        rows = {row.prefix: row for row in self.sheet().rows()}
        self.assertEqual(list(rows), ["33", "331", "49", "4915", "4917", "4930"])
        self.assertEqual(
            [(upto and int(upto), layout.shown(price)) for upto, price, _flat in rows["4917"].volume.tiers],
            [(6000, Decimal("0.05")), (None, Decimal("0.025"))],
        )
        self.assertIsNone(rows["49"].volume)
        entry = layout.page(self.sheet(), [rows["4917"]])[0]
        self.assertEqual(entry["lines"][0]["price"], "0.05")
        self.assertIn("up to 100 (minute): 0.05", entry["lines"][0]["steps"])
        self.assertIn("month graduated 6000:0.05 :0.025", self.csv_of(self.sheet(), [rows["4917"]]).decode())
        self.charge(self.call("volume", 60, "4917555555"))
        self.assertEqual(self.shares("volume")[0][2], "0.06")  # 0.05 and the connection charge

    # ------------------------------------------------------------------
    # Searching
    # ------------------------------------------------------------------

    def found(self, text, country=None):
        sheet = self.sheet()
        asked = search.read(self.env, text, self.voice, country)
        return [row.prefix for row in sheet.rows(search.with_match(sheet, asked))]

    def test_a_number_in_any_writing_finds_its_price(self):
        for text in (
            "+49 30 1234-5678",
            "0049 (0)30 12345678",
            "+49 (0) 30 / 12 34 56 78",
            "tel:+493012345678",
            "４９３０１２３４５６７８",
            " 49.30.12345678 ",
        ):
            with self.subTest(text=text):
                self.assertEqual(self.found(text), ["4930"])

    def test_a_national_number_is_read_as_in_the_customers_country(self):
        self.assertEqual(self.found("030 12345678", self.env.ref("base.de")), ["4930"])
        self.assertEqual(self.found("01 23 45 67 89", self.env.ref("base.fr")), ["331"])
        self.assertEqual(search.readings("01 23 45 67 89"), [])

    def test_prefixes_names_and_countries(self):
        self.assertEqual(self.found("49"), ["49", "4915", "4930"])
        self.assertEqual(self.found("sheetland m"), ["4915"])
        self.assertEqual(self.found("Germany"), ["49", "4915"])
        self.assertEqual(self.found("elsewh"), ["33"])
        self.assertEqual(self.found(""), ["33", "331", "49", "4915", "4930"])
        for nothing in ("888", "%", "_9", "nowhere", "\x00", "'; drop"):
            with self.subTest(text=nothing):
                self.assertIn(
                    self.found(nothing), ([], ["33", "331", "49", "4915", "4930"]) if nothing == "\x00" else ([],)
                )

    def test_pages(self):
        sheet = self.sheet()
        pages = [[row.prefix for row in sheet.rows(limit=2, offset=offset)] for offset in (0, 2, 4, 6)]
        self.assertEqual(pages, [["33", "331"], ["49", "4915"], ["4930"], []])
        self.assertEqual(sheet.count(), 5)

    def test_statements_do_not_grow_with_the_rates(self):
        def read():
            before = self.cr.sql_log_count
            list(self.sheet().rows())
            return self.cr.sql_log_count - before

        for prefix in range(500, 560, 10):
            self.new_rate(self.base, str(prefix), "0.1")
        read()
        few = read()
        for prefix in range(5000, 5600, 10):
            self.new_rate(self.base, str(prefix), "0.1")
        self.assertEqual(read(), few)

    # ------------------------------------------------------------------
    # Changes and files
    # ------------------------------------------------------------------

    def test_changes_between_two_days(self):
        before = DAY - timedelta(days=1)
        self.new_rate(self.own, "33", "0.5", date_from=DAY)
        self.new_rate(self.base, "4915", "0.01", date_from=DAY)
        self.new_rate(self.base, "44", "0.01", date_from=DAY)
        self.new_rate(self.base, "45", "0.01", date_to=before)
        self.new_rate(self.own, "46", "0.01", date_to=before)
        self.new_rate(self.own, "46", "0.01", date_from=DAY, blocked=True)
        self.new_rate(self.own, "47", "0.01", date_to=before)
        self.new_rate(self.own, "47", "0.01", date_from=DAY, increment=60)
        found = {c.row.prefix: c.kind for c in changes.compare(self.env, self.own, self.voice, before, DAY)}
        self.assertEqual(
            found,
            {
                "33": "up",
                "331": "same",
                "44": "new",
                "45": "removed",
                "46": "blocked",
                "47": "terms",
                "49": "same",
                "4915": "down",
                "4930": "same",
            },
        )

    def test_a_currency_that_moves_is_no_change_of_price(self):
        self.env["res.currency.rate"].create({"currency_id": self.other.id, "name": DAY, "rate": 0.9})
        kinds = {c.kind for c in changes.compare(self.env, self.own, self.voice, date(2026, 2, 1), DAY)}
        self.assertEqual(kinds, {"same"})

    def test_csv_and_xlsx(self):
        sheet = self.sheet()
        content = self.csv_of(sheet, sheet.rows()).decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(content)))
        self.assertEqual(rows[2]["prefix"], "49")
        self.assertEqual((rows[2]["destination"], rows[2]["country"]), ("Sheetland", "Germany"))
        self.assertEqual((rows[2]["price"], rows[2]["initial"], rows[2]["increment"]), ("0.0184375", "30", "6"))
        book = io.BytesIO()
        files.write_xlsx(book, files.rows(sheet, sheet.rows()), self.env, "Title", layout.terms(sheet))
        cells = [[cell.value for cell in row] for row in load_workbook(book).active.iter_rows()]
        self.assertEqual(cells[0][0], "Title")
        self.assertEqual(cells[-1][:2] + cells[-1][4:5], ["4930", None, 0.005])
        self.assertEqual(len(cells) - cells.index(next(row for row in cells if row[0] == "prefix")), 6)

    def test_a_sheet_can_be_imported_again(self):
        sheet = self.sheet()
        for prefix in ("331", "4930"):
            self.new_rate(self.own, prefix, "0.07", destination_id=self.france.id, date_from=DAY)
        content = self.csv_of(sheet, sheet.rows())
        copy = self.new_list(self.own.brand_id, currency_id=self.own.currency_id.id)
        self.env["tier.rate.import"]._import_deck(copy, self.voice, content)
        prices = {
            row.prefix: layout.shown(row.prices[0].price)
            for row in effective.Sheet(self.env, copy, self.voice, DAY).rows()
        }
        self.assertEqual(prices, self.prices())

    # ------------------------------------------------------------------
    # Staff
    # ------------------------------------------------------------------

    def wizard(self, role="user", **values):
        user = self.env["res.users"].search([("login", "=", f"sheet_{role}")]) or self.staff(role)
        user.login = f"sheet_{role}"
        return self.env["tier.rate.sheet"].with_user(user).create({"date": DAY, **values})

    @staticmethod
    def content(wizard, file_format):
        stream, _mime = wizard._file(file_format)
        with stream:
            stream.seek(0)
            return stream.read()

    def test_of_a_wallet_and_of_a_list(self):
        wizard = self.wizard(wallet_id=self.customer.id)
        self.assertEqual((wizard.price_list_id, wizard.currency_id), (self.own, self.customer.currency_id))
        self.assertIn("4915", wizard.body)
        wizard.search_text = "+49 30 555"
        self.assertIn("4930", wizard.body)
        self.assertNotIn("4915", wizard.body)
        wizard = self.wizard(price_list_id=self.base.id)
        self.assertEqual(wizard.currency_id, self.base.currency_id)
        self.assertNotIn("4930", wizard.body)
        self.assertEqual(self.customer.action_rate_sheet()["context"], {"default_wallet_id": self.customer.id})
        self.assertEqual(self.own.action_rate_sheet()["context"], {"default_price_list_id": self.own.id})

    def test_the_providers_own_costs_are_no_rate_sheet(self):
        self.assertFalse(self.provider._rate_sheet_list())
        with self.assertRaises(UserError):
            self.provider._rate_sheet(self.voice)

    def test_printed_with_one_line_for_what_costs_the_same(self):
        self.new_rate(self.base, "4916", "0.1", destination_id=self.mobile.id)
        wizard = self.wizard(wallet_id=self.customer.id)
        [table] = wizard._printed()["tables"]
        self.assertIn("4915, 4916", [row["prefixes"] for row in table])
        html, _kind = self.env["ir.actions.report"]._render_qweb_html("tier_rating.tier_rate_sheet_report", wizard.ids)
        self.assertIn("4915, 4916", html.decode())

    def test_changes_on_the_screen_and_in_files(self):
        self.new_rate(self.own, "33", "0.5", date_from=DAY)
        wizard = self.wizard(wallet_id=self.customer.id, since=DAY - timedelta(days=1))
        self.assertIn("Dearer", wizard.body)
        self.assertNotIn("4915", wizard.body)
        rows = list(csv.DictReader(io.StringIO(self.content(wizard, "csv").decode("utf-8-sig"))))
        self.assertEqual(
            [(row["prefix"], row["change"], row["price_before"]) for row in rows], [("33", "up", "0.03562500"[:8])]
        )
        wizard.since = DAY
        with self.assertRaises(UserError):
            wizard._file("csv")

    def test_mailed_with_the_file(self):
        self.customer.partner_id.email = "customer@example.com"
        wizard = self.wizard("manager", wallet_id=self.customer.id)
        action = wizard.action_send()
        composer = self.env["mail.compose.message"].with_context(**action["context"]).create({})
        self.assertEqual(len(composer.attachment_ids), 1)
        self.assertIn(b"PK", base64.b64decode(composer.attachment_ids.datas)[:2])
        self.assertEqual(composer.partner_ids, self.customer.partner_id)
        composer._action_send_mail()
        message = self.customer.message_ids[:1]
        self.assertEqual(message.attachment_ids.name, f"{wizard._file_name()}.xlsx")

    def test_who_may(self):
        portal = self.portal_user(self.customer, "sheet_customer")
        for user in (portal, self.env.ref("base.public_user"), self.staff("employee")):
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                self.env["tier.rate.sheet"].with_user(user).create({"wallet_id": self.customer.id})
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                self.own.with_user(user).action_rate_sheet()

    def test_another_companys_list_is_not_shown(self):
        company = self.env["res.company"].create({"name": "Sheet Co"})
        user = self.staff("user")
        user.write({"company_ids": [(6, 0, company.ids)], "company_id": company.id})
        with self.assertRaises(AccessError):
            self.env["tier.rate.sheet"].with_user(user).create({"price_list_id": self.own.id, "date": DAY}).body  # noqa: B018


@tagged("post_install", "-at_install")
class TestRateSheetFiles(SheetCase, HttpCase):
    def test_downloads(self):
        manager = self.staff("manager")
        manager.password = "sheet-manager"
        wizard = self.env["tier.rate.sheet"].with_user(manager).create({"wallet_id": self.customer.id, "date": DAY})
        self.authenticate(manager.login, "sheet-manager")
        response = self.url_open(wizard.action_csv()["url"])
        self.assertEqual(response.status_code, 200)
        self.assertIn("4930", response.text)
        self.assertIn("Rates", response.headers["Content-Disposition"])
        self.assertEqual(self.url_open(wizard.action_xlsx()["url"]).content[:2], b"PK")
        self.assertEqual(self.url_open(f"/tier_rating/rate_sheet/{wizard.id + 1000}/csv").status_code, 404)
        portal = self.portal_user(self.customer, "sheet_portal")
        self.authenticate(portal.login, portal.login)
        self.assertEqual(self.url_open(wizard.action_csv()["url"]).status_code, 404)
