"""`./tier run`: the demo database, its table, and the server."""

import json
import re

from . import addons
from .messages import Failure, say, step
from .serving import Server, check_port

COLUMNS = (
    ("wallet", "name"),
    ("tier", "tier"),
    ("calls", "calls"),
    ("sale", "sale"),
    ("cost", "cost"),
    ("margin", "margin"),
    ("balance", "balance"),
    ("", "currency"),
)
PROGRESS = re.compile(r"^TIER progress (.*)$")
RESULT = re.compile(r"^TIER result (.*)$", re.MULTILINE)


def run(instance, port, once, as_json):
    """Set up the demo, print its table and serve it."""
    if not once:
        check_port(port)
    with instance.ready():
        database = prepare(instance)
        answer = load(instance, database)
        summary, logins = answer["summary"], answer["logins"]
        if not as_json:
            print(table(summary), flush=True)
        if once:
            if as_json:
                print(json.dumps(summary), flush=True)
            return 0
        server = Server(instance, database, port)
        try:
            server.start()
            say(f"\n  Tier serves on {server.address}   (Ctrl-C or ./tier stop ends it)\n")
            say(login_table(logins, server.address))
            say(f"\n  Odoo's log: {server.log}")
            if as_json:
                print(json.dumps(summary), flush=True)
            if not server.wait():
                raise Failure("Odoo ended by itself.", "See its log.", log=server.log)
        finally:
            server.stop()
    return 0


def prepare(instance):
    """The demo database with the add-ons as they are now; its name."""
    databases = instance.databases
    names = addons.present()
    name = databases.name("demo")
    stamp = instance.folder / "demo.json"
    now = {addon: addons.source_key(addon) for addon in names}
    try:
        noted = json.loads(stamp.read_text())
    except (OSError, ValueError):
        noted = {}
    if not databases.exists(name) or noted.get("odoo") != instance.odoo.key:
        stamp.unlink(missing_ok=True)
        template = databases.template(names)
        with step("Creating the demo database"):
            databases.copy(template, name)
    else:
        before = noted.get("addons", {})
        for option, changed in (
            ("-u", [a for a in names if a in before and before[a] != now[a]]),
            ("-i", [a for a in names if a not in before]),
        ):
            databases.install(
                name, changed, f"{'Upgrading' if option == '-u' else 'Installing'} {', '.join(changed)}", option
            )
    stamp.write_text(json.dumps({"odoo": instance.odoo.key, "addons": now}))
    return name


def load(instance, database):
    """Import the demo's files where that is not done yet; return its figures and logins.

    The answer is kept: it changes only when the database does.
    """
    with step("Importing the demo's rates and call records") as loading:

        def note(line):
            match = PROGRESS.match(line)
            if match:
                loading.note = match.group(1)

        output = instance.script("demo.py", database, on_line=note)
    match = RESULT.search(output)
    if not match:
        raise Failure("the demo gave no figures.", "See the log.")
    return json.loads(match.group(1))


def table(summary):
    """The wallets' figures as text, with the check that money is conserved."""
    rows = [[title for title, _key in COLUMNS]]
    for wallet in summary["wallets"]:
        row = [str(wallet[key]) for _title, key in COLUMNS]
        row[0] = "  " * int(wallet["tier"]) + row[0]
        rows.append(row)
    lines = ["", *_aligned(rows, left=(0, 7)), ""]
    lines.append(
        f"  {summary['events']} events over {summary['tiers']} tiers: {summary['charged']} charged, "
        f"{summary['suspense']} in suspense."
    )
    for reason, count in sorted(summary.get("reasons", {}).items()):
        lines.append(f"    {count} × {reason}")
    lines.append(
        "  The sum over all accounts is zero in every currency: money is conserved."
        if summary["conserved"]
        else "  THE ACCOUNTS DO NOT ADD UP TO ZERO."
    )
    return "\n".join(lines)


def login_table(logins, address):
    rows = [["role", "login", "password", "address"]]
    rows += [[row["role"], row["login"], row["password"], address + row.get("url", "")] for row in logins]
    return "\n".join(_aligned(rows, left=range(4)))


def _aligned(rows, left):
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  " + "  ".join(cells).rstrip())
    return lines
