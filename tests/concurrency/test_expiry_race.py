"""Holds whose time is over, and sessions that end, begin and are released just then."""

import random
from datetime import timedelta

import pytest
from races import Sampler, race

pytestmark = pytest.mark.usefixtures("conserved")

LONG_AGO = timedelta(hours=1)


@pytest.fixture
def tree(arena):
    """A chain with funds on every tier; calls of it hold funds on every tier as well."""
    with arena.planting() as plant:
        provider = plant()
        reseller = plant(provider, "0.30", currency="XTS")
        dealer = plant(reseller, "0.60", currency="USD", money="outside")
        users = [plant(dealer, "0.90") for _ in range(4)]
    for wallet in (reseller, dealer, *users):
        arena.fund(wallet, "1000")
    return [reseller, dealer, *users]


def _begin(arena, users, number, ago):
    """Authorize sessions, some of them for each user; return [(user, session key)]."""
    requests = [(user, arena.request(user, 60, ago=ago)) for user in (users * number)[:number]]
    assert {answer.granted for answer in arena.authorize([request for _user, request in requests])} == {60}
    return [(user, request.session_key) for user, request in requests]


def _expire(arena, limit=7):
    with arena.env() as env:
        return env["tier.hold"]._expire(limit)


def test_holds_expire_when_settled_released_and_begun_at_once(arena, tree, lost_races):
    """Two expire in small batches, two settle, one releases, three begin: each hold is closed once.

    Guards the order of locks (accounts before holds, for whoever closes them) and that each looks
    again, under the locks, at what is still open.
    """
    reseller, dealer, *users = tree
    old = _begin(arena, users, 120, LONG_AGO)
    assert arena.account(dealer.account_id)[2] == 120
    ended, begun = [], []

    def settle(part):
        batches = [part[start : start + 5] for start in range(0, len(part), 5)]
        for batch in batches:
            usages = [arena.usage(user, 30, session_key=key) for user, key in batch]
            assert arena.charge(usages).charged == len(batch)
            ended.extend(batch)

    def release(part):
        with arena.env() as env:
            env["tier.hold"].search([("session_key", "in", [key for _user, key in part])]).action_release()

    def expire():
        return [_expire(arena) for _ in range(4)]

    def begin():
        for ago in (LONG_AGO, timedelta(0)) * 4:
            begun.extend((user, key, ago) for user, key in _begin(arena, users, 3, ago))

    with Sampler(arena, tree) as sampler:
        race(
            [
                *[expire, expire, begin, begin, begin],
                *[lambda: settle(old[0::3]), lambda: settle(old[1::3]), lambda: release(old[2::3])],
            ]
        )

    assert sampler.lowest >= 0
    assert not lost_races
    assert len(ended) == 80
    _expire(arena)
    # Open are those that just began, whose time is not over.
    current = [user for user, _key, ago in begun if not ago]
    assert len(current) == 36
    for wallet in users:
        calls = current.count(wallet)
        assert arena.account(wallet.account_id)[1:] == (calls * wallet.pays(60), calls)
    for wallet in (reseller, dealer):
        assert arena.account(wallet.account_id)[1:] == (36 * wallet.pays(60), 36)

    # And they end: late ones after their hold expired, some of them twice.
    def end(part):
        for user, key, _ago in part:
            arena.charge([arena.usage(user, 60, key=f"end-{key}", session_key=key)])

    race([lambda part=part: end(part) for part in (begun[0::2], begun[1::2], begun[0::4])])

    assert all(arena.account(wallet.account_id)[1:] == (0, 0) for wallet in tree)
    spent = dealer.pays(60 * len(begun) + 30 * len(ended))
    assert arena.balance(dealer) == 1000 - spent


def test_a_session_settles_after_its_hold_expired(arena, tree):
    """The switch was silent for too long, then reports: charged in full, nothing given back twice."""
    reseller, dealer, user, *_others = tree
    _expire(arena)
    [(_user, key)] = _begin(arena, [user], 1, LONG_AGO)
    assert _expire(arena) == 3
    assert _expire(arena) == 0
    assert [arena.account(wallet.account_id)[1:] for wallet in (reseller, dealer, user)] == [(0, 0)] * 3
    # Asked again for the session it gets the old answer and no new hold.
    request = arena.request(user, 60, key=key)
    assert arena.ask(request).granted == 60
    assert arena.account(user.account_id)[1:] == (0, 0)

    assert arena.charge([arena.usage(user, 60, session_key=key)]).charged == 1

    assert arena.account(user.account_id) == (1000 - user.pays(60), 0, 0)
    assert arena.value("SELECT state FROM tier_session WHERE session_key = %s", key) == "settled"


def test_expiry_in_one_process_stops_at_what_another_extends(arena, tree):
    """A hold's time is put off while its expiry waits for the lock: it stays.

    Guards that `expire_holds` looks at the time again once it has the locks.
    """
    user = tree[2]
    _expire(arena)
    [(_user, key)] = _begin(arena, [user], 1, LONG_AGO)
    connection = arena.connect()
    connection.autocommit = False
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT FROM tier_account WHERE id = %s FOR NO KEY UPDATE", [user.account_id])
            extend = "UPDATE tier_hold SET expires_at = expires_at + interval '1 day' WHERE session_key = %s"

            def put_off():
                assert arena.is_waited_for(connection)
                cursor.execute(extend, [key])
                connection.commit()

            closed, _none = race([lambda: _expire(arena), put_off])
    finally:
        connection.close()
    assert closed == 0
    assert arena.account(user.account_id)[1:] == (user.pays(60), 1)
    arena.charge([arena.usage(user, 1, session_key=key)])


@pytest.mark.parametrize("seed", range(2))
def test_funds_go_round_while_everything_happens(arena, tree, seed, lost_races):
    """Calls, allocations, reclaims and expiries on one tree at once, for some hundred steps.

    Guards the lock order across the charging path and the back office.
    """
    _reseller, dealer, *users = tree

    def calls(chance):
        for _ in range(12):
            user = chance.choice(users)
            request = arena.request(user, 60, ago=chance.choice([LONG_AGO, timedelta(0)]))
            seconds = arena.ask(request).granted
            if chance.random() < 0.8:
                arena.charge([arena.usage(user, chance.randint(0, seconds), session_key=request.session_key)])

    def back_office(chance):
        for _ in range(8):
            user = chance.choice([dealer, *users])
            operation = chance.choice(["allocate", "reclaim"])
            assert arena.press(arena.dialog(user, operation, chance.randint(1, 9))) == "done"

    def expire(_chance):
        for _ in range(4):
            _expire(arena, limit=3)

    with Sampler(arena, tree) as sampler:
        race(
            [
                lambda job=job, number=number: job(random.Random(100 * seed + number))
                for number, job in enumerate([calls] * 6 + [back_office] * 3 + [expire])
            ]
        )

    assert sampler.lowest >= 0
    assert not lost_races
    arena.check_accounts(tree)
    # What nobody reported ends by itself.
    arena.rows(
        "UPDATE tier_hold SET expires_at = '2000-01-01' WHERE state = 'open' AND wallet_id = ANY(%s)",
        [wallet.id for wallet in tree],
    )
    _expire(arena)
    assert all(arena.account(wallet.account_id)[1:] == (0, 0) for wallet in tree)
