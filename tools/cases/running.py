"""Runs a file of cases and prints what became of each."""

import json
import os
import tempfile
from collections import Counter
from pathlib import Path

from ..addons import present
from ..demo import RESULT
from ..messages import Failure, say
from ..paths import ROOT
from .reading import Malformed, engine_path, load


def run(words, instance):
    """Judge the cases of a file, a line each on standard output, and count them.

    :param words: the parsed options: ``file`` and ``no_database``
    :param instance: function that opens this checkout's instance; called only if a case is one
        of wallets, for which a database is needed
    :return: exit code, 1 if a case failed
    """
    file = Path(words.file)
    try:
        cases = load(file)
    except Malformed as error:
        raise Failure(f"{file} cannot be run: {error}.", 'See README.md, "Rating cases", for the format.') from error
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text in UTF-8"
        raise Failure(f"{file} cannot be read: {reason}.") from error
    if not cases:
        raise Failure(f"{file} holds no case.")
    engine_path(ROOT)
    from .judging import FAIL, PASS, REMARK, judge  # it imports the engine, which is on the path only now

    verdicts = [judge(data, number) for number, data in enumerate(cases, 1)]
    waiting = [verdict for verdict in verdicts if verdict.operation]
    if waiting and not words.no_database:
        try:
            settle(instance(), waiting)
        except Failure as failure:
            for verdict in waiting:
                verdict.status, verdict.reason = FAIL, f"the ledger could not be asked: {failure.message}"
    for verdict in verdicts:
        print(f"{verdict.status:<12}{verdict.name:<8} {verdict.model:<18} {_line(verdict.reason)}")
    counts = Counter(verdict.status for verdict in verdicts)
    remarks = sum(verdict.status == PASS and REMARK in verdict.reason for verdict in verdicts)
    with_remark = f" ({remarks} with a remark)" if remarks else ""
    print(
        f"{len(verdicts)} cases: {counts['pass']} passed{with_remark}, {counts['fail']} failed,"
        f" {counts['unsupported']} unsupported.",
        flush=True,
    )
    return 1 if counts["fail"] else 0


def settle(here, waiting):
    """Judge cases of wallets in a database that is thrown away."""
    with here.ready(), tempfile.TemporaryDirectory() as folder:
        here.databases.sweep()
        database = here.databases.name(f"run_{os.getpid()}")
        file = Path(folder) / "cases.json"
        file.write_text(json.dumps([verdict.operation for verdict in waiting]), encoding="utf-8")
        template = here.databases.template(present())
        say(f"  … {len(waiting)} cases of wallets, in a database of their own")
        here.databases.copy(template, database, fast=True)
        try:
            output = here.script("cases.py", database, env={**here.env, "TIER_CASES": str(file)})
        finally:
            here.databases.drop(database)
    for verdict, result in zip(waiting, json.loads(RESULT.search(output).group(1)), strict=True):
        verdict.settle(result)


def _line(text):
    """Keep a reason on its line, whatever characters a case has."""
    return "".join(char if char.isprintable() else " " for char in text)[:400]
