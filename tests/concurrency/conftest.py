"""One database for these tests: real threads and processes, real commits, wallets of their own."""

import pytest
from arena import Arena
from mortal import Mortals


@pytest.fixture(scope="session")
def arena(databases):
    """A database that all tests of this folder share; each plants a tree of its own in it."""
    database = databases.create()
    arena = Arena(database)
    arena.prepare()
    yield arena
    arena.close()
    databases.drop(database)


@pytest.fixture
def conserved(arena):
    """Checks after the test what holds at every commit, for all accounts of the database."""
    yield
    arena.check_ledger()


@pytest.fixture(scope="module")
def conserved_after_all(arena):
    """The same after a file of many small tests, which would spend their time on it."""
    yield
    # Autovacuum has seldom come by: without statistics the audit's joins are planned for empty tables.
    arena.rows("ANALYZE tier_transfer, tier_hold, tier_charge, tier_usage_event, tier_account, tier_spending")
    arena.check_ledger()


@pytest.fixture
def trees(arena):
    """Payers with inside and outside money, in two currencies, below one provider."""
    with arena.planting() as plant:
        provider = plant()
        inside = plant(plant(provider, "0.30"), "0.45")
        mixed = plant(plant(plant(provider, "0.30"), "0.48", currency="XTS"), "0.60", currency="USD", money="outside")
        payers = [
            plant(inside, "0.60"),
            plant(inside, "0.90", currency="XTS"),
            mixed,
            plant(provider, "0.54", payment_mode="postpaid", credit_limit=1000),
        ]
    for wallet in {wallet for payer in payers for wallet in payer.chain[:-1]}:
        arena.fund(wallet, "1000")
    return payers


@pytest.fixture
def lost_races(monkeypatch):
    """The errors after which a short transaction was run again: none where the lock order holds."""
    from contextlib import contextmanager

    from odoo.addons.tier_billing.ledger import cursor

    lost = []
    original = cursor.short_transaction

    @contextmanager
    def counting(registry):
        try:
            with original(registry) as cr:
                yield cr
        except cursor.RETRYABLE as error:
            lost.append(error)
            raise

    monkeypatch.setattr(cursor, "short_transaction", counting)
    return lost


@pytest.fixture(scope="module")
def mortals(arena):
    """Starts jobs in processes of their own, to be killed."""
    mortals = Mortals(arena)
    yield mortals
    mortals.close()


@pytest.fixture(scope="module")
def customers(arena):
    """Three kinds of payers with plenty of funds: inside, outside in another currency, postpaid."""
    with arena.planting() as plant:
        provider = plant()
        reseller = plant(provider, "0.30")
        dealer = plant(reseller, "0.60", currency="XTS", money="outside")
        customers = [
            plant(plant(reseller, "0.36"), "0.60"),
            plant(dealer, "0.90"),
            plant(provider, "0.60", payment_mode="postpaid", credit_limit=1_000_000),
        ]
    for wallet in {wallet for customer in customers for wallet in customer.chain[:-1]}:
        arena.fund(wallet, "1000000")
    return customers
