"""One package, many sides at once: no unit is used twice, none is lost, and refunds give back."""

import random
from datetime import timedelta

import pytest
from arena import now
from races import in_pieces, race

pytestmark = pytest.mark.usefixtures("conserved")

MINUTES, CALLS = 50, 120


@pytest.fixture
def shared(arena):
    """Two users below a reseller that has fifty minutes for all of them; returns users and the period."""
    with arena.planting() as plant:
        provider = plant()
        reseller = plant(provider, "0.30")
        users = [plant(reseller, "0.60"), plant(reseller, "0.90")]
    for wallet in (reseller, *users):
        arena.fund(wallet, "1000")
    with arena.env() as env:
        package = env["tier.package"].create(
            {
                "name": "Minutes",
                "brand_id": env["tier.brand"].search([("wallet_id", "=", provider.id)], limit=1).id,
                "included": MINUTES,
                "period": "once",
                "shared": True,
            }
        )
        subscription = env["tier.package.subscription"].create(
            {"wallet_id": reseller.id, "package_id": package.id, "date_from": now().date() - timedelta(days=2)}
        )
        period = subscription.balance_ids.id
    return users, period


def _used(arena, period):
    """What the period counts as used, and what events took of it."""
    return tuple(
        map(
            int,
            arena.rows(
                "SELECT b.used, COALESCE((SELECT sum(units) FROM tier_package_use WHERE balance_id = b.id), 0)"
                "  FROM tier_package_balance b WHERE b.id = %s",
                period,
            )[0],
        )
    )


def _calls(arena, users, seed):
    chance = random.Random(seed)
    return [arena.usage(chance.choice(users), chance.randrange(20, 60)) for _call in range(CALLS)]


def _covered(calls):
    """What must be used of the package, in whatever order the calls come."""
    return min(sum(int(call.quantity) for call in calls), MINUTES * 60)


def test_the_same_calls_from_four_sides(arena, shared):
    """Guards the lock on the period, and that only who inserts an event uses units for it."""
    users, period = shared
    calls = _calls(arena, users, 1)

    race(in_pieces(arena.charge, calls, seed, 10) for seed in range(4))
    used, taken = _used(arena, period)
    assert used == taken == _covered(calls)
    beyond = arena.value(
        """SELECT sum(c.billed_quantity) - %s FROM tier_charge c JOIN tier_usage_event e ON e.id = c.event_id
            WHERE e.source_key = ANY(%s) AND c.wallet_id = ANY(%s)""",
        used,
        [call.source_key for call in calls],
        [user.id for user in users],
    )
    assert beyond == sum(int(call.quantity) for call in calls) - used


def test_charges_and_refunds_at_once(arena, shared):
    """Guards the lock order of both: events, periods, accounts."""
    users, period = shared
    first, second = _calls(arena, users, 2), _calls(arena, users, 3)
    arena.charge(first)
    keys = [call.source_key for call in first]
    ids = [row[0] for row in arena.rows("SELECT id FROM tier_usage_event WHERE source_key = ANY(%s)", keys)]

    def refund(seed):
        return in_pieces(lambda some: arena._shared["tier.usage.event"]._refund(some, "outage"), ids, seed, 15)

    race([refund(1), refund(2), lambda: [arena.charge(second[n : n + 8]) for n in range(0, CALLS, 8)]])
    used, taken = _used(arena, period)
    assert used == taken
    assert used <= sum(int(call.quantity) for call in second)
    net = arena.rows(
        "SELECT event_id FROM tier_package_use WHERE event_id = ANY(%s) GROUP BY event_id HAVING sum(units) <> 0", ids
    )
    assert not net, "what was refunded has given back all that it took"


def test_sessions_do_not_share_units(arena, shared):
    """Guards the holds of units: together no more is granted than the package and nothing of it twice."""
    users, period = shared
    with arena.env() as env:  # the package is all that the users have
        for user in users:
            wallet = env["tier.wallet"].browse(user.id)
            wallet._reclaim(1000, arena.key("reclaim"))
    answers = race(
        [lambda user=user: arena.ask(arena.request(user, 600)).granted for user in users for _time in range(6)]
    )
    assert sum(answers) == MINUTES * 60
    held = arena.value("SELECT sum(units) FROM tier_package_hold WHERE balance_id = %s", period)
    assert int(held) == MINUTES * 60


def test_a_fee_refunded_while_calls_use_its_package(arena, shared):
    """Guards the lock on the period: what was used stays paid, whoever comes first, and nothing is used after it."""
    users, period = shared
    with arena.env() as env:
        balance = env["tier.package.balance"].browse(period)
        package, reseller = balance.package_id, balance.wallet_id
        package.fee = 30
        fee_period = (
            env["tier.package.subscription"]
            .create({"wallet_id": reseller.id, "package_id": package.id, "date_from": now().date() - timedelta(days=1)})
            .balance_ids.id
        )
        reseller_id = reseller.id
    with arena.env() as env:
        assert env["tier.package.subscription"]._charge_fees([fee_period]).charged == 1
    [(fee, quantity)] = arena.rows("SELECT fee_event_id, quantity FROM tier_package_balance WHERE id = %s", fee_period)
    calls = _calls(arena, users, 5)

    def refund():
        with arena.env() as env:
            env["tier.usage.event"]._refund([fee], "wrong package")

    race([*(in_pieces(arena.charge, calls, seed, 10) for seed in range(3)), refund])
    [(state, left, used, kept)] = arena.rows(
        "SELECT fee_state, quantity - used, used, fee_event_id FROM tier_package_balance WHERE id = %s", fee_period
    )
    assert left == 0
    assert (state, kept == fee) == (("paid", False) if used else ("refunded", True))
    paid = arena.value(
        "SELECT sum(cost) FROM tier_charge WHERE wallet_id = %s AND event_id = ANY(%s)", reseller_id, [fee, kept]
    )
    assert paid == round(30 * used / quantity, 2)
