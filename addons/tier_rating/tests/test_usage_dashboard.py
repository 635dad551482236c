from datetime import timedelta

from odoo.exceptions import AccessError, UserError
from odoo.tests import freeze_time, tagged

from .. import rollup
from .common import NOON, TierRatingCase


@freeze_time("2026-11-20 12:00:00")
@tagged("post_install", "-at_install")
class TestUsageDashboard(TierRatingCase):
    """The figures of a period, as the screen shows them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Of a company of its own: the database may have usage already.
        cls.chain = cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_selling_chain()
        cls.user._topup(100, "dashboard:funds")
        cls.auditor = cls.staff("auditor")
        cls.auditor.tz = "Europe/Berlin"
        cls.env.cr.execute("DELETE FROM tier_usage_hour")

    def figures(self, *args, user=None):
        """Sum up, and return the figures as a user sees them."""
        self.env.flush_all()
        self.env["tier.usage.rollup"]._add_batch(self.env.cr, rollup.horizon.decided(self.env.cr, "tier_charge"))
        self.env.invalidate_all()
        user = user or self.auditor
        Dashboard = self.env["tier.usage.dashboard"].with_user(user)
        return Dashboard.with_context(tz=user.tz, allowed_company_ids=self.company.ids).figures(*args)

    def test_today(self):
        self.charge(self.call("k:1", 90), self.call("k:2", 0), self.call("k:3", 60, at=NOON - timedelta(days=1)))
        figures = self.figures()
        self.assertEqual([figures["totals"][name] for name in ("attempts", "answered", "asr", "acd")], [2, 1, 50, 90])
        self.assertEqual(figures["totals"]["minutes"], 1.5)
        self.assertAlmostEqual(figures["totals"]["sale"], 1.4)
        self.assertAlmostEqual(figures["totals"]["margin"], 0.4)
        self.assertEqual(figures["before"]["attempts"], 1, "yesterday until the same time")
        self.assertEqual(figures["currency_id"], self.provider.currency_id.id)
        self.assertEqual([row["name"] for row in figures["carriers"]], [self.provider.price_list_id.display_name])

    def test_hours_are_those_of_the_user(self):
        self.charge(self.call("k:1"))
        figures = self.figures()
        # 09:59:55 in UTC.
        self.assertEqual([row["label"] for row in figures["series"] if row["attempts"]], ["10:00"])
        self.assertEqual([row["label"] for row in figures["hours"] if row["attempts"]], ["10"])
        self.assertEqual(len(figures["series"]), 13, "until now, none left out")

    def test_late_in_the_evening_it_is_another_day(self):
        self.charge(self.call("k:1", at=NOON.replace(day=19, hour=23, minute=30)))
        self.assertEqual(self.figures("today")["totals"]["attempts"], 1, "half past midnight in Berlin")
        self.assertEqual(self.figures("yesterday")["totals"]["attempts"], 0)

    def test_every_period(self):
        self.charge(self.call("k:1"))
        counts = {}
        for period in self.env["tier.usage.dashboard"]._periods():
            figures = self.figures(period)
            counts[period] = figures["totals"]["attempts"]
            self.assertEqual(sum(row["attempts"] for row in figures["series"]), counts[period], period)
        self.assertEqual(counts, {"today": 1, "yesterday": 0, "week": 1, "month": 1, "last_month": 0})

    def test_suspense_is_told(self):
        before = self.figures()["suspense"]
        self.charge(self.call("k:1", account="nobody"))
        self.assertEqual(self.figures()["suspense"], before + 1)

    def test_no_other_period(self):
        with self.assertRaises(UserError):
            self.figures("century")

    def test_nobody_else(self):
        self.charge(self.call("k:1"))
        for user in (self.staff("employee"), self.portal_user(self.reseller, "dashboard_reseller")):
            with self.assertRaises(AccessError):
                self.figures("today", user=user)
