from datetime import timedelta
from unittest.mock import patch

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .. import rollup
from ..charging.refund import refund
from ..models import tier_usage_rollup
from .common import NOON, TierRatingCase


@tagged("post_install", "-at_install")
class TestUsageSums(TierRatingCase):
    """Reports read sums of charges: each charge in them once, by whom and when it is."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.chain = cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_selling_chain()
        cls.germany = cls.env["tier.destination"].create({"name": "Germany of the sums"})
        for wallet in cls.chain:
            wallet.price_list_id.rate_ids.destination_id = cls.germany
        cls.user._topup(100, "sums:funds")

    def sum_up(self):
        """Add what was charged since, as the scheduled action does."""
        self.env.flush_all()
        until = rollup.horizon.decided(self.env.cr, "tier_charge")
        while self.env["tier.usage.rollup"]._add_batch(self.env.cr, until):
            pass
        self.env.invalidate_all()

    def figures(self, model, wallet, *aggregates):
        """Return sums over all rows of a wallet."""
        return self.env[model]._read_group([("wallet_id", "=", wallet.id)], [], aggregates)[0]

    def test_every_seller_has_its_figures(self):
        self.charge(self.call("k:1", 90), self.call("k:2", 30), self.call("k:3", 0))
        self.sum_up()
        for wallet, sale, cost in ((self.dealer, 3, 2.4), (self.reseller, 2.4, 2.1), (self.provider, 2.1, 1.5)):
            with self.subTest(wallet.name):
                figures = self.figures(
                    "tier.usage.day", wallet, "attempts:sum", "answered:sum", "seconds:sum", "sale:sum", "cost:sum"
                )
                self.assertEqual(figures[:3], (3, 2, 120))
                self.assertAlmostEqual(figures[3], sale)
                self.assertAlmostEqual(figures[4], cost)
        self.assertFalse(self.env["tier.usage.day"].search([("wallet_id", "=", self.user.id)]), "it sells nothing")

    def test_by_what_they_are_summed(self):
        self.charge(self.call("k:1"), self.call("k:2", at=NOON + timedelta(minutes=61)), self.call("k:3"))
        self.sum_up()
        hours = self.env["tier.usage.hour"].search([("wallet_id", "=", self.provider.id)])
        self.assertEqual([(row.hour.hour, row.attempts) for row in hours], [(11, 1), (9, 2)], "they began before ten")
        self.assertEqual(hours.destination_id, self.germany)
        self.assertEqual(hours.price_list_id, self.provider.price_list_id, "its carrier's")
        self.assertEqual(hours.brand_id, self.reseller.price_list_id.brand_id)
        day = self.env["tier.usage.day"].search([("wallet_id", "=", self.dealer.id)])
        self.assertEqual((len(day), day.attempts, day.tier), (1, 3, 2))
        self.assertEqual(day.brand_id, self.user.price_list_id.brand_id)
        self.assertEqual(day.currency_id, self.dealer.currency_id)

    def test_the_day_is_that_of_the_books(self):
        self.company.tier_books_tz = "Pacific/Auckland"
        self.charge(self.call("k:1", at=NOON.replace(hour=12)))
        self.sum_up()
        day = self.env["tier.usage.day"].search([("wallet_id", "=", self.dealer.id)])
        self.assertEqual(str(day.day), "2026-11-21")

    def test_twice_adds_nothing(self):
        self.charge(self.call("k:1"))
        self.sum_up()
        self.sum_up()
        self.assertEqual(self.figures("tier.usage.hour", self.provider, "attempts:sum"), (1,))
        self.charge(self.call("k:2"))
        self.sum_up()
        self.assertEqual(self.figures("tier.usage.hour", self.provider, "attempts:sum"), (2,))
        self.assertFalse(self.env["tier.usage.rollup"]._differences())

    def test_in_batches_of_a_few_charges(self):
        """A batch may end between the charges of one event."""
        self.charge(*(self.call(f"k:{number}") for number in range(5)))
        with patch.object(tier_usage_rollup, "BATCH", 3):
            self.sum_up()
        self.assertFalse(self.env["tier.usage.rollup"]._differences())
        brands = self.env["tier.usage.day"].search([("wallet_id", "=", self.dealer.id)]).brand_id
        self.assertEqual(brands, self.user.price_list_id.brand_id)

    def test_a_refund_takes_back_money_and_no_call(self):
        self.charge(self.call("k:1"), self.call("k:2"))
        self.env.flush_all()
        refund(self.env, self.event("k:1").ids, "The line was dead")
        self.sum_up()
        attempts, answered, refunds, sale, sold = self.figures(
            "tier.usage.day", self.dealer, "attempts:sum", "answered:sum", "refunds:sum", "sale:sum", "sold_minutes:sum"
        )
        self.assertEqual((attempts, answered, refunds, sold), (2, 2, 1, 1))
        self.assertAlmostEqual(sale, 1)
        self.assertFalse(self.env["tier.usage.rollup"]._differences())

    def test_what_waited_in_suspense_counts_when_it_is_charged(self):
        self.charge(self.call("k:1", account="nobody"))
        self.sum_up()
        self.assertFalse(self.env["tier.usage.hour"].search([("wallet_id", "=", self.provider.id)]))
        self.new_endpoint(self.user, "nobody")
        self.retry(self.event("k:1"))
        self.sum_up()
        self.assertEqual(self.figures("tier.usage.hour", self.provider, "answered:sum"), (1,))

    def test_what_is_no_call_is_in_no_ratio(self):
        message = self.env.ref("tier_rating.service_message")
        for wallet in self.chain:
            self.new_rate(wallet.price_list_id, "sms", "0.01", service_id=message.id)
        self.charge(self.call("k:1", 90), self.call("k:sms", 2, number="sms", service=message.code))
        self.assertEqual(self.event("k:sms").state, "charged", self.event("k:sms").detail)
        self.sum_up()
        figures = ("attempts:sum", "answered:sum", "others:sum", "units:sum", "asr:avg", "acd:avg")
        self.assertEqual(self.figures("tier.usage.hour", self.provider, *figures), (1, 1, 1, 2, 100, 90))
        self.assertFalse(self.env["tier.usage.rollup"]._differences())

    def test_ratios_are_of_sums(self):
        self.charge(
            self.call("k:1", 600),
            *(self.call(f"k:fail{number}", 0, at=NOON + timedelta(hours=2)) for number in range(3)),
        )
        self.sum_up()
        domain = [("wallet_id", "=", self.provider.id)]
        Hour = self.env["tier.usage.hour"]
        asr, acd, minutes, percent = Hour._read_group(
            domain, [], ["asr:avg", "acd:avg", "minutes:sum", "margin_percent:avg"]
        )[0]
        self.assertEqual((asr, acd, minutes), (25, 600, 10), "one of four; not the average of 100 and 0")
        self.assertAlmostEqual(percent, 100 * 0.2 / 0.7, 6)
        self.assertEqual(Hour.search(domain).mapped("asr"), [0, 100])
        groups = Hour.formatted_read_group(domain, ["destination_id"], ["asr:avg", "acd:avg"])
        self.assertEqual({group["asr:avg"] for group in groups}, {25.0} if len(groups) == 1 else {0.0, 100.0})

    def test_a_fault_is_found_and_mended(self):
        self.charge(self.call("k:1"))
        self.sum_up()
        Rollup = self.env["tier.usage.rollup"]
        self.env.cr.execute("UPDATE tier_usage_day SET sale = sale + 1 WHERE wallet_id = %s", [self.dealer.id])
        self.env.cr.execute("DELETE FROM tier_usage_hour WHERE wallet_id = %s", [self.provider.id])
        found = {(row[0], row[3]) for row in Rollup._differences()}
        self.assertIn((self.dealer.id, "day, sale"), found)
        self.assertIn((self.provider.id, "hour, attempts"), found)
        self.assertFalse(self.env["tier.audit"]._is_clean())
        Rollup._rebuild_until(self.env.cr, rollup.horizon.decided(self.env.cr, "tier_charge"))
        self.assertFalse(Rollup._differences())
        self.assertTrue(self.env["tier.audit"]._is_clean())

    def test_the_scheduled_action(self):
        self.charge(self.call("k:1"))
        self.env.flush_all()
        with self.enter_registry_test_mode(), patch.object(type(self.env["ir.cron"]), "_commit_progress"):
            self.env["tier.usage.rollup"]._cron_add()
        self.env.invalidate_all()
        self.assertEqual(self.figures("tier.usage.hour", self.provider, "attempts:sum"), (1,))
        self.assertTrue(self.env["tier.usage.rollup"]._counted_at())

    def test_nobody_writes_them(self):
        with self.assertRaises(UserError):
            self.env["tier.usage.rollup"].create({})
        manager = self.staff("manager")
        with self.assertRaises(AccessError):
            self.env["tier.usage.day"].with_user(manager).create({"wallet_id": self.dealer.id, "day": "2026-11-20"})

    def test_another_companys_staff_sees_nothing(self):
        self.charge(self.call("k:1"))
        self.sum_up()
        other = self.env["res.company"].create({"name": "Other company of the sums"})
        auditor = self.staff("auditor")
        auditor.write({"company_ids": [Command.set(other.ids)], "company_id": other.id})
        for model in ("tier.usage.hour", "tier.usage.day"):
            Model = self.env[model].with_user(auditor).with_context(allowed_company_ids=other.ids)
            self.assertFalse(Model.search_count([("wallet_id", "in", [wallet.id for wallet in self.chain])]))
