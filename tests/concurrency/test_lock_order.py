"""One lock order for whoever moves money: accounts by id. Checked one lock at a time, not by luck.

For each account that an operation touches: somebody else holds its lock, the operation starts and
waits for it. It must not then hold an account of a higher id, or two such operations could each
wait for the other.
"""

import threading
from datetime import timedelta

import pytest

pytestmark = pytest.mark.usefixtures("conserved_after_all")


@pytest.fixture
def tree(arena):
    """Two currencies on every edge, so that exchange accounts take part."""
    with arena.planting() as plant:
        provider = plant()
        reseller = plant(provider, "0.30", currency="XTS", overcommit_percent=500)
        wallets = {
            "provider": provider,
            "reseller": reseller,
            "inside": plant(reseller, "0.60", currency="USD"),
            "outside": plant(reseller, "0.60", currency="USD", money="outside"),
        }
        wallets["idle"] = plant(reseller, "0.60", currency="USD")
    for name in ("reseller", "inside", "outside", "idle"):
        arena.fund(wallets[name], "1000")
    return wallets


def _wallet_operation(method, name, *more):
    def operation(arena, tree):
        with arena.env() as env:
            getattr(env["tier.wallet"].browse(tree[name].id), method)(5, arena.key("lock"), *more)

    return operation


def _charge(arena, tree):
    arena.charge([arena.usage(tree[name], 60) for name in ("outside", "inside", "reseller")])


def _authorize(arena, tree):
    arena.authorize([arena.request(tree[name], 60) for name in ("outside", "inside", "reseller")])


def _settle(arena, tree):
    arena.charge([arena.usage(tree["inside"], 60, session_key=tree["material"])])


def _retry(arena, tree):
    arena.retry([tree["material"]])


def _refund(arena, tree):
    with arena.env() as env:
        env["tier.usage.event"]._refund([tree["material"]], "why")


def _expire_credit(arena, tree):
    arena.rows("UPDATE tier_account SET credit_expires_on = '2000-01-01' WHERE id = %s", tree["idle"].account_id)
    with arena.env() as env:
        env["tier.wallet"].browse(tree["idle"].id)._expire_credit()


def _expire(arena, _tree):
    with arena.env() as env:
        env["tier.hold"]._expire()


def _release(arena, tree):
    with arena.env() as env:
        env["tier.hold"].search([("session_key", "=", tree["material"])]).action_release()


def _old_session(arena, wallet):
    """The key of a session that ended long ago: there to be settled, expired or released."""
    request = arena.request(wallet, 60, ago=timedelta(hours=1))
    assert arena.ask(request).granted == 60
    return request.session_key


def _charged(arena, wallet):
    """The id of an event that was charged."""
    usage = arena.usage(wallet, 60)
    assert arena.charge([usage]).charged == 1
    return arena.value("SELECT id FROM tier_usage_event WHERE source_key = %s", usage.source_key)


def _in_suspense(arena, wallet):
    """The id of an event that could not be charged and now can."""
    usage = arena.usage(wallet, 60)
    arena.rows("UPDATE tier_wallet SET state = 'suspended' WHERE id = %s", wallet.id)
    assert arena.charge([usage]).suspense == 1
    arena.rows("UPDATE tier_wallet SET state = 'active' WHERE id = %s", wallet.id)
    return arena.value("SELECT id FROM tier_usage_event WHERE source_key = %s", usage.source_key)


OPERATIONS = {
    "topup": _wallet_operation("_topup", "outside"),
    "withdraw": _wallet_operation("_withdraw", "reseller"),
    "allocate inside": _wallet_operation("_allocate", "inside"),
    "allocate outside": _wallet_operation("_allocate", "outside"),
    "reclaim inside": _wallet_operation("_reclaim", "inside"),
    "reclaim outside": _wallet_operation("_reclaim", "outside"),
    "credit": _wallet_operation("_adjust", "reseller", "why"),
    "charge": _charge,
    "authorize": _authorize,
    "settle": _settle,
    "retry": _retry,
    "refund": _refund,
    "expire": _expire,
    "expire credit": _expire_credit,
    "release": _release,
}


# What an operation works on, made anew for each time.
MATERIAL = {
    "settle": _old_session,
    "expire": _old_session,
    "release": _old_session,
    "retry": _in_suspense,
    "refund": _charged,
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_accounts_are_locked_by_id(arena, tree, name):
    """Guards `writer.lock_accounts`, and that it is called once, with all accounts of an operation."""
    accounts = [
        row[0]
        for row in arena.rows(
            """SELECT id FROM tier_account a WHERE wallet_id = ANY(%s) OR wallet_id IS NULL AND currency_id IN
                      (SELECT currency_id FROM tier_account WHERE wallet_id = ANY(%s)) ORDER BY id""",
            *[[wallet.id for wallet in tree.values()]] * 2,
        )
    ]
    waited = 0
    for account_id in accounts:
        if name in MATERIAL:
            tree["material"] = MATERIAL[name](arena, tree["inside"])
        above = [other for other in accounts if other > account_id]
        waited += _check_waiting(arena, account_id, above, lambda: OPERATIONS[name](arena, tree))
    assert waited >= 2


def _check_waiting(arena, account_id, above, operation):
    """Run an operation while its lock on an account is held by somebody else.

    :param above: ids of the accounts that it must not have locked when it waits
    :return: whether it waited at all: it may not touch this account
    """
    errors = []

    def run():
        try:
            operation()
        except BaseException as error:  # raised again below, in the test's thread
            errors.append(error)

    holder, probe = arena.connect(), arena.connect()
    holder.autocommit = probe.autocommit = False
    try:
        with holder.cursor() as holding, probe.cursor() as probing:
            holding.execute("SELECT FROM tier_account WHERE id = %s FOR NO KEY UPDATE", [account_id])
            thread = threading.Thread(target=run, daemon=True)
            thread.start()
            waits = arena.is_waited_for(holder, thread.is_alive)
            locked = []
            if waits:
                probing.execute("SELECT id FROM tier_account WHERE id = ANY(%s) FOR NO KEY UPDATE SKIP LOCKED", [above])
                locked = sorted({*above} - {row[0] for row in probing.fetchall()})
                # Nor any hold, which comes after the accounts.
                probing.execute("SELECT count(*) FROM tier_hold WHERE state = 'open'")
                [(holds,)] = probing.fetchall()
                probing.execute("SELECT FROM tier_hold WHERE state = 'open' FOR UPDATE SKIP LOCKED")
                assert probing.rowcount == holds, f"waits for account {account_id} with holds locked already"
                probe.rollback()
            holder.rollback()
            thread.join(30)
    finally:
        holder.close()
        probe.close()
    assert not thread.is_alive()
    if errors:
        raise errors[0]
    assert not locked, f"waits for account {account_id} with {locked} locked already"
    return waits


KEYS = ["key-c", "key-a", "key-b"]


@pytest.mark.parametrize("kind", ["session", "event", "transfer"])
def test_keys_are_claimed_in_their_order(arena, tree, kind):
    """A batch waits for a key that another transaction is about to add: of what comes behind it, it holds nothing.

    Guards that keys are sorted before they are inserted. Two batches with the same keys in different
    orders could else wait for each other.
    """
    first, other, last = sorted(arena.key(key) for key in KEYS)
    user = tree["inside"]
    insert = {
        "session": "INSERT INTO tier_session (session_key, state) VALUES (%s, 'pending') ON CONFLICT DO NOTHING",
        "event": "INSERT INTO tier_usage_event (source_key, state) VALUES (%s, 'suspense') ON CONFLICT DO NOTHING",
        # Between accounts of no other: the key alone is in question here.
        "transfer": """INSERT INTO tier_transfer (source_key, kind, date, from_account_id, to_account_id, company_id,
                amount, amount_to, currency_id, currency_to_id, from_wallet_id, to_wallet_id)
            SELECT %s, 'usage', now(), u.id, p.id, u.company_id, 1, 1, u.currency_id, p.currency_id,
                   u.wallet_id, p.wallet_id
              FROM tier_account u, tier_account p
             WHERE u.id = {0} AND p.id = {1} ON CONFLICT DO NOTHING""",
    }[kind]
    batch = {
        "session": lambda keys: arena.authorize([arena.request(user, 60, key=key) for key in keys]),
        "event": lambda keys: arena.charge([arena.usage(user, 60, key=key) for key in keys]),
        "transfer": lambda keys: _post_transfers(arena, user, keys),
    }[kind]
    holder, probe = arena.connect(), arena.connect()
    holder.autocommit = probe.autocommit = False
    thread = threading.Thread(target=batch, args=([last, first, other],), daemon=True)
    try:
        with holder.cursor() as holding, probe.cursor() as probing:
            holding.execute(insert.format(tree["outside"].account_id, tree["outside"].payee_id), [other])
            thread.start()
            assert arena.is_waited_for(holder, thread.is_alive)
            probing.execute("SET LOCAL lock_timeout = '1s'")
            probing.execute(insert.format(tree["provider"].account_id, tree["provider"].payee_id), [last])
            assert probing.rowcount == 1
            probe.rollback()
            holder.rollback()
        thread.join(30)
        assert not thread.is_alive()
    finally:
        holder.close()
        probe.close()


def _post_transfers(arena, wallet, keys):
    from odoo.addons.tier_billing.ledger import cursor, writer

    movements = [writer.Movement(key, "usage", wallet.account_id, wallet.payee_id, 1, 1) for key in keys]
    cursor.in_short_transaction(arena.registry, lambda cr: writer.post(cr, movements, 1))
