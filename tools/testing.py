"""`./tier test`: a database for the run, then pytest over it."""

import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from . import addons, counting, system
from .messages import Failure, Log, say
from .paths import ADDONS, ROOT

PROGRAMS = {"chromium": "chromium", "wkhtmltopdf": "wkhtmltopdf"}


def run_tests(instance, words):
    """Run the tests that `words` name, or all; return pytest's exit code.

    :param words: add-ons, files, `path::Class::test`, names of tests, pytest's own options
    """
    targets, options = select(words)
    names = needed_addons(targets)
    if not any(shutil.which(name) for name in ("google-chrome", "chromium", "chromium-browser")):
        system.need({"chromium": "chromium"}, "for the tests in a browser")
    system.need({"wkhtmltopdf": "wkhtmltopdf"}, "for the tests of printed documents")
    report = instance.folder / "logs" / f"junit-{os.getpid()}.xml"
    with instance.ready(test=True):
        template = instance.databases.template(names, test=True)
        database = instance.databases.name(f"run_{os.getpid()}")
        instance.databases.copy(template, database, fast=True)
        try:
            code = _pytest(instance, database, template, targets, options, report)
        finally:
            instance.databases.drop(database)
    return _judge(code, report, narrowed=bool(words))


def select(words):
    """Split the command line into pytest's targets and options.

    :return: (targets, options); no word at all means every test
    """
    targets, options, wanted = [], [], []
    for word in words:
        path = word.split("::")[0]
        if word.startswith("-"):
            options.append(word)
        elif (ADDONS / path / "__manifest__.py").exists() and "/" not in path:
            targets.append(str(Path("addons") / word))
        elif (ROOT / path).exists() or Path(path).exists():
            targets.append(word)
        elif re.fullmatch(r"\w+", word):
            wanted.append(word)
        else:
            raise Failure(f"no add-on, file or test is called {word}.",
                          "Name an add-on (tier_billing), a file, a path::Class::test, or part of a test's name.")
    if wanted:
        options += ["-k", " or ".join(wanted)]
    everything = [name for name in ("addons", "tests") if (ROOT / name).is_dir()]
    return targets or everything, options


def needed_addons(targets):
    """Those of our add-ons that must be installed for the targets."""
    names = set()
    for target in targets:
        path = Path(target.split("::")[0])
        parts = (path if path.is_absolute() else (ROOT / path)).resolve().parts
        base = ADDONS.parts
        if parts[:len(base)] != base or len(parts) == len(base):
            return addons.present()
        names.add(parts[len(base)])
    return addons.with_needs(names)


def _pytest(instance, database, template, targets, options, report):
    """Run pytest on the terminal."""
    env = {
        **instance.env,
        "TIER_CONTEXT": instance.context(template),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [
        instance.venv.python, "-m", "pytest", *targets, *options,
        f"--rootdir={ROOT}", f"--config-file={ROOT / 'pyproject.toml'}",
        "-o", f"cache_dir={instance.folder / 'pytest'}", f"--junit-xml={report}",
        f"--odoo-config={instance.test_config()}", f"--odoo-database={database}", "--odoo-http",
        f"--odoo-addons-path={instance.addons_path()}", "--odoo-log-level=warn",
        "--odoo-extra", f"data-dir={instance.data_dir}",
        "--odoo-extra", f"screenshots={instance.folder / 'screenshots'}",
    ]
    command = [str(part) for part in command]
    Log.write(f"$ {' '.join(command)}\n")
    return subprocess.run(command, env=env, cwd=ROOT, check=False).returncode


def _judge(code, report, narrowed):
    """Pytest's exit code, or a failure if a test that exists did not run."""
    if code == 5:
        raise Failure("no test ran.", "Check the name: ./tier test without one runs all.")
    if code in (0, 1) and report.exists():
        ran, skipped = read_report(report)
        if not narrowed:
            missing = counting.missing(ran)
            for name in missing:
                say(f"  ✗ did not run: {name}")
            for name in skipped if os.environ.get("CI") else ():
                say(f"  ✗ skipped: {name}")
            if missing or (skipped and os.environ.get("CI")):
                code = code or 1
        report.unlink()
    return code


def read_report(report):
    """The tests that ran and those that were skipped, as (class path, name)."""
    ran, skipped = set(), set()
    for case in ElementTree.parse(report).iter("testcase"):
        key = case.get("classname", ""), case.get("name", "").split("[")[0]
        (skipped if case.find("skipped") is not None else ran).add(key)
    return ran, sorted(skipped)
