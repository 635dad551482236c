"""What somebody at a psql prompt cannot do, alone or twenty at once: no code of ours stands in between."""

from decimal import Decimal
from functools import partial

import psycopg2
import pytest
from races import Sampler, race

pytestmark = pytest.mark.usefixtures("conserved_after_all")

TRANSFER = {
    "source_key": "'by-hand-' || nextval('tier_transfer_id_seq')",
    "kind": "'usage'",
    "date": "now()",
    "from_account_id": "{user}",
    "to_account_id": "{dealer}",
    "from_wallet_id": "(SELECT wallet_id FROM tier_account WHERE id = {user})",
    "to_wallet_id": "(SELECT wallet_id FROM tier_account WHERE id = {dealer})",
    "company_id": "(SELECT company_id FROM tier_account WHERE id = {user})",
    "amount": "1",
    "amount_to": "1",
    "currency_id": "(SELECT currency_id FROM tier_account WHERE id = {user})",
    "currency_to_id": "(SELECT currency_id FROM tier_account WHERE id = {dealer})",
}
XTS = "(SELECT id FROM res_currency WHERE name = 'XTS')"
ABROAD = {"to_account_id": "{abroad}", "to_wallet_id": "(SELECT wallet_id FROM tier_account WHERE id = {abroad})"}


@pytest.fixture(scope="module")
def unmoved(arena):
    """Wallets that no test here can change."""
    return _plant(arena)


@pytest.fixture
def tree(arena):
    return _plant(arena)


def _plant(arena):
    """Make a user with 10, of which a session holds 4."""
    with arena.planting() as plant:
        dealer = plant(plant(plant(), "0.30"), "0.40")
        user, abroad = plant(dealer, "1"), plant(dealer, "1", currency="XTS")
    arena.fund(dealer, "10")
    arena.fund(user, "10")
    session = arena.request(user, 240)
    assert arena.ask(session).granted == 240
    return {"dealer": dealer, "user": user, "abroad": abroad, "session": session.session_key}


def _transfer(**values):
    return _transfers(values)


def _transfers(*rows):
    """Insert transfers in one statement, each with its differences from a good one."""
    columns = {**TRANSFER, **{name: "NULL" for row in rows for name in row if name not in TRANSFER}}
    values = [", ".join({**columns, **row}.values()) for row in rows]
    return f"INSERT INTO tier_transfer ({', '.join(columns)}) VALUES ({'), ('.join(values)})"


def _hold(amount, key="gen_random_uuid()", state="open", more=""):
    return (
        "INSERT INTO tier_hold (session_key, account_id, amount, state, expires_at)"
        f" VALUES ({key}, {{user}}, {amount}, '{state}', now()) {more}"
    )


def _by_hand(arena, tree, statement):
    accounts = {name: wallet.account_id for name, wallet in tree.items() if name != "session"}
    return arena.rows(statement.format(**accounts, session=tree["session"]).replace("%", "%%"))


# Refused alone, and refused in the company of a good one: the two are checked by different code.
MISFITS = {
    "pay in another currency": {"currency_id": XTS},
    "pay out in another currency": {"currency_to_id": XTS},
    "convert without an exchange": dict(**ABROAD, amount_to="1.25", currency_to_id=XTS),
    "convert at no rate in one currency": {"amount_to": "2"},
    "exchange in the wrong currency": dict(
        **ABROAD,
        amount_to="1.25",
        currency_to_id=XTS,
        exchange_in_id=f"(SELECT id FROM tier_account WHERE kind = 'exchange' AND currency_id = {XTS})",
        exchange_out_id=f"(SELECT id FROM tier_account WHERE kind = 'exchange' AND currency_id = {XTS})",
    ),
    "name another wallet": {"from_wallet_id": "(SELECT wallet_id FROM tier_account WHERE id = {dealer})"},
    "pay from nowhere": {"from_account_id": "0"},
    "pay itself": {"to_account_id": "{user}", "to_wallet_id": TRANSFER["from_wallet_id"]},
    "pay nothing": {"amount": "0", "amount_to": "0"},
    "pay backwards": {"amount": "-1", "amount_to": "-1"},
    "pay no number": {"amount": "'NaN'", "amount_to": "'NaN'"},
    "pay without end": {"amount": "'Infinity'", "amount_to": "'Infinity'"},
    "pay too finely": {"amount": "0.0000001", "amount_to": "0.0000001"},
    "pay too much": {"amount": "1e12", "amount_to": "1e12"},
    "pay an unknown amount": {"amount": "NULL", "amount_to": "NULL"},
    "reclaim what is held": {"kind": "'reclaim'", "amount": "6.01", "amount_to": "6.01"},
}
MISFITS_ALONE = {deed: _transfers(values) for deed, values in MISFITS.items()}
MISFITS_IN_A_BATCH = {f"{deed}, in a batch": _transfers({}, values) for deed, values in MISFITS.items()}

REFUSED = {
    "change a transfer": "UPDATE tier_transfer SET amount = amount + 1 WHERE to_account_id = {user}",
    "change a transfer's date": "UPDATE tier_transfer SET date = now() WHERE to_account_id = {user}",
    "delete a transfer": "DELETE FROM tier_transfer WHERE to_account_id = {user}",
    "empty the ledger": "TRUNCATE tier_transfer CASCADE",
    "empty the ledger with all that refers to it": "TRUNCATE tier_transfer, tier_hold, tier_account CASCADE",
    "empty the holds": "TRUNCATE tier_hold",
    "change a transfer by inserting it again": _transfer(source_key="(SELECT min(source_key) FROM tier_transfer)")
    + " ON CONFLICT (source_key) DO UPDATE SET amount = 5",
    "repeat a key": _transfer(source_key="(SELECT min(source_key) FROM tier_transfer)"),
    "raise a balance": "UPDATE tier_account SET balance = balance + 1 WHERE id = {user}",
    "forget what is held": "UPDATE tier_account SET held = 0 WHERE id = {user}",
    "forget the sessions": "UPDATE tier_account SET open_sessions = 0 WHERE id = {user}",
    "lose a balance": "UPDATE tier_account SET balance = NULL WHERE id = {user}",
    "convert a balance": f"UPDATE tier_account SET currency_id = {XTS} WHERE id = {{user}}",
    "give an account away": "UPDATE tier_account SET wallet_id = NULL WHERE id = {user}",
    "have no limit as another kind": "UPDATE tier_account SET kind = 'world' WHERE id = {user}",
    "delete an account": "DELETE FROM tier_account WHERE id = {user}",
    "delete an account that no wallet names": "DELETE FROM tier_account WHERE kind = 'world' AND balance <> 0",
    "begin with a balance": "INSERT INTO tier_account (kind, company_id, currency_id, balance, held, open_sessions)"
    f" SELECT 'earnings', company_id, {XTS}, 5, 0, 0 FROM tier_account WHERE id = {{user}}",
    **MISFITS_ALONE,
    **MISFITS_IN_A_BATCH,
    "hold beyond what is available": _hold("6.01"),
    "hold backwards": _hold("-1"),
    "hold no number": _hold("'NaN'"),
    "hold twice for a session": _hold("1", key="'{session}'"),
    "raise a hold by inserting it again": _hold(
        "10.01", key="'{session}'", more="ON CONFLICT (session_key, account_id) DO UPDATE SET amount = excluded.amount"
    ),
    "raise a hold": "UPDATE tier_hold SET amount = 10.01 WHERE session_key = '{session}' AND account_id = {user}",
    "move a hold": "UPDATE tier_hold SET account_id = {abroad} WHERE session_key = '{session}' AND account_id = {user}",
    "owe without a limit": "UPDATE tier_account SET credit_limit = 'NaN' WHERE id = {user}",
}


@pytest.mark.parametrize("deed", REFUSED)
def test_the_database_refuses(arena, unmoved, deed):
    """Guards the triggers and checks of ledger/schema.sql, each by a deed of its own."""
    figures = "SELECT id, balance, held, open_sessions FROM tier_account ORDER BY id"
    before = arena.rows(figures)

    with pytest.raises(psycopg2.IntegrityError):
        _by_hand(arena, unmoved, REFUSED[deed])

    assert arena.rows(figures) == before


@pytest.mark.parametrize(
    ("deed", "left"),
    [
        (_transfer(), ("9", "4", 1)),
        (_transfer(amount="0.000001", amount_to="0.000001"), ("9.999999", "4", 1)),
        (_transfer(kind="'reclaim'", amount="6", amount_to="6"), ("4", "4", 1)),
        (_transfers({"amount": "2", "amount_to": "2"}, {"kind": "'reclaim'"}, {}), ("6", "4", 1)),
        # Usage is a fact: it is recorded even where the funds for it are not there.
        (_transfer(amount="50", amount_to="50"), ("-40", "4", 1)),
        (_hold("6"), ("10", "10", 2)),
        (_hold("100", state="expired"), ("10", "4", 1)),
        (
            _hold("9", "'{session}'", more="ON CONFLICT (session_key, account_id) DO UPDATE SET amount = 9"),
            ("10", "9", 1),
        ),
        ("UPDATE tier_hold SET state = 'released' WHERE session_key = '{session}'", ("10", "0", 0)),
        ("DELETE FROM tier_hold WHERE session_key = '{session}'", ("10", "0", 0)),
    ],
)
def test_the_database_moves_the_figures(arena, tree, deed, left):
    """What is allowed moves balance, held and sessions at once: the deeds above are refused for what they are."""
    _by_hand(arena, tree, deed)
    assert arena.account(tree["user"].account_id) == (Decimal(left[0]), Decimal(left[1]), left[2])


@pytest.mark.parametrize("isolation", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
@pytest.mark.parametrize(
    "deed",
    [_hold("0.50"), _transfer(kind="'reclaim'", amount="0.50", amount_to="0.50")],
    ids=["hold", "reclaim"],
)
def test_twenty_at_once_take_no_more_than_there_is(arena, tree, deed, isolation):
    """Of 6 available, 0.50 each, by hand: twelve get it, whatever their isolation.

    Guards that the triggers lock the accounts before they look at the funds.
    """
    statement = f"BEGIN ISOLATION LEVEL {isolation}; {deed}; COMMIT"

    def take():
        for _ in range(100):
            try:
                _by_hand(arena, tree, statement)
            except (psycopg2.errors.SerializationFailure, psycopg2.errors.DeadlockDetected):
                continue
            except psycopg2.errors.CheckViolation:
                return 0
            return 1
        raise AssertionError("lost a hundred races")

    with Sampler(arena, [tree["user"]]) as sampler:
        taken = sum(race([partial(take)] * 20))

    assert taken == 12
    assert sampler.lowest >= 0
    balance, held, _sessions = arena.account(tree["user"].account_id)
    assert balance == held
