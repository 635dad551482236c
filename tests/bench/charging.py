"""Charge calls on every tier: the charging path, the plain-ORM way, and a raw COPY.

A chain of three payers below the provider, whose carrier's cost is known, in two currencies,
with the demo's rate decks. Arguments: number of calls (20000), calls of the ORM's sample (400).

Result: calls per second of each way (median of the rounds), and ours against the others. The
COPY writes the very rows that the charging path wrote, into tables with the same indexes but
no triggers: the limit of what the database can store.
"""

import itertools
import random
import statistics
import time
from datetime import datetime, timedelta
from decimal import Decimal

import _ways

from odoo.addons.tier_rating import charging
from odoo.addons.tier_rating.charging.usage import Usage

ROUNDS = 3
START = datetime(2026, 11, 20, 6)


def main(bench):
    calls, sample = (*map(int, bench.arguments), 20000, 400)[:2] if bench.arguments else (20000, 400)
    with bench.committed() as env:
        env["tier.demo"]._load()
        prefixes = _prefixes(env)
        wallets = env["tier.wallet"].search([("child_ids", "=", False)])
        endpoints = env["tier.endpoint"].search([("wallet_id", "in", wallets.ids)])
        callers = [(endpoint.switch_id.id, endpoint.kind, endpoint.identifier) for endpoint in endpoints]
    numbers = itertools.count()
    usages = [_usage(next(numbers), prefixes, callers) for _ in range(calls)]
    ours = []
    for part in range(ROUNDS):
        bench.note(f"Charging path, round {part + 1} of {ROUNDS}")
        ours.append(_charging_path(bench, usages[part::ROUNDS]))
    with bench.committed() as env:
        conserved = env["tier.account"]._is_conserved()
    # The ORM's rows are for timing alone: they leave out what the audit looks for.
    orm = []
    for part in range(ROUNDS):
        bench.note(f"Plain ORM, round {part + 1} of {ROUNDS}")
        some = [_usage(next(numbers), prefixes, callers) for _ in range(sample // ROUNDS)]
        orm.append(_ways.plain_orm(bench, some))
    bench.note("Raw COPY of the same rows")
    copy = [_ways.raw_copy(bench, "import_id IS NULL AND switch_id IS NOT NULL", calls) for _ in range(ROUNDS)]
    rates = {name: statistics.median(figures) for name, figures in (("ours", ours), ("orm", orm), ("copy", copy))}
    return {
        "calls_per_s": round(rates["ours"]),
        "orm_calls_per_s": round(rates["orm"]),
        "copy_calls_per_s": round(rates["copy"]),
        "vs_orm": round(rates["ours"] / rates["orm"], 1),
        "vs_copy": round(rates["ours"] / rates["copy"], 2),
        "conserved": conserved,
    }


def _prefixes(env):
    env.cr.execute("SELECT DISTINCT prefix FROM tier_rate WHERE NOT blocked AND date_from <= '2026-11-01'")
    return [row[0] for row in env.cr.fetchall()]


def _usage(number, prefixes, callers):
    chance = random.Random(number)
    switch_id, kind, identifier = chance.choice(callers)
    start = START + timedelta(seconds=number % 50000)
    seconds = Decimal(chance.randrange(1, 600_000)) / 1000
    return Usage(
        source_key=f"bench:{number}",
        switch_id=switch_id,
        accounts=((kind, identifier),),
        callee="x",
        number=(chance.choice(prefixes) + "5550123456")[:12],
        quantity=seconds,
        started_at=start,
        answered_at=start,
        ended_at=start + timedelta(seconds=float(seconds)),
        disposition="answered",
    )


def _charging_path(bench, usages):
    """Calls per second from the parsed record to the commit."""
    with bench.committed() as env:
        begin = time.perf_counter()
        for start in range(0, len(usages), charging.BATCH):
            env["tier.usage.event"]._charge(usages[start : start + charging.BATCH])
        return len(usages) / (time.perf_counter() - begin)
