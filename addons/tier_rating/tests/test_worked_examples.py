from decimal import Decimal

from odoo.tests import freeze_time, tagged

from .common import NOON, TierRatingCase


def amounts(*texts):
    return [Decimal(text) for text in texts]


@freeze_time("2026-11-25")
@tagged("post_install", "-at_install")
class TestWorkedExamples(TierRatingCase):
    """One call of a minute on a chain of four tiers: 1.00, 0.80, 0.70, and 0.50 to the carrier."""

    def build(self, dealer, user):
        """Build a chain with funds and charge a call on it."""
        self.chain = _provider, reseller, dealer, user = self.new_selling_chain(dealer, user)
        reseller._topup(10, "funds:reseller")
        dealer._allocate(5, "funds:dealer")
        user._allocate(2, "funds:user")
        before = self.figures()
        outcome = self.charge(self.call("k:1"))
        self.assertEqual((outcome.charged, outcome.suspense, outcome.duplicate), (1, 0, 0))
        self.assertConserved()
        return [after - earlier for after, earlier in zip(self.figures(), before, strict=True)]

    def figures(self):
        """Return the balances of user, dealer, reseller, both outside accounts, earnings, provider."""
        provider, reseller, dealer, user = self.chain
        return [
            self.balance(user),
            self.balance(dealer),
            self.balance(reseller),
            self.collected(dealer),
            self.collected(reseller),
            self.earned(provider),
            self.balance(provider),
        ]

    def assertRows(self):
        """Every tier's share is the same, whoever holds whose money."""
        provider, reseller, dealer, user = self.chain
        self.assertShares(
            "k:1",
            (user, "0", "1.00", "0"),
            (dealer, "1.00", "0.80", "0.20"),
            (reseller, "0.80", "0.70", "0.10"),
            (provider, "0.70", "0.50", "0.20"),
        )

    def test_all_inside(self):
        self.assertEqual(self.build("inside", "inside"), amounts("-1.00", "0.20", "0.10", "0", "0", "0.70", "0"))
        self.assertRows()

    def test_outside(self):
        self.assertEqual(
            self.build("outside", "outside"), amounts("-1.00", "-0.80", "-0.70", "1.00", "0.80", "0.70", "0")
        )
        self.assertRows()

    def test_mixed(self):
        self.assertEqual(self.build("inside", "outside"), amounts("-1.00", "-0.80", "0.10", "1.00", "0", "0.70", "0"))
        self.assertRows()

    def test_the_rows_tell_all(self):
        self.build("inside", "inside")
        provider, reseller, dealer, user = self.chain
        event = self.event("k:1")
        self.assertRecordValues(
            event,
            [
                {
                    "wallet_id": user.id,
                    "endpoint_id": user.endpoint_ids.id,
                    "service_id": self.voice.id,
                    "company_id": self.company.id,
                    "quantity": 60,
                    "number": "4930123456",
                    "state": "charged",
                    "reason": False,
                    "disposition": "answered",
                }
            ],
        )
        rows = event.charge_ids.sorted("tier", reverse=True)
        common = {
            "date": event.started_at,
            "answered": True,
            "quantity": 60,
            "billed_quantity": 60,
            "currency_id": self.coin.id,
            "service_id": self.voice.id,
            "company_id": self.company.id,
            "rate": 1,
            "overrun": False,
            "prefix": "49",
        }
        self.assertRecordValues(
            rows,
            [
                {
                    **common,
                    "wallet_id": wallet.id,
                    "child_id": child and child.id,
                    "tier": wallet.tier,
                    "price_list_id": wallet.price_list_id.id,
                    "rate_ref": wallet.price_list_id.rate_ids.id,
                }
                for wallet, child in ((user, False), (dealer, user), (reseller, dealer), (provider, reseller))
            ],
        )
        self.assertEqual(rows.transfer_id.mapped("kind"), ["usage"] * 3)
        self.assertEqual(rows[0].transfer_id.from_wallet_id, user)
        self.assertEqual(rows[0].transfer_id.to_wallet_id, dealer)
        self.assertEqual(rows[0].transfer_id.date, event.started_at)
        self.assertFalse(rows[3].transfer_id, "the carrier sends an invoice")

    def test_the_customers_share_is_the_parents_sale(self):
        """What a reseller sees of a customer is its own row."""
        self.build("inside", "inside")
        _provider, reseller, dealer, user = self.chain
        sold = self.env["tier.charge"].search([("wallet_id", "=", dealer.id), ("child_id", "=", user.id)])
        self.assertEqual((sold.sale, sold.margin, sold.number), (1, 0.2, "4930123456"))
        self.assertEqual((dealer.sale_month, reseller.margin_month), (1, 0.1))

    def test_without_a_carrier_deck(self):
        provider, _reseller, _dealer, user = self.new_selling_chain(carrier=None)
        user._topup(2, "funds")
        self.charge(self.call("k:1"))
        self.assertEqual(self.shares("k:1")[-1], (provider, "0.7", "0", "0.7"))

    def test_two_tiers(self):
        """A provider's own customer pays into the earnings."""
        provider, reseller, _dealer, _user = self.new_selling_chain()
        self.new_endpoint(reseller, "office")
        reseller._topup(10, "funds")
        self.charge(self.call("k:1", account="office"))
        self.assertShares("k:1", (reseller, "0", "0.70", "0"), (provider, "0.70", "0.50", "0.20"))
        self.assertBalances(reseller, "9.30", provider, 0)
        self.assertEqual(self.earned(provider), Decimal("0.70"))

    def test_a_tier_in_another_currency(self):
        """A dealer in shells, its user in coins: both amounts and the rate are kept."""
        provider = self.new_wallet("Provider")
        reseller = self.new_wallet("Reseller", provider)
        dealer = self.new_wallet("Dealer", reseller, currency_id=self.shell.id)
        user = self.new_wallet("User", dealer, currency_id=self.coin.id)
        self.sell(reseller, {"49": "0.70"})
        self.sell(dealer, {"49": "0.80"})  # a list in coins, paid in shells
        self.sell(user, {"49": "0.96"})  # a list in shells, paid in coins
        self.new_endpoint(user, "user")
        user._topup(2, "funds")
        self.charge(self.call("k:1"))
        self.assertShares(
            "k:1",
            (user, "0", "1.20", "0"),
            (dealer, "0.96", "0.64", "0.32"),
            (reseller, "0.80", "0.70", "0.10"),
            (provider, "0.70", "0", "0.70"),
        )
        self.assertBalances(user, "0.80", dealer, "0.32", reseller, "0.10")
        rows = self.event("k:1").charge_ids.sorted("tier", reverse=True)
        self.assertEqual(rows.mapped("rate"), [1.25, 0.8, 1, 1])
        paid = rows[0].transfer_id
        self.assertEqual((paid.amount, paid.amount_to, paid.rate), (1.2, 0.96, 0.8))
        self.assertConserved()

    def test_figures_of_the_month(self):
        self.build("inside", "inside")
        _provider, _reseller, dealer, user = self.chain
        self.charge(self.call("k:lost", 0), self.call("k:old", at=NOON.replace(month=10, day=31)))
        self.assertEqual((user.call_count, user.cost_month, user.sale_month), (1, 1, 0))
        self.assertEqual(
            (dealer.call_count, dealer.cost_month, dealer.sale_month, dealer.margin_month), (1, 0.8, 1, 0.2)
        )
