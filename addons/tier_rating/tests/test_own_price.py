"""Why a customer pays what it pays: in steps, exactly as charged, and nothing of anybody else."""

import random
from datetime import date
from decimal import Decimal

from freezegun import freeze_time

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import tagged

from ..charging import books
from .common import NOON, NUMBER, TierRatingCase

DAY = NOON.date()


@tagged("post_install", "-at_install")
class TestOwnPrice(TierRatingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_selling_chain()
        cls.place = cls.env["tier.destination"].create({"name": "Test city", "country_id": cls.env.ref("base.de").id})

    def answer(self, seconds=60, number=NUMBER, at=NOON, wallet=None, service=None):
        wallet = wallet or self.user
        sheet = wallet._rate_sheet(service or self.voice, at.date())
        return wallet._explain_own_price(sheet, number, at, Decimal(seconds))

    def text(self, *args, **kwargs):
        answer = self.answer(*args, **kwargs)
        return " | ".join([f"{step.title}: {step.text}" for step in answer.steps] + [answer.amount or answer.refusal])

    def assertCharged(self, seconds, number=NUMBER, **values):
        """Assert that what is told is what is charged then."""
        told = self.answer(seconds, number).amount
        paid = self.cost(seconds, number=number, **values)
        self.assertEqual(Decimal(told.split()[0].replace("−", "-")), paid, f"{number}, {seconds} s")

    def derive(self):
        """Let the user buy by a list in shells, derived from one in coins, marked up."""
        brand = self.new_brand(
            self.dealer,
            name="Secret brand",
            currency_id=self.shell.id,
            initial_increment=30,
            increment=6,
            connection_charge=0.05,
            rounding_method="up",
            rounding_digits=3,
        )
        base = self.user.price_list_id
        base.rate_ids.write({"destination_id": self.place.id, "date_from": date(2026, 3, 1)})
        own = self.new_list(brand, base_id=base.id, markup_percent=37, fixed=0.01)
        (own | base).write({"name": "Secret list"})
        self.user.price_list_id = own
        self.dealer.sell_below_cost = True
        return own

    def test_every_step(self):
        self.derive()
        text = self.text(61)
        for words in (
            "Destination: Test city, Germany",
            "Prefix: 49: the longest listed",
            "Price: 1.106 QSH / minute, valid from 03/01/2026",
            "Billed: 61 s used, billed as 66 s (30 s, then steps of 6)",
            "Part: 66 s × 1.106 QSH / minute = 1.2166 QSH",
            "Connection charge: 0.05 QSH",
            "Conversion: 1 QSH = 1.25 QCO",
            "Rounding: Up, 3 decimals → 1.584 QCO | 1.584 QCO",
        ):
            self.assertIn(words, text)
        self.assertCharged(61)

    def test_nothing_of_anybody_else(self):
        own = self.derive()
        self.env["tier.price.markup"].create(
            {"price_list_id": own.id, "kind": "prefix", "prefix": "4930", "markup_percent": 51}
        )
        self.env["tier.volume.plan"].create(
            {
                "name": "Secret plan",
                "price_list_id": own.id,
                "prefix": "493",
                "tier_ids": [Command.create({"upto": 2, "price": 2}), Command.create({"upto": 0, "price": 1})],
            }
        )
        for number in (NUMBER, "4912345678"):
            text = self.text(61, number)
            for secret in (
                "Secret",
                "Dealer",
                "Reseller",
                "Provider",
                "37",
                "51",
                "Mark-up",
                "carrier",
                "0.80 ",
                "0.70 ",
            ):
                self.assertNotIn(secret, text)

    def test_the_same_as_charged(self):
        """Random calls, bands, increments, packages and volume: the amount is what the user pays next."""
        chance = random.Random(62)
        own = self.derive()
        (self.dealer | self.reseller).sell_below_cost = True
        band = self.env["tier.time.band"].create(
            {"name": "Noon", "code": "noon", "line_ids": [Command.create({"hour_from": 12.01, "hour_to": 12.05})]}
        )
        for _ in range(12):
            prefix = "49" + "".join(chance.choice("0123") for _ in range(chance.randrange(1, 4)))
            if prefix not in own.base_id.rate_ids.mapped("prefix"):
                values = chance.choice(({}, {"initial_increment": 60, "increment": 1}, {"connection_charge": 0.3}))
                self.new_rate(own.base_id, prefix, f"{chance.randrange(1000, 2000)}e-3", **values)
                if chance.random() < 0.3:
                    self.new_rate(own.base_id, prefix, "0.5", band_id=band.id)
        own.brand_id.write({"minimum_charge": 0.04, "surcharge_after": 200, "surcharge": 0.1, "grace_seconds": 3})
        self.env["tier.volume.plan"].create(
            {
                "name": "Much",
                "price_list_id": own.id,
                "prefix": "491",
                "kind": "volume",
                "tier_ids": [
                    Command.create({"upto": 5, "price": 2, "flat": 1}),
                    Command.create({"upto": 0, "price": 1}),
                ],
            }
        )
        package = self.env["tier.package"].create(
            {"name": "All", "brand_id": own.brand_id.id, "included": 8, "increment": 10}
        )
        with freeze_time(NOON):
            self.env["tier.package.subscription"].create(
                {"package_id": package.id, "wallet_id": self.user.id, "date_from": "2026-11-01"}
            )
        for _ in range(40):
            self.assertCharged(chance.randrange(1, 400), "49" + "".join(chance.choice("0123") for _ in range(8)))

    def test_from_memory_too(self):
        """In a process that keeps the list, the steps are the same."""
        own = self.derive()
        texts = [self.text(90)]
        shelf = books.shelf(self.env.cr.dbname)
        for level in (own, own.base_id):
            key = level.id, self.voice.id
            shelf._asked[key] = 10**9
        texts.append(self.text(90))
        shelf.forget()
        self.assertEqual(*texts)

    def test_packages(self):
        package = self.env["tier.package"].create(
            {"name": "All", "brand_id": self.new_brand(self.dealer).id, "included": 1}
        )
        self.env["tier.package.subscription"].create(
            {"package_id": package.id, "wallet_id": self.user.id, "date_from": "2026-11-01"}
        )
        text = self.text(120)
        self.assertIn("Package: 60 s of it are included in a package and cost nothing", text)
        self.assertIn("60 s × 1.00 QCO / minute = 1.00 QCO", text)
        self.assertTrue(self.text(30).endswith("| 0.00 QCO"))
        self.assertFalse(sum(package.subscription_ids.balance_ids.mapped("used")))

    def plan(self, **values):
        return self.env["tier.volume.plan"].create(
            {
                "name": "Much",
                "price_list_id": self.user.price_list_id.id,
                "tier_ids": [Command.create({"upto": 2, "price": 2}), Command.create({"upto": 0, "price": 1})],
                **values,
            }
        )

    def test_volume(self):
        self.plan()
        self.charge(self.call("o:1", 60))
        text = self.text(120)
        self.assertIn("how much is used in a month: 60 s before this", text)
        self.assertIn("60 s × 2.00 QCO / minute = 2.00 QCO | Part: 60 s × 1.00 QCO / minute = 1.00 QCO", text)
        self.assertIn("→ 3.00 QCO", text)
        self.assertNotIn("Price: ", text)

    def test_volume_of_all_customers_tells_nobody_what_others_use(self):
        self.plan(counts="all", kind="volume")
        self.charge(self.call("o:1", 90))
        text = self.text(60)
        self.assertIn("how much is used in a month |", text)
        self.assertNotIn("before this", text)
        self.assertIn("Earlier in the period: −2.00 QCO", text)
        self.assertCharged(60)

    def test_bands(self):
        band = self.env["tier.time.band"].create(
            {"name": "Evening", "code": "evening", "line_ids": [Command.create({"hour_from": 10, "hour_to": 20})]}
        )
        self.new_rate(self.user.price_list_id, "4930", "0.9", band_id=band.id)
        self.new_rate(self.user.price_list_id, "4930", "1.1")
        text = self.text(120, at=NOON.replace(hour=9, minute=59))
        self.assertIn("Price: 1.10 QCO / minute |", text)
        self.assertIn("Part in Evening: 60 s × 0.90 QCO / minute = 0.90 QCO", text)
        self.assertIn("time of day: Evening", self.text())

    def test_refusals(self):
        elsewhere = "This does not go through at present"
        self.assertEqual(self.text(number="1999"), "No rate for this number")
        self.new_rate(self.user.price_list_id, "4977", "0", blocked=True)
        self.assertEqual(self.text(number="4977123456"), "Destination barred")
        self.user.state = "suspended"
        self.assertIn("The wallet is not active", self.text())
        self.user.state = "active"
        self.reseller.state = "suspended"
        self.assertIn(elsewhere, self.text())
        self.reseller.state = "active"
        self.new_rate(self.dealer.price_list_id, "4988", "0", blocked=True)
        self.assertIn(elsewhere, self.text(number="4988123456"))
        self.user.price_list_id.rate_ids.filtered(lambda rate: rate.prefix == "49").price = 0.5
        self.assertIn(elsewhere, self.text())
        self.dealer.sell_below_cost = True
        self.assertIn("0.50 QCO", self.text())

    def test_special_numbers(self):
        self.assertIn("An emergency call: nobody pays for it.", self.text(number="112"))
        self.env["tier.number.class"].create(
            {"name": "Secret class", "kind": "closed", "line_ids": [Command.create({"prefix": "4930"})]}
        )
        self.assertIn("Numbers of this kind are closed", self.text())
        self.env["tier.number.class"].create(
            {"name": "Secret class 2", "kind": "free", "line_ids": [Command.create({"prefix": "49301"})]}
        )
        self.assertTrue(self.text(number="4930123456").endswith("Free: Nobody pays for it. | 0.00 QCO"))

    def test_other_services(self):
        data = self.env["tier.service"].search([("is_time", "=", False)], limit=1)
        self.new_rate(self.user.price_list_id, "x", "0.2", service_id=data.id)
        for wallet in (self.dealer, self.reseller):
            self.new_rate(wallet.price_list_id, "x", "0.1", service_id=data.id)
        answer = self.answer("2.5", "x", service=data)
        self.assertIn(data.unit, " ".join(step.text for step in answer.steps))
        self.assertTrue(answer.amount)

    def test_who_may(self):
        sheet = self.user._rate_sheet(self.voice, DAY)
        for user in (self.portal_user(self.reseller, "own-reseller"), self.env.ref("base.public_user")):
            with self.assertRaises(AccessError):
                self.user.with_user(user)._explain_own_price(sheet, NUMBER, NOON, Decimal(60))
        for wallet, name in ((self.user, "own-user"), (self.dealer, "own-dealer")):
            reader = self.user.with_user(self.portal_user(wallet, name))
            answer = reader._explain_own_price(reader._rate_sheet(self.voice, DAY), NUMBER, NOON, Decimal(60))
            self.assertEqual(answer.amount, "1.00 QCO")
