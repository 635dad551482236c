"""The same events again and again, from many sides at once: each is charged once."""

import dataclasses
import random
from collections import Counter

import pytest
from races import race

pytestmark = pytest.mark.usefixtures("conserved")

EVENTS = 480
BATCH = 60


@pytest.fixture
def trees(arena):
    """Payers of every kind: inside, outside, mixed, in two currencies, prepaid and postpaid."""
    with arena.planting() as plant:
        provider = plant()
        inside = plant(plant(provider, "0.30"), "0.45")
        outside = plant(plant(provider, "0.24", currency="XTS"), "0.42", money="outside")
        mixed = plant(plant(plant(provider, "0.30"), "0.48", currency="XTS"), "0.60", currency="USD", money="outside")
        payers = [
            plant(inside, "0.60"),
            plant(inside, "0.90", currency="XTS"),
            plant(outside, "0.60"),
            plant(outside, "0.60", currency="USD", payment_mode="postpaid", credit_limit=1000),
            mixed,
            plant(provider, "0.54", payment_mode="postpaid", credit_limit=1000),
        ]
    for wallet in {wallet for payer in payers for wallet in payer.chain[:-1]}:
        arena.fund(wallet, "1000")
    return payers


def _events(arena, payers, prefix):
    chance = random.Random(4)
    return [
        arena.usage(chance.choice(payers), chance.randrange(1, 600), key=f"{prefix}-{number}")
        for number in range(EVENTS)
    ]


def _expected(arena, payers, usages):
    wallets = {payer.id: payer for payer in payers}
    return arena.balances_after((wallets[usage.wallet_id], int(usage.quantity)) for usage in usages)


def _batches(usages, seed):
    """All events in overlapping batches, in an order of its own."""
    chance = random.Random(seed)
    order = chance.sample(usages, len(usages))
    batches = []
    for start in range(0, len(order), BATCH // 2):
        batch = order[start : start + BATCH]
        batches.append(chance.sample(batch, len(batch)))
    return batches


def _check(arena, usages, prefix, expected):
    assert arena.check_events(f"{prefix}-%") == len(usages)
    assert {wallet: arena.balance(wallet) for wallet in expected} == expected


def test_a_replayed_batch_changes_nothing(arena, trees):
    """One batch thrice, in one thread. Guards the unique index on the event's key."""
    prefix = arena.key("replay")
    usages = _events(arena, trees, prefix)
    expected = _expected(arena, trees, usages)

    first, *later = [arena.charge(usages) for _ in range(3)]

    assert (first.charged, first.duplicate) == (EVENTS, 0)
    assert [(outcome.charged, outcome.duplicate) for outcome in later] == [(0, EVENTS)] * 2
    _check(arena, usages, prefix, expected)


def test_a_batch_that_holds_an_event_twice_charges_it_once(arena, trees):
    """Guards that a batch is made unique before it is inserted."""
    prefix = arena.key("twice")
    usages = _events(arena, trees, prefix)
    expected = _expected(arena, trees, usages)

    outcome = arena.charge([*usages, *map(dataclasses.replace, reversed(usages))])

    assert (outcome.charged, outcome.duplicate) == (EVENTS, EVENTS)
    _check(arena, usages, prefix, expected)


def test_eight_threads_race_over_the_same_events(arena, trees, lost_races):
    """Overlapping batches in shuffled orders, none charged before: every event once, and no deadlock.

    Guards the order of locks (keys sorted, then accounts by id): unsorted keys deadlock here.
    """
    prefix = arena.key("race")
    usages = _events(arena, trees, prefix)
    expected = _expected(arena, trees, usages)

    def replay(seed):
        total = Counter()
        for batch in _batches(usages, seed):
            outcome = arena.charge(batch)
            total.update(charged=outcome.charged, duplicate=outcome.duplicate, suspense=outcome.suspense)
        return total

    total = sum(race([lambda seed=seed: replay(seed) for seed in range(8)]), Counter())

    assert total["charged"] == EVENTS
    assert not total["suspense"]
    assert not lost_races
    _check(arena, usages, prefix, expected)


def test_suspense_is_retried_by_many_at_once(arena, trees, lost_races):
    """Events wait for a rate; then four threads retry them while four replay their file.

    Guards that a retry takes only what still waits, under a lock on each event.
    """
    prefix = arena.key("suspense")
    usages = _events(arena, trees, prefix)
    expected = _expected(arena, trees, usages)
    wallets = [payer.id for payer in trees]
    lists = "(SELECT price_list_id FROM tier_wallet WHERE id = ANY(%s))"
    arena.rows(f"UPDATE tier_rate SET prefix = '999' WHERE price_list_id IN {lists}", wallets)
    assert arena.charge(usages).suspense == EVENTS
    assert arena.check_events(f"{prefix}-%") == 0
    arena.rows(f"UPDATE tier_rate SET prefix = '49' WHERE price_list_id IN {lists}", wallets)
    ids = [row[0] for row in arena.rows("SELECT id FROM tier_usage_event WHERE source_key LIKE %s", f"{prefix}-%")]

    def retry(seed):
        return sum(arena.retry(batch).charged for batch in _batches(ids, seed))

    def replay(seed):
        return sum(arena.charge(batch).charged for batch in _batches(usages, seed))

    charged = race([lambda seed=seed: (retry if seed % 2 else replay)(seed) for seed in range(8)])

    assert sum(charged) == EVENTS
    assert not lost_races
    _check(arena, usages, prefix, expected)


def test_an_event_whose_session_settles_from_two_sides(arena, trees):
    """The same final events from two switches at once: one charge, and each hold closed once."""
    sessions = [arena.request(payer, 60) for payer in trees * 10]
    assert {answer.granted for answer in arena.authorize(sessions)} == {60}
    prefix = arena.key("final")
    usages = [
        arena.usage(payer, 30, key=f"{prefix}-{number}", session_key=session.session_key)
        for number, (payer, session) in enumerate(zip(trees * 10, sessions, strict=True))
    ]
    expected = _expected(arena, trees, usages)

    race([lambda seed=seed: [arena.charge(batch) for batch in _batches(usages, seed)] for seed in range(6)])

    _check(arena, usages, prefix, expected)
    for payer in trees:
        assert all(arena.account(wallet.account_id)[1:] == (0, 0) for wallet in payer.chain)
