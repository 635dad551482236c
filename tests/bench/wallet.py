"""Allocations and debits per second: the ledger, the ORM's way, and a bare UPDATE.

Spread over as many resellers as wallets, or all under one reseller; by 1 and by 8 processes,
each with a connection of its own; every commit waits for the disk. Half of the operations
are allocations from a reseller to its customer, half are debits that the customer pays it.

* ours: one operation a transaction, by the ledger's writer: two accounts locked, the funds
  checked, a transfer written, two balances moved;
* batch: the same, a hundred operations in a transaction;
* update: one UPDATE of one balance by its primary key, a statement that commits by itself, in a
  copy of the accounts with the same indexes and no triggers: the limit of what the database can
  do;
* orm: two records are read, their new balances computed and written, and again if that lost a race.

Arguments: rounds (9), seconds of each measurement in a round (0.5). All ways take turns in each
round; each figure and each ratio is the median of the rounds, so that what else the machine
does weighs on both sides.

Result: operations per second of each way, and of each ratio the worse of 1 and 8 connections.
"""

import itertools
import logging
import multiprocessing
import os
import random
import statistics
import time
from contextlib import ExitStack
from decimal import Decimal

from odoo import api, sql_db
from odoo.modules.registry import Registry
from odoo.service.model import retrying

WALLETS = 400
BATCH = 100
CONNECTIONS = (1, 8)
WAYS = ("update", "ours", "batch", "orm")
PLACES = ("spread", "hot")
AMOUNT = Decimal("0.01")
FUNDS = Decimal(1_000_000)


def main(bench):
    rounds, seconds = map(float, (*bench.arguments, *("9", "0.5")[len(bench.arguments) :]))
    with bench.committed() as env:
        places = _plant(env)
    # A connection cannot be shared with a fork.
    sql_db.close_all()
    clients = [Client(bench.database, places, number) for number in range(max(CONNECTIONS))]
    figures = {}
    try:
        for part in range(int(rounds)):
            bench.note(f"Round {part + 1} of {int(rounds)}")
            for way, place, number in itertools.product(WAYS, PLACES, CONNECTIONS):
                rate = _measure(clients[:number], way, place, seconds)
                figures.setdefault((way, place, number), []).append(rate)
    finally:
        for client in clients:
            client.close()
    with bench.committed() as env:
        conserved = env["tier.account"]._is_conserved()
    return _result(figures, conserved)


def _result(figures, conserved):
    """The medians of the rates and of their ratios.

    :param figures: dict of (way, place, connections) to the rates of the rounds
    """

    def worst(top, bottom):
        return min(
            statistics.median(
                above / below for above, below in zip(figures[(*top, number)], figures[(*bottom, number)], strict=True)
            )
            for number in CONNECTIONS
        )

    return {
        "per_s": {
            f"{way}_{place}": {
                str(number): round(statistics.median(figures[way, place, number])) for number in CONNECTIONS
            }
            for way in WAYS
            for place in PLACES
        },
        "conserved": conserved,
        "spread_vs_update": round(worst(("ours", "spread"), ("update", "spread")), 2),
        "hot_vs_spread": round(worst(("ours", "hot"), ("ours", "spread")), 2),
        "batch_vs_single": round(min(worst(("batch", place), ("ours", place)) for place in PLACES), 1),
        "vs_orm": round(min(worst(("ours", place), ("orm", place)) for place in PLACES), 1),
    }


def _plant(env):
    """Make the wallets; return for each place its pairs of accounts (giver, receiver)."""
    env = env(context={"tracking_disable": True})
    Wallet = env["tier.wallet"]
    partner = env["res.partner"].create({"name": "Bench"})

    def grow(parents):
        return Wallet.create(
            [
                {"name": f"Bench {number}", "partner_id": partner.id, "parent_id": parent.id}
                for number, parent in enumerate(parents)
            ]
        )

    [provider] = grow([Wallet])
    resellers = grow([provider] * (WALLETS + 1))
    hot, spread = resellers[0], resellers[1:]
    customers = {"spread": grow(spread), "hot": grow([hot] * WALLETS)}
    for number, wallet in enumerate([*resellers, *customers["spread"], *customers["hot"]]):
        wallet._topup(FUNDS, f"bench:{number}")
    env.flush_all()
    env.cr.execute("CREATE TABLE bench_account (LIKE tier_account INCLUDING ALL)")
    env.cr.execute("INSERT INTO bench_account SELECT * FROM tier_account")
    return {
        place: [(wallet.parent_id.account_id.id, wallet.account_id.id) for wallet in wallets]
        for place, wallets in customers.items()
    }


def _measure(clients, way, place, seconds):
    """Operations per second of these clients together."""
    for client in clients:
        client.ask((way, place, seconds))
    return sum(client.answer() for client in clients)


class Client:
    """A process with one connection."""

    def __init__(self, database, places, number):
        self._pipe, pipe = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("fork").Process(
            target=_serve, args=(pipe, database, places, number), daemon=True
        )
        self._process.start()

    def ask(self, what):
        self._pipe.send(what)

    def answer(self):
        return self._pipe.recv()

    def close(self):
        self._pipe.send(None)
        self._process.join(5)


def _serve(pipe, database, places, number):
    logging.getLogger("odoo.sql_db").setLevel(logging.CRITICAL)  # the ORM's lost races
    logging.getLogger("odoo.service.model").setLevel(logging.ERROR)
    worker = Worker(database, places, number)
    while (asked := pipe.recv()) is not None:
        way, place, seconds = asked
        operate = getattr(worker, way)
        done, begin = 0, time.perf_counter()
        while (taken := time.perf_counter() - begin) < seconds:
            done += operate(place)
        pipe.send(done / taken)
    os._exit(0)  # what the fork inherited is not its own to close


class Worker:
    """What a client does."""

    def __init__(self, database, places, number):
        # Where Odoo's code is known to the process, which it is not when this file is read.
        from odoo.addons.tier_billing import ledger

        self.post, self.Movement = ledger.writer.post, ledger.writer.Movement
        self.registry = Registry(database)
        self.places = places
        self.chance = random.Random(number)
        self.keys = (f"bench:{number}:{count}" for count in itertools.count())
        self.open = ExitStack()
        self.single = self.open.enter_context(ledger.cursor.single_statements(self.registry))

    def _movement(self, place):
        giver, receiver = self.chance.choice(self.places[place])
        kind = "allocation"
        if self.chance.random() < 0.5:
            giver, receiver, kind = receiver, giver, "usage"
        return self.Movement(next(self.keys), kind, giver, receiver, AMOUNT, AMOUNT)

    def ours(self, place):
        self.post(self.single, [self._movement(place)], 1)
        return 1

    def batch(self, place):
        self.post(self.single, [self._movement(place) for _ in range(BATCH)], 1)
        return BATCH

    def update(self, place):
        giver, _receiver = self.chance.choice(self.places[place])
        self.single.execute("UPDATE bench_account SET balance = balance - %s WHERE id = %s", (AMOUNT, giver))
        return 1

    def orm(self, place):
        """Both balances, as Odoo's own code would: credit limits stand for them, which the ledger lets one write."""
        giver, receiver = self.chance.choice(self.places[place])
        with self.registry.cursor() as cr:
            env = api.Environment(cr, 1, {})

            def move():
                accounts = env["tier.account"].browse((giver, receiver))
                accounts[0].credit_limit = accounts[0].credit_limit + 0.01
                accounts[1].credit_limit = accounts[1].credit_limit + 0.01

            retrying(move, env)
        return 1
