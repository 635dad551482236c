"""What is no time is paid to the part of a unit, unless its rate has an increment."""

from decimal import Decimal

from odoo.tests import tagged

from .common import NOON, TierRatingCase


@tagged("post_install", "-at_install")
class TestExactUnits(TierRatingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_selling_chain(carrier=None)
        cls.data = cls.env.ref("tier_rating.service_data")
        # A gigabyte at 2.00, and at less on the tiers above.
        cls.rates = [
            cls.new_rate(wallet.price_list_id, "apn", price, service_id=cls.data.id)
            for wallet, price in ((cls.user, 2), (cls.dealer, 1.5), (cls.reseller, 1))
        ]
        for brand in (cls.provider | cls.reseller | cls.dealer).brand_ids:
            brand.rounding_digits = 6

    def used(self, key, quantity):
        self.charge(self.call(key, Decimal(quantity), number="apn", service="data"))
        return self.shares(key)

    def test_one_and_a_half_megabytes_cost_one_and_a_half(self):
        self.assertEqual([share[2] for share in self.used("a", "1.5")], ["0.003", "0.00225", "0.0015", "0"])
        self.assertEqual(set(self.event("a").charge_ids.mapped("billed_quantity")), {1.5})

    def test_an_increment_of_the_rate_rounds_up(self):
        self.rates[0].increment = 10
        self.rates[1].increment = 1
        self.assertEqual([share[2] for share in self.used("a", "1.5")], ["0.02", "0.003", "0.0015", "0"])

    def test_seconds_of_a_call_count_whole(self):
        for brand in (self.provider | self.reseller | self.dealer).brand_ids:
            brand.write({"initial_increment": 1, "increment": 1})
        self.charge(self.call("a", Decimal("1.5")))
        self.assertEqual(self.shares("a")[0][2], "0.033333")

    def test_a_package_pays_its_part(self):
        package = self.env["tier.package"].create(
            {
                "name": "One megabyte",
                "brand_id": self.dealer.brand_ids.id,
                "service_id": self.data.id,
                "included": 0.001,
                "period": "once",
            }
        )
        self.env["tier.package.subscription"].create(
            {"wallet_id": self.user.id, "package_id": package.id, "date_from": NOON.date()}
        )
        self.assertEqual(self.used("a", "1.5")[0][2], "0.001")

    def test_a_session_is_granted_in_whole_units(self):
        for wallet in (self.dealer, self.reseller):
            wallet._topup(1, f"fund {wallet.id}")
        self.user._topup(Decimal("0.0139"), "fund")
        answer = self.authorize(self.request("s", number="apn", service="data"))
        self.assertEqual((answer.granted, answer.reason), (6, None))
