"""Refunds of the same events from many sides at once: each is undone once, on every tier or none."""

import random

import pytest
from races import race

pytestmark = pytest.mark.usefixtures("conserved")

EVENTS = 160
BATCH = 40


def _accounts(payers):
    return sorted({number for payer in payers for w in payer.chain for number in (w.account_id, w.payee_id)})


def _balances(arena, payers):
    return {number: arena.account(number)[0] for number in _accounts(payers)}


def _calls(arena, payers, prefix):
    chance = random.Random(7)
    return [
        arena.usage(chance.choice(payers), chance.randrange(1, 600), key=f"{prefix}-{number}")
        for number in range(EVENTS)
    ]


def _ids(arena, prefix):
    return [row[0] for row in arena.rows("SELECT id FROM tier_usage_event WHERE source_key LIKE %s", f"{prefix}-%")]


def _batches(ids, seed):
    """All events in overlapping batches, in an order of its own."""
    chance = random.Random(seed)
    order = chance.sample(ids, len(ids))
    return [order[start : start + BATCH] for start in range(0, len(order), BATCH // 2)]


def _refund(arena, ids):
    return arena._shared["tier.usage.event"]._refund(ids, "outage").refunded


def _check(arena, prefix):
    """Every event is refunded, and every payment undone by exactly one transfer, backwards."""
    states = arena.rows("SELECT DISTINCT state FROM tier_usage_event WHERE source_key LIKE %s", f"{prefix}-%")
    assert states == [("refunded",)]
    wrong = arena.rows(
        """
        SELECT o.id, count(b.id)
          FROM tier_usage_event e
          JOIN tier_charge c ON c.event_id = e.id AND c.reverses_id IS NULL
          JOIN tier_transfer o ON o.id = c.transfer_id
          LEFT JOIN tier_transfer b ON b.reverses_id = o.id AND b.kind = 'refund'
               AND (b.from_account_id, b.to_account_id, b.amount, b.amount_to)
                 = (o.to_account_id, o.from_account_id, o.amount_to, o.amount)
         WHERE e.source_key LIKE %s
         GROUP BY o.id HAVING count(b.id) <> 1""",
        f"{prefix}-%",
    )
    assert not wrong
    assert not arena.rows(
        """SELECT c.id FROM tier_usage_event e JOIN tier_charge c ON c.event_id = e.id AND c.reverses_id IS NULL
             LEFT JOIN tier_charge r ON r.reverses_id = c.id
            WHERE e.source_key LIKE %s AND r.id IS NULL""",
        f"{prefix}-%",
    )


def test_eight_threads_refund_the_same_events(arena, trees, lost_races):
    """Guards the lock on events by source key, then accounts by id: no event twice, and no deadlock."""
    prefix = arena.key("refund")
    before = _balances(arena, trees)
    arena.charge(_calls(arena, trees, prefix))
    assert _balances(arena, trees) != before
    ids = _ids(arena, prefix)

    refunded = race(
        [lambda seed=seed: sum(_refund(arena, batch) for batch in _batches(ids, seed)) for seed in range(8)]
    )

    assert sum(refunded) == EVENTS
    assert not lost_races
    _check(arena, prefix)
    assert _balances(arena, trees) == before


def test_refunds_race_with_charges_and_replays(arena, trees, lost_races):
    """While four threads refund, four charge other calls of the same wallets and replay the first file."""
    prefix, other = arena.key("refund"), arena.key("other")
    usages, more = _calls(arena, trees, prefix), _calls(arena, trees, other)
    arena.charge(usages)
    ids = _ids(arena, prefix)
    before = _balances(arena, trees)

    def replay(seed):
        chance = random.Random(seed)
        both = chance.sample([*usages, *more], 2 * EVENTS)
        return sum(arena.charge(both[start : start + BATCH]).charged for start in range(0, len(both), BATCH))

    def undo(seed):
        return sum(_refund(arena, batch) for batch in _batches(ids, seed))

    results = race([lambda seed=seed: (undo if seed % 2 else replay)(seed) for seed in range(8)])

    assert (sum(results[1::2]), sum(results[::2])) == (EVENTS, EVENTS)
    assert not lost_races
    _check(arena, prefix)
    # The same calls were undone that were charged meanwhile: the balances are what they were.
    assert _balances(arena, trees) == before


def test_two_people_accept_one_dispute(arena, trees):
    """Guards the lock on the dispute: one decides, the other finds it decided."""
    from odoo.service.model import retrying

    prefix = arena.key("dispute")
    payer = trees[0]
    before = _balances(arena, trees)
    arena.charge([arena.usage(payer, 60, key=f"{prefix}-1")])
    with arena.env() as env:
        charge = env["tier.charge"].search([("event_id.source_key", "=", f"{prefix}-1"), ("wallet_id", "=", payer.id)])
        dispute = env["tier.dispute"].create(
            {"wallet_id": payer.id, "reason": "dead", "line_ids": [(0, 0, {"charge_id": charge.id})]}
        )
        dispute_id = dispute.id

    def accept():
        with arena.registry.cursor() as cr:
            record = arena.env_of(cr)["tier.dispute"].browse(dispute_id)
            record.mapped("name")
            retrying(record.action_accept, record.env)

    race([accept] * 4)

    _check(arena, prefix)
    assert _balances(arena, trees) == before
    assert arena.value("SELECT state FROM tier_dispute WHERE id = %s", dispute_id) == "accepted"


def test_one_charge_is_contested_by_many_at_once(arena, trees):
    """Guards the lock on the event and the unique index: one dispute."""
    from odoo.service.model import retrying

    prefix = arena.key("contest")
    payer = trees[0]
    arena.charge([arena.usage(payer, 60, key=f"{prefix}-1")])
    charge = arena.value(
        """SELECT c.id FROM tier_charge c JOIN tier_usage_event e ON e.id = c.event_id
            WHERE e.source_key = %s AND c.wallet_id = %s""",
        f"{prefix}-1",
        payer.id,
    )

    def contest():
        with arena.registry.cursor() as cr:
            record = arena.env_of(cr)["tier.charge"].browse(charge)
            return retrying(lambda: record._contest("dead line").id, record.env)

    disputes = race([contest] * 6)

    assert len(set(disputes)) == 1
    assert arena.value("SELECT count(*) FROM tier_dispute_line WHERE charge_id = %s", charge) == 1
