"""People who move money at once, each in a transaction of Odoo's own kind, retried as Odoo does.

Where what is tested is the wallet's method, it is called as it is: in a snapshot of the database,
where the loser of a race is retried. What people do by the dialog of wallet operations is done by
the dialog.
"""

from decimal import Decimal
from functools import partial

import pytest
from races import Sampler, race

from odoo.exceptions import UserError
from odoo.service import model as service

pytestmark = pytest.mark.usefixtures("conserved", "short_waits")


@pytest.fixture
def short_waits(monkeypatch):
    """Odoo waits for up to 2, 4, 8 and 16 seconds between tries: here for hundredths of them."""
    monkeypatch.setattr(service.random, "uniform", lambda low, high: high / 200)


@pytest.fixture
def tree(arena):
    with arena.planting() as plant:
        reseller = plant(plant(), "0.30")
        return {
            "reseller": reseller,
            "first": plant(reseller, "0.60"),
            "second": plant(reseller, "0.60"),
            "abroad": plant(reseller, "0.60", currency="XTS"),
            "outside": plant(reseller, "0.60", money="outside"),
        }


def _move(arena, wallet, method, *args):
    """Call a method of a wallet as a request would: "done", or what the person is told."""
    with arena.registry.cursor() as cr:
        env = arena.env_of(cr)
        operation = partial(getattr(env["tier.wallet"].browse(wallet.id), method), *args)
        try:
            service.retrying(operation, env)
        except UserError as error:
            return str(error)
    return "done"


def _transfers(arena, key):
    return arena.rows("SELECT amount FROM tier_transfer WHERE source_key = %s", key)


def test_two_people_allocate_the_last_cent(arena, tree):
    """One wins, the other is told what there is. Guards the lock under which the parent's funds are checked."""
    for _ in range(10):
        arena.fund(tree["reseller"], "0.01")
        moves = [
            partial(_move, arena, tree[name], "_allocate", "0.01", arena.key("cent")) for name in ("first", "second")
        ]
        with Sampler(arena, [tree["reseller"]]) as sampler:
            told = sorted(race(moves))
        assert told[1] == "done"
        assert "0 USD available, 0.01 USD are needed" in told[0]
        assert sampler.lowest >= 0
        assert arena.account(tree["reseller"].account_id) == (0, 0, 0)
    assert arena.balance(tree["first"]) + arena.balance(tree["second"]) == Decimal("0.10")


def test_thirty_people_share_what_there_is(arena, tree):
    """Each wants a dollar of twelve, at once: twelve get it.

    Guards that the dialog waits for the lock rather than lose against whoever changed the account
    since its request began: five tries are not enough where others commit all the time.
    """
    arena.fund(tree["reseller"], "12")
    names = ["first", "second", "abroad"] * 10
    dialogs = [arena.dialog(tree[name], "allocate", 1.25 if name == "abroad" else 1) for name in names]

    with Sampler(arena, [tree["reseller"]]) as sampler:
        told = race([partial(arena.press, dialog) for dialog in dialogs])

    assert told.count("done") == 12
    assert all("0 USD available" in text for text in told if text != "done")
    assert sampler.lowest >= 0
    assert arena.balance(tree["reseller"]) == 0


@pytest.mark.parametrize("operation", ["topup", "allocate", "reclaim", "adjust"])
def test_a_button_pressed_eight_times_moves_once(arena, tree, operation):
    """Guards that a repeat is recognized under the lock, when the first is posted: it needs no funds."""
    wallet = tree["first"]
    if operation in ("allocate", "reclaim"):
        arena.fund(wallet if operation == "reclaim" else tree["reseller"], "5")
    dialog = arena.dialog(wallet, operation, 5)

    assert race([partial(arena.press, dialog)] * 8) == ["done"] * 8

    assert arena.balance(wallet) == (0 if operation == "reclaim" else 5)


@pytest.mark.parametrize(
    ("method", "name"),
    [
        (method, name)
        for method in ("_allocate", "_reclaim", "_topup", "_withdraw", "_adjust")
        for name in ("first", "abroad", "outside")
        if (method, name) != ("_withdraw", "outside")  # the provider's money is not in it
    ],
)
def test_the_same_key_from_eight_threads_moves_once(arena, tree, method, name):
    """A double click, a browser's retry, a payment that is confirmed twice.

    Guards the unique index on the source key, and that a repeat needs no funds of its own: there
    are just enough for one.
    """
    wallet = tree[name]
    if method in ("_reclaim", "_withdraw"):
        arena.fund(tree["reseller"] if name == "outside" else wallet, "5")
        if name == "outside":
            arena.fund(wallet, "5")
    elif method == "_allocate" and name != "outside":
        arena.fund(tree["reseller"], "5" if name == "first" else "4")
    key = arena.key("same")
    args = (5, key, "why")

    told = race([partial(_move, arena, wallet, method, *args)] * 8)

    assert told == ["done"] * 8
    assert len(_transfers(arena, key)) == 1
    balance = arena.balance(wallet)
    assert balance == (0 if method in ("_reclaim", "_withdraw") else 5)

    # And long afterwards, whatever became of the funds meanwhile.
    assert _move(arena, wallet, method, *args) == "done"
    assert arena.balance(wallet) == balance


@pytest.mark.parametrize("other", [6, "4.99"])
def test_a_key_that_comes_with_another_amount_is_refused(arena, tree, other):
    """Guards the comparison of a known transfer with what was asked for."""
    arena.fund(tree["reseller"], "100")
    key = arena.key("same")

    told = race([partial(_move, arena, tree["first"], "_allocate", amount, key) for amount in (5, other) * 4])

    assert told.count("done") == 4
    assert all(key in text for text in told if text != "done")
    winner = told.index("done")
    assert arena.balance(tree["first"]) == Decimal((5, other)[winner % 2])
    assert len(_transfers(arena, key)) == 1


def test_a_key_that_comes_for_another_wallet_is_refused(arena, tree):
    """The same key from two forms for two customers: one gets it, the other form is an error."""
    arena.fund(tree["reseller"], "100")
    key = arena.key("same")

    told = race([partial(_move, arena, tree[name], "_allocate", 5, key) for name in ("first", "second")])

    assert sorted(text == "done" for text in told) == [False, True]
    assert arena.balance(tree["first"]) + arena.balance(tree["second"]) == 5


def test_funds_of_a_busy_reseller_can_be_allocated(arena, tree):
    """A reseller gives funds away while they are held and spent for calls of its outside customer.

    Guards that holds count against what may be allocated, and that people get through at all: in
    Odoo's snapshots nearly every try fails as soon as some twenty calls a second are charged.
    """
    reseller, outside = tree["reseller"], tree["outside"]
    arena.fund(reseller, "9")
    arena.fund(outside, "1000")
    dialogs = [arena.dialog(tree["first"], "allocate", 0.30) for _ in range(12)]

    def calls():
        return sum(arena.call(outside, 60, 60) for _ in range(5))

    with Sampler(arena, [reseller]) as sampler:
        told, *seconds = race([lambda: [arena.press(dialog) for dialog in dialogs]] + [calls] * 6)

    allocated = told.count("done")
    # What was refused was refused for want of funds: 9.00 pay for 30 of these 42.
    assert all("are needed" in text for text in told if text != "done")
    assert allocated + sum(seconds) / 60 == 30
    assert sampler.lowest >= 0
    assert arena.account(reseller.account_id) == (0, 0, 0)


def test_the_overcommit_guard_holds_for_two_at_once(arena, tree):
    """Credit granted to two outside customers at once stays below the parent's percentage.

    Guards that the guard is checked under the lock of the account that grants.
    """
    reseller = tree["reseller"]
    with arena.planting() as plant:
        customers = [plant(reseller, "0.60", money="outside") for _ in range(4)]
    arena.rows("UPDATE tier_wallet SET overcommit_percent = 200 WHERE id = %s", reseller.id)
    arena.fund(reseller, "10")

    dialogs = [arena.dialog(customer, "allocate", 8) for customer in customers]
    told = race([partial(arena.press, dialog) for dialog in dialogs])

    assert told.count("done") == 2
    assert all("may grant 20.00 USD in all" in text for text in told if text != "done")
    assert arena.account(customers[0].payee_id)[0] == -16
