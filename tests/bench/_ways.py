"""The ways that benches compare ours with: the plain ORM, and a raw COPY."""

import io
import time

from odoo.models import BaseModel

from odoo.addons.tier_rating.charging.priced import Item
from odoo.addons.tier_rating.charging.pricing import Pricer


def plain_orm(bench, usages):
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


def raw_copy(bench, events, calls):
    """Calls per second of storing the rows that the charging path made, in one COPY a table.

    The tables have the same indexes and checks, but no triggers, and are empty.

    :param str events: SQL condition on the events
    :param int calls: of them at most
    """
    connection = bench.connect()
    try:
        cursor = connection.cursor()
        cursor.execute("DROP TABLE IF EXISTS bench_chosen")
        cursor.execute(f"CREATE TABLE bench_chosen AS SELECT id FROM tier_usage_event WHERE {events} LIMIT {calls}")
        cursor.execute("ANALYZE bench_chosen")
        files = []
        for table, rows in _ROWS.items():
            cursor.execute(f"DROP TABLE IF EXISTS bench_{table}")
            cursor.execute(f"CREATE TABLE bench_{table} (LIKE {table} INCLUDING ALL)")
            file = io.BytesIO()
            cursor.copy_expert(f"COPY ({rows}) TO STDOUT", file)
            files.append((table, file))
        cursor.execute("SELECT count(*) FROM bench_chosen")
        count = cursor.fetchone()[0]
        connection.commit()
        begin = time.perf_counter()
        for table, file in files:
            file.seek(0)
            cursor.copy_expert(f"COPY bench_{table} FROM STDIN", file)
        connection.commit()
        return count / (time.perf_counter() - begin)
    finally:
        connection.close()


_CHARGES = "tier_charge WHERE event_id IN (SELECT id FROM bench_chosen)"
_ROWS = {
    "tier_usage_event": "SELECT * FROM tier_usage_event WHERE id IN (SELECT id FROM bench_chosen)",
    "tier_charge": f"SELECT * FROM {_CHARGES}",
    "tier_transfer": f"SELECT * FROM tier_transfer WHERE id IN (SELECT transfer_id FROM {_CHARGES})",
}
