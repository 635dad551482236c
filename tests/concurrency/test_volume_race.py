"""One price by volume, many sides at once: every unit counts once, and a period costs what its units do."""

import random
from decimal import Decimal

import pytest
from races import in_pieces, race

pytestmark = pytest.mark.usefixtures("conserved")

CALLS = 120
# Minutes of the first tier, and the prices of both.
FIRST, DEAR, CHEAP = 30, Decimal("0.50"), Decimal("0.20")


def _shop(arena, **values):
    """Two users of one reseller that pays by volume, or who pay by it themselves."""
    with arena.planting() as plant:
        provider = plant()
        reseller = plant(provider, "0.30")
        users = [plant(reseller, "0.60"), plant(reseller, "0.90")]
    for wallet in (reseller, *users):
        arena.fund(wallet, "1000")
    with arena.env() as env:
        plan = (
            env["tier.volume.plan"]
            .create(
                {
                    "name": "Volume",
                    "price_list_id": env["tier.wallet"].browse(reseller.id).price_list_id.id,
                    "tier_ids": [
                        (0, 0, {"upto": FIRST, "price": float(DEAR)}),
                        (0, 0, {"upto": 0, "price": float(CHEAP)}),
                    ],
                    **values,
                }
            )
            .id
        )
    return reseller, users, plan


def _calls(arena, users, seed):
    chance = random.Random(seed)
    return [arena.usage(chance.choice(users), chance.randrange(20, 60)) for _call in range(CALLS)]


def _period_costs(seconds, kind="graduated"):
    first = min(seconds, FIRST * 60)
    exact = (DEAR * first + CHEAP * (seconds - first)) / 60
    if kind == "volume":
        exact = (DEAR if seconds <= FIRST * 60 else CHEAP) * seconds / 60
    return round(exact, 6)


def _state(arena, plan, reseller):
    """What the plan's periods count, what events used, what the reseller paid, and what is open."""
    return tuple(
        arena.rows(
            """SELECT (SELECT COALESCE(sum(quantity), 0) FROM tier_volume_counter WHERE plan_id = %s),
                      (SELECT COALESCE(sum(u.counted), 0) FROM tier_volume_use u
                         JOIN tier_volume_counter c ON c.id = u.counter_id WHERE c.plan_id = %s),
                      (SELECT COALESCE(sum(cost), 0) FROM tier_charge WHERE wallet_id = %s),
                      (SELECT COALESCE(sum(amount), 0) FROM tier_volume_carry WHERE plan_id = %s)""",
            plan,
            plan,
            reseller.id,
            plan,
        )[0]
    )


@pytest.mark.parametrize("kind", ["graduated", "volume"])
def test_the_same_calls_from_four_sides(arena, kind):
    """Guards the lock on the period: two that read it at once would both have the dearer tier."""
    reseller, users, plan = _shop(arena, kind=kind)
    calls = _calls(arena, users, 1)

    race(in_pieces(arena.charge, calls, seed, 10) for seed in range(4))
    seconds = sum(int(call.quantity) for call in calls)
    assert seconds > FIRST * 60
    assert _state(arena, plan, reseller) == (seconds, seconds, _period_costs(seconds, kind), 0)


@pytest.mark.parametrize("kind", ["graduated", "volume"])
def test_charges_and_refunds_at_once(arena, kind):
    """Guards the lock order of both: events, periods, what is carried, accounts."""
    reseller, users, plan = _shop(arena, kind=kind)
    first, second = _calls(arena, users, 2), _calls(arena, users, 3)
    arena.charge(first)
    keys = [call.source_key for call in first]
    ids = [row[0] for row in arena.rows("SELECT id FROM tier_usage_event WHERE source_key = ANY(%s)", keys)]

    def refund(seed):
        return in_pieces(lambda some: arena._shared["tier.usage.event"]._refund(some, "outage"), ids, seed, 15)

    race([refund(1), refund(2), lambda: [arena.charge(second[n : n + 8]) for n in range(0, CALLS, 8)]])
    last = arena.usage(users[0], 60)
    arena.charge([last])
    seconds = sum(int(call.quantity) for call in second) + 60
    counted, used, paid, carried = _state(arena, plan, reseller)
    assert (counted, used) == (seconds, seconds)
    # Whatever order they came in, what is left is paid as if it were all there ever was.
    assert (paid + carried, carried) == (_period_costs(seconds, kind), 0)


def test_new_periods_of_many_wallets_begin_at_once(arena):
    """Guards the order in which periods begin: two batches with the same new ones must not lock each other out."""
    with arena.planting() as plant:
        provider = plant()
        users = [plant(provider, "0.60") for _user in range(12)]
    with arena.env() as env:
        lists = env["tier.wallet"].browse([user.id for user in users]).price_list_id
        for price_list in lists:
            env["tier.volume.plan"].create(
                {
                    "name": "Volume",
                    "price_list_id": price_list.id,
                    "period": "day",
                    "tier_ids": [(0, 0, {"upto": 0, "price": 1})],
                }
            )
    chance = random.Random(7)

    def side(seed):
        order = random.Random(seed).sample(users, len(users))
        return lambda: arena.charge([arena.usage(user, 60) for user in order])

    race(side(chance.random()) for _side in range(6))
    found = arena.rows(
        "SELECT quantity, count(*) FROM tier_volume_counter WHERE wallet_id = ANY(%s) GROUP BY quantity",
        [user.id for user in users],
    )
    assert found == [(360, 12)]
