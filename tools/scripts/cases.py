"""Do what cases of wallets ask for, with the ledger and the charging path; print what came of it.

``TIER_CASES`` names a file with the operations, see ``tools/cases/wallets.py``, as JSON. Every
operation has wallets of its own; the database is thrown away afterwards.
"""

import json
import os
import random
import traceback
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from environment import environment

from odoo import SUPERUSER_ID, api, sql_db
from odoo.exceptions import UserError
from odoo.modules.registry import Registry

NUMBER, PRICE, SECONDS = "4930123456", Decimal("0.60"), 60
BATCH = 5
START = datetime(2026, 5, 4, 12)


def plant(env, name, parent=None):
    """Make a wallet; one with a parent pays 0.60 a minute."""
    partner = env["res.partner"].create({"name": name})
    wallet = env["tier.wallet"].create({"name": name, "partner_id": partner.id, "parent_id": parent and parent.id})
    if parent:
        brand = env["tier.brand"].create(
            {"name": name, "wallet_id": parent.id, "currency_id": wallet.currency_id.id, "tz": "UTC"}
        )
        wallet.price_list_id = env["tier.price.list"].create({"name": name, "brand_id": brand.id})
        env["tier.rate"].create({"price_list_id": wallet.price_list_id.id, "prefix": "49", "price": float(PRICE)})
    return wallet


def fund(wallet, amount, key):
    if Decimal(amount) > 0:
        wallet._topup(Decimal(amount), f"{key}:fund:{wallet.id}")
    elif Decimal(amount) < 0:
        wallet._adjust(Decimal(amount), f"{key}:fund:{wallet.id}", "a case's own balance")


def balance(wallet):
    """Return a wallet's balance as text: read as a number it would be a float."""
    wallet.env.flush_all()
    wallet.env.cr.execute("SELECT balance::text FROM tier_account WHERE id = %s", [wallet.account_id.id])
    return wallet.env.cr.fetchone()[0]


def refusable(env, action):
    """Return None, or why it was refused; nothing of it stays then."""
    try:
        with env.cr.savepoint():
            action()
    except UserError as error:
        return str(error)
    return None


def transfer(env, key, wanted):
    """Hand money on from a wallet to its child."""
    source = plant(env, f"{key} source", plant(env, f"{key} provider"))
    dest = plant(env, f"{key} dest", source)
    fund(source, wanted["source"], key)
    fund(dest, wanted["dest"], key)
    refused = refusable(env, lambda: dest._allocate(Decimal(wanted["amount"]), f"{key}:transfer"))
    return {"source_after": balance(source), "dest_after": balance(dest), "refused": refused}


def topup(env, key, wanted):
    """Send one top-up several times."""
    wallet = plant(env, key, plant(env, f"{key} provider"))
    fund(wallet, wanted["balance"], key)
    refused = None
    for _time in range(wanted["repeat"]):
        refused = refused or refusable(env, lambda: wallet._topup(Decimal(wanted["amount"]), f"{key}:topup"))
    accepted = env["tier.transfer"].search_count([("source_key", "=", f"{key}:topup")])
    return {"accepted": accepted, "balance_after": balance(wallet), "refused": refused}


def calls(key, wanted):
    """Have several processes charge the same calls at once."""
    with environment() as env:
        database = env.cr.dbname
        provider = plant(env, f"{key} provider")
        wallets = [plant(env, f"{key} {number}", provider) for number in range(min(9, wanted["calls"]))]
        for wallet in wallets:
            fund(wallet, wanted["calls"] * PRICE, key)
        before = sum(Decimal(balance(wallet)) for wallet in wallets)
        ids = [wallet.id for wallet in wallets]
    sql_db.close_all()  # a connection must not be shared with a child
    children = []
    for number in range(wanted["processes"]):
        child = os.fork()
        if not child:
            code = 1
            try:
                charge_all(database, ids, key, wanted["calls"], number)
                code = 0
            except Exception:
                traceback.print_exc()
            finally:
                os._exit(code)
        children.append(child)
    codes = [os.waitpid(child, 0)[1] for child in children]
    with environment() as env:
        after = sum(Decimal(balance(wallet)) for wallet in env["tier.wallet"].browse(ids))
        env.cr.execute(
            "SELECT count(*), count(DISTINCT e.id), COALESCE(sum(c.cost), 0)::text"
            "  FROM tier_usage_event e JOIN tier_charge c ON c.event_id = e.id AND c.wallet_id = ANY(%s)"
            " WHERE e.state = 'charged'",
            [ids],
        )
        charges, events, cost = env.cr.fetchone()
        conserved = env["tier.account"]._is_conserved()
    return {
        "ended": not any(codes),
        "charged_once": charges == events == wanted["calls"],
        "debit_is_cost": before - after == Decimal(cost) == wanted["calls"] * PRICE,
        "conserved": conserved,
        "refused": None,
    }


def charge_all(database, ids, key, count, number):
    """Charge every call of a case, in an order of this process's own."""
    from odoo.addons.tier_rating.charging.usage import Usage

    usages = [
        Usage(
            source_key=f"{key}:{call}",
            quantity=Decimal(SECONDS),
            number=NUMBER,
            wallet_id=ids[call % len(ids)],
            started_at=START,
            ended_at=START + timedelta(seconds=SECONDS),
        )
        for call in range(count)
    ]
    random.Random(number).shuffle(usages)
    with Registry(database).cursor() as cr:
        Event = api.Environment(cr, SUPERUSER_ID, {})["tier.usage.event"]
        for start in range(0, count, BATCH):
            Event._charge(usages[start : start + BATCH])


def in_transaction(operation):
    """Return an operation that works in one transaction of its own: one that fails takes no other with it."""

    def run(key, wanted):
        try:
            with environment() as env:
                return operation(env, key, wanted)
        except UserError as error:
            return {"refused": str(error)}

    return run


OPERATIONS = {"transfer": in_transaction(transfer), "topup": in_transaction(topup), "calls": calls}

operations = json.loads(Path(os.environ["TIER_CASES"]).read_text(encoding="utf-8"))
results = [OPERATIONS[wanted["what"]](f"case{place}", wanted) for place, wanted in enumerate(operations)]
print(f"TIER result {json.dumps(results)}", flush=True)
