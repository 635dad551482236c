"""Included minutes: used before money on every tier that has them, held by sessions, given back by refunds."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import psycopg2
from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..charging import packages
from ..charging.priced import Item
from ..charging.pricing import Pricer
from ..charging.refund import refund
from .common import NOON, NUMBER, TierRatingCase


@tagged("post_install", "-at_install")
class TestPackages(TierRatingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_selling_chain()
        for brand in (cls.provider | cls.reseller | cls.dealer).mapped("brand_ids"):
            brand.write({"initial_increment": 1, "increment": 1})

    def new_package(self, seller, **values):
        return self.env["tier.package"].create(
            {"name": f"Package of {seller.name}", "brand_id": seller.brand_ids[:1].id, "included": 2, **values}
        )

    def subscribe(self, wallet, day="2026-11-01", until=None, **values):
        """Give a wallet a package of its parent's: two minutes a month unless told otherwise."""
        with freeze_time(NOON):
            return self.env["tier.package.subscription"].create(
                {
                    "wallet_id": wallet.id,
                    "package_id": self.new_package(wallet.parent_id, **values).id,
                    "date_from": day,
                    "date_to": until,
                }
            )

    def used(self, subscription, month=11):
        self.env.invalidate_all()
        return [balance.used for balance in subscription.balance_ids if balance.date_from.month == month]

    def refund(self, key):
        result = refund(self.env, self.event(key).ids, "wrong number")
        self.env.invalidate_all()
        return result

    def test_it_covers_what_its_wallet_pays_and_nothing_above(self):
        subscription = self.subscribe(self.user)
        self.charge(self.call("a", 60))
        self.assertShares(
            "a",
            (self.user, 0, 0, 0),
            (self.dealer, 0, "0.8", "-0.8"),
            (self.reseller, "0.8", "0.7", "0.1"),
            (self.provider, "0.7", "0.5", "0.2"),
        )
        self.assertEqual(self.used(subscription), [60])

    def test_the_part_beyond_is_charged_exactly_that_part(self):
        subscription = self.subscribe(self.user)
        costs = [self.cost(seconds) for seconds in (90, 45, 60)]
        self.assertEqual(costs, [0, Decimal("0.25"), 1])
        self.assertEqual(self.used(subscription), [120])

    def test_events_of_one_batch_share_what_is_left(self):
        subscription = self.subscribe(self.user)
        self.charge(self.call("a", 90), self.call("b", 90), self.call("a", 90), self.call("c", 0))
        self.assertEqual([self.shares(key)[0][2] for key in "abc"], ["0", "1", "0"])
        self.assertEqual(self.used(subscription), [120])

    def test_a_replay_uses_nothing_more(self):
        subscription = self.subscribe(self.user)
        for _time in range(3):
            self.charge(self.call("a", 50))
        self.assertEqual(self.used(subscription), [50])

    def test_it_is_used_in_steps(self):
        subscription = self.subscribe(self.user, increment=60)
        self.assertEqual([self.cost(seconds) for seconds in (5, 61)], [0, Decimal("0.02")])
        self.assertEqual(self.used(subscription), [120])

    def test_a_connection_charge_only_if_the_package_says_so(self):
        self.dealer.brand_ids.connection_charge = 0.3
        self.subscribe(self.user, connection_free=False)
        self.assertEqual(self.cost(60), Decimal("0.3"))
        self.subscribe(self.reseller)
        other = self.new_wallet("Other", self.dealer, price_list_id=self.user.price_list_id.id)
        self.new_endpoint(other, "other")
        self.subscribe(other, connection_free=True)
        self.assertEqual([self.cost(s, account="other") for s in (60, 90, 60)], [0, Decimal("0.5"), Decimal("1.3")])

    def test_every_tier_may_have_its_own(self):
        mine, theirs = self.subscribe(self.user), self.subscribe(self.dealer, included=1)
        self.charge(self.call("a", 90))
        self.assertEqual([share[2] for share in self.shares("a")], ["0", "0.4", "1.05", "0.75"])
        self.assertEqual((self.used(mine), self.used(theirs)), ([90], [60]))

    def test_a_shared_one_covers_those_below_and_is_used_once(self):
        shared = self.subscribe(self.reseller, shared=True)
        self.charge(self.call("a", 90))
        self.assertEqual([share[2] for share in self.shares("a")], ["0", "0", "0", "0.75"])
        self.assertEqual(self.used(shared), [90])
        own = self.subscribe(self.user)
        self.charge(self.call("b", 60))
        self.assertEqual([share[2] for share in self.shares("b")], ["0", "0.4", "0.35", "0.5"])
        self.assertEqual((self.used(own), self.used(shared)), ([60], [120]))

    def test_only_for_its_destinations_and_its_time(self):
        germany, france = self.env["tier.destination"].create([{"name": "Here"}, {"name": "There"}])
        self.user.price_list_id.rate_ids.destination_id = germany
        self.subscribe(self.user, destination_ids=[(6, 0, france.ids)])
        self.assertEqual(self.cost(60), 1)
        here = self.subscribe(self.user, destination_ids=[(6, 0, (germany + france).ids)], until="2026-11-20")
        self.assertEqual(self.cost(60), 0)
        self.assertEqual(self.cost(60, at=NOON + timedelta(days=1)), 1)
        self.assertEqual(self.cost(60, at=datetime(2026, 10, 31, 23, 59)), 1)
        self.assertEqual(here.balance_ids.mapped("date_to"), [datetime(2026, 11, 21)])

    def test_another_service_uses_nothing(self):
        data = self.env.ref("tier_rating.service_data")
        self.subscribe(self.user, service_id=data.id)
        self.assertEqual(self.cost(60), 1)

    def test_a_refund_gives_back_what_was_taken_once(self):
        subscription = self.subscribe(self.user)
        self.charge(self.call("a", 90), self.call("b", 90))
        self.assertEqual(self.refund("b").refunded, 1)
        self.assertEqual(self.used(subscription), [90])
        self.assertEqual(self.refund("b").refunded, 0)
        self.assertEqual(self.refund("a").refunded, 1)
        self.assertEqual(self.used(subscription), [0])
        self.assertEqual(sum(subscription.balance_ids.use_ids.mapped("units")), 0)
        self.assertEqual(self.cost(120), 0)

    def test_a_refund_of_what_packages_paid_in_full(self):
        for wallet in (self.user, self.dealer, self.reseller):
            self.subscribe(wallet)
        self.charge(self.call("a", 60))
        self.assertFalse(self.event("a").charge_ids.transfer_id)
        self.assertEqual(self.refund("a").refunded, 1)
        self.assertEqual(self.event("a").state, "refunded")

    def test_the_period_that_ends_first_is_used_first(self):
        late = self.subscribe(self.user, included=1)
        soon = self.subscribe(self.user, included=1, until="2026-11-25")
        self.cost(90)
        self.assertEqual((self.used(soon), self.used(late)), ([60], [30]))

    # ------------------------------------------------------------------
    # Sessions
    # ------------------------------------------------------------------

    def ask(self, key, seconds=600):
        """Ask for a session now: whether it is open still is told by the database's clock."""
        answer = self.authorize(self.request(key, requested=seconds, at=self.now))
        return answer.granted, answer.reason

    def subscribe_now(self):
        """Fund the resellers, and give the user two minutes of this month."""
        self.now = fields.Datetime.now()
        for wallet in (self.dealer, self.reseller):
            wallet._topup(Decimal(100), f"fund {wallet.name}")
        return self.subscribe(self.user, day=self.now.date().replace(day=1), period="once")

    def test_a_session_may_last_as_long_as_package_and_money_do(self):
        self.subscribe_now()
        self.user._topup(Decimal("0.50"), "fund")
        self.assertEqual(self.ask("a"), (150, None))

    def test_two_sessions_do_not_get_the_same_units(self):
        subscription = self.subscribe_now()
        self.assertEqual(self.ask("a", 100), (100, None))
        self.assertEqual(self.ask("b"), (20, None))
        self.assertEqual(self.ask("c"), (0, "insufficient_funds"))
        # What the first did not use is free again; a call without a session leaves the second its units.
        self.charge(self.call("x", 30, session_key="a", at=self.now))
        self.charge(self.call("y", 90, at=self.now))
        self.assertEqual(self.shares("y")[0][2], "0.33")
        self.charge(self.call("z", 20, session_key="b", at=self.now))
        self.assertEqual(self.shares("z")[0][2], "0")
        self.env.invalidate_all()
        self.assertEqual(subscription.balance_ids.mapped("used"), [120])

    def test_requests_of_one_batch_do_not_get_the_same_units(self):
        self.subscribe_now()
        requests = [self.request(key, requested=80, at=self.now) for key in "abc"]
        self.assertEqual([answer.granted for answer in self.authorize(*requests)], [80, 40, 0])

    def test_units_of_a_session_that_expired_are_free_again(self):
        self.subscribe_now()
        self.ask("a", 120)
        self.env["tier.session"].search([("session_key", "=", "a")]).expires_at = self.now - timedelta(days=2)
        self.assertEqual(self.ask("b", 120), (120, None))
        self.env["tier.package.subscription"]._cron_open_periods()
        self.assertEqual(self.env["tier.package.hold"].search([]).mapped("session_key"), ["b"])

    # ------------------------------------------------------------------
    # Periods
    # ------------------------------------------------------------------

    def test_each_month_begins_anew_on_the_brands_clock(self):
        self.dealer.brand_ids.tz = "America/New_York"
        subscription = self.subscribe(self.user, day="2026-10-15")
        self.assertEqual(
            sorted(subscription.balance_ids.mapped("date_from")),
            [datetime(2026, 10, 15, 4), datetime(2026, 11, 1, 4), datetime(2026, 12, 1, 5)],
        )
        subscription._open_periods(date(2026, 12, 2))
        subscription._open_periods(date(2026, 12, 2))
        self.assertEqual(len(subscription.balance_ids), 4)
        self.assertEqual(self.cost(90, at=datetime(2026, 11, 1, 3, 59)), 0)
        self.assertEqual(self.cost(90, at=datetime(2026, 11, 1, 4)), 0)
        self.assertEqual((self.used(subscription, 10), self.used(subscription, 11)), ([90], [90]))

    def test_once_lasts_until_it_is_used_up(self):
        subscription = self.subscribe(self.user, period="once")
        self.assertEqual(len(subscription.balance_ids), 1)
        self.assertEqual([self.cost(90), self.cost(90, at=NOON + timedelta(days=900))], [0, 1])

    def test_a_subscription_that_ends_takes_its_coming_periods_with_it(self):
        subscription = self.subscribe(self.user)
        self.cost(30)
        with freeze_time(NOON):
            subscription.date_to = "2026-11-22"
        self.assertEqual([(b.date_from.month, b.used) for b in subscription.balance_ids], [(11, 30)])

    def test_a_subscription_that_was_used_is_not_deleted(self):
        used = self.subscribe(self.user)
        self.charge(self.call("a", 60))
        with self.assertRaises(UserError):
            used.unlink()
        other = self.subscribe(self.reseller)
        other.unlink()
        self.assertFalse(other.exists())

    def test_only_a_package_of_the_parent(self):
        with self.assertRaises(ValidationError):
            self.env["tier.package.subscription"].create(
                {"wallet_id": self.user.id, "package_id": self.new_package(self.reseller).id}
            )

    def test_a_package_of_a_former_parent_covers_nothing(self):
        subscription = self.subscribe(self.user)
        subscription.package_id.brand_id.wallet_id = self.reseller
        self.assertEqual(self.cost(60), 1)

    def test_the_audit_finds_what_nobody_used(self):
        subscription = self.subscribe(self.user)
        self.charge(self.call("a", 60), self.call("b", 60))
        self.refund("b")
        audit = self.env["tier.audit"]
        self.assertEqual(audit._run().finding_ids.filtered(lambda finding: finding.check_code == "packages").ids, [])
        self.cr.execute(
            "UPDATE tier_package_balance SET used = used + 1 WHERE id = %s", [subscription.balance_ids[-1:].id]
        )
        self.env.invalidate_all()
        with mute_logger("odoo.addons.tier_billing.models.tier_audit"):
            found = audit._run()
        self.assertEqual(len(found.finding_ids.filtered(lambda finding: finding.check_code == "packages")), 1)

    def test_the_database_refuses_to_use_more_than_there_is(self):
        balance = self.subscribe(self.user).balance_ids[:1]
        with mute_logger("odoo.sql_db"), self.assertRaises(psycopg2.IntegrityError), self.cr.savepoint():
            self.cr.execute("UPDATE tier_package_balance SET used = quantity + 1 WHERE id = %s", [balance.id])

    def test_without_packages_nothing_is_read(self):
        self.env.flush_all()
        self.charge(self.call("a"))
        pricer = Pricer(self.env, [Item(0, self.user.id, self.voice.id, NUMBER, NOON, Decimal(60))])
        with self.assertQueryCount(0):
            packages.Shelf(self.env.cr, pricer.chains, [NOON])
