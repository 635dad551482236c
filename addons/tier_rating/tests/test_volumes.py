"""Prices by volume: as the period, on every tier, given back by refunds, granted to sessions."""

from datetime import datetime, timedelta
from decimal import Decimal

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..charging import volume_plans, volumes
from ..charging.refund import refund
from .common import NOON, TierRatingCase


class VolumeCase(TierRatingCase):
    """The chain of the worked examples, in seconds, with prices by volume for some of it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_selling_chain()
        for brand in (cls.provider | cls.reseller | cls.dealer).brand_ids:
            brand.write({"initial_increment": 1, "increment": 1, "rounding_digits": 4})

    def tearDown(self):
        self.assertConserved()
        super().tearDown()

    @classmethod
    def new_plan(cls, wallet, *tiers, **values):
        """Sell to a wallet by volume: two minutes at 2.00, then 1.00 unless told otherwise.

        :param tiers: (up to, price) or (up to, price, flat), in minutes
        """
        return cls.env["tier.volume.plan"].create(
            {
                "name": f"Volume of {wallet.name}",
                "price_list_id": wallet.price_list_id.id,
                "tier_ids": [
                    (0, 0, dict(zip(("upto", "price", "flat"), tier, strict=False)))
                    for tier in tiers or ((2, 2), (0, 1))
                ],
                **values,
            }
        )

    def used(self, plan, wallet=None):
        """Return the counted units of the periods of a plan, the first period first."""
        self.env.invalidate_all()
        counters = plan.counter_ids.filtered(lambda counter: not wallet or counter.wallet_id == wallet)
        return counters.sorted("period").mapped("quantity")

    def refund(self, key):
        result = refund(self.env, self.event(key).ids, "wrong number")
        self.env.invalidate_all()
        return result

    def paid(self, wallet):
        """Return what a wallet paid in all, exactly."""
        self.env.cr.execute("SELECT COALESCE(sum(cost), 0)::text FROM tier_charge WHERE wallet_id = %s", [wallet.id])
        return Decimal(self.env.cr.fetchone()[0])

    def audit(self, *codes):
        with mute_logger("odoo.addons.tier_billing.models.tier_audit"):
            findings = self.env["tier.audit"]._run().finding_ids
        return findings.filtered(lambda finding: finding.check_code in codes)


@tagged("post_install", "-at_install")
class TestVolumes(VolumeCase):
    def test_each_part_at_the_price_of_its_tier(self):
        plan = self.new_plan(self.user)
        self.assertEqual([self.cost(seconds) for seconds in (90, 60, 30)], [3, Decimal("1.5"), Decimal("0.5")])
        self.assertEqual(self.used(plan), [180])

    def test_it_changes_what_its_wallet_pays_and_nothing_above(self):
        self.new_plan(self.user)
        self.charge(self.call("a", 150))
        self.assertShares(
            "a",
            (self.user, 0, "4.5", 0),
            (self.dealer, "4.5", 2, "2.5"),
            (self.reseller, 2, "1.75", "0.25"),
            (self.provider, "1.75", "1.25", "0.5"),
        )
        self.assertBalances(self.user, "-4.5", self.dealer, "2.5", self.reseller, "0.25")

    def test_each_tier_of_the_chain_has_its_own(self):
        plans = [self.new_plan(self.user), self.new_plan(self.dealer, (1, 1), (0, "0.5")), self.new_plan(self.provider)]
        self.charge(self.call("a", 120), self.call("b", 60))
        self.assertEqual([share[2] for share in self.shares("a")], ["4", "1.5", "1.4", "4"])
        self.assertEqual([share[2] for share in self.shares("b")], ["1", "0.5", "0.7", "1"])
        self.assertEqual([self.used(plan) for plan in plans], [[180]] * 3)

    def test_all_at_the_price_of_the_tier_reached_gives_back_at_once(self):
        plan = self.new_plan(self.user, kind="volume")
        self.charge(self.call("a", 120), self.call("b", 60))
        self.assertShares(
            "b",
            (self.user, 0, -1, 0),
            (self.dealer, -1, "0.8", "-1.8"),
            (self.reseller, "0.8", "0.7", "0.1"),
            (self.provider, "0.7", "0.5", "0.2"),
        )
        self.assertEqual((self.paid(self.user), self.used(plan)), (3, [180]))
        transfer = self.event("b").charge_ids.filtered(lambda charge: charge.wallet_id == self.user).transfer_id
        self.assertEqual((transfer.kind, transfer.from_wallet_id, transfer.amount), ("refund", self.dealer, 1))
        self.assertBalances(self.user, -3)
        self.assertFalse(self.audit("paid", "edges", "volumes", "refunded", "known"))

    def test_portions_do_not_matter(self):
        self.new_plan(self.user, (1, "0.07", "0.05"), (2, "0.03"), (0, "0.011"))
        for number, seconds in enumerate((7, 13, 61, 59, 3, 100)):
            self.charge(self.call(f"k{number}", seconds))
        # 0.05 + 0.07 + 0.03 + 123/60 of 0.011
        self.assertEqual(self.paid(self.user), Decimal("0.1726"))

    def test_a_new_period_begins_on_the_brands_calendar(self):
        self.dealer.brand_ids.tz = "America/New_York"
        plan = self.new_plan(self.user, period="day")
        times = [datetime(2026, 11, 20, 4, 59), datetime(2026, 11, 20, 5), datetime(2026, 11, 21, 4, 59)]
        self.assertEqual([self.cost(120, at=at) for at in times], [4, 4, 2])
        self.assertEqual(
            [str(day) for day in plan.counter_ids.sorted("period").mapped("period")], ["2026-11-19", "2026-11-20"]
        )

    def test_weeks_begin_on_monday(self):
        plan = self.new_plan(self.user, period="week")
        self.assertEqual([self.cost(120, at=NOON + timedelta(days=days)) for days in (0, 2, 3)], [4, 2, 4])
        self.assertEqual(
            [str(day) for day in plan.counter_ids.sorted("period").mapped("period")], ["2026-11-16", "2026-11-23"]
        )

    def test_only_for_its_numbers_its_service_and_its_days(self):
        self.new_rate(self.user.price_list_id, "4940", "1.00")
        place = self.env["tier.destination"].create({"name": "Hamburg"})
        self.user.price_list_id.rate_ids.filtered(lambda rate: rate.prefix == "4940").destination_id = place
        self.new_plan(self.user, (0, 3), prefix="4930")
        self.new_plan(self.user, (0, 4), destination_ids=[(6, 0, place.ids)])
        self.new_plan(self.user, (0, 5), service_id=self.env.ref("tier_rating.service_data").id)
        self.new_plan(self.user, (0, 6), prefix="49301", date_from="2026-11-21")
        self.assertEqual([self.cost(60, number=number) for number in ("49301", "49401", "49501")], [3, 4, 1])
        self.assertEqual(self.cost(60, number="49301", at=NOON + timedelta(days=1)), 6)

    def test_the_rate_still_refuses_and_counts(self):
        self.new_plan(self.user)
        self.user.price_list_id.rate_ids.write({"increment": 60, "initial_increment": 60})
        self.new_rate(self.user.price_list_id, "4940", 1, blocked=True)
        self.assertEqual(self.cost(61), 4)
        self.charge(self.call("a", number="4940123"), self.call("b", number="33123"), self.call("c", 0))
        self.assertSuspense("a", "destination_barred")
        self.assertSuspense("b", "no_rate")
        self.assertEqual(self.event("c").state, "charged")

    def test_charges_of_a_session_come_on_top(self):
        self.dealer.brand_ids.write({"connection_charge": 0.25, "minimum_charge": 5, "grace_seconds": 3})
        plan = self.new_plan(self.user)
        self.assertEqual([self.cost(seconds) for seconds in (60, 3)], [Decimal("2.25"), 0])
        self.assertEqual(self.used(plan), [60])

    def test_a_rate_without_a_price_is_enough(self):
        """What is sold by volume alone is not taken for sold below cost."""
        self.user.price_list_id.rate_ids.price = 0
        self.new_plan(self.user)
        self.assertEqual(self.cost(60), 2)

    def test_a_package_is_used_first(self):
        package = self.env["tier.package"].create(
            {"name": "Minute", "brand_id": self.dealer.brand_ids.id, "included": 1, "period": "once"}
        )
        self.env["tier.package.subscription"].create(
            {"wallet_id": self.user.id, "package_id": package.id, "date_from": NOON.date()}
        )
        plan = self.new_plan(self.user)
        self.assertEqual([self.cost(seconds) for seconds in (90, 60, 60)], [1, 2, Decimal("1.5")])
        self.assertEqual(self.used(plan), [150])

    def test_parts_of_a_unit_and_blocks(self):
        data = self.env.ref("tier_rating.service_data")
        for wallet in (self.user, self.dealer, self.reseller):
            self.new_rate(wallet.price_list_id, "apn", 0, service_id=data.id)
        exact = self.new_plan(self.user, ("0.002", 1000), (0, 500), service_id=data.id)
        self.new_plan(self.dealer, (0, 1), service_id=data.id, block=0.001, begun=True)
        keys = [f"k{number}" for number in range(3)]
        for key in keys:
            self.charge(self.call(key, Decimal("1.5"), number="apn", service="data"))
        self.assertEqual([self.shares(key)[0][2] for key in keys], ["1.5", "1", "0.75"])
        self.assertEqual([self.shares(key)[1][2] for key in keys], ["2", "1", "2"])
        self.assertEqual(self.used(exact), [4.5])

    def test_events_of_one_batch_and_replays(self):
        plan = self.new_plan(self.user)
        calls = [self.call(key, 60) for key in "abc"]
        self.charge(*calls, *calls)
        self.charge(*calls)
        self.assertEqual([self.shares(key)[0][2] for key in "abc"], ["2", "2", "1"])
        self.assertEqual(self.used(plan), [180])

    def test_a_retry_counts_when_it_is_charged(self):
        plan = self.new_plan(self.user)
        self.user.state = "suspended"
        self.charge(self.call("a", 60))
        self.user.state = "active"
        self.assertFalse(plan.counter_ids)
        self.retry(self.event("a"))
        self.assertEqual((self.shares("a")[0][2], self.used(plan)), ("2", [60]))

    # ------------------------------------------------------------------
    # Derived lists and who is counted together
    # ------------------------------------------------------------------

    def derive(self, **values):
        """Let the user's list derive from the dealer's at 10 % more."""
        self.user.price_list_id = self.new_list(
            self.dealer.brand_ids, base_id=self.dealer.price_list_id.id, markup_percent=10, **values
        )

    def test_a_derived_list_has_the_plans_of_its_base_marked_up(self):
        self.derive(fixed=0.5)
        self.new_plan(self.dealer, (2, 2, 1), (0, 1))
        self.charge(self.call("a", 180))
        self.assertEqual([share[2] for share in self.shares("a")[:2]], ["8.1", "6"])

    def test_an_own_rate_is_not_touched_by_a_plan_of_the_base(self):
        self.derive()
        self.new_plan(self.dealer)
        self.new_rate(self.user.price_list_id, "4930", "0.9")
        self.assertEqual([self.cost(60), self.cost(60, number="4940")], [Decimal("0.9"), Decimal("2.2")])
        self.new_plan(self.user, (0, 7))
        self.assertEqual(self.cost(60), 7)

    def test_a_customer_with_all_below_it(self):
        self.derive()
        plan = self.new_plan(self.dealer, (2, 2), (0, 1), counts="customer")
        other = self.new_wallet("Other", self.dealer, price_list_id=self.user.price_list_id.id)
        self.new_endpoint(other, "other")
        self.charge(self.call("a", 90), self.call("b", 60, account="other"))
        self.assertEqual([share[2] for share in self.shares("a")[:2]], ["3.3", "3"])
        self.assertEqual([share[2] for share in self.shares("b")[:2]], ["1.65", "1.5"])
        self.assertEqual((self.used(plan, self.dealer), plan.counter_ids.wallet_id), ([150], self.dealer))
        self.assertFalse(self.audit("volumes"))

    def test_all_customers_together(self):
        plan = self.new_plan(self.user, counts="all")
        other = self.new_wallet("Other", self.dealer, price_list_id=self.user.price_list_id.id)
        self.new_endpoint(other, "other")
        self.charge(self.call("a", 120), self.call("b", 60, account="other"))
        self.assertEqual([self.shares(key)[0][2] for key in "ab"], ["4", "1"])
        self.assertEqual((self.used(plan), plan.counter_ids.wallet_id), ([180], self.dealer))

    # ------------------------------------------------------------------
    # Refunds
    # ------------------------------------------------------------------

    def test_a_refund_gives_the_units_back_and_the_next_event_settles(self):
        plan = self.new_plan(self.user)
        self.charge(self.call("a", 120), self.call("b", 120))
        self.assertEqual(self.refund("a").refunded, 1)
        self.assertEqual((self.paid(self.user), self.used(plan)), (2, [120]))
        carry = self.env["tier.volume.carry"].search([])
        self.assertRecordValues(carry, [{"plan_id": plan.id, "wallet_id": self.user.id, "amount": 2}])
        # The two minutes that are left were paid as the third and fourth: now they are the first.
        self.charge(self.call("c", 60))
        self.assertEqual((self.paid(self.user), self.used(plan)), (5, [180]))
        self.env.invalidate_all()
        self.assertEqual(carry.amount, 0)
        self.assertFalse(self.audit("paid", "volumes", "refunded"))
        # And what it settled is open again when it is refunded itself.
        self.refund("c")
        self.assertEqual((self.paid(self.user), carry.amount, self.used(plan)), (2, 2, [120]))
        self.refund("b")
        self.charge(self.call("d", 60))
        self.assertEqual((self.paid(self.user), carry.amount, self.used(plan)), (2, 0, [60]))

    def test_a_refund_of_what_gave_back(self):
        plan = self.new_plan(self.user, kind="volume")
        self.charge(self.call("a", 120), self.call("b", 60))
        self.refund("b")
        self.assertEqual((self.paid(self.user), self.used(plan)), (4, [120]))
        self.assertEqual(self.event("b").state, "refunded")
        self.assertFalse(self.env["tier.volume.carry"].search([]).filtered("amount"))
        self.assertFalse(self.audit("paid", "volumes", "refunded", "known"))
        self.assertEqual(self.refund("b").refunded, 0)

    def test_a_refund_of_the_first_that_a_cheaper_tier_followed(self):
        self.new_plan(self.user, kind="volume")
        self.charge(self.call("a", 120), self.call("b", 60))
        self.refund("a")
        self.charge(self.call("c", 30))
        # A minute and a half at 2.00, whatever was paid and given back before.
        self.assertEqual(self.paid(self.user), 3)

    # ------------------------------------------------------------------
    # Sessions
    # ------------------------------------------------------------------

    def fund(self, **amounts):
        for name, amount in {"dealer": 100, "reseller": 100, **amounts}.items():
            getattr(self, name)._topup(Decimal(amount), f"fund {name}")

    def test_a_session_is_granted_by_where_the_period_stands(self):
        self.new_plan(self.user)
        self.fund(user=5)
        self.assertEqual(self.authorize(self.request("a")).granted, 180)
        self.charge(self.call("x", 60, session_key="a"))
        # 3.00 are left, one minute of the first tier, and one of the second.
        self.assertEqual(self.authorize(self.request("b")).granted, 120)
        hold = self.env["tier.hold"].search([("session_key", "=", "b"), ("wallet_id", "=", self.user.id)])
        self.assertEqual(hold.amount, 3)

    def test_a_session_without_funds(self):
        self.new_plan(self.user)
        self.fund()
        self.assertEqual(self.authorize(self.request("a")).reason, "insufficient_funds")

    def test_a_session_settles_what_is_owed(self):
        self.new_plan(self.user)
        self.fund(user=7)
        self.charge(self.call("a", 120), self.call("b", 120))
        self.refund("a")
        # Paid 2.00 for two minutes that are worth 4.00: of 5.00 the next session has 3.00.
        self.assertEqual(self.authorize(self.request("c")).granted, 180)

    def test_a_dealer_has_to_be_able_to_give_back(self):
        self.new_plan(self.user, kind="volume")
        self.reseller._topup(100, "fund")
        self.user._topup(100, "fund user")
        self.charge(self.call("a", 120))
        # It has 2.40; of the next second it may have to give back almost two minutes.
        self.assertEqual(self.authorize(self.request("b", requested=60)).granted, 60)
        hold = self.env["tier.hold"].search([("session_key", "=", "b"), ("wallet_id", "=", self.dealer.id)])
        self.assertTrue(1.9 < hold.amount <= 2.02, hold.amount)
        self.assertEqual(self.authorize(self.request("c", requested=60)).reason, "insufficient_funds")

    def test_a_dearer_tier_is_held_unless_one_session_at_a_time_is_all(self):
        self.new_plan(self.user, (2, 1), (0, 4))
        self.fund(user=2)
        self.assertEqual(self.authorize(self.request("a")).granted, 30)
        self.charge(self.call("x", 0, session_key="a"))
        self.user.max_concurrent_calls = 1
        self.assertEqual(self.authorize(self.request("b")).granted, 120)

    def test_a_spending_limit_counts_by_volume(self):
        self.new_plan(self.user)
        self.fund(user=100)
        self.user.daily_limit = 5
        self.assertEqual(self.authorize(self.request("a")).granted, 180)
        self.charge(self.call("x", 180, session_key="a"))
        self.assertEqual(self.authorize(self.request("b")).reason, "daily_limit")

    # ------------------------------------------------------------------
    # Plans
    # ------------------------------------------------------------------

    def test_a_plan_needs_one_tier_without_an_end(self):
        for tiers in (((2, 1),), ((0, 1), (0, 2)), ((2, 1), (2, 2), (0, 1))):
            with self.assertRaises(ValidationError):
                self.new_plan(self.user, *tiers)

    def test_a_plan_that_counted_is_archived_not_deleted(self):
        plan = self.new_plan(self.user)
        self.cost(60)
        with self.assertRaises(UserError):
            plan.unlink()
        plan.active = False
        self.assertFalse(self.user.price_list_id.has_volume)
        self.assertEqual(self.cost(60), 1)

    def test_what_is_beyond_is_never_free(self):
        plan = self.new_plan(self.user)
        plan.tier_ids.filtered("open_end").unlink()
        self.assertEqual(self.cost(600), 20)

    def test_the_counter_tells_the_tier(self):
        plan = self.new_plan(self.user)
        self.cost(150)
        self.assertRecordValues(plan.counter_ids, [{"used": 2.5, "tier_price": 1, "wallet_id": self.user.id}])
        self.assertEqual(plan.counter_count, 1)

    def test_without_plans_nothing_is_read(self):
        with self.assertQueryCount(0):
            self.assertIsNone(volume_plans.load(self.env.cr, ()))
            volumes.use(self.env, [])
            volumes.give_back(self.env, [])

    def test_the_audit_finds_what_nobody_used(self):
        plan = self.new_plan(self.user)
        self.cost(60)
        self.assertFalse(self.audit("volumes"))
        self.env.cr.execute("UPDATE tier_volume_counter SET quantity = quantity + 1 WHERE plan_id = %s", [plan.id])
        self.env.invalidate_all()
        self.assertEqual(len(self.audit("volumes")), 1)
        self.env.cr.execute("UPDATE tier_volume_counter SET quantity = quantity - 1 WHERE plan_id = %s", [plan.id])
