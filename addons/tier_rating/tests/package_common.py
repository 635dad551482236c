"""A chain of four whose members sell packages with a fee, for tests."""

from odoo import fields

from .. import charging
from .common import TierRatingCase


class PackageFeeCase(TierRatingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_selling_chain()
        for brand in (cls.provider | cls.reseller | cls.dealer).mapped("brand_ids"):
            brand.write({"initial_increment": 1, "increment": 1})
        cls.fee_service = cls.env.ref("tier_rating.service_fee")
        # What the demo has is not to be counted here.
        cls.env.cr.execute("UPDATE tier_package_balance SET fee_state = 'lapsed' WHERE fee_state = 'due'")
        # The database's clock says which periods run.
        cls.today = fields.Datetime.now()
        # Of the demo, say.
        cls.others = set(charging.fees.find(cls.env.cr))

    def package(self, seller, **values):
        return self.env["tier.package"].create(
            {
                "name": f"Flat of {seller.name}",
                "brand_id": seller.brand_ids[:1].id,
                "included": 2,
                "fee": 9.99,
                **values,
            }
        )

    def subscribe(self, wallet, package=None, **values):
        first = values.pop("day", self.today.date().replace(day=1))
        return self.env["tier.package.subscription"].create(
            {
                "wallet_id": wallet.id,
                "package_id": (package or self.package(wallet.parent_id)).id,
                "date_from": first,
                **values,
            }
        )

    def period(self, subscription):
        """Return the period that runs now."""
        self.env.invalidate_all()
        return subscription.balance_ids.filtered(lambda period: period.date_from <= self.today < period.date_to)

    def due(self):
        """Return what the cron finds of this test's."""
        self.env.flush_all()
        return [period_id for period_id in charging.fees.find(self.env.cr) if period_id not in self.others]

    def collect(self):
        """Charge what is due, as the cron does."""
        outcome = charging.fees.charge(self.env, self.due())
        self.env.invalidate_all()
        return outcome

    def key(self, subscription):
        return self.period(subscription).fee_event_id.source_key
