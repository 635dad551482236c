import random
from decimal import Decimal

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged
from odoo.tools import html2plaintext

from ..explaining import prices, words
from .common import NOON, NUMBER, TierRatingCase


@tagged("post_install", "-at_install")
class TestPriceExplain(TierRatingCase):
    """What a number costs and why, in words, is what is charged."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_selling_chain()
        cls.place = cls.env["tier.destination"].create({"name": "Test city"})

    def explain(self, **values):
        values.setdefault("wallet_id", self.user.id)
        wizard = self.env["tier.price.explain"].create({"number": NUMBER, "at": NOON, "quantity": 60, **values})
        return html2plaintext(wizard.result or "")

    def derive(self):
        """Let the user buy by a list in shells, derived from one in coins, with bands and charges."""
        brand = self.new_brand(
            self.dealer,
            currency_id=self.shell.id,
            initial_increment=30,
            increment=6,
            connection_charge=0.05,
            rounding_method="up",
            rounding_digits=3,
        )
        base = self.user.price_list_id
        base.rate_ids.destination_id = self.place
        own = self.new_list(brand, base_id=base.id, markup_percent=25, fixed=0.01)
        self.user.price_list_id = own
        return own

    def test_every_step(self):
        own = self.derive()
        self.env["tier.price.markup"].create(
            {"price_list_id": own.id, "kind": "prefix", "prefix": "4930", "markup_percent": 50}
        )
        text = self.explain(quantity=61)
        for words_ in (
            "49 (Test city)",
            "1.00 QCO / minute, in",
            "1 QCO = 0.80 QSH",
            "+50 % (for 4930) → 1.20 QSH / minute",
            "66 s (30 s, then steps of 6)",
            "Connection charge 0.05 QSH",
            "1 QSH = 1.25 QCO",
            "Up, 3 decimals → 1.713 QCO",
            "User pays Dealer",
            "Dealer pays Reseller",
            "Reseller pays Provider",
            "Provider pays its carrier",
        ):
            self.assertIn(words_, " ".join(text.replace("*", "").split()))
        self.assertEqual(self.cost(61), Decimal("1.713"))

    def test_the_same_as_charged(self):
        """Random calls: every tier's amount is what the charging path takes."""
        chance = random.Random(3)
        own = self.derive()
        self.dealer.sell_below_cost = True
        for _ in range(12):
            prefix = "49" + "".join(chance.choice("0123") for _ in range(chance.randrange(1, 4)))
            if prefix not in own.base_id.rate_ids.mapped("prefix"):
                self.new_rate(own.base_id, prefix, f"{chance.randrange(1000, 2000)}e-3")
        own.markup_ids = [
            Command.create({"kind": "prefix", "prefix": f"49{digit}", "markup_percent": digit * 10})
            for digit in range(3)
        ]
        for number in range(30):
            callee = "49" + "".join(chance.choice("0123") for _ in range(8))
            seconds = chance.randrange(400)
            key = f"e:{number}"
            self.charge(self.call(key, seconds, number=callee))
            charges = {wallet: Decimal(cost) for wallet, _sale, cost, _margin in self.shares(key)}
            question = prices.of_wallet(self.env, self.user, self.voice, callee, NOON, Decimal(seconds))
            found = {self.env["tier.wallet"].browse(tier.wallet.id): tier.edge.amount for tier in question.tiers}
            self.assertEqual(found, charges, callee)
            for tier in question.tiers:
                self.assertTrue(words.Wording(self.env, question).steps(tier))

    def test_by_price_list(self):
        text = self.explain(wallet_id=False, price_list_id=self.derive().id)
        self.assertIn("A customer of", text)
        self.assertNotIn("Dealer pays", text)

    def test_numbers_in_any_writing(self):
        self.company.country_id = self.env.ref("base.de")
        for number in ("+49 30 123456", "0049 30 123456", "030 123456", "tel:+49-30-123456", "49 30 123456"):
            with self.subTest(number):
                self.assertIn("priced: 4930123456", self.explain(number=number).replace("*", "").replace("\n", " "))
        switch = self.new_switch("e-switch", country_prefix="44", national_prefix="0")
        self.assertIn("44301234567", self.explain(number="0301234567", switch_id=switch.id))

    def test_refusals(self):
        for values, reason in (
            ({"number": "1999"}, "No rate for this number"),
            ({"number": "abc"}, "No number dialled"),
            ({"wallet_id": self.provider.id}, "No price list"),
        ):
            with self.subTest(values):
                self.assertIn(reason, self.explain(**values))
        self.dealer.state = "suspended"
        self.assertIn("Suspended wallet in the chain", self.explain())
        self.dealer.state = "active"
        self.user.price_list_id.rate_ids.price = 0.5
        self.assertIn("for less than it pays", self.explain())

    def test_special_numbers(self):
        self.assertIn("nobody pays for it", self.explain(number="112"))
        self.env["tier.number.class"].create(
            {"name": "Test", "kind": "closed", "line_ids": [Command.create({"prefix": "4930"})]}
        )
        self.assertIn("not opened", self.explain())

    def test_packages(self):
        package = self.env["tier.package"].create(
            {"name": "All", "brand_id": self.new_brand(self.dealer).id, "included": 1}
        )
        self.env["tier.package.subscription"].create(
            {"package_id": package.id, "wallet_id": self.user.id, "date_from": "2026-11-01"}
        )
        text = self.explain(quantity=120)
        self.assertIn("60 s are included → 1.00", text)
        self.assertFalse(sum(package.subscription_ids.balance_ids.mapped("used")))

    def test_volume(self):
        """From where the period stands, and what is charged then."""
        self.env["tier.volume.plan"].create(
            {
                "name": "Much",
                "price_list_id": self.user.price_list_id.id,
                "tier_ids": [
                    Command.create({"upto": 2, "price": 2}),
                    Command.create({"upto": 0, "price": 1}),
                ],
            }
        )
        self.charge(self.call("e:1", 60))
        text = self.explain(quantity=120)
        self.assertIn("Much, after 60 s in its period: 60 s × 2.00 QCO / minute + 60 s × 1.00 QCO / minute", text)
        self.assertIn("→ 3.00", text)
        self.assertEqual(self.cost(120), 3)
        self.explain(wallet_id=False, price_list_id=self.user.price_list_id.id)

    def test_bands(self):
        band = self.env["tier.time.band"].create(
            {"name": "Evening", "code": "evening", "line_ids": [Command.create({"hour_from": 10, "hour_to": 20})]}
        )
        self.new_rate(self.user.price_list_id, "4930", "0.9", band_id=band.id)
        self.new_rate(self.user.price_list_id, "4930", "1.1")
        text = self.explain(quantity=120, at=NOON.replace(hour=9, minute=59))
        self.assertIn("Part in Evening", text)
        text = self.explain()
        self.assertIn("Evening", text)

    def test_of_an_event(self):
        self.charge(self.call("e:1", 61))
        action = self.event("e:1").action_explain()
        wizard = self.env["tier.price.explain"].with_context(**action["context"]).create({})
        self.assertIn("Charged then", html2plaintext(wizard.result))
        self.charge(self.call("e:2", account="nobody"))
        with self.assertRaises(UserError):
            self.event("e:2").action_explain()

    def test_nothing_asked_yet(self):
        self.assertFalse(self.env["tier.price.explain"].create({}).result)
        self.assertFalse(self.env["tier.price.explain"].create({"number": "49"}).result)

    def test_who_may_ask(self):
        auditor = new_test_user(self.env, "explain-auditor", "tier_billing.group_tier_auditor")
        Wizard = self.env["tier.price.explain"].with_user(auditor)
        wizard = Wizard.create({"wallet_id": self.user.id, "number": NUMBER, "at": NOON})
        self.assertIn("1.00", wizard.result)
        portal = new_test_user(self.env, "explain-portal", "base.group_portal")
        with self.assertRaises(AccessError):
            Wizard.with_user(portal).create({})
        other = self.env["res.company"].create({"name": "Explain elsewhere"})
        auditor.write({"company_id": other.id, "company_ids": [Command.set(other.ids)]})
        with self.assertRaises(AccessError):
            Wizard.create({"wallet_id": self.user.id, "number": NUMBER, "at": NOON}).result  # noqa: B018

    def test_parts_of_a_unit(self):
        data = self.env.ref("tier_rating.service_data")
        self.new_rate(self.user.price_list_id, "roam", "2", service_id=data.id)
        text = self.explain(number="roam", quantity=1.5, service_id=data.id)
        self.assertIn(f"1.5 {data.unit} × 2.00 QCO", text)
