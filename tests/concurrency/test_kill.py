"""Power cuts: a process is killed while it authorizes and settles calls. Of imports see test_kill_import."""

import random
import time

import pytest

pytestmark = pytest.mark.usefixtures("conserved")


@pytest.mark.parametrize("seed", range(3))
def test_a_process_killed_while_it_authorizes_leaves_no_loose_hold(arena, mortals, customers, seed):
    """Four threads authorize and settle, and the process is killed: a session has all its holds or none.

    Guards that an answer and its holds are one transaction. What the dead process never settles
    is given back when its time is over.
    """
    wallets = {wallet for customer in customers for wallet in customer.chain[:-1]}
    prefix = arena.key("mortal")
    pid = mortals.start(name="make_calls", prefix=prefix, wallets=[customer.id for customer in customers])
    begun = "SELECT count(*) FROM tier_session WHERE session_key LIKE %s"
    deadline = time.monotonic() + 60
    while arena.value(begun, f"{prefix}%") < 20 * (seed + 1):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    time.sleep(random.Random(seed).uniform(0, 0.1))
    assert mortals.kill(pid)

    arena.check_accounts(wallets)
    broken = arena.rows(
        """
        SELECT s.session_key, s.state, w.tier, h.holds, h.open
          FROM tier_session s
          LEFT JOIN tier_wallet w ON w.id = s.wallet_id,
               LATERAL (SELECT count(*) AS holds, count(*) FILTER (WHERE h.state = 'open') AS open
                          FROM tier_hold h WHERE h.session_key = s.session_key) h
         WHERE s.session_key LIKE %s
           AND (h.holds <> w.tier OR h.open <> CASE s.state WHEN 'open' THEN w.tier ELSE 0 END)
        """,
        f"{prefix}%",
    )
    assert not broken
    assert not arena.value("SELECT count(*) FROM tier_session WHERE state = 'pending'")
    assert arena.check_events(f"{prefix}%") > 0
    assert sum(arena.account(wallet.account_id)[2] for wallet in customers) > 0

    arena.rows(
        "UPDATE tier_hold SET expires_at = '2000-01-01' WHERE state = 'open' AND wallet_id = ANY(%s)",
        [wallet.id for wallet in wallets],
    )
    with arena.env() as env:
        env["tier.hold"]._expire()
    assert all(arena.account(wallet.account_id)[1:] == (0, 0) for wallet in wallets)
