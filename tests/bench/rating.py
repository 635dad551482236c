"""From a file of calls to committed charges, at full size.

A chain of three payers below the provider, whose carrier's cost is known; 300 price lists of
10,000 prefixes each, 100,000 wallets; users and prefixes drawn evenly. Commits wait for the disk.

Arguments: calls of the run with two workers (300000; a third of it with one), price lists (300),
rates of each (10000), wallets (100000), calls of the ORM's sample (300).

Result: calls per second of one and of two workers, each a process that starts with nothing in
memory; how that compares with the plain ORM and with a raw COPY of the same rows (one worker
against one connection); the largest worker's peak memory; and how many times longer finding a
rate takes among five million rates than among ten thousand, in memory and in the database.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from unittest.mock import patch

import _ways
from _rating_world import START, World, prefixes

from odoo.addons.tier_rating.charging import books
from odoo.addons.tier_rating.charging.priced import Item
from odoo.addons.tier_rating.charging.pricing import Pricer
from odoo.addons.tier_rating.charging.usage import Usage

DEFAULTS = (300_000, 300, 10_000, 100_000, 300)
MANY_RATES = 5_000_000
LOOKED_UP = 500
ROUNDS = 5


def main(bench):
    given = tuple(map(int, bench.arguments))
    calls, lists, rates, wallets, sample = given + DEFAULTS[len(given) :]
    few = _look_up_times(bench, _first_list(bench, rates))
    bench.note(f"{wallets} wallets, {lists} price lists of {rates} rates")
    with bench.committed() as env:
        world = World(env, lists, rates, wallets)
    _settle_down(bench)
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, f"Master-{number}.csv") for number in range(3)]
        shares = [calls // 3, calls // 2, calls // 2]
        first = 0
        for file, share in zip(files, shares, strict=True):
            with file.open("w") as text:
                world.write_calls(text, first, share)
            first += share
        bench.note(f"One worker, {shares[0]} calls")
        one = _workers(bench, world, files[:1])
        bench.note(f"Two workers, {shares[1] + shares[2]} calls")
        two = _workers(bench, world, files[1:])
    # The ORM's rows are for timing alone: they leave out what the audit looks for.
    with bench.committed() as env:
        conserved = env["tier.account"]._is_conserved()
    bench.note("Raw COPY of the same rows")
    copies = [_ways.raw_copy(bench, f"import_id = {one['imports'][0]}", 100_000) for _ in range(3)]
    bench.note("Plain ORM")
    usages = [_usage(world, number) for number in range(sample)]
    orm = _ways.plain_orm(bench, usages)
    bench.note(f"Finding rates among {MANY_RATES}")
    many = _look_up_times(bench, _fill_up(bench, world))
    growth = {name: round(many[name] / few[name], 2) for name in few}
    return {
        "calls_per_s": round(two["rate"]),
        "calls_per_s_1": round(one["rate"]),
        "vs_orm": round(two["rate"] / orm, 1),
        "vs_copy": round(one["rate"] / statistics.median(copies), 2),
        "peak_mb": max(one["peak_mb"], two["peak_mb"]),
        "growth": max(growth.values()),
        "growth_in_memory": growth["memory"],
        "growth_in_database": growth["database"],
        "orm_calls_per_s": round(orm),
        "copy_calls_per_s": round(statistics.median(copies)),
        "all_charged": one["all_charged"] and two["all_charged"],
        "conserved": conserved,
    }


def _workers(bench, world, files):
    """Import one file in each worker, all at once.

    :return: dict of calls per second from the first start to the last end, and what they tell
    """
    script = Path(__file__).with_name("_rating_worker.py")
    processes = [
        subprocess.Popen(
            [sys.executable, script, bench.database, file, str(world.switch_id)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for file in files
    ]
    for process in processes:
        if process.stdout.readline() != "ready\n":
            raise RuntimeError("a worker did not start; see its message above")
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    results = [json.loads(process.communicate()[0].splitlines()[-1]) for process in processes]
    seconds = max(result["end"] for result in results) - min(result["begin"] for result in results)
    return {
        "rate": sum(result["calls"] for result in results) / seconds,
        "peak_mb": max(result["peak_mb"] for result in results),
        "imports": [result["import_id"] for result in results],
        "all_charged": all(result["charged"] == result["calls"] for result in results),
    }


def _settle_down(bench):
    """Let statistics and the log of the building catch up, as on a system that has run for days."""
    connection = bench.connect()
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE) tier_rate, tier_wallet, tier_account, tier_endpoint, tier_transfer")
    finally:
        connection.close()


def _usage(world, number):
    user = 1 + number * 7919 % world.users
    return Usage(
        source_key=f"orm:{number}",
        switch_id=world.switch_id,
        accounts=(("sip_user", f"u{user}"),),
        number=(world.prefixes[number * 104729 % len(world.prefixes)] + "5550123456")[:12],
        quantity=Decimal(61),
        started_at=START,
        answered_at=START,
    )


def _first_list(bench, rates):
    """Make the first wallet and its list of 10,000 rates, with nothing but the demo's beside it."""
    with bench.committed() as env:
        world = World(env, 1, rates, 0, name="Small")
        return world.customer_id, world.prefixes


def _fill_up(bench, world):
    """Add lists until there are five million rates; the small world's are looked up again."""
    with bench.committed() as env:
        env.cr.execute("SELECT count(*) FROM tier_rate")
        missing = MANY_RATES - env.cr.fetchone()[0]
        if missing > 0:
            world.add_lists(env, -(-missing // len(world.prefixes)))
        customer = env["tier.wallet"].search([("name", "=", "Small customer")])
        found = customer.id, prefixes(len(world.prefixes))
    _settle_down(bench)
    return found


def _look_up_times(bench, customer):
    """Return seconds to price some numbers, with a list in memory and with look-ups; medians."""
    wallet_id, all_prefixes = customer
    times = {}
    with bench.committed() as env:
        voice = env.ref("tier_rating.service_voice").id
        items = [
            Item(
                n,
                wallet_id,
                voice,
                (all_prefixes[n * 7919 % len(all_prefixes)] + "5550123456")[:12],
                START,
                Decimal(61),
            )
            for n in range(LOOKED_UP)
        ]
        for name, worth in (("memory", 0), ("database", 10**9)):
            books.shelf(env.cr.dbname).forget()
            rounds = []
            with patch.object(books, "WORTH_READING", worth):
                for _ in range(ROUNDS + 1):
                    begin = time.perf_counter()
                    pricer = Pricer(env, items)
                    if any(pricer.priced(item).reason for item in items):
                        raise RuntimeError("a number has no price")
                    rounds.append(time.perf_counter() - begin)
            # The first reads the list.
            times[name] = statistics.median(rounds[1:])
        books.shelf(env.cr.dbname).forget()
    return times
