"""Charge calls on every tier: the charging path, the plain-ORM way, and a raw COPY.

A chain of three payers below the provider, whose carrier's cost is known, in two currencies,
with the demo's rate decks. Arguments: number of calls (20000), calls of the ORM's sample (400).

Result: calls per second of each way (median of the rounds), and ours against the others. The
COPY writes the very rows that the charging path wrote, into tables with the same indexes but
no triggers: the limit of what the database can store.
"""

import io
import itertools
import random
import statistics
import time
from datetime import datetime, timedelta
from decimal import Decimal

from odoo.models import BaseModel

from odoo.addons.tier_rating import charging
from odoo.addons.tier_rating.charging.pricing import Item, Pricer
from odoo.addons.tier_rating.charging.usage import Usage

ROUNDS = 3
TABLES = ("tier_usage_event", "tier_charge", "tier_transfer")
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
        orm.append(_plain_orm(bench, some))
    bench.note("Raw COPY of the same rows")
    copy = [_raw_copy(bench, calls) for _ in range(ROUNDS)]
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


def _plain_orm(bench, usages):
    """The same with searches, browses and creates, a record at a time."""
    begin = time.perf_counter()
    with bench.committed() as env:
        for usage in usages:
            _orm_charge(env, usage)
    return len(usages) / (time.perf_counter() - begin)


def _orm_charge(env, usage):
    (kind, identifier), switch_id = usage.accounts[0], usage.switch_id
    endpoint = env["tier.endpoint"].search(
        [("kind", "=", kind), ("identifier", "=", identifier), ("switch_id", "in", (switch_id, False))], limit=1
    )
    voice = env["tier.service"].search([("code", "=", usage.service)])
    item = Item(0, endpoint.wallet_id.id, voice.id, usage.number, usage.started_at, usage.quantity)
    priced = Pricer(env, [item]).priced(item)
    if priced.reason:
        return
    event = BaseModel.create(
        env["tier.usage.event"],
        [
            {
                "source_key": usage.source_key,
                "endpoint_id": endpoint.id,
                "wallet_id": endpoint.wallet_id.id,
                "service_id": voice.id,
                "number": usage.number,
                "started_at": usage.started_at,
                "answered_at": usage.answered_at,
                "quantity": float(usage.quantity),
                "state": "charged",
            }
        ],
    )
    sale = 0.0
    for edge in [*priced.edges, *filter(None, [priced.carrier])]:
        wallet = env["tier.wallet"].browse(edge.wallet.id)
        if edge is not priced.carrier and edge.amount:
            BaseModel.create(
                env["tier.transfer"],
                [
                    {
                        "source_key": f"{usage.source_key}:{wallet.id}",
                        "kind": "usage",
                        "date": usage.started_at,
                        "company_id": wallet.company_id.id,
                        "from_account_id": wallet.account_id.id,
                        "to_account_id": wallet.payee_account_id.id,
                        "from_wallet_id": wallet.id,
                        "to_wallet_id": wallet.payee_account_id.wallet_id.id,
                        "amount": float(edge.amount),
                        "amount_to": float(edge.amount_to),
                        "currency_id": wallet.currency_id.id,
                        "currency_to_id": wallet.payee_account_id.currency_id.id,
                        **_exchange(env, wallet),
                    }
                ],
            )
        BaseModel.create(
            env["tier.charge"],
            [
                {
                    "event_id": event.id,
                    "wallet_id": wallet.id,
                    "currency_id": wallet.currency_id.id,
                    "date": usage.started_at,
                    "sale": sale,
                    "cost": float(edge.amount),
                    "margin": sale - float(edge.amount) if sale else 0,
                }
            ],
        )
        sale = float(edge.sale)
    env.flush_all()


def _exchange(env, wallet):
    payee = wallet.payee_account_id
    if payee.currency_id == wallet.currency_id:
        return {}
    account = env["tier.account"]
    return {
        "exchange_in_id": account._get("exchange", wallet.company_id, wallet.currency_id).id,
        "exchange_out_id": account._get("exchange", wallet.company_id, payee.currency_id).id,
    }


def _raw_copy(bench, calls):
    """Calls per second of storing the rows that the charging path made."""
    connection = bench.connect()
    try:
        cursor = connection.cursor()
        files = []
        for table in TABLES:
            cursor.execute(f"DROP TABLE IF EXISTS bench_{table}")
            cursor.execute(f"CREATE TABLE bench_{table} (LIKE {table} INCLUDING ALL)")
            file = io.BytesIO()
            cursor.copy_expert(_COPY_OUT[table], file)
            files.append((table, file))
        connection.commit()
        begin = time.perf_counter()
        for table, file in files:
            file.seek(0)
            cursor.copy_expert(f"COPY bench_{table} FROM STDIN", file)
        connection.commit()
        return calls / (time.perf_counter() - begin)
    finally:
        connection.close()


_EVENTS = "FROM tier_usage_event WHERE import_id IS NULL AND switch_id IS NOT NULL"
_CHARGES = f"FROM tier_charge WHERE event_id IN (SELECT id {_EVENTS})"
_COPY_OUT = {
    "tier_usage_event": f"COPY (SELECT * {_EVENTS}) TO STDOUT",
    "tier_charge": f"COPY (SELECT * {_CHARGES}) TO STDOUT",
    "tier_transfer": f"COPY (SELECT * FROM tier_transfer WHERE id IN (SELECT transfer_id {_CHARGES})) TO STDOUT",
}
