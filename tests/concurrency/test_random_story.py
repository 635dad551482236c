"""Whatever comes in whatever order: a second ledger in Python says what every figure must be."""

import random

import pytest
from races import Sampler, race
from story import STEPS, Story

pytestmark = pytest.mark.usefixtures("conserved")


@pytest.mark.parametrize("seed", range(3))
def test_any_order_of_steps_keeps_every_figure(arena, seed):
    """One step after another; after each the figures of all wallets, after ten the whole ledger.

    Guards all of it: what each operation moves, who may, what a repeat does, what each tier holds.
    """
    chance = random.Random(seed)
    story = Story(arena, chance)
    for number in range(100):
        name = story.step(chance)
        try:
            story.check()
        except AssertionError as error:
            raise AssertionError(f"after step {number}, {name}: {error}") from error
        assert all(story.available(wallet) >= 0 for wallet in story.wallets)
        if number % 10 == 9:
            arena.check_accounts(story.wallets)
    assert set(story.counts) == set(STEPS)


@pytest.mark.parametrize("seed", range(2))
def test_the_same_by_eight_at_once(arena, seed, lost_races):
    """Eight threads, each with its own random steps: sums of what each was told it did.

    Guards the same under races: nothing is lost, nothing done twice, nobody overdrawn.
    """
    story = Story(arena, random.Random(seed), alone=False)

    def steps(number):
        chance = random.Random(1000 * seed + number)
        for _ in range(25):
            story.step(chance)

    with Sampler(arena, story.wallets) as sampler:
        race([lambda number=number: steps(number) for number in range(8)])

    assert sampler.lowest >= 0
    assert not lost_races
    arena.check_accounts(story.wallets)
    # Time passes, what is still open ends, and the sums are those of what was done.
    for session in story.sessions:
        session.is_open = False
    arena.rows(
        "UPDATE tier_hold SET expires_at = '2000-01-01' WHERE state = 'open' AND account_id = ANY(%s)",
        [wallet.account_id for wallet in story.wallets],
    )
    with arena.env() as env:
        env["tier.hold"]._expire()
    story.check()
