"""Eight processes move money for a long time and are killed in between; nothing is lost or done twice.

Each operation is the same whenever it is made: a process that takes the place of a killed one
repeats the operation at which that died, for nobody knows whether it was committed.
"""

import logging
import mmap
import os
import random
import signal
import time
from datetime import timedelta
from decimal import Decimal

import psycopg2
from arena import Arena, now

DONE, REFUSED = 1, 2
CUSTOMERS = 40
KINDS = {
    "allocation": 24,
    "usage": 30,
    "reclaim": 10,
    "topup": 6,
    "payout": 3,
    "adjustment": 3,
    "refund": 8,
    "batch": 4,
    "hold": 6,
    "release": 5,
    "call": 1,
}
BATCH = 20


class Soak:
    """What the parent of all processes does.

    :param database: an Odoo database with our add-ons
    :param operations: how many in all
    :param processes: how many at once, with a connection each
    :param pause: seconds between two kills
    """

    def __init__(self, database, operations, processes=8, pause=0.7):
        self.database, self.processes, self.pause = database, processes, pause
        self.each = operations // processes
        self.kills = {"process": 0, "connection": 0}
        self.chance = random.Random(operations)
        # Shared with the processes, and there when they are not.
        self.outcomes = mmap.mmap(-1, self.each * processes)

    def run(self):
        """Run it; return its figures.

        :raise AssertionError: when an operation was lost or done twice, or the audit finds a fault
        """
        from odoo import sql_db

        arena = Arena(self.database)
        self.wallets = _plant(arena)
        arena.close()
        sql_db.close_all()  # a connection cannot be shared with a fork
        begin = time.monotonic()
        running = {self._start(number): number for number in range(self.processes)}
        try:
            self._reap(running)
        finally:
            for pid in running:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        seconds = time.monotonic() - begin
        arena = Arena(self.database)
        try:
            self._check(arena)
        finally:
            arena.close()
        done = self.outcomes[:].count(DONE)
        return {
            "operations": self.each * self.processes,
            "done": done,
            "refused": self.outcomes[:].count(REFUSED),
            "killed": self.kills,
            "per_s": round(self.each * self.processes / seconds),
            "seconds": round(seconds),
        }

    def _start(self, number):
        pid = os.fork()
        if pid:
            return pid
        code = 1
        try:
            Worker(self, number).run()
            code = 0
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            pass  # its connection was ended: the next one goes on
        except BaseException:
            logging.getLogger(__name__).exception("A process of the soak failed")
            code = 2
        os._exit(code)

    def _reap(self, running):
        """Kill and start again until all operations are made."""
        due = time.monotonic() + self.pause
        while running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid:
                number = running.pop(pid)
                assert not os.WIFEXITED(status) or os.WEXITSTATUS(status) != 2, "a process failed, see above"
                if not self.outcomes[number * self.each : (number + 1) * self.each].endswith((b"\1", b"\2")):
                    running[self._start(number)] = number
            elif time.monotonic() >= due:
                self._kill(list(running))
                due = time.monotonic() + self.pause * self.chance.uniform(0.5, 1.5)
            else:
                time.sleep(0.01)

    def _kill(self, pids):
        if self.chance.random() < 0.7:
            os.kill(self.chance.choice(pids), signal.SIGKILL)
            self.kills["process"] += 1
            return
        connection = psycopg2.connect(dbname=self.database)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(
                    """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                        WHERE datname = current_database() AND application_name LIKE 'odoo-%%'
                          AND usename = current_user AND pid <> pg_backend_pid()
                        ORDER BY random() LIMIT 1"""
                )
                self.kills["connection"] += cursor.rowcount
        finally:
            connection.close()

    def _check(self, arena):
        """Each operation that was told to be done is there once; the audit is clean."""
        expected = {
            key
            for number in range(self.processes)
            for count in range(self.each)
            if self.outcomes[number * self.each + count] == DONE
            for key in keys(number, count)
        }
        rows = arena.rows("SELECT source_key FROM tier_transfer WHERE source_key LIKE 'soak-%%'")
        found = [row[0] for row in rows]
        assert len(found) == len(set(found))
        assert set(found) == expected, sorted(set(found) ^ expected)[:5]
        with arena.env() as env:
            audit = env["tier.audit"]._run()
            findings = audit.finding_ids.mapped(lambda finding: f"{finding.name}: {finding.detail}")
            assert audit.state == "clean", findings[:5]
        arena.check_ledger()


def _plant(arena):
    """Plant one reseller with many customers, and another with few; return accounts and wallets."""
    with arena.planting() as plant:
        provider = plant()
        resellers = [plant(provider, "0.10"), plant(provider, "0.10", currency="XTS")]
        customers = [plant(resellers[0], "0.20") for _ in range(CUSTOMERS)]
        customers += [plant(resellers[1], "0.20", daily_limit=5000) for _ in range(CUSTOMERS // 4)]
    for wallet in (*resellers, *customers):
        arena.fund(wallet, "200")
    with arena.env() as env:
        worlds = {
            currency: env["tier.account"]
            ._get("world", env.company, env["res.currency"].search([("name", "=", currency)]))
            .id
            for currency in ("USD", "XTS")
        }
    return {"customers": customers, "resellers": resellers, "worlds": worlds}


def keys(number, count):
    """The source keys of the transfers of an operation."""
    kind, _chance = _chosen(number, count)
    key = f"soak-{number}-{count}"
    if kind == "batch":
        return [f"{key}-{part}" for part in range(BATCH)]
    return [] if kind in ("hold", "release", "call") else [key]


def _chosen(number, count):
    chance = random.Random(f"{number}-{count}")
    [kind] = chance.choices(list(KINDS), KINDS.values())
    if kind in ("refund", "release") and not _earlier(number, count, "usage" if kind == "refund" else "hold"):
        kind = "usage"
    return kind, chance


def _earlier(number, count, kind):
    """The nearest operation before this that was of a kind by its first choice, some back; None if there is none."""
    for before in range(count - 1, max(-1, count - 60), -1):
        if random.Random(f"{number}-{before}").choices(list(KINDS), KINDS.values()) == [kind]:
            return before
    return None


class Worker:
    """One process with one connection."""

    def __init__(self, soak, number):
        from odoo.addons.tier_billing import ledger

        self.soak, self.number, self.ledger = soak, number, ledger
        self.arena = Arena(soak.database, f"{number}-{os.getpid()}-")
        self.registry = self.arena.registry

    def run(self):
        logging.getLogger("odoo.sql_db").setLevel(logging.CRITICAL)  # refusals, and connections that were ended
        base = self.number * self.soak.each
        made = self.soak.outcomes[base : base + self.soak.each]
        first = made.find(b"\0")
        with self.ledger.cursor.single_statements(self.registry) as single:
            self.single = single
            for count in range(first, self.soak.each):
                self.soak.outcomes[base + count] = self._operate(count)

    def _operate(self, count):
        kind, chance = _chosen(self.number, count)
        try:
            getattr(self, f"_{kind}", self._move)(count, kind, chance)
        except psycopg2.errors.CheckViolation:
            return REFUSED
        return DONE

    def _movement(self, key, kind, chance):
        customers, worlds = self.soak.wallets["customers"], self.soak.wallets["worlds"]
        wallet = chance.choice(customers)
        if kind in ("topup", "payout") and chance.random() < 0.5:
            wallet = wallet.parent
        amount = Decimal(chance.randint(1, 500)) / 100
        own, parent, world = wallet.account_id, wallet.parent.account_id, worlds[wallet.currency]
        giver, taker = {
            "allocation": (parent, own),
            "usage": (own, parent),
            "reclaim": (own, parent),
            "topup": (world, own),
            "payout": (own, world),
            "adjustment": (own, parent),
        }[kind]
        return self.ledger.writer.Movement(key, kind, giver, taker, amount, amount, date=now(), reason="soak")

    def _move(self, count, kind, chance):
        """A lone transfer: by itself, or in a transaction that locks and looks first."""
        movement = self._movement(f"soak-{self.number}-{count}", kind, chance)
        if chance.random() < 0.6:
            self.ledger.writer.post(self.single, [movement], 1)
            return

        def post(cr):
            self.ledger.writer.lock_accounts(cr, (), [movement])
            self.ledger.writer.post(cr, [movement], 1)

        self.ledger.cursor.in_short_transaction(self.registry, post)

    def _batch(self, count, _kind, chance):
        movements = [
            self._movement(f"soak-{self.number}-{count}-{part}", chance.choice(["usage", "topup"]), chance)
            for part in range(BATCH)
        ]
        self.ledger.cursor.in_short_transaction(self.registry, lambda cr: self.ledger.writer.post(cr, movements, 1))

    def _refund(self, count, _kind, _chance):
        """Undo an earlier debit; another operation may have done so: that is refused by its key's index."""
        undone = f"soak-{self.number}-{_earlier(self.number, count, 'usage')}"
        self.single.execute(
            """SELECT id, from_account_id, to_account_id, amount::text, amount_to::text
                 FROM tier_transfer WHERE source_key = %s""",
            [undone],
        )
        transfer_id, giver, taker, amount, amount_to = self.single.fetchone()
        movement = self.ledger.writer.Movement(
            f"soak-{self.number}-{count}", "refund", taker, giver, Decimal(amount_to), Decimal(amount),
            date=now(), reason="soak", reverses=transfer_id,
        )  # fmt: skip
        try:
            self.ledger.writer.post(self.single, [movement], 1)
        except psycopg2.errors.UniqueViolation as error:
            raise psycopg2.errors.CheckViolation from error

    def _hold(self, count, _kind, chance):
        wallet = chance.choice(self.soak.wallets["customers"])
        hold = (f"soak-{self.number}-{count}", wallet.account_id, Decimal(chance.randint(1, 300)) / 100)
        expires = now() + timedelta(hours=chance.choice([-1, 1]))

        def place(cr):
            self.ledger.writer.lock_accounts(cr, [wallet.account_id])
            self.ledger.reserve.place_holds(cr, [hold], [expires])

        self.ledger.cursor.in_short_transaction(self.registry, place)

    def _release(self, count, _kind, chance):
        session = f"soak-{self.number}-{_earlier(self.number, count, 'hold')}"
        release = self.ledger.reserve.release_sessions
        if chance.random() < 0.2:
            self.ledger.cursor.in_short_transaction(self.registry, lambda cr: self.ledger.reserve.expire_holds(cr, 100))
        self.ledger.cursor.in_short_transaction(self.registry, lambda cr: release(cr, [session]))

    def _call(self, count, _kind, chance):
        """A call through the one charging path; its keys are the same each time it is made."""
        wallet, key = chance.choice(self.soak.wallets["customers"]), f"soak-call-{self.number}-{count}"
        request = self.arena.request(wallet, 60, key=key)
        if self.arena.ask(request).granted:
            self.arena.charge([self.arena.usage(wallet, 30, key=f"{key}-event", session_key=key)])
