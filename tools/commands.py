"""The subcommands: each takes the parsed options and returns an exit code."""

import json
import shutil
import subprocess

from . import bench as bench_module
from . import deck as deck_module
from . import demo, postgres, serving, testing
from . import lint as lint_module
from .cases import running
from .instance import Instance
from .messages import Failure, Log, say, step
from .paths import cache, ensure, instance


def _open(command):
    """This checkout's instance, with the log of the command open."""
    ensure(instance())
    Log.open(instance() / "logs" / f"{command}.log")
    return Instance()


def run(options):
    if not 1 <= options.port <= 65535 - serving.GEVENT_OFFSET:
        raise Failure(f"{options.port} is no port.", "Give one between 1024 and 65532.")
    return demo.run(_open("run"), options.port, options.once, options.json)


def test(options):
    return testing.run_tests(_open("test"), options.words)


def shell(options):
    here = _open("shell")
    with here.ready():
        name = here.databases.name("demo")
        if not here.databases.exists(name):
            raise Failure("there is no demo database yet.", "Run ./tier run --once first.")
        command = here.odoo_command("shell", "-d", name, "--no-http", *options.words)
        return subprocess.run(command, env=here.env, cwd=here.folder, check=False).returncode


def audit(options):
    """Run the money audit on the demo database or another; exit 1 if it finds a fault."""
    here = _open("audit")
    with here.ready():
        name = here.databases.chosen(options.database)
        with step("Checking every account and transfer"):
            output = here.script("audit.py", name)
    result = json.loads(demo.RESULT.search(output).group(1))
    for finding in result["findings"]:
        print("  {check}: {wallet} {detail} should be {expected}, is {found}".format(**finding))
    print(
        f"  {result['accounts']} accounts, {result['transfers']} transfers, {result['faults']} faults"
        f" ({result['seconds']:.1f} s): {result['state']}.",
        flush=True,
    )
    return 0 if result["state"] == "clean" else 1


def sums(options):
    """Bring the sums that reports read up to date and compare them with the charges; exit 1 if they differ."""
    here = _open("sums")
    with here.ready():
        name = here.databases.chosen(options.database)
        env = {**here.env, "TIER_SUMS": "rebuild" if options.rebuild else ""}
        with step("Summing all usage anew" if options.rebuild else "Summing usage and comparing with every charge"):
            output = here.script("sums.py", name, env=env)
    result = json.loads(demo.RESULT.search(output).group(1))
    for row in result["differences"]:
        print("  {wallet}: {figure} should be {expected}, is {found}".format(**row))
    print(
        f"  Summed in {result['seconds']:.1f} s, compared in {result['check_seconds']:.1f} s:"
        f" {len(result['differences'])} differences.",
        flush=True,
    )
    return 1 if result["differences"] else 0


def deck(options):
    """Check, import, export or undo a rate deck; exit 1 if it is refused."""
    return deck_module.run(_open("deck"), options)


def stop(_options):
    folder = instance()
    if not folder.exists():
        say("  Nothing of this checkout runs.")
        return 0
    Log.open(folder / "logs" / "stop.log")
    servers = serving.stop_recorded(folder)
    if postgres.Cluster(folder / "postgresql").stop():
        say("  PostgreSQL stopped.")
    elif not servers:
        say("  Nothing of this checkout runs, or another ./tier is at work.")
    return 0


def clean(options):
    folder = instance()
    if folder.exists():
        serving.stop_recorded(folder)
        server = postgres.choose(folder / "postgresql")
        if isinstance(server, postgres.External):
            _drop_external()
        else:
            server.stop()
            shutil.rmtree(server.socket, ignore_errors=True)
        with step("Removing this checkout's databases and files"):
            shutil.rmtree(folder)
    if options.all:
        for name in ("odoo", "venv", "node", "locks"):
            if (cache() / name).exists():
                with step(f"Removing {cache() / name}"):
                    shutil.rmtree(cache() / name)
    return 0


def _drop_external():
    here = Instance()
    with here.ready():
        here.databases.drop(*here.databases.all())


def lint(options):
    return lint_module.lint(_open("lint"), options.fix)


def pot(_options):
    return lint_module.write_templates(_open("pot"))


def bench(options):
    bench_module.check(options.name)
    return bench_module.run_bench(_open("bench"), options.name, options.words)


def cases(options):
    return running.run(options, lambda: _open("cases"))
