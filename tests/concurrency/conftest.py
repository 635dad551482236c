"""One database for these tests: real threads and processes, real commits, wallets of their own."""

import pytest
from arena import Arena


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
    arena.check_ledger()


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
