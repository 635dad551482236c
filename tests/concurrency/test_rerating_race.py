"""Re-ratings against each other, against refunds and charges, and killed: each event is corrected once."""

import random
import time
from contextlib import contextmanager
from datetime import timedelta

import pytest
from arena import now
from races import race

pytestmark = pytest.mark.usefixtures("conserved")

EVENTS = 160
BATCH = 20


@pytest.fixture
def small_batches(monkeypatch):
    from odoo.addons.tier_rating import rerating

    monkeypatch.setattr(rerating, "BATCH", BATCH)


def _charge(arena, payers, prefix, count=EVENTS):
    chance = random.Random(7)
    usages = [
        arena.usage(chance.choice(payers), chance.randrange(1, 600), key=f"{prefix}-{number}")
        for number in range(count)
    ]
    assert arena.charge(usages).charged == count
    return [row[0] for row in arena.rows("SELECT id FROM tier_usage_event WHERE source_key LIKE %s", f"{prefix}-%")]


def _change_prices(arena, payers):
    """What end customers pay goes up by half; what the first of the resellers pays goes down."""
    with arena.env() as env:
        wallets = env["tier.wallet"].browse([payer.id for payer in payers])
        for rate in wallets.price_list_id.rate_ids:
            rate.price *= 1.5
        payers_of = env["tier.wallet"].browse(payers[0].chain[1].id)
        payers_of.price_list_id.rate_ids.price *= 0.9


def _computed(arena, payers):
    """A run over all that is below the payers' provider; return its id."""
    with arena.env() as env:
        run = env["tier.rerating"].create(
            {
                "date_from": now() - timedelta(days=1),
                "wallet_id": payers[0].chain[-1].id,
                "reason": "wrong rate",
            }
        )
    _on(arena, run.id, "action_compute")
    return run.id


def _on(arena, run_id, method):
    """Press a button, as a request does."""
    from odoo.service.model import retrying

    with _request(arena) as env:
        run = env["tier.rerating"].browse(run_id)
        run.mapped("name")  # a request has read something before it gets there
        retrying(getattr(run, method), env)


@contextmanager
def _request(arena):
    with arena.registry.cursor() as cr:
        yield arena.env_of(cr)


def _run(arena, run_id):
    return arena.rows("SELECT state, changed_count, posted_count, left_count FROM tier_rerating WHERE id = %s", run_id)[
        0
    ]


def _check(arena, prefix, shares_of):
    """Every event that is still charged costs what was computed, on every tier; every other one nothing.

    :param shares_of: ids of the runs that may have corrected it
    """
    wrong = arena.rows(
        """
        SELECT e.source_key, e.state, s.wallet_id, s.old_cost, s.new_cost, c.cost, c.corrections
          FROM tier_usage_event e
          JOIN tier_rerating_share s ON s.event_id = e.id AND s.rerating_id = %s
          JOIN tier_wallet w ON w.id = s.wallet_id AND w.parent_id IS NOT NULL,
               LATERAL (SELECT sum(cost) AS cost, count(*) FILTER (WHERE rerating_id IS NOT NULL) AS corrections
                          FROM tier_charge WHERE event_id = e.id AND wallet_id = s.wallet_id) c
         WHERE e.source_key LIKE %s
           AND (c.cost <> CASE WHEN e.state = 'charged' THEN s.new_cost ELSE 0 END OR c.corrections > 1)
        """,
        shares_of,
        f"{prefix}-%",
    )
    assert not wrong


def test_two_workers_share_one_run(arena, trees, lost_races, small_batches):
    """Guards the lock on the run: they take turns, and each event is corrected once."""
    prefix = arena.key("rerate")
    _charge(arena, trees, prefix)
    _change_prices(arena, trees)
    run = _computed(arena, trees)
    assert _run(arena, run) == ("computed", EVENTS, 0, 0)

    race([lambda: _on(arena, run, "action_post")] * 4)

    assert _run(arena, run) == ("posted", EVENTS, EVENTS, 0)
    assert not lost_races
    _check(arena, prefix, run)
    again = _computed(arena, trees)
    assert _run(arena, again)[1] == 0


def test_two_runs_of_the_same_charges(arena, trees, lost_races, small_batches):
    """Guards the lock on the events and the chain of charges: one of the runs corrects an event, not both."""
    prefix = arena.key("rerate")
    _charge(arena, trees, prefix)
    _change_prices(arena, trees)
    runs = [_computed(arena, trees) for _number in range(3)]

    race([lambda run=run: _on(arena, run, "action_post") for run in runs])

    figures = [_run(arena, run) for run in runs]
    assert {row[0] for row in figures} == {"posted"}
    assert sum(row[2] for row in figures) == EVENTS
    assert sum(row[3] for row in figures) == 2 * EVENTS
    assert not lost_races
    _check(arena, prefix, runs[0])


def test_refunds_and_charges_go_on_meanwhile(arena, trees, lost_races, small_batches):
    """An event is refunded before or after its correction: whoever paid has all of it back."""
    prefix, other = arena.key("rerate"), arena.key("other")
    ids = _charge(arena, trees, prefix)
    _change_prices(arena, trees)
    run = _computed(arena, trees)
    chance = random.Random(3)
    undone = chance.sample(ids, EVENTS // 2)

    def refund(part):
        refunded = 0
        for start in range(part, len(undone), 2 * BATCH):
            refunded += arena._shared["tier.usage.event"]._refund(undone[start : start + BATCH], "outage").refunded
        return refunded

    refunded = race(
        [
            lambda: refund(0),
            lambda: refund(BATCH),
            lambda: _on(arena, run, "action_post"),
            lambda: _on(arena, run, "action_proceed"),
            lambda: _charge(arena, trees, other, 60),
        ]
    )[:2]

    assert sum(refunded) == len(undone)
    state, _changed, posted, left = _run(arena, run)
    assert (state, posted + left) == ("posted", EVENTS)
    assert not lost_races
    reasons = arena.rows(
        "SELECT DISTINCT reason FROM tier_rerating_event WHERE rerating_id = %s AND state = 'left'", run
    )
    assert set(reasons) <= {("refunded",)}
    _check(arena, prefix, run)


@pytest.mark.parametrize("seed", range(4))
def test_a_process_killed_while_it_posts(arena, mortals, trees, seed):
    """The run goes on where the dead process left it: whole batches, and nothing twice."""
    prefix = arena.key("rerate")
    _charge(arena, trees, prefix)
    _change_prices(arena, trees)
    run = _computed(arena, trees)
    pid = mortals.start(name="post_rerating", run=run, batch=5)
    deadline = time.monotonic() + 60
    while not _run(arena, run)[2] >= 20 * seed + 5:
        assert time.monotonic() < deadline
        time.sleep(0.002)
    time.sleep(random.Random(seed).uniform(0, 0.02))
    assert mortals.kill(pid)

    state, _changed, posted, left = _run(arena, run)
    assert (state, left) == ("posting", 0)
    assert 0 < posted < EVENTS
    corrected = arena.value("SELECT count(DISTINCT event_id) FROM tier_charge WHERE rerating_id = %s", run)
    assert corrected == posted
    with arena.env() as env:
        env["tier.rerating"]._cron_proceed()
    assert _run(arena, run) == ("posted", EVENTS, EVENTS, 0)
    _check(arena, prefix, run)
