"""Fixtures for tests that need a database, an Odoo process or both to themselves.

`./tier test` says in TIER_CONTEXT how to reach the server and how to start Odoo; the connection
itself is in PGHOST and so on. Tests inside the add-ons need none of this.
"""

import pytest
from odoo_process import Databases, OdooProcess


@pytest.fixture(scope="session")
def databases():
    """Makes databases that hold the add-ons with demo data, and removes them at the end."""
    made = Databases()
    yield made
    made.drop_all()


@pytest.fixture
def database(databases):
    """The name of a fresh database, for one test that commits."""
    name = databases.create()
    yield name
    databases.drop(name)


@pytest.fixture(scope="module")
def module_database(databases):
    """The name of a fresh database that the tests of one file share."""
    name = databases.create()
    yield name
    databases.drop(name)


@pytest.fixture
def start_odoo():
    """Call it with a database (and Odoo's options) to get a running `OdooProcess`."""
    processes = []

    def start(database, *options, **more):
        process = OdooProcess(database, *options, **more)
        processes.append(process)
        return process.start()

    yield start
    for process in processes:
        process.stop()
