from decimal import Decimal

from odoo.tests import freeze_time, tagged

from ..charging.refund import refund
from .common import NOON, TierRatingCase

LATER = "2026-12-03 09:00:00"


class ReratingCase(TierRatingCase):
    """A chain that sells, calls of November, and a rate that turns out to be wrong."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_selling_chain()

    def setUp(self):
        super().setUp()
        self.registry_enter_test_mode()

    def new_run(self, **values):
        # Whatever else is charged in the database.
        values = {"date_from": "2026-11-01", "reason": "wrong rate", "wallet_id": self.provider.id, **values}
        return self.env["tier.rerating"].create(values)

    def compute(self, **values):
        """Return a run that is computed."""
        run = self.new_run(**values)
        run.action_compute()
        self.assertEqual(run.state, "computed")
        return run

    def rerate(self, **values):
        """Return a run that is posted."""
        run = self.compute(**values)
        run.action_post()
        self.assertEqual(run.state, "posted")
        return run

    def reprice(self, wallet, price):
        """Change the rate by which a wallet pays."""
        wallet.price_list_id.rate_ids.price = price

    def corrections(self, key):
        """Return each tier's (wallet, sale, cost, margin) of the corrections of an event, exactly."""
        self.env.cr.execute(
            """SELECT c.wallet_id, c.sale::text, c.cost::text, c.margin::text
                 FROM tier_charge c JOIN tier_usage_event e ON e.id = c.event_id
                WHERE e.source_key = %s AND c.rerating_id IS NOT NULL ORDER BY c.rerating_id, c.tier DESC""",
            [key],
        )
        return [
            (self.env["tier.wallet"].browse(row[0]), *(str(Decimal(amount).normalize() + 0) for amount in row[1:]))
            for row in self.env.cr.fetchall()
        ]

    def line(self, run, wallet):
        return run.line_ids.filtered(lambda line: line.wallet_id == wallet)

    def assertAudited(self):
        """Every invariant holds that the audit knows."""
        self.env.flush_all()
        audit = self.env["tier.audit"]._run()
        self.assertEqual(audit.state, "clean", audit.finding_ids.mapped(lambda found: (found.name, found.detail)))
        self.assertConserved()


@freeze_time(LATER)
@tagged("post_install", "-at_install")
class TestRerating(ReratingCase):
    """What a run computes, and what it posts on every edge."""

    def test_a_higher_price_is_paid_on_its_edge_alone(self):
        self.charge(self.call("k:1", 60))
        self.assertBalances(self.user, "-1.00", self.dealer, "0.20", self.reseller, "0.10")
        self.reprice(self.user, "1.30")
        run = self.compute()
        self.assertEqual((run.looked_at_count, run.changed_count, run.left_count), (1, 1, 0))
        self.assertBalances(self.user, "-1.00", self.dealer, "0.20", self.reseller, "0.10")
        line = self.line(run, self.user)
        self.assertEqual((line.old_cost, line.new_cost, line.cost_difference, line.balance_change), (1, 1.3, 0.3, -0.3))
        line = self.line(run, self.dealer)
        self.assertEqual(
            (line.old_sale, line.new_sale, line.margin_difference, line.balance_change), (1, 1.3, 0.3, 0.3)
        )
        self.assertFalse(self.line(run, self.reseller))
        run.action_post()
        self.assertEqual((run.state, run.posted_count), ("posted", 1))
        self.assertBalances(self.user, "-1.30", self.dealer, "0.50", self.reseller, "0.10")
        self.assertEqual(
            self.corrections("k:1"),
            [
                (self.user, "0", "0.3", "0"),
                (self.dealer, "0.3", "0", "0.3"),
            ],
        )
        transfer = self.env["tier.transfer"].search([("source_key", "=like", f"rerate:{run.id}:%")])
        self.assertEqual((transfer.kind, transfer.amount, transfer.reason), ("usage", 0.3, f"{run.name}: wrong rate"))
        self.assertEqual(transfer.reverses_id.source_key, f"usage:{self.event('k:1').id}:{self.user.id}")
        self.assertAudited()

    def test_a_lower_price_goes_back_as_a_rebate(self):
        self.charge(self.call("k:1", 120))
        self.reprice(self.user, "0.90")
        self.reprice(self.reseller, "0.60")
        run = self.rerate()
        self.assertBalances(self.user, "-1.80", self.dealer, "0.20", self.reseller, "0.40")
        self.assertEqual(self.earned(self.provider), Decimal("1.20"))
        kinds = self.env["tier.transfer"].search([("source_key", "=like", f"rerate:{run.id}:%")]).mapped("kind")
        self.assertEqual(kinds, ["rebate", "rebate"])
        self.assertAudited()

    def test_twice_changes_nothing(self):
        self.charge(self.call("k:1", 60), self.call("k:2", 61))
        self.reprice(self.user, "1.30")
        run = self.rerate()
        with self.assertNothingMoves():
            run.action_post()
            again = self.compute()
            self.assertEqual((again.looked_at_count, again.unchanged_count, again.changed_count), (2, 2, 0))
            again.action_post()
        self.assertAudited()

    def test_a_second_run_starts_from_what_the_first_one_posted(self):
        self.charge(self.call("k:1", 60))
        for price in ("1.30", "0.95", "1.00"):
            self.reprice(self.user, price)
            self.rerate()
            self.assertBalances(self.user, f"-{price}")
        self.assertEqual(len(self.corrections("k:1")), 6)
        self.assertAudited()

    def test_what_was_computed_is_what_is_posted(self):
        self.charge(self.call("k:1", 60))
        self.reprice(self.user, "1.30")
        run = self.compute()
        self.reprice(self.user, "5.00")
        run.action_post()
        self.assertBalances(self.user, "-1.30")

    def test_two_runs_computed_from_the_same_charges(self):
        self.charge(self.call("k:1", 60))
        self.reprice(self.user, "1.30")
        first, second = self.compute(), self.compute()
        first.action_post()
        with self.assertNothingMoves():
            second.action_post()
        self.assertEqual((second.state, second.posted_count, second.left_count), ("posted", 0, 1))
        self.assertEqual(second.event_ids.reason, "changed_since")
        self.assertAudited()

    def test_refunded_after_it_was_computed(self):
        self.charge(self.call("k:1", 60))
        self.reprice(self.user, "1.30")
        run = self.compute()
        refund(self.env, self.event("k:1").ids, "dead line")
        with self.assertNothingMoves():
            run.action_post()
        self.assertEqual(run.event_ids.reason, "refunded")
        self.assertBalances(self.user, "0")

    def test_refund_after_corrections_brings_everybody_to_zero(self):
        for price in ("1.30", "0.40"):
            key = f"k:{price}"
            self.reprice(self.user, "1.00")
            self.charge(self.call(key, 60))
            self.dealer.sell_below_cost = True
            self.reprice(self.user, price)
            self.rerate()
            self.reprice(self.user, "2.00")
            self.rerate()
            refund(self.env, self.event(key).ids, "dead line")
            self.env.invalidate_all()
            self.assertBalances(self.user, "0", self.dealer, "0", self.reseller, "0")
            self.assertEqual(self.earned(self.provider), 0)
            # What the carrier charged stays a cost.
            charges = self.event(key).charge_ids.filtered("tier")
            self.assertEqual({round(sum(charges.mapped(name)), 6) for name in ("sale", "margin")}, {0})
            self.assertAudited()

    def test_what_was_free_is_paid_for(self):
        self.reprice(self.user, "0")
        self.dealer.sell_below_cost = True
        self.charge(self.call("k:1", 60))
        self.assertBalances(self.user, "0", self.dealer, "-0.80")
        self.reprice(self.user, "1.00")
        self.rerate()
        self.assertBalances(self.user, "-1.00", self.dealer, "0.20")
        self.assertAudited()
        self.reprice(self.user, "0.70")
        self.rerate()
        self.assertBalances(self.user, "-0.70")
        self.assertAudited()
        refund(self.env, self.event("k:1").ids, "dead line")
        self.env.invalidate_all()
        self.assertBalances(self.user, "0", self.dealer, "0")
        self.assertAudited()

    def test_carriers_cost_changes_the_margin_alone(self):
        self.charge(self.call("k:1", 60))
        self.reprice(self.provider, "0.65")
        with self.assertNothingMoves():
            run = self.rerate()
        self.assertEqual(self.line(run, self.provider).margin_difference, -0.15)
        self.assertEqual(self.corrections("k:1")[-1], (self.provider, "0", "0.15", "-0.15"))
        self.assertAudited()

    def test_a_call_without_a_price_now_is_left(self):
        self.charge(self.call("k:1", 60))
        self.user.price_list_id.rate_ids.unlink()
        run = self.rerate()
        self.assertEqual((run.left_count, run.event_ids.reason), (1, "no_rate"))

    def test_packages_and_their_fees_are_left(self):
        package = self.env["tier.package"].create(
            {"name": "Minute", "brand_id": self.user.price_list_id.brand_id.id, "included": 1}
        )
        with freeze_time(NOON):
            self.env["tier.package.subscription"].create(
                {"package_id": package.id, "wallet_id": self.user.id, "date_from": "2026-11-01"}
            )
        fee = self.env.ref("tier_rating.service_fee")
        for wallet in (self.user, self.dealer, self.reseller):
            self.new_rate(wallet.price_list_id, "package-1", "3.00", service_id=fee.id)
        self.charge(
            self.call("k:1", 90),
            self.call("k:fee", 1, number="package-1", service="fee", wallet_id=self.user.id),
            self.call("k:2", 60),
        )
        self.reprice(self.user, "4.00")
        run = self.rerate()
        self.assertEqual(
            {row.event_id.source_key: row.reason for row in run.event_ids},
            {"k:1": "packaged", "k:fee": "packaged", "k:2": False},
        )

    def test_only_what_is_chosen(self):
        other = self.new_wallet("Other", self.dealer)
        other.price_list_id = self.user.price_list_id
        self.new_endpoint(other, "other")
        self.new_rate(self.user.price_list_id, "4930", "1.00")
        self.charge(
            self.call("k:1", 60),
            self.call("k:2", 60, account="other"),
            self.call("k:3", 60, number="4989123456"),
        )
        self.reprice(self.user, "1.30")
        cases = [
            ({"wallet_id": self.user.id}, 2),
            ({"wallet_id": other.id}, 1),
            ({"wallet_id": self.dealer.id}, 3),
            ({"prefix": "4930"}, 2),
            ({"price_list_id": self.user.price_list_id.id}, 3),
            ({"price_list_id": self.user.price_list_id.id, "prefix": "4989"}, 1),
            ({"brand_id": self.dealer.price_list_id.brand_id.id}, 3),
            ({"service_id": self.env.ref("tier_rating.service_voice").id}, 3),
            ({"date_from": "2026-11-21"}, 0),
            ({"date_to": "2026-11-20 10:00:00"}, 3),
            ({"date_to": "2026-11-20 09:00:00"}, 0),
        ]
        for choice, expected in cases:
            with self.subTest(choice=choice):
                self.assertEqual(self.compute(**choice).looked_at_count, expected)

    def test_a_base_changes_what_derives_from_it(self):
        base = self.user.price_list_id
        self.user.price_list_id = self.new_list(base.brand_id, base_id=base.id, markup_percent=10)
        self.charge(self.call("k:1", 60))
        self.assertBalances(self.user, "-1.10")
        base.rate_ids.price = 2
        self.rerate(price_list_id=base.id)
        self.assertBalances(self.user, "-2.20")

    def test_the_list_that_was_charged_or_the_one_there_is_now(self):
        self.charge(self.call("k:1", 60))
        charged = self.user.price_list_id
        self.user.price_list_id = self.new_list(charged.brand_id, {"49": "3.00"})
        self.assertEqual(self.compute(price_lists="charged").changed_count, 0)
        charged.rate_ids.price = 1.5
        self.assertEqual(self.line(self.compute(price_lists="charged"), self.user).new_cost, 1.5)
        self.assertEqual(self.line(self.compute(), self.user).new_cost, 3)

    def test_a_suspended_wallet_pays_what_it_used(self):
        self.charge(self.call("k:1", 60))
        self.dealer.state = "suspended"
        self.reprice(self.user, "1.30")
        self.rerate()
        self.assertBalances(self.user, "-1.30")

    def test_a_moved_wallet_is_left(self):
        self.charge(self.call("k:1", 60))
        self.reprice(self.user, "1.30")
        run = self.compute()
        self.user._move_below(self.reseller, "move", "moved")
        self.env.invalidate_all()
        with self.assertNothingMoves():
            run.action_post()
        self.assertEqual(run.event_ids.reason, "moved")
        self.assertEqual(self.compute().event_ids.reason, "moved")

    def test_outside_money_lands_where_the_payment_did(self):
        self.user.endpoint_ids.unlink()
        provider, reseller, dealer, user = self.new_selling_chain("outside", "outside")
        self.charge(self.call("k:1", 60))
        self.reprice(user, "1.30")
        self.reprice(dealer, "0.50")
        reseller.sell_below_cost = True
        self.rerate(wallet_id=provider.id)
        self.assertBalances(user, "-1.30", dealer, "-0.50", reseller, "-0.70")
        self.assertEqual((self.collected(dealer), self.collected(reseller)), (Decimal("1.30"), Decimal("0.50")))
        self.assertAudited()

    def test_funds_that_are_not_there_are_overrun_and_flagged(self):
        self.charge(self.call("k:1", 60))
        self.user._topup(Decimal("1.10"), "top")
        self.reprice(self.user, "1.30")
        run = self.compute()
        self.assertTrue(self.line(run, self.user).overruns)
        run.action_post()
        self.assertEqual(run.overrun_count, 1)
        self.assertBalances(self.user, "-0.20")
        self.assertTrue(self.event("k:1").charge_ids.filtered("rerating_id").filtered("overrun").wallet_id, self.user)

    def test_spending_counts_on_the_day_of_use(self):
        self.user.daily_limit = 100
        self.env.flush_all()
        with freeze_time("2026-12-02 08:00:00"):
            self.charge(self.call("k:1", 60, at=self._moment("2026-12-02 08:00:00")))
        self.reprice(self.user, "1.30")
        self.rerate()
        self.assertEqual(self._spent(self.user), [("2026-12-02", Decimal("1.30"))])
        self.reprice(self.user, "0.90")
        self.rerate()
        self.assertEqual(self._spent(self.user), [("2026-12-02", Decimal("0.90"))])
        self.assertAudited()
        refund(self.env, self.event("k:1").ids, "dead line")
        self.assertEqual(self._spent(self.user), [("2026-12-02", Decimal(0))])
        self.assertAudited()
        self.user.daily_limit = 50
        self.env.flush_all()
        self.assertAudited()

    @staticmethod
    def _moment(text):
        from odoo import fields

        return fields.Datetime.to_datetime(text)

    def _spent(self, wallet):
        self.env.cr.execute(
            "SELECT day::text, amount::text FROM tier_spending WHERE account_id = %s ORDER BY day",
            [wallet.account_id.id],
        )
        return [(day, Decimal(amount)) for day, amount in self.env.cr.fetchall()]
