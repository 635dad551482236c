"""`./tier run`: the demo database, its table, and the server."""

import json
import re
from decimal import Decimal

from . import addons
from .messages import Failure, say, step
from .paths import locked
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
        with locked(instance.folder / "locks" / "demo", "prepares the demo"):
            database, loaded = prepare(instance)
            answer = load(instance, database, loaded)
        summary, logins = answer["summary"], answer["logins"]
        if not as_json:
            print(table(summary), flush=True)
        if once:
            if as_json:
                print(json.dumps(numbers(summary)), flush=True)
            return 0
        server = Server(instance, database, port)
        try:
            server.start()
            say(f"\n  Tier serves on {server.address}   (Ctrl-C or ./tier stop ends it)\n")
            say(login_table(logins, server.address))
            say(f"\n  Odoo's log: {server.log}")
            if as_json:
                print(json.dumps(numbers(summary)), flush=True)
            if not server.wait():
                raise Failure("Odoo ended by itself.", "See its log.", log=server.log)
        finally:
            server.stop()
    return 0


def prepare(instance):
    """The demo database with the add-ons as they are now.

    :return: (its name, whether the demo's files are in it already)
    """
    databases = instance.databases
    names = addons.present()
    name = databases.name("demo")
    stamp = instance.folder / "demo.json"
    now = {addon: addons.source_key(addon) for addon in names}
    before = _read(stamp)
    if not databases.exists(name) or before.get("odoo") != instance.odoo.key:
        stamp.unlink(missing_ok=True)
        template = databases.template(names)
        with step("Creating the demo database"):
            databases.copy(template, name)
        before = {}
    else:
        have = before.get("addons", {})
        for option, verb, changed in (
            ("-u", "Upgrading", [addon for addon in names if addon in have and have[addon] != now[addon]]),
            ("-i", "Installing", [addon for addon in names if addon not in have]),
        ):
            databases.install(name, changed, f"{verb} {', '.join(changed)}", option)
    stamp.write_text(json.dumps({"odoo": instance.odoo.key, "addons": now, "loaded": before.get("loaded")}))
    return name, before.get("loaded") == now


def _read(stamp):
    try:
        return json.loads(stamp.read_text())
    except (OSError, ValueError):
        return {}


def load(instance, database, loaded):
    """Import the demo's files, unless `loaded`; return its figures and logins."""
    title = "Reading the demo's figures" if loaded else "Importing the demo's rates and call records"
    with step(title) as loading:

        def note(line):
            match = PROGRESS.match(line)
            if match:
                loading.note = match.group(1)

        env = {**instance.env, "TIER_DEMO_LOADED": "1" if loaded else ""}
        output = instance.script("demo.py", database, on_line=note, env=env)
    match = RESULT.search(output)
    if not match:
        raise Failure("the demo gave no figures.", "See the log.")
    stamp = instance.folder / "demo.json"
    noted = _read(stamp)
    stamp.write_text(json.dumps({**noted, "loaded": noted.get("addons")}))
    return json.loads(match.group(1))


def numbers(summary):
    """The summary with its amounts as JSON numbers; inside they are exact decimals as text."""
    amounts = ("sale", "cost", "margin", "balance")
    wallets = [{key: float(v) if key in amounts else v for key, v in w.items()} for w in summary["wallets"]]
    return {**summary, "wallets": wallets}


def table(summary):
    """The wallets' figures as text, with the check that money is conserved."""
    wallets = summary["wallets"]
    columns = [[title, *(str(wallet[key]) for wallet in wallets)] for title, key in COLUMNS]
    columns[0][1:] = ["  " * int(wallet["tier"]) + wallet["name"] for wallet in wallets]
    for column in columns[3:7]:
        column[1:] = _same_places(column[1:])
    lines = ["", *_aligned([list(row) for row in zip(*columns, strict=True)], left=(0, 7)), ""]
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


def _same_places(amounts):
    """Amounts as text, all with as many decimal places as one of them needs, at least 2."""
    places = max([2, *(len(amount.partition(".")[2].rstrip("0")) for amount in amounts)])
    return [f"{Decimal(amount):.{places}f}" for amount in amounts]


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
