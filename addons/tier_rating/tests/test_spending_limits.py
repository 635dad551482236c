import random
from datetime import datetime, timedelta
from decimal import Decimal

from odoo.tests import freeze_time, tagged

from odoo.addons.tier_billing.ledger import reserve
from odoo.addons.tier_billing.ledger.writer import Movement

from .common import NOON, TierRatingCase


@freeze_time(NOON)
@tagged("post_install", "-at_install")
class TestSpendingLimits(TierRatingCase):
    """Sessions are granted within the daily and monthly limits of the whole chain."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.partner_id.tz = "UTC"
        cls.provider, cls.reseller, cls.dealer, cls.user = cls.new_selling_chain()
        cls.user._topup(1000, "limits:funds")

    def answer(self, key, **values):
        """Return (seconds, reason) of a request."""
        answer = self.authorize(self.request(key, **values))
        return answer.granted, answer.reason

    def spent(self, wallet):
        """Return what was counted of a wallet, by day."""
        self.env.cr.execute(
            "SELECT day::text, amount::text FROM tier_spending WHERE account_id = %s AND amount <> 0 ORDER BY day",
            [wallet.account_id.id],
        )
        return {day: Decimal(amount) for day, amount in self.env.cr.fetchall()}

    # ------------------------------------------------------------------
    # What is granted
    # ------------------------------------------------------------------

    def test_what_the_limit_leaves_is_granted(self):
        self.user.daily_limit = 5.5
        self.assertEqual(self.answer("s:1"), (300, None))
        self.assertEqual(self.answer("s:2"), (0, "daily_limit"))

    def test_the_smaller_limit_says_no(self):
        self.user.write({"daily_limit": 5, "monthly_limit": 3})
        self.assertEqual(self.answer("s:1"), (180, None))
        self.assertEqual(self.answer("s:2"), (0, "monthly_limit"))

    def test_no_funds_is_no_limit(self):
        """Who has reached both is told the one that a top-up alone does not cure last."""
        self.user._withdraw(1000, "all")
        self.user.daily_limit = 0.5
        self.assertEqual(self.answer("s:1"), (0, "insufficient_funds"))

    def test_a_limit_above_counts_what_customers_cost(self):
        """The dealer holds nothing, for its customer brings the funds; yet it spends 0.80 a minute."""
        self.dealer.daily_limit = 4
        self.assertEqual(self.answer("s:1"), (300, None))
        self.assertEqual(self.held(self.dealer), 0)
        self.assertEqual(self.answer("s:2"), (0, "daily_limit"))

    def test_every_wallet_of_the_chain(self):
        self.user.daily_limit = 10
        self.dealer.monthly_limit = 4.8
        self.reseller.daily_limit = 2.1
        self.assertEqual(self.answer("s:1"), (180, None))
        self.reseller.daily_limit = 0
        self.assertEqual(self.answer("s:2"), (180, None))
        self.assertEqual(self.answer("s:3"), (0, "monthly_limit"))
        self.dealer.monthly_limit = 0
        self.assertEqual(self.answer("s:4"), (240, None))

    def test_several_requests_of_one_batch(self):
        self.user.daily_limit = 5
        other = self.new_wallet("Other", self.dealer)
        other.price_list_id = self.user.price_list_id
        other._topup(100, "other")
        self.new_endpoint(other, "other")
        self.dealer.monthly_limit = 4.8  # six minutes
        answers = self.authorize(
            *(self.request(f"s:{n}", requested=60, account=account) for n, account in enumerate(["user", "other"] * 5))
        )
        self.assertEqual(sum(answer.granted for answer in answers), 360)
        self.assertEqual({answer.reason for answer in answers if not answer.granted}, {"monthly_limit"})

    def test_outside_money(self):
        self.user = self.new_wallet("Outside", self.dealer, money="outside", daily_limit=2)
        self.user.price_list_id = self.sell(self.user, {"49": "1.00"})
        self.user._allocate(50, "credit")
        self.dealer._topup(50, "funds")
        self.new_endpoint(self.user, "outside")
        self.assertEqual(self.answer("s:1", account="outside"), (120, None))
        self.assertEqual(self.answer("s:2", account="outside"), (0, "daily_limit"))

    def test_in_the_currency_of_the_wallet(self):
        """A coin is 0.8 shell: a minute of 1.00 coin costs 0.80 shell."""
        abroad = self.new_wallet("Abroad", self.dealer, currency_id=self.shell.id, daily_limit=1.6)
        abroad.price_list_id = self.user.price_list_id
        abroad._topup(100, "abroad")
        self.new_endpoint(abroad, "abroad")
        self.assertEqual(self.answer("s:1", account="abroad"), (120, None))
        self.assertEqual(self.answer("s:2", account="abroad"), (0, "daily_limit"))

    def test_a_free_call_spends_nothing(self):
        self.new_rate(self.user.price_list_id, "49800", 0)
        self.dealer.sell_below_cost = True
        self.dealer._topup(10, "loss")
        self.user.daily_limit = 1
        self.charge(self.call("k:1", 180))
        self.assertEqual(self.answer("s:1")[1], "daily_limit")
        self.assertEqual(self.answer("s:2", number="498001234", requested=60), (60, None))

    def test_a_repeated_request_gets_its_answer_and_spends_nothing_more(self):
        self.user.daily_limit = 3
        first = self.answer("s:1", requested=60)
        self.assertEqual([self.answer("s:1") for _again in range(3)], [first] * 3)
        self.assertEqual(self.answer("s:2"), (120, None))

    # ------------------------------------------------------------------
    # What counts
    # ------------------------------------------------------------------

    def test_usage_counts_whatever_the_limit(self):
        self.user.daily_limit = 2
        outcome = self.charge(self.call("k:1", 600))
        self.assertEqual((outcome.charged, outcome.suspense), (1, 0))
        self.assertBalances(self.user, 990)
        self.assertEqual(self.spent(self.user), {"2026-11-20": 10})
        self.assertEqual(self.answer("s:1"), (0, "daily_limit"))

    def test_a_settled_session_counts_what_it_cost(self):
        self.user.daily_limit = 5
        self.dealer.monthly_limit = 4
        self.assertEqual(self.answer("s:1"), (300, None))
        self.charge(self.call("k:1", 61, session_key="s:1"))
        self.assertEqual(
            (self.spent(self.user), self.spent(self.dealer)), ({"2026-11-20": 2}, {"2026-11-20": Decimal("1.6")})
        )
        self.assertEqual(self.answer("s:2"), (180, None))

    def test_an_expired_hold_counts_no_more(self):
        self.user.daily_limit = 5
        self.answer("s:1")
        self.env.cr.execute("UPDATE tier_hold SET expires_at = '2020-01-01'")
        reserve.expire_holds(self.env.cr, 100)
        self.assertEqual(self.answer("s:2"), (300, None))

    def test_a_refund_gives_back_the_day_of_the_call(self):
        self.user.write({"daily_limit": 4, "monthly_limit": 5})
        self.charge(self.call("k:1", 120, at=NOON - timedelta(days=1)), self.call("k:2", 120))
        self.assertEqual(self.answer("s:1"), (60, None))
        self.refund("k:1")
        self.assertEqual(self.spent(self.user), {"2026-11-20": 2})
        self.assertEqual(self.answer("s:2", requested=86400), (60, None))  # two less the minute in progress
        self.refund("k:2")
        self.assertFalse(self.spent(self.user))

    def refund(self, key):
        """Give a payer back what one call cost."""
        paid = self.event(key).charge_ids.filtered(lambda charge: charge.wallet_id == self.user).transfer_id
        amount = Decimal(str(paid.amount))
        self.env["tier.transfer"]._post(
            [
                Movement(
                    f"refund:{key}",
                    "refund",
                    paid.to_account_id.id,
                    paid.from_account_id.id,
                    amount,
                    amount,
                    reverses=paid.id,
                )
            ]
        )

    def test_a_new_limit_counts_what_was_spent_before(self):
        self.charge(self.call("k:1", 120, at=NOON - timedelta(days=1)), self.call("k:2", 60))
        self.refund("k:2")
        self.charge(self.call("k:3", 60), self.call("k:4", 60, at=datetime(2026, 10, 30)))
        self.assertFalse(self.spent(self.user))
        self.user.write({"daily_limit": 3, "monthly_limit": 10})
        counted = {day: amount for day, amount in self.spent(self.user).items() if day >= "2026-11"}
        self.assertEqual(counted, {"2026-11-19": 2, "2026-11-20": 1})
        self.assertEqual(self.answer("s:1"), (120, None))

    def test_a_session_in_progress_counts_for_a_new_limit(self):
        self.answer("s:1", requested=180)
        self.dealer.daily_limit = 4
        self.assertEqual(self.answer("s:2"), (120, None))

    def test_nothing_is_counted_without_a_limit(self):
        self.dealer.daily_limit = 100
        self.charge(self.call("k:1"))
        self.assertEqual((self.spent(self.user), self.spent(self.reseller)), ({}, {}))
        self.dealer.daily_limit = 0
        self.charge(self.call("k:2"))
        self.assertEqual(self.spent(self.dealer), {"2026-11-20": Decimal("0.8")})
        self.dealer.daily_limit = 100  # counted anew
        self.assertEqual(self.spent(self.dealer), {"2026-11-20": Decimal("1.6")})

    # ------------------------------------------------------------------
    # Days and months
    # ------------------------------------------------------------------

    def assertDayEnds(self, spent_at, full_at, free_at, limit="daily_limit"):
        """What was spent at one moment counts up to the second, and from the third no more."""
        self.user[limit] = 5
        self.charge(self.call(f"k:{spent_at}", 300, at=spent_at))
        self.assertEqual(self.answer(f"s:{full_at}", at=full_at), (0, limit))
        self.assertEqual(self.answer(f"s:{free_at}", at=free_at), (300, None))

    def test_midnight_where_the_company_is(self):
        self.company.partner_id.tz = "Pacific/Auckland"
        self.assertDayEnds(
            datetime(2026, 11, 19, 11, 0, 10), datetime(2026, 11, 20, 10, 59, 59), datetime(2026, 11, 20, 11)
        )

    def test_a_day_of_25_hours(self):
        self.company.partner_id.tz = "Europe/Berlin"
        self.assertDayEnds(
            datetime(2026, 10, 24, 22, 0, 10), datetime(2026, 10, 25, 22, 59, 59), datetime(2026, 10, 25, 23)
        )

    def test_a_day_of_23_hours(self):
        self.company.partner_id.tz = "Europe/Berlin"
        self.assertDayEnds(
            datetime(2027, 3, 27, 23, 0, 10), datetime(2027, 3, 28, 21, 59, 59), datetime(2027, 3, 28, 22)
        )

    def test_a_month_ends_where_the_company_is(self):
        self.company.partner_id.tz = "America/New_York"
        self.assertDayEnds(
            datetime(2026, 11, 1, 4, 0, 10), datetime(2026, 12, 1, 4, 59, 59), datetime(2026, 12, 1, 5), "monthly_limit"
        )

    def test_february(self):
        self.assertDayEnds(
            datetime(2028, 2, 1, 0, 0, 10), datetime(2028, 2, 29, 23, 59, 59), datetime(2028, 3, 1), "monthly_limit"
        )

    def test_what_began_before_midnight_counts_while_it_lasts(self):
        self.user.daily_limit = 5
        self.assertEqual(self.answer("s:1", at=datetime(2026, 11, 20, 23, 59), requested=120), (120, None))
        self.assertEqual(self.answer("s:2", at=datetime(2026, 11, 21)), (180, None))

    def test_one_batch_on_two_days(self):
        self.user.daily_limit = 5
        self.charge(self.call("k:1", 240))
        today, tomorrow = self.authorize(
            self.request("s:1"), self.request("s:2", at=NOON + timedelta(days=1), requested=60)
        )
        self.assertEqual((today.granted, tomorrow.granted), (60, 60))

    def test_another_time_zone_counts_anew(self):
        self.user.daily_limit = 5
        self.charge(self.call("k:1", 300, at=datetime(2026, 11, 19, 23, 0, 10)))
        self.assertEqual(self.spent(self.user), {"2026-11-19": 5})
        self.company.partner_id.tz = "Europe/Berlin"
        self.assertEqual(self.spent(self.user), {"2026-11-20": 5})
        self.assertEqual(self.answer("s:1"), (0, "daily_limit"))

    # ------------------------------------------------------------------
    # Expiry of credit
    # ------------------------------------------------------------------

    def test_credit_may_be_used_on_its_last_day(self):
        self.company.partner_id.tz = "Europe/Berlin"
        self.user.credit_expires_on = "2026-11-20"
        self.assertEqual(self.answer("s:1", requested=60, at=datetime(2026, 11, 20, 22, 59, 59)), (60, None))
        self.assertEqual(self.answer("s:2", at=datetime(2026, 11, 20, 23)), (0, "credit_expired"))

    def test_expired_credit_of_a_wallet_above(self):
        self.reseller.credit_expires_on = "2026-11-19"
        self.assertEqual(self.answer("s:1"), (0, "credit_expired"))
        self.assertEqual(self.charge(self.call("k:1")).charged, 1)

    # ------------------------------------------------------------------
    # Cost, and the rule itself
    # ------------------------------------------------------------------

    def test_one_more_statement_whatever_the_batch(self):
        def statements(count, key):
            requests = [self.request(f"{key}:{n}", requested=60) for n in range(count)]
            self.env.flush_all()
            before = self.cr.sql_log_count
            self.authorize(*requests)
            return self.cr.sql_log_count - before

        statements(1, "warm")
        without = statements(1, "without")
        self.assertEqual(statements(20, "without20"), without)
        for wallet in (self.user, self.dealer, self.reseller):
            wallet.write({"daily_limit": 100, "monthly_limit": 1000})
        self.assertEqual(statements(1, "with"), without + 1)
        self.assertEqual(statements(20, "with20"), without + 1)

    def test_no_statement_more_to_charge(self):
        def statements(key):
            self.env.flush_all()
            before = self.cr.sql_log_count
            self.charge(*(self.call(f"{key}:{n}") for n in range(20)))
            return self.cr.sql_log_count - before

        statements("warm")
        without = statements("without")
        self.user.daily_limit = 1000
        self.assertEqual(statements("with"), without)

    def test_authorized_sessions_never_exceed_a_limit(self):
        """Whatever is asked, granted, settled and given up, in any order and in batches."""
        for seed in range(6):
            with self.subTest(seed=seed):
                self.play(random.Random(seed), f"{seed}")

    def play(self, rng, name):
        """Play a month in random steps, and compare with the limits after each."""
        wallets = (self.user, self.dealer, self.reseller)
        start = datetime(2026, 12, 1) + timedelta(days=31 * int(name))
        at, active, number = start, {}, 0
        for wallet in wallets:
            wallet.write({"daily_limit": rng.choice([0, 3, 7.5]), "monthly_limit": rng.choice([0, 12, 20.3])})
        for _step in range(25):
            at += timedelta(seconds=rng.choice([1, 600, 40000]))
            if rng.random() < 0.6:
                requests = []
                for _request in range(rng.randint(1, 4)):
                    number += 1
                    requests.append(self.request(f"{name}:{number}", at=at, requested=rng.choice([30, 60, 200, None])))
                answers = self.authorize(*requests)
                for answer in answers if isinstance(answers, list) else [answers]:
                    if answer.granted:
                        active[answer.session_key] = answer.granted
            elif active:
                key = rng.choice(sorted(active))
                granted = active.pop(key)
                if rng.random() < 0.2:
                    reserve.release_sessions(self.env.cr, [key])
                else:
                    # The record says when the call began: the day that it counts for.
                    self.charge(self.call(f"k:{key}", rng.randint(1, granted), at=at, session_key=key))
            for wallet in wallets:
                self.assertWithinLimits(wallet, start)
        reserve.release_sessions(self.env.cr, list(active))

    def assertWithinLimits(self, wallet, start):
        by_day = {day: amount for day, amount in self.spent(wallet).items() if day[:7] == str(start)[:7]}
        if wallet.daily_limit and by_day:
            self.assertLessEqual(max(by_day.values()), Decimal(str(wallet.daily_limit)))
        if wallet.monthly_limit:
            self.assertLessEqual(sum(by_day.values()), Decimal(str(wallet.monthly_limit)))
        # The counter is what the ledger says.
        self.env.cr.execute(
            """SELECT date::date::text, sum(amount)::text FROM tier_transfer
                WHERE from_account_id = %s AND kind = 'usage' AND date >= %s GROUP BY 1""",
            [wallet.account_id.id, start],
        )
        if wallet.daily_limit or wallet.monthly_limit:
            self.assertEqual({day: Decimal(amount) for day, amount in self.env.cr.fetchall()}, by_day)
