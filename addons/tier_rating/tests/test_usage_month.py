from datetime import datetime, timedelta

from odoo.tests import freeze_time, tagged

from .. import rollup
from ..charging.refund import refund
from .common import TierRatingCase


@freeze_time("2026-11-20 12:00:00")
@tagged("post_install", "-at_install")
class TestUsageMonth(TierRatingCase):
    """A wallet's figures of the month are those of its charges, summed up already or not."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.chain = cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_selling_chain()
        cls.wallets = cls.provider + cls.reseller + cls.dealer + cls.user
        cls.user._topup(100, "month:funds")
        cls.reseller._topup(100, "month:reseller")
        cls.new_endpoint(cls.reseller, "own")

    def sum_up(self):
        self.env.flush_all()
        until = rollup.horizon.decided(self.env.cr, "tier_charge")
        while self.env["tier.usage.rollup"]._add_batch(self.env.cr, until):
            pass

    def counted(self, since):
        """Return the figures from the charges alone."""
        self.env.cr.execute(
            """SELECT wallet_id, count(*) FILTER (WHERE answered AND reverses_id IS NULL),
                      sum(sale), sum(cost), sum(margin)
                 FROM tier_charge WHERE wallet_id = ANY(%s) AND date >= %s GROUP BY 1""",
            [self.wallets.ids, since],
        )
        return {row[0]: (int(row[1]), *map(float, row[2:])) for row in self.env.cr.fetchall()}

    def assertSame(self, since):
        found, expected = rollup.month.since(self.env, self.wallets.ids, since), self.counted(since)
        self.assertEqual(set(found), set(expected))
        for wallet_id, figures in expected.items():
            for one, other in zip(found[wallet_id], figures, strict=True):
                self.assertAlmostEqual(one, other, 6)

    def test_summed_or_not(self):
        """From any moment on, with the books in any time zone, however much is summed."""
        moments = [datetime(2026, 11, 1) + timedelta(hours=hours) for hours in (-30, -13, -1, 0, 1, 5, 13, 26, 50)]
        self.charge(
            *(self.call(f"k:{number}", 60, at=moment + timedelta(minutes=7)) for number, moment in enumerate(moments)),
            *(self.call(f"o:{number}", 60, account="own", at=moment) for number, moment in enumerate(moments)),
            self.call("none", 0, at=moments[4]),
        )
        for zone in ("UTC", "Pacific/Auckland", "America/New_York", "Asia/Kolkata"):
            self.company.tier_books_tz = zone
            self.env.flush_all()
            self.env["tier.usage.rollup"]._rebuild_until(
                self.env.cr, rollup.horizon.decided(self.env.cr, "tier_charge")
            )
            for moment in moments:
                with self.subTest(zone=zone, moment=moment):
                    self.assertSame(moment)

    def test_what_came_after_the_sums(self):
        self.charge(self.call("k:1"), self.call("k:2", account="own"))
        self.assertSame(datetime(2026, 11, 1))
        self.sum_up()
        self.charge(self.call("k:3"), self.call("k:4", account="own"))
        self.env.flush_all()
        refund(self.env, self.event("k:1").ids, "The line was dead")
        self.assertSame(datetime(2026, 11, 1))
        self.env.invalidate_all()
        self.assertEqual(self.reseller.call_count, 4, "two by the user and two of its own; one was undone, not unmade")
        self.assertAlmostEqual(self.user.cost_month, 1)
        self.sum_up()
        self.assertSame(datetime(2026, 11, 1))
