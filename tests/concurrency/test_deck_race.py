"""Decks that two people load into one price list, while calls are charged by it."""

import pytest
from arena import NUMBER
from psycopg2 import errors
from races import race

HEADER = "prefix,destination,price\n"


@pytest.fixture
def customer(arena):
    """A customer with funds, who buys by a list of its own."""
    with arena.planting() as plant:
        customer = plant(plant(), "0.60", currency="USD")
    arena.fund(customer, "1000")
    return customer


def _list_of(env, customer):
    return env["tier.wallet"].browse(customer.id).price_list_id


def _check(arena, customer, data):
    """Check a deck; return its id."""
    with arena.env() as env:
        return (
            env["tier.rate.import"]
            ._check_deck(_list_of(env, customer), env.ref("tier_rating.service_voice"), data.encode())
            .id
        )


def _act(arena, deck_id, action):
    """Press a button of a deck; return whether it was done."""
    from odoo.exceptions import UserError

    try:
        with arena.env() as env:
            getattr(env["tier.deck"].browse(deck_id), action)()
        return True
    except (UserError, errors.SerializationFailure):
        return False


def _deck(price):
    lines = "".join(f"{prefix},Place {prefix},{price}\n" for prefix in range(1000, 3000))
    return f"{HEADER}{NUMBER[:4]},Germany,{price}\n{lines}"


def test_two_decks_of_one_list(arena, customer):
    """One of them is imported whole, the other not at all: it was checked against other rates."""
    decks = [_check(arena, customer, _deck(price)) for price in ("0.6", "0.9")]
    done = race(lambda deck=deck: _act(arena, deck, "action_import") for deck in decks)
    assert sorted(done) == [False, True]
    with arena.env() as env:
        list_id = _list_of(env, customer).id
    prices = arena.rows(
        "SELECT DISTINCT price::text FROM tier_rate WHERE price_list_id = %s AND length(prefix) = 4", list_id
    )
    assert prices == [("0.6" if done[0] else "0.9",)]


def test_one_deck_imported_twice_at_once(arena, customer):
    deck = _check(arena, customer, _deck("0.6"))
    assert sorted(race([lambda: _act(arena, deck, "action_import")] * 2)) == [False, True]
    assert sorted(race([lambda: _act(arena, deck, "action_undo")] * 2)) == [False, True]
    with arena.env() as env:
        list_id = _list_of(env, customer).id
    assert arena.value("SELECT count(*) FROM tier_rate WHERE price_list_id = %s AND length(prefix) = 4", list_id) == 0


def test_calls_while_decks_come_and_go(arena, customer):
    """A call costs what one of the versions says, and none waits for a deck for long."""

    def load():
        for _turn in range(3):
            deck = _check(arena, customer, _deck("0.9"))
            assert _act(arena, deck, "action_import")
            assert _act(arena, deck, "action_undo")

    def calls():
        for _turn in range(60):
            assert arena.charge([arena.usage(customer, 60)]).charged == 1

    race([load, calls])
    paid = arena.rows("SELECT DISTINCT cost::text FROM tier_charge WHERE wallet_id = %s ORDER BY 1", customer.id)
    assert {float(cost) for (cost,) in paid} <= {0.6, 0.9}
