"""Databases and Odoo processes of one's own, for tests and benches.

>>> database = Databases().create()                                    # doctest: +SKIP
>>> with committed(database) as env:                                   # doctest: +SKIP
...     env["res.partner"].create({"name": "kept"})
>>> with OdooProcess(database, "--workers=2").start() as odoo:         # doctest: +SKIP
...     odoo.get("/web/health").read()
"""

import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import psycopg2

START_SECONDS = 90
DROP_ATTEMPTS = 10


def context():
    """What ./tier says about this run: see Instance.context in tools/instance.py."""
    return json.loads(os.environ["TIER_CONTEXT"])


class Databases:
    """Copies of the template that has our add-ons and demo data (about a second each)."""

    def __init__(self):
        self.context = context()
        self._numbers = itertools.count(1)
        self._made = []

    def create(self):
        """Make a database and return its name."""
        name = f"{self.context['prefix']}_{os.getpid()}_{next(self._numbers)}"
        template = self.context["template"]
        _execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        self._made.append(name)
        files = Path(self.context["files"])
        if (files / template).is_dir():
            shutil.copytree(files / template, files / name, copy_function=os.link)
        return name

    def drop(self, name):
        """Remove a database, whoever is connected to it."""
        _forget(name)
        for attempt in range(DROP_ATTEMPTS):
            # Not WITH (FORCE): it fails while autovacuum, which is not ours to end, is at work
            # there. A plain DROP sends autovacuum away by itself.
            _execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                f" WHERE datname = '{name}' AND usename = current_user"
            )
            try:
                _execute(f'DROP DATABASE IF EXISTS "{name}"')
                break
            except psycopg2.errors.ObjectInUse:
                if attempt == DROP_ATTEMPTS - 1:
                    raise
                time.sleep(0.2)
        shutil.rmtree(Path(self.context["files"]) / name, ignore_errors=True)
        self._made.remove(name)

    def drop_all(self):
        for name in list(self._made):
            self.drop(name)


def connect(database):
    """A plain connection, past Odoo's pool; the caller closes it."""
    return psycopg2.connect(dbname=database)


def _execute(statement):
    connection = connect("postgres")
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connection.close()


def _forget(database):
    """Close what this very process holds of a database in Odoo's pool and registries."""
    from odoo import sql_db
    from odoo.modules.registry import Registry

    Registry.delete(database)
    sql_db.close_db(database)


@contextmanager
def committed(database, user=1):
    """The environment of a real transaction in this process, committed at the block's end.

    :param user: id of the user; 1 is the superuser
    """
    from odoo import api
    from odoo.modules.registry import Registry
    from odoo.tools import config

    testing, config["test_enable"] = config["test_enable"], False  # else loading would run Odoo's tests
    try:
        registry = Registry(database)
    finally:
        config["test_enable"] = testing
    with registry.cursor() as cr:
        yield api.Environment(cr, user, {})


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class OdooProcess:
    """An Odoo server in processes of its own, on localhost.

    :param database: its one database
    :param options: Odoo's options, such as "--workers=2"
    """

    def __init__(self, database, *options):
        self.database = database
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = Path(context()["logs"]) / f"odoo-{database}.log"
        self.command = [
            *context()["odoo"],
            "-d",
            database,
            f"--http-port={self.port}",
            f"--gevent-port={free_port()}",
            "--max-cron-threads=0",
            "--no-database-list",
            *options,
        ]
        self.process = None

    def start(self):
        """Start it and wait until it answers."""
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                self.get("/web/health").close()
                return self
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        self.kill()
        raise AssertionError(f"Odoo did not start:\n{self.log.read_text()[-3000:]}")

    def get(self, path, timeout=30):
        """The response to a plain GET."""
        return urllib.request.urlopen(self.url + path, timeout=timeout)

    def post(self, path, values, headers=(), timeout=30):
        """The parsed answer to a POST of JSON."""
        request = urllib.request.Request(
            self.url + path, json.dumps(values).encode(), {"Content-Type": "application/json", **dict(headers)}
        )
        with urllib.request.urlopen(request, timeout=timeout) as response:
            return json.load(response)

    def kill(self):
        """End all its processes at once, as a power cut would."""
        self._signal(signal.SIGKILL)

    def stop(self):
        """Let it finish its requests and end."""
        self._signal(signal.SIGTERM)

    def _signal(self, number):
        if self.process is None or self.process.poll() is not None:
            return
        os.killpg(self.process.pid, number)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(5)

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.stop()
