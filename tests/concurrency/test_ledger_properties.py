"""Whatever the ledger is told in whatever order, by three transactions at once, every invariant holds after each step.

Hypothesis chooses the steps and, when one goes wrong, tells the fewest that do.
"""

from decimal import Decimal

import pytest
from bank import BLOCKED, DONE, MISFIT, REUSED, SHORT, Bank
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

# From and to of what may happen between the accounts of a bank.
ROUTES = {
    "topup": [("world USD", "reseller"), ("world USD", "credit"), ("world XTS", "abroad")],
    "allocation": [("provider", "reseller"), ("provider", "abroad"), ("reseller", "inside"), ("memo", "outside")],
    "reclaim": [("reseller", "provider"), ("abroad", "provider"), ("inside", "reseller"), ("outside", "memo")],
    "usage": [("inside", "reseller"), ("counted", "reseller"), ("outside", "memo"), ("abroad", "earnings")],
    "adjustment": [("earnings", "counted"), ("inside", "earnings"), ("credit", "earnings")],
    "expiry": [("inside", "earnings"), ("outside", "memo")],
    "payout": [("reseller", "world USD"), ("abroad", "world XTS")],
}
WAYS = [(kind, *route) for kind, routes in ROUTES.items() for route in routes]
HELD = ["reseller", "inside", "counted", "credit", "outside"]
# Most fit; the rest is what people and programs get wrong.
AMOUNTS = st.one_of(
    st.integers(1, 4000).map(lambda cents: Decimal(cents) / 100),
    st.integers(1, 10**6).map(lambda millionths: Decimal(millionths).scaleb(-6) * 4),
    st.sampled_from(["0", "-1", "NaN", "1E+12", "999999999999", "0.0000001", "1E-30"]).map(Decimal),
)
TELLERS = st.integers(0, 2)
KEYS = st.integers(0, 4)
TRANSFERS = st.tuples(KEYS, st.sampled_from(WAYS), AMOUNTS)
STEPS = st.one_of(
    st.tuples(st.just("post"), TELLERS, TRANSFERS.map(lambda transfer: [transfer])),
    st.tuples(st.just("post"), TELLERS, st.lists(TRANSFERS, min_size=2, max_size=4, unique_by=lambda row: row[0])),
    # Just what there is, and a millionth more.
    st.tuples(st.just("drain"), TELLERS, KEYS, st.sampled_from(WAYS), st.sampled_from([0, 1])),
    st.tuples(st.just("refund"), TELLERS, KEYS, KEYS, st.sampled_from([1, 1, 1, Decimal("0.5")])),
    st.tuples(st.just("hold"), TELLERS, KEYS, st.sampled_from(HELD), AMOUNTS, st.sampled_from([-5, 60])),
    st.tuples(st.just("release"), TELLERS, KEYS),
    st.tuples(st.just("expire"), TELLERS),
    st.tuples(st.just("commit"), TELLERS),
    st.tuples(st.just("commit"), TELLERS),
    st.tuples(st.just("rollback"), TELLERS),
)


class Script:
    """Plays steps on a bank, under names of its own."""

    def __init__(self, bank):
        self.bank = bank
        self.name = bank.arena.key("script")

    def key(self, number):
        return f"{self.name}:{number}"

    def play(self, step):
        what, teller, *words = step
        return getattr(self, f"_{what}")(self.bank.tellers[teller], *words)

    def _post(self, teller, transfers):
        wanted = [(self.key(number), *way, self._fine(amount, way)) for number, way, amount in transfers]
        return self.bank.post(teller, wanted)

    def _fine(self, amount, way):
        """An amount that converts without a rest where the way crosses currencies."""
        crosses = self.bank.accounts[way[1]].currency != self.bank.accounts[way[2]].currency
        return round(amount, 2) if crosses and amount.is_finite() and 0 < amount < 10**6 else amount

    def _drain(self, teller, number, way, more):
        amount = self.bank.available(way[1], teller) + Decimal(more).scaleb(-6)
        return self._post(teller, [(number, way, amount)])

    def _refund(self, teller, number, new_number, share):
        known = {**self.bank.transfers, **teller.transfers}
        if self.key(number) in known:
            return self.bank.refund(teller, self.key(number), f"{self.key(new_number)}:back", share)
        return None

    def _hold(self, teller, number, name, amount, minutes):
        return self.bank.hold(teller, self.key(number), name, amount, minutes)

    def _release(self, teller, number):
        return self.bank.release(teller, self.key(number))

    def _expire(self, teller):
        return self.bank.expire(teller)

    def _commit(self, teller):
        self.bank.commit(teller)

    def _rollback(self, teller):
        self.bank.rollback(teller)


@pytest.fixture
def bank(arena):
    with arena.kept_connection():
        bank = Bank(arena)
        yield bank
        bank.close()


@pytest.mark.usefixtures("conserved")
def test_every_invariant_holds_after_every_step_of_any_interleaving(bank):
    """Each step ends as a second ledger in Python foretells, and leaves both ledgers alike.

    Guards balances, holds, counters, conservation, keys, refunds and refusals, through commits,
    rollbacks and the locks of others; a transfer alone and in a batch.
    """
    ends = set()

    @settings(
        max_examples=25,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(st.lists(STEPS, min_size=10, max_size=30))
    def play(steps):
        script = Script(bank)
        bank.restart()
        for way in (("topup", "world USD", "reseller"), ("allocation", "reseller", "inside")):
            bank.post(bank.tellers[0], [(script.key(way[0]), *way, Decimal(20))])
        bank.commit(bank.tellers[0])
        for step in steps:
            end = script.play(step)
            ends.add(end)
            event(f"{step[0]}: {end}")
            bank.check()

    play()
    # The steps were worth it: each end has been reached.
    assert ends >= {DONE, BLOCKED, SHORT, MISFIT, REUSED}
