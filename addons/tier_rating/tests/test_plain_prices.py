import random
from datetime import timedelta
from decimal import Decimal
from unittest.mock import patch

from odoo.tests import tagged

from ..charging import books
from ..charging.priced import Item
from ..charging.pricing import Pricer
from .common import NOON, TierRatingCase

# What a brand may set; the last ones are more than a price.
TERMS = (
    {},
    {"increment": 6, "connection_charge": 0.05},
    {"billed_time_rule": "multiple", "rounding_method": "up", "rounding_digits": 0},
    {"grace_seconds": 5, "rounding_method": "half_even", "rounding_digits": 3, "tz": "Asia/Tokyo"},
    {"minimum_charge": 0.2},
    {"surcharge": 0.3, "surcharge_after": 100},
    {"connection_charge": 0.3, "connection_deductible": True},
)


@tagged("post_install", "-at_install")
class TestPlainPrices(TierRatingCase):
    """What is priced at once, because its rates are but prices, costs the same as any other way."""

    def setUp(self):
        super().setUp()
        books.shelf(self.env.cr.dbname).forget()
        self.startPatcher(patch.object(books, "WORTH_READING", 0))
        self.startPatcher(patch.object(books, "RATES_PER_NUMBER", 10**9))

    def story(self, chance, **values):
        """Make a chain of four with random brands, lists and derived lists.

        :return: the wallets that call
        """
        chain = [self.new_wallet("Provider")]
        for name in ("Reseller", "Dealer", "User"):
            chain.append(self.new_wallet(name, chain[-1], **(values if name == "Dealer" else {})))
        for wallet in chain:
            brand = self.new_brand(wallet.parent_id or wallet, **chance.choice(TERMS[: chance.choice((4, 4, 4, 7))]))
            base = self.new_list(brand, self._rates(chance))
            wallet.price_list_id = base
            if chance.random() < 0.5:
                wallet.price_list_id = self.new_list(
                    brand,
                    {"4930": chance.randrange(100) / 100},
                    base_id=base.id,
                    markup_percent=chance.choice((0, 7.5, -20)),
                    fixed=chance.choice((0, 0.01, -0.5)),
                )
        if wallet.price_list_id.base_id:
            self.env["tier.price.markup"].create(
                {"price_list_id": wallet.price_list_id.id, "kind": "prefix", "prefix": "4931", "markup_percent": 33}
            )
        if chance.random() < 0.3:
            self.new_rate(wallet.price_list_id, "49335", 1, blocked=True)
        chain[2].sell_below_cost = chance.random() < 0.5
        return chain

    def _rates(self, chance):
        prefixes = {"4", "49"} | {f"493{chance.randrange(10)}" for _ in range(5)}
        return {prefix: f"{chance.randrange(10**8)}e-8" for prefix in prefixes}

    def priced(self, items):
        """Price items; what can be told of each result."""

        def told(edge):
            if edge is None:
                return None
            names = ("amount", "amount_to", "sale", "transfer_rate", "sale_rate", "rate", "billed", "units")
            more = ("rate_id", "prefix", "destination_id", "included", "volume")
            price = edge.price
            # As it is written, to the last digit.
            return (
                edge.wallet.id,
                [str(getattr(edge, name)) for name in names],
                [getattr(edge, name) for name in more],
                (price.amount, price.exact, price.billed, price.connection, price.parts, price.reason),
            )

        self.env.flush_all()
        pricer = Pricer(self.env, items)
        results = []
        for item in items:
            found = pricer.priced(item, was_granted=item.key % 7 == 0)
            results.append((found.reason, found.detail, [told(edge) for edge in found.edges], told(found.carrier)))
        return results

    def test_as_priced_one_by_one(self):
        chance, at_once = random.Random(11), 0
        plainly = Pricer._price_plainly

        def count(pricer, *args):
            nonlocal at_once
            done = plainly(pricer, *args)
            at_once += done
            return done

        values = [{}] * 12 + [{"currency_id": self.env.ref("base.EUR").id}]
        for number, of_dealer in enumerate(values):
            with self.subTest(story=number):
                chain = self.story(chance, **of_dealer)
                items = [
                    Item(
                        key,
                        chance.choice(chain[1:]).id,
                        self.voice.id,
                        "".join(("49", *(chance.choice("0123456789") for _ in range(8))))
                        if key % 9
                        else chance.choice(("", "1", "112", "x12", "493355", "5")),
                        NOON + timedelta(hours=chance.randrange(24)),
                        chance.choice((Decimal(0), Decimal(4), Decimal("60.5"), Decimal(61), chance.randrange(4000))),
                    )
                    for key in range(60)
                ]
                items.append(items[1]._replace(key=60, quantity=10**17))
                items.append(items[1]._replace(key=61, quantity=Decimal(-5)))
                with patch.object(Pricer, "_price_plainly", count):
                    found = self.priced(items)
                with patch.object(Pricer, "_price_plainly", lambda *args: False):
                    self.assertEqual(found, self.priced(items))
        self.assertGreater(at_once, 100)

    def test_a_refusal_is_told_as_ever(self):
        """What is refused is looked at closely, whatever the tier."""
        _provider, reseller, dealer, user = self.new_selling_chain()
        item = Item(1, user.id, self.voice.id, "4930123456", NOON, Decimal(60))
        self.assertFalse(self.priced([item])[0][0])
        dealer.sell_below_cost = False
        user.price_list_id.rate_ids.write({"price": 0.1})
        self.assertEqual(self.priced([item])[0][0], "below_cost")
        user.price_list_id.rate_ids.write({"price": 1})
        dealer.price_list_id = False
        self.assertEqual(self.priced([item])[0][0], "no_price_list")
        reseller.flush_recordset()
        self.assertEqual(self.priced([item._replace(wallet_id=0)])[0][0], "unknown_account")
