"""Check, import, export or undo a rate deck on a database; print what it changes.

The request is a JSON object in TIER_DECK: see tools/deck.py.
"""

import json
import os
import sys
from datetime import date

from environment import environment

from odoo.exceptions import UserError

COUNTS = ("row", "new", "up", "down", "changed", "blocked", "unchanged", "removed", "warning")
SHOWN = 20


def main(env, request):
    """Do what is asked for.

    :param dict request: with ``action`` and the options of the command line
    :return: what to print, as a dict; ``error`` says why nothing was done
    """
    if request["action"] == "undo":
        deck = env["tier.deck"].browse(int(request["deck"])).exists()
        if not deck:
            return {"error": f"there is no deck {request['deck']}"}
        deck.action_undo()
        return {"deck": deck.id, "state": deck.state}
    if request["action"] == "export" and request["deck"]:
        return export(env, request)
    price_list = one(env, "tier.price.list", request["list"])
    service = env["tier.service"].search([("code", "=", request["service"])])
    if not price_list or not service:
        return {"error": f"there is no price list {request['list']} or no service {request['service']}, or several"}
    env = env(context={**env.context, "allowed_company_ids": price_list.company_id.ids})
    if request["action"] == "export":
        return export(env, request, price_list, service)
    return load(env, request, price_list.with_env(env), service.with_env(env))


def one(env, model, name):
    """Return the record of that name or id; none if there are several."""
    found = env[model].search([("name", "=", name)])
    if not found and name.isdigit():
        found = env[model].browse(int(name)).exists()
    return found if len(found) == 1 else env[model]


def load(env, request, price_list, service):
    """Check a file, and import it if that is asked for."""
    from odoo.addons.tier_rating.decks.reader import Layout

    values = {"name": os.path.basename(request["file"]), "full": request["full"]}
    layout = Layout()
    if request["sender"]:
        sender = one(env, "tier.deck.sender", request["sender"])
        if not sender:
            return {"error": f"there is no sender {request['sender']}"}
        layout = sender._layout()
        values |= {
            "sender_id": sender.id,
            "full": request["full"] or sender.full,
            "jump_percent": sender.jump_percent,
        }
    layout.mapping = {**layout.mapping, **request["columns"]}
    if request["sheet"]:
        layout.sheet = request["sheet"]
    if request["jump"] is not None:
        values["jump_percent"] = request["jump"]
    if request["from"]:
        values["date_from"] = date.fromisoformat(request["from"])
    with open(request["file"], "rb") as stream:
        deck = env["tier.rate.import"]._check_deck(
            price_list, service, stream, layout, lambda count: tell(f"{count} rates read"), **values
        )
    if request["action"] == "import" and deck.state == "checked":
        deck._import()
    looked_at = env["tier.deck.line"].search([("deck_id", "=", deck.id), ("warnings", "!=", False)], limit=SHOWN)
    return {
        "deck": deck.id,
        "state": deck.state,
        "faults": deck.fault_count,
        "problems": (deck.problems or "").split("\n")[:SHOWN] if deck.problems else [],
        "counts": {name: deck[f"{name}_count"] for name in COUNTS},
        "warnings": [
            f"line {line.line or '-'}: {line.prefix} {line.destination or ''}: {line.warnings_text}"
            for line in looked_at
        ],
    }


def export(env, request, price_list=None, service=None):
    """Write a price list, or a kept deck, to a file."""
    from odoo.addons.tier_rating.decks.writer import WRITERS
    from odoo.addons.tier_rating.loading import exporting

    form = request["file"].rsplit(".", 1)[-1].lower()
    if form not in WRITERS:
        return {"error": "the file's name must end with .csv or .xlsx"}
    if price_list is None:
        deck = env["tier.deck"].browse(int(request["deck"])).exists()
        if not deck:
            return {"error": f"there is no deck {request['deck']}"}
        rows = exporting.of_deck(env.cr, deck)
    else:
        rows = exporting.of_list(env.cr, price_list, service)
    with open(request["file"], "w+b") as stream:
        return {"rows": WRITERS[form](stream, rows), "file": request["file"]}


def tell(text):
    """Say how far it is, now and then."""
    if text.split()[0].endswith("0000"):
        print(f"TIER progress {text}", flush=True)


with environment(sys.argv[1:]) as env:
    try:
        with env.cr.savepoint():
            answer = main(env, json.loads(os.environ["TIER_DECK"]))
    except (UserError, OSError, ValueError) as error:
        answer = {"error": str(error)}
    env.cr.commit()
print(f"TIER result {json.dumps(answer, default=str)}", flush=True)
