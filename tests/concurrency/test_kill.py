"""Power cuts: a process is killed in the middle of its work, and the work is done again."""

import random
import time
from datetime import timedelta

import pytest
from arena import NUMBER, now
from mortal import Mortals

EVENTS = 3200
BATCH = 500
FIRST = 1700  # begins the unique ids of the first file

pytestmark = pytest.mark.usefixtures("conserved")


@pytest.fixture(scope="module")
def mortals(arena):
    mortals = Mortals(arena)
    yield mortals
    mortals.close()


@pytest.fixture(scope="module")
def customers(arena):
    """Three kinds of payers, known to the switch by their SIP users."""
    with arena.planting() as plant:
        provider = plant()
        reseller = plant(provider, "0.30")
        dealer = plant(reseller, "0.60", currency="XTS", money="outside")
        customers = [
            plant(plant(reseller, "0.36"), "0.60"),
            plant(dealer, "0.90"),
            plant(provider, "0.60", payment_mode="postpaid", credit_limit=100000),
        ]
    for wallet in {wallet for customer in customers for wallet in customer.chain[:-1]}:
        arena.fund(wallet, "100000")
    return customers


@pytest.fixture(scope="module")
def switch(arena, customers):
    with arena.env() as env:
        switch = env["tier.switch"].create(
            {"name": "Switch that dies", "code": arena.key("switch"), "adapter": "asterisk_csv", "tz": "UTC"}
        )
        for customer in customers:
            env["tier.endpoint"].create({"wallet_id": customer.id, "identifier": f"phone-{customer.id}"})
        return {"id": switch.id, "code": switch.code}


def _file(path, customers, seed):
    """Write a Master.csv; return the calls in it as (wallet, seconds)."""
    chance = random.Random(seed)
    calls, lines = [], []
    epoch = (FIRST + seed) * 1_000_000
    for number in range(EVENTS):
        customer, seconds = chance.choice(customers), chance.randint(1, 300)
        phone = f"phone-{customer.id}"
        start = now() - timedelta(days=1, seconds=-number)
        answer, end = start + timedelta(seconds=2), start + timedelta(seconds=2 + seconds)
        lines.append(
            f'"","{phone}","00{NUMBER}","from-phones","","PJSIP/{phone}-{number:08x}","PJSIP/carrier-{number:08x}",'
            f'"Dial","PJSIP/x","{start}","{answer}","{end}",{seconds + 2},{seconds},"ANSWERED","DOCUMENTATION",'
            f'"{epoch + number}.{number}"\n'
        )
        calls.append((customer, seconds))
    path.write_text("".join(lines))
    return calls


@pytest.mark.parametrize("seed", range(5))
def test_a_killed_import_leaves_whole_events_and_is_done_by_running_it_again(
    arena, mortals, customers, switch, tmp_path, seed
):
    """Killed after its 0th to 4th batch: whole batches are there or not; again, and each event is charged once.

    Guards that all of a batch is one transaction, and that the events' keys outlive the process.
    """
    path = tmp_path / f"Master-{seed}.csv"
    calls = _file(path, customers, seed)
    keys = f"{switch['code']}:{FIRST + seed}%"
    expected = arena.balances_after(calls)
    chance = random.Random(seed)

    pid = mortals.start(name="import_file", switch=switch["id"], path=str(path))
    enough = "SELECT count(*) >= %s FROM tier_usage_event WHERE source_key LIKE %s"
    deadline = time.monotonic() + 60
    while not arena.value(enough, seed * BATCH, keys):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    time.sleep(chance.uniform(0, 0.05))
    assert mortals.kill(pid)

    # What is there is whole, at once after the kill.
    done = arena.check_events(keys)
    assert seed * BATCH <= done < EVENTS
    assert done % BATCH == 0  # a batch is there or not
    arena.check_ledger()
    # The events tell what file they came with, though that import never ended.
    assert arena.rows(
        """SELECT DISTINCT i.state FROM tier_usage_event e LEFT JOIN tier_usage_import i ON i.id = e.import_id
            WHERE e.source_key LIKE %s""",
        keys,
    ) == ([("draft",)] if done else [])

    with arena.env() as env:
        record = env["tier.usage.import"]._import_file(env["tier.switch"].browse(switch["id"]), str(path)).id
    counts = "SELECT charged_count, duplicate_count, suspense_count FROM tier_usage_import WHERE id = %s"
    assert arena.rows(counts, record) == [(EVENTS - done, done, 0)]
    assert arena.check_events(keys) == EVENTS
    assert {wallet: arena.balance(wallet) for wallet in expected} == expected


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
