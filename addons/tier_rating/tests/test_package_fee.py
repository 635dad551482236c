"""Fees of packages: on every tier, once a period, only where the funds are."""

from datetime import datetime
from decimal import Decimal

from freezegun import freeze_time

from odoo.tests import tagged

from .. import charging
from ..charging.refund import refund
from .package_common import PackageFeeCase

TODAY = datetime(2026, 11, 20, 10, 0)


@tagged("post_install", "-at_install")
class TestPackageFee(PackageFeeCase):
    def test_a_period_with_a_fee_includes_nothing_until_it_is_paid(self):
        subscription = self.subscribe(self.user)
        period = self.period(subscription)
        self.assertEqual((period.quantity, period.fee_state), (0, "due"))
        self.assertEqual(self.collect().reasons, {"insufficient_funds": 1})
        period = self.period(subscription)
        self.assertEqual((period.fee_state, period.fee_reason, period.quantity), ("due", "insufficient_funds", 0))
        self.charge(self.call("a", 60, at=self.today))
        self.assertEqual(self.shares("a")[0][2], "1")
        self.user._topup(Decimal(20), "fee:fund")
        self.assertEqual(self.collect().charged, 1)
        period = self.period(subscription)
        self.assertEqual((period.fee_state, period.fee_reason, period.quantity), ("paid", False, 120))
        self.charge(self.call("b", 60, at=self.today))
        self.assertEqual(self.shares("b")[0][2], "0")

    def test_the_seller_earns_it_and_nobody_above_is_paid(self):
        self.user._topup(Decimal(20), "fee:fund")
        subscription = self.subscribe(self.user)
        self.collect()
        self.assertShares(
            self.key(subscription),
            (self.user, 0, "9.99", 0),
            (self.dealer, "9.99", 0, "9.99"),
            (self.reseller, 0, 0, 0),
            (self.provider, 0, 0, 0),
        )
        self.assertEqual((self.user.balance, self.dealer.balance), (10.01, 9.99))
        event = self.period(subscription).fee_event_id
        self.assertEqual((event.service_id, event.number, event.state), (self.fee_service, "flat-of-dealer", "charged"))

    def test_a_tier_above_may_have_a_price_for_it(self):
        package = self.package(self.dealer, code="flat-100")
        self.new_rate(self.dealer.price_list_id, "flat", "4.00", service_id=self.fee_service.id)
        self.new_rate(self.reseller.price_list_id, "flat-100", "2.50", service_id=self.fee_service.id)
        self.user._topup(Decimal(20), "fee:fund")
        subscription = self.subscribe(self.user, package)
        self.collect()
        self.assertShares(
            self.key(subscription),
            (self.user, 0, "9.99", 0),
            (self.dealer, "9.99", "4", "5.99"),
            (self.reseller, "4", "2.5", "1.5"),
            (self.provider, "2.5", 0, "2.5"),
        )

    def test_once_a_period_whatever_is_repeated(self):
        self.user._topup(Decimal(50), "fee:fund")
        subscription = self.subscribe(self.user)
        self.assertEqual([self.collect().charged for _time in range(3)], [1, 0, 0])
        self.env["tier.package.subscription"]._open_periods()
        subscription._open_periods()
        self.assertEqual(self.collect().charged, 0)
        period = self.period(subscription)
        self.assertEqual(charging.fees.charge(self.env, period.ids).charged, 0)
        self.assertEqual(self.user.balance, 40.01)

    def test_the_coming_period_is_not_charged_before_it_begins(self):
        self.user._topup(Decimal(50), "fee:fund")
        subscription = self.subscribe(self.user)
        self.collect()
        coming = subscription.balance_ids - self.period(subscription)
        self.assertEqual(set(coming.mapped("fee_state")), {"due"})
        self.assertEqual(charging.fees.charge(self.env, coming.ids).charged, 0)

    def test_credit_counts_and_held_funds_do_not(self):
        self.user.payment_mode = "postpaid"
        self.user.credit_limit = 10
        subscription = self.subscribe(self.user)
        self.assertEqual(self.collect().charged, 1)
        self.assertEqual(self.user.balance, -9.99)
        self.assertEqual(self.period(subscription).fee_state, "paid")
        other = self.new_wallet("Holder", self.dealer, price_list_id=self.user.price_list_id.id)
        other._topup(Decimal(10), "fee:holder")
        self.new_endpoint(other, "holder")
        for wallet in (self.dealer, self.reseller):
            wallet._topup(Decimal(100), f"fee:{wallet.name}")
        self.authorize(self.request("held", account="holder", requested=60, at=self.today))
        self.subscribe(other)
        self.assertEqual(self.collect().reasons, {"insufficient_funds": 1})

    def test_two_that_one_wallet_cannot_both_pay(self):
        self.user._topup(Decimal(15), "fee:fund")
        first, second = self.subscribe(self.user), self.subscribe(self.user)
        outcome = self.collect()
        self.assertEqual((outcome.charged, outcome.suspense), (1, 1))
        states = {self.period(subscription).fee_state for subscription in (first, second)}
        self.assertEqual(states, {"paid", "due"})
        self.assertEqual(self.user.balance, 5.01)

    def test_a_suspended_wallet_pays_when_it_is_active_again(self):
        self.user._topup(Decimal(15), "fee:fund")
        subscription = self.subscribe(self.user)
        self.dealer.state = "suspended"
        self.assertEqual(self.collect().reasons, {"account_blocked": 1})
        self.dealer.state = "active"
        self.assertEqual(self.collect().charged, 1)
        self.assertEqual(self.period(subscription).fee_state, "paid")

    def test_what_a_former_seller_sold_is_not_charged(self):
        self.user._topup(Decimal(15), "fee:fund")
        subscription = self.subscribe(self.user)
        subscription.package_id.brand_id.wallet_id = self.reseller
        self.assertEqual(self.collect().charged, 0)

    def test_in_another_currency(self):
        own, company = self.user.currency_id, self.env.company.currency_id
        other = company if company != own else self.env.ref("base.EUR") | self.env.ref("base.USD") - own
        other.active = True
        self.env["res.currency.rate"].search([("currency_id", "in", (own | other).ids)]).unlink()
        self.env["res.currency.rate"].create(
            [
                {"currency_id": currency.id, "name": "2020-01-01", "rate": 1 + (currency == own)}
                for currency in own | other
            ]
        )
        self.user._topup(Decimal(50), "fee:fund")
        self.dealer.brand_ids[:1].currency_id = other[:1]
        subscription = self.subscribe(self.user, self.package(self.dealer, fee=10))
        self.collect()
        self.assertEqual(self.shares(self.key(subscription))[0][2], "20")

    def test_a_refund_returns_it_on_every_tier(self):
        self.user._topup(Decimal(15), "fee:fund")
        subscription = self.subscribe(self.user)
        self.collect()
        self.assertEqual(refund(self.env, self.period(subscription).fee_event_id.ids, "wrong package").refunded, 1)
        self.env.invalidate_all()
        self.assertEqual((self.user.balance, self.dealer.balance), (15, 0))
        self.assertEqual(self.collect().charged, 0)

    def test_a_paid_period_is_not_lost_with_its_subscription(self):
        self.user._topup(Decimal(15), "fee:fund")
        subscription = self.subscribe(self.user)
        self.collect()
        subscription.date_to = self.today.date()
        self.assertEqual(subscription.balance_ids.mapped("fee_state"), ["paid"])

    def test_without_a_fee_as_ever(self):
        subscription = self.subscribe(self.user, self.package(self.dealer, fee=0))
        self.assertEqual((self.period(subscription).quantity, self.period(subscription).fee_state), (120, "free"))
        self.assertEqual(self.due(), [])

    def test_the_cron_charges_what_is_due_and_lets_the_past_lapse(self):
        self.user._topup(Decimal(50), "fee:fund")
        subscription = self.subscribe(self.user)
        period = self.period(subscription)
        self.cr.execute(
            """UPDATE tier_package_balance SET date_from = date_from - interval '3 months',
                      date_to = now() AT TIME ZONE 'UTC' - interval '1 day' WHERE id = %s""",
            [period.id],
        )
        second = self.subscribe(self.user)
        with self.enter_registry_test_mode():
            self.env.ref("tier_rating.ir_cron_package_fees").method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual(period.fee_state, "lapsed")
        self.assertEqual(self.period(second).fee_state, "paid")
        self.assertEqual(self.user.balance, 40.01)

    def test_a_subscription_wakes_the_cron(self):
        cron = self.env.ref("tier_rating.ir_cron_package_fees")
        before = self.env["ir.cron.trigger"].search_count([("cron_id", "=", cron.id)])
        self.subscribe(self.user)
        self.assertGreater(self.env["ir.cron.trigger"].search_count([("cron_id", "=", cron.id)]), before)

    def test_many_at_once_in_as_many_statements_as_one(self):
        def statements(run, count):
            wallets = [self.new_wallet(f"W{run}-{number}", self.dealer) for number in range(count)]
            package = self.package(self.dealer)
            for wallet in wallets:
                wallet.price_list_id = self.user.price_list_id
                wallet._topup(Decimal(20), f"fee:{wallet.name}")
                self.subscribe(wallet, package)
            self.env.flush_all()
            due = self.due()
            before = self.cr.sql_log_count
            self.assertEqual(charging.fees.charge(self.env, due).charged, count)
            return self.cr.sql_log_count - before

        statements(0, 1)
        self.assertEqual(statements(1, 1), statements(2, 8))

    def test_the_ledger_and_its_audit_agree(self):
        self.user._topup(Decimal(20), "fee:fund")
        self.subscribe(self.user)
        self.collect()
        self.assertTrue(self.env["tier.account"]._is_conserved())
        found = self.env["tier.audit"]._run().finding_ids
        self.assertFalse(found.filtered(lambda finding: finding.check_code in ("edges", "paid", "known", "packages")))

    @freeze_time(TODAY)
    def test_a_code_from_the_name(self):
        package = self.package(self.dealer, name="100 Minuten – Köln & Umgebung")
        self.assertEqual(package.code, "100-minuten-koln-umgebung")
