"""Many callers at once below one spending limit."""

import random
import time
from decimal import Decimal

import pytest
from races import race

pytestmark = pytest.mark.usefixtures("conserved")

CALLERS = 30


def counted(arena, wallet):
    """What the database counted of a wallet's spending, and what the ledger says it was."""
    return (
        arena.value("SELECT COALESCE(sum(amount), 0) FROM tier_spending WHERE account_id = %s", wallet.account_id),
        arena.value(
            "SELECT COALESCE(sum(amount), 0) FROM tier_transfer WHERE from_account_id = %s AND kind = 'usage'",
            wallet.account_id,
        ),
    )


@pytest.mark.parametrize("limit", ["monthly_limit", "daily_limit"])
def test_siblings_share_the_limit_of_their_parent(arena, limit):
    """Thirty customers with funds in plenty: together they get what the dealer may spend, to the cent.

    Guards that spending is read under the lock of the account that it counts for, and that a
    session in progress counts with what it costs the dealer, who holds nothing for it.
    """
    with arena.planting() as plant:
        reseller = plant(plant(), "0.30")
        dealer = plant(reseller, "0.40", **{limit: 20})
        users = [plant(dealer, "0.60") for _ in range(CALLERS)]
    for user in users:
        arena.fund(user, 100)

    race([lambda user=user: [arena.call(user, 60, 60) for _ in range(3)] for user in users])

    assert counted(arena, dealer) == (20, 20)
    assert arena.ask(arena.request(users[0], 60)).reason == limit
    # Who counts nothing keeps no counter.
    assert counted(arena, reseller) == (0, 15)


def test_a_limit_set_while_calls_go_on(arena):
    """Nothing is missed or counted twice when counting begins anew in the middle of it."""
    with arena.planting() as plant:
        reseller = plant(plant(), "0.30")
        users = [plant(reseller, "0.60") for _ in range(8)]
    for user in users:
        arena.fund(user, 1000)
    ended = time.monotonic() + 6

    def call(user):
        while time.monotonic() < ended:
            arena.call(user, 60, random.choice([20, 45, 60]))

    def set_limits():
        from odoo.addons.tier_billing.ledger.cursor import in_short_transaction

        for limit in (0, 10**6) * 20:
            in_short_transaction(
                arena.registry,
                lambda cr, limit=limit: (
                    arena.env_of(cr)["tier.wallet"]
                    .with_context(tracking_disable=True)
                    .browse(reseller.id)
                    .write({"daily_limit": limit})
                ),
            )
            time.sleep(0.05)

    race([*(lambda user=user: call(user) for user in users), set_limits])

    by_counter, by_ledger = counted(arena, reseller)
    assert by_counter == by_ledger > Decimal(1)
