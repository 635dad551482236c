"""Charges commit in any order while they are summed: each is in the sums once, none is missed."""

import random
import threading

import pytest
from races import race

pytestmark = pytest.mark.usefixtures("conserved")


@pytest.fixture
def trees(arena):
    """Two providers, each with a reseller and a user: they lock no account of each other."""
    users = []
    with arena.planting() as plant:
        for _tree in range(2):
            provider = plant()
            reseller = plant(provider, "0.30")
            users.append(plant(reseller, "0.60"))
    for user in users:
        arena.fund(user.parent, "1000")
        arena.fund(user, "1000")
    return users


def _add(arena):
    with arena.env() as env:
        env["tier.usage.rollup"]._cron_add()


def _sold(arena, user):
    """How many calls the sums say that a user's parent sold."""
    return arena.value(
        "SELECT COALESCE(sum(attempts), 0)::integer FROM tier_usage_day WHERE wallet_id = %s", user.parent.id
    )


def _differences(arena):
    with arena.env() as env:
        return env["tier.usage.rollup"]._differences()


def test_a_late_commit_is_not_missed(arena, trees, monkeypatch):
    """Guards the horizon: what is charged and not committed has lower numbers than what is."""
    from odoo.addons.tier_rating import charging
    from odoo.addons.tier_rating.rollup import horizon

    late, early = trees
    monkeypatch.setattr(horizon.decided, "__defaults__", (0.3,))
    with arena.registry.cursor() as cr:
        charging.settle.charge(arena.env_of(cr), [arena.usage(late, 60)])
        arena.charge([arena.usage(early, 60)])
        _add(arena)
        assert (_sold(arena, late), _sold(arena, early)) == (0, 0), "it waits for the first"
        cr.commit()
    _add(arena)
    assert (_sold(arena, late), _sold(arena, early)) == (1, 1)
    assert not _differences(arena)


def test_what_is_rolled_back_holds_nothing_up(arena, trees):
    from odoo.addons.tier_rating import charging

    late, early = trees
    with arena.registry.cursor() as cr:
        charging.settle.charge(arena.env_of(cr), [arena.usage(late, 60)])
        arena.charge([arena.usage(early, 60)])
        cr.rollback()
    _add(arena)
    assert (_sold(arena, late), _sold(arena, early)) == (0, 1)
    assert not _differences(arena)


def test_charged_refunded_and_summed_at_once(arena, trees):
    """Guards the lock on the state: two that sum at once add nothing twice."""
    batches = {user: [[arena.usage(user, 60) for _call in range(5)] for _batch in range(20)] for user in trees}
    stop = threading.Event()
    left = threading.Semaphore(0)

    def charge(user):
        for batch in batches[user]:
            arena.charge(batch)
        left.release()

    def refund():
        for batch in random.Random(1).sample(batches[trees[0]], 10):
            keys = [usage.source_key for usage in batch]
            ids = [row[0] for row in arena.rows("SELECT id FROM tier_usage_event WHERE source_key = ANY(%s)", keys)]
            arena._shared["tier.usage.event"]._refund(ids, "outage")
        left.release()

    def add():
        while not stop.is_set():
            _add(arena)

    def end():
        for _job in range(3):
            left.acquire(timeout=50)
        stop.set()

    race([lambda: charge(trees[0]), lambda: charge(trees[1]), refund, add, add, end])
    _add(arena)
    assert [_sold(arena, user) for user in trees] == [100, 100]
    assert not _differences(arena)


def test_a_killed_sum_is_done_again(arena, trees):
    """What dies before its commit leaves neither sums nor the state behind."""
    from odoo.addons.tier_rating.rollup import sums

    user = trees[0]
    _add(arena)
    arena.charge([arena.usage(user, 60)])
    until = arena.value("SELECT max(id) FROM tier_charge")
    with arena.registry.cursor() as cr:
        env = arena.env_of(cr)
        after = env["tier.usage.rollup"]._lock(cr)
        sums.add(cr, after, until)
        env["tier.usage.rollup"]._note(cr, until)
        cr.rollback()
    assert _sold(arena, user) == 0
    _add(arena)
    assert _sold(arena, user) == 1
