"""Many callers at once on the same funds."""

from decimal import Decimal

import pytest
from races import Sampler, race

pytestmark = pytest.mark.usefixtures("conserved")

CALLERS = 50


@pytest.mark.parametrize("lasts", [60, 45])
def test_one_prepaid_wallet_grants_what_it_can_pay(arena, lasts):
    """Fifty threads call on one wallet: its funds are spent once.

    Guards the lock under which `authorize` reads the funds, and that settling puts the exact
    charge in the hold's place. Without the lock the database refuses the hold (an error here).
    """
    with arena.planting() as plant:
        provider = plant()
        reseller = plant(provider, "0.30")
        dealer = plant(reseller, "0.40")
        user = plant(dealer, "0.60")
    funds = Decimal(24)
    arena.fund(user, funds)

    with Sampler(arena, [user, dealer, reseller]) as sampler:
        seconds = sum(race([lambda: _calls(arena, user, lasts)] * CALLERS))

    assert sampler.samples > 20
    assert sampler.lowest >= 0
    assert seconds <= 2400
    if lasts == 60:
        assert seconds == 2400
    assert arena.account(user.account_id) == (funds - user.pays(seconds), 0, 0)
    assert arena.account(dealer.account_id) == (user.pays(seconds) - dealer.pays(seconds), 0, 0)
    assert arena.account(reseller.account_id) == (dealer.pays(seconds) - reseller.pays(seconds), 0, 0)
    assert arena.account(reseller.payee_id) == (reseller.pays(seconds), 0, 0)


def _calls(arena, wallet, lasts, number=3):
    """Make so many calls that ask for a minute; return the seconds talked."""
    return sum(arena.call(wallet, 60, lasts) for _ in range(number))


@pytest.mark.parametrize("currency", ["USD", "XTS"])
@pytest.mark.parametrize("limited", ["reseller", "dealer"])
def test_siblings_share_what_their_parents_have(arena, limited, currency):
    """Fifty customers with outside money: what each was granted is plenty, a parent's funds are not.

    Guards the hold on every tier of the chain, not on the caller's alone: each parent pays its own
    parent from its wallet.
    """
    with arena.planting() as plant:
        reseller = plant(plant(), "0.30")
        dealer = plant(reseller, "0.40", money="outside", currency=currency)
        users = [plant(dealer, "0.60") for _ in range(CALLERS)]
    calls = 30
    short, rich = (reseller, dealer) if limited == "reseller" else (dealer, reseller)
    arena.fund(short, calls * short.pays(60))
    arena.fund(rich, "1000")
    for user in users:
        arena.fund(user, "10")

    with Sampler(arena, [reseller, dealer, *users]) as sampler:
        seconds = sum(race([lambda user=user: _calls(arena, user, 60, 2) for user in users]))

    assert seconds == calls * 60
    assert sampler.lowest >= 0
    assert arena.account(short.account_id) == (0, 0, 0)
    assert arena.account(reseller.payee_id)[0] == calls * reseller.pays(60)
    # Each memo of what was collected: less the credit that was granted.
    assert arena.account(users[0].payee_id)[0] == calls * dealer.pays(60) * 3 / 2 - 10 * CALLERS
    arena.check_accounts([reseller, dealer, *users])


def test_a_postpaid_wallet_stops_at_its_credit_limit(arena):
    """Fifty threads on credit. Guards that the limit is read under the same lock as the balance."""
    with arena.planting() as plant:
        user = plant(plant(), "0.60", payment_mode="postpaid", credit_limit=12)

    with Sampler(arena, [user]) as sampler:
        seconds = sum(race([lambda: _calls(arena, user, 60, 1)] * CALLERS))

    assert seconds == 20 * 60
    assert sampler.lowest >= 0
    assert arena.account(user.account_id) == (-12, 0, 0)


def test_the_same_session_asked_for_at_once_holds_once(arena):
    """Ten threads ask for one session: one answer, one hold, one place. There are funds for one.

    Guards the unique index on the session's key and that an answer is kept with its hold.
    """
    with arena.planting() as plant:
        reseller = plant(plant(), "0.30")
        user = plant(reseller, "0.60")
    arena.fund(user, "0.60")
    request = arena.request(user, 60)

    answers = race([lambda: arena.ask(request)] * 10)

    assert set(answers) == {answers[0]}
    assert answers[0].granted == 60
    assert arena.account(user.account_id) == (Decimal("0.60"), Decimal("0.60"), 1)
    assert arena.account(reseller.account_id) == (0, 0, 1)
    assert arena.value("SELECT count(*) FROM tier_session WHERE session_key = %s", request.session_key) == 1


def test_batches_that_share_sessions_do_not_deadlock(arena, lost_races):
    """Batches with the same sessions in different orders. Guards that keys are claimed in one order."""
    with arena.planting() as plant:
        user = plant(plant(), "0.60")
    arena.fund(user, "100")
    requests = [arena.request(user, 60) for _ in range(40)]

    batches = race([lambda step=step: arena.authorize((requests * 2)[step : step + 30]) for step in range(0, 40, 5)])

    assert {answer.granted for batch in batches for answer in batch} == {60}
    assert arena.account(user.account_id) == (100, 24, 40)
    assert not lost_races


@pytest.mark.parametrize("limited", ["user", "reseller", "provider"])
def test_concurrent_calls_are_counted_on_every_tier(arena, limited):
    """Fifty threads, seven places: on the caller's wallet, on a parent's, on the provider's.

    Guards that each wallet's count of sessions is read and raised under its lock, also where there
    is nothing to hold.
    """
    places = {limited: {"max_concurrent_calls": 7}}
    with arena.planting() as plant:
        provider = plant(**places.get("provider", {}))
        reseller = plant(provider, "0.30", **places.get("reseller", {}))
        users = [plant(reseller, "0.60", **places.get("user", {}))]
        users *= CALLERS
        if limited != "user":
            users = users[:25] + [plant(reseller, "0.60")] * 25
    for user in set(users):
        arena.fund(user, "1000")
    requests = [arena.request(user, 60) for user in users]

    with Sampler(arena, [provider, reseller, *set(users)]) as sampler:
        answers = race([lambda request=request: arena.ask(request) for request in requests])

    granted = [answer for answer in answers if answer.granted]
    assert len(granted) == 7
    assert {answer.reason for answer in answers if not answer.granted} == {"too_many_calls"}
    assert sampler.most_sessions <= 7
    # A call that ends frees its place.
    ended = next(request for request, answer in zip(requests, answers, strict=True) if answer.granted)
    arena.charge([arena.usage(users[requests.index(ended)], 1, session_key=ended.session_key)])
    assert [arena.ask(arena.request(user, 60)).granted for user in (users[0], users[-1])] == [60, 0]
