"""A rate deck of a million rates: from the file to committed rates.

The file is read, staged, compared with the price list, kept line by line as a version of the deck
and written to the rates, as the screen does it; commits wait for the disk.

Arguments: rates (1000000), destinations (5000).

Result: rates per second of the first deck of an empty list, and how that compares with a raw COPY of the
same rates, in the order of the file, into a table with the same indexes and checks (``vs_copy``), and of the
rates and the kept lines (``vs_copy_all``); the import sorts the rates as their index is, so a raw COPY of sorted
ones is told as well (``vs_copy_sorted``); the same for a full deck that raises a tenth of the rates, lowers a
tenth and has other prefixes for a tenth; the seconds of undoing that; and the peak memory of the process.
"""

import multiprocessing
import random
import resource
import statistics
import tempfile
import time
from pathlib import Path

from _rating_world import prefixes
from odoo_process import committed

DEFAULTS = (1_000_000, 5_000)
ROUNDS = 3


def main(bench):
    given = tuple(map(int, bench.arguments))
    rates, destinations = given + DEFAULTS[len(given) :]
    with tempfile.TemporaryDirectory() as folder:
        first, second = Path(folder, "first.csv"), Path(folder, "second.csv")
        every = prefixes(rates + rates // 10)
        _write(first, every[:rates], destinations, 0)
        _write(second, every[rates // 10 :], destinations, 1)
        with bench.committed() as env:
            price_list = _price_list(env)
        bench.note(f"The first deck: {rates} rates")
        new = _in_process(_import, bench.database, price_list, first, False)
        copies = [_raw_copy(bench, price_list) for _ in range(ROUNDS)]
        bench.note("A full deck that changes some")
        changed = _in_process(_import, bench.database, price_list, second, True)
        bench.note("Undo")
        undone = _in_process(_undo, bench.database, price_list)
    rate = rates / new["seconds"]
    copied = statistics.median(rates / seconds["rates"] for seconds in copies)
    in_order = statistics.median(rates / seconds["sorted"] for seconds in copies)
    both = statistics.median(rates / (seconds["rates"] + seconds["lines"]) for seconds in copies)
    return {
        "rows_per_s": round(rate),
        "vs_copy": round(rate / copied, 2),
        "vs_copy_all": round(rate / both, 2),
        "vs_copy_sorted": round(rate / in_order, 2),
        "copy_rows_per_s": round(copied),
        "read_seconds": round(new["read"], 1),
        "seconds": round(new["seconds"], 1),
        "changed_rows_per_s": round(rates / changed["seconds"]),
        "changed": changed["counts"],
        "undo_seconds": round(undone["seconds"], 1),
        "peak_mb": max(new["peak_mb"], changed["peak_mb"], undone["peak_mb"]),
    }


def _write(path, every, destinations, version):
    """Write a deck; one of another version has other prices for a fifth of the rates."""
    with path.open("w") as file:
        file.write("prefix,destination,price,initial,increment,effective_from\n")
        for number, prefix in enumerate(every):
            price = random.Random(prefix).randrange(100, 50_000)
            if version and number % 10 < 2:
                price += 7 if number % 10 else -7
            file.write(f"{prefix},Place {number % destinations},{price / 100_000:.5f},1,1,2026-01-0{1 + version}\n")


def _price_list(env):
    company = env.company
    wallet = env["tier.wallet"].search([("parent_id", "=", False), ("company_id", "=", company.id)], limit=1)
    wallet = wallet or env["tier.wallet"].create({"name": "Bench provider", "partner_id": company.partner_id.id})
    brand = env["tier.brand"].create(
        {"name": "Bench", "wallet_id": wallet.id, "currency_id": wallet.currency_id.id, "rounding_digits": 4}
    )
    return env["tier.price.list"].create({"name": "Bench", "brand_id": brand.id}).id


def _in_process(function, *args):
    """Run a function in a process that starts with nothing in memory; what it returns, with its peak."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_tell, args=(theirs, function, args))
    process.start()
    theirs.close()
    result = ours.recv()
    process.join()
    if isinstance(result, Exception):
        raise result
    return result


def _tell(pipe, function, args):
    try:
        result = function(*args)
        pipe.send({**result, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024})
    except Exception as error:
        pipe.send(RuntimeError(repr(error)))
        raise


def _import(database, price_list_id, path, full):
    with committed(database):
        pass  # the registry is loaded, as in a server
    begin = time.perf_counter()
    with committed(database) as env, path.open("rb") as stream:
        price_list, voice = env["tier.price.list"].browse(price_list_id), env.ref("tier_rating.service_voice")
        deck = env["tier.rate.import"]._check_deck(price_list, voice, stream, full=full, name=path.name)
        checked = time.perf_counter()
        deck._raise_if_refused()
        deck._import()
        counts = {name: deck[f"{name}_count"] for name in ("new", "up", "down", "unchanged", "removed")}
    return {"seconds": time.perf_counter() - begin, "read": checked - begin, "counts": counts}


def _undo(database, price_list_id):
    begin = time.perf_counter()
    with committed(database) as env:
        env["tier.deck"].search([("price_list_id", "=", price_list_id)], limit=1).action_undo()
    return {"seconds": time.perf_counter() - begin}


def _raw_copy(bench, price_list):
    """Seconds of storing the same rows, in one COPY a table without triggers; from files on the disk."""
    connection = bench.connect()
    seconds = {}
    try:
        cursor = connection.cursor()
        of_deck = f"deck_id IN (SELECT id FROM tier_deck WHERE price_list_id = {price_list})"
        of_list = f"WHERE t.price_list_id = {price_list}"
        in_file = f"JOIN tier_deck_line l ON l.{of_deck} AND l.prefix = t.prefix"
        for name, table, rows in (
            ("rates", "tier_rate", f"{in_file} {of_list} ORDER BY l.line"),
            ("sorted", "tier_rate", f"{of_list} ORDER BY t.prefix"),
            ("lines", "tier_deck_line", f"WHERE t.{of_deck} ORDER BY t.line"),
        ):
            with tempfile.TemporaryFile() as file:
                cursor.copy_expert(f"COPY (SELECT t.* FROM {table} t {rows}) TO STDOUT", file)
                cursor.execute(f"DROP TABLE IF EXISTS bench_{table}")
                cursor.execute(f"CREATE TABLE bench_{table} (LIKE {table} INCLUDING ALL)")
                connection.commit()
                file.seek(0)
                begin = time.perf_counter()
                cursor.copy_expert(f"COPY bench_{table} FROM STDIN", file)
                connection.commit()
                seconds[name] = time.perf_counter() - begin
                cursor.execute(f"DROP TABLE bench_{table}")
                connection.commit()
    finally:
        connection.close()
    return seconds
