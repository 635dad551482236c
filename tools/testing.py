"""`./tier test`: a database for the run, then pytest over it."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from . import addons, system
from .messages import Failure, Log
from .paths import ADDONS, ROOT

# These need neither Odoo nor a database: alone they run at once.
PURE = ("tests/engine", "tests/adapters", "tests/tools")
EVERYTHING = ("addons", "tests")
BROWSERS = ("google-chrome", "chromium", "chromium-browser", "google-chrome-stable")
NO_TEST = 5  # pytest's exit code


def run_tests(instance, words):
    """Run the tests that `words` name, or all; return pytest's exit code.

    :param words: add-ons, files, `path::Class::test`, names of tests, pytest's own options
    """
    targets, options = select(words)
    whole = not words
    if targets and all(_is_pure(target) for target in targets):
        instance.venv.ready(test=True)
        return _pytest(instance, [*targets, *options, "-p", "no:odoo"], {})
    # Odoo skips the tests in a browser where there is none: in part of the tests that may be.
    if not any(system.has(name) for name in BROWSERS) and (whole or system.can_install()):
        system.need({"chromium": "chromium"}, "for the tests in a browser")
    with instance.ready(test=True):
        instance.databases.sweep()
        template = instance.databases.template(needed_addons(targets), test=True)
        database = instance.databases.name(f"run_{os.getpid()}")
        instance.databases.copy(template, database, fast=True)
        try:
            if whole:
                options += ["-p", "tools.all_ran"]
            return _pytest(
                instance,
                [*(targets or EVERYTHING), *options, *_odoo_options(instance, database)],
                {"TIER_CONTEXT": instance.context(template)},
            )
        finally:
            instance.databases.drop(database)


def select(words):
    """Split the command line into pytest's targets and options.

    :return: (targets, options); no target at all means every test
    """
    targets, options, wanted = [], [], []
    for word in words:
        path = word.split("::")[0]
        if word.startswith("-") or (options and options[-1] in ("-k", "-m", "-n", "-o", "-p")):
            options.append(word)
        elif "/" not in path and (ADDONS / path / "__manifest__.py").exists():
            targets.append(f"addons/{word}")
        elif _path(word).exists():
            targets.append(word)
        elif re.fullmatch(r"\w+", word):
            wanted.append(word)
        else:
            raise Failure(
                f"no add-on, file or test is called {word}.",
                "Name an add-on (tier_billing), a file, a path::Class::test, or part of a test's name.",
            )
    if wanted:
        options += ["-k", " or ".join(wanted)]
    return targets, options


def needed_addons(targets):
    """Those of our add-ons that must be installed for the targets."""
    names = set()
    for target in targets:
        path = _path(target)
        if not path.is_relative_to(ADDONS) or path == ADDONS:
            return addons.present()
        names.add(path.relative_to(ADDONS).parts[0])
    return addons.with_needs(names) if names else addons.present()


def _path(target):
    """The file or folder of a target, which may be relative to the checkout."""
    return (ROOT / Path(target.split("::")[0])).resolve()


def _is_pure(target):
    return any(_path(target).is_relative_to(ROOT / folder) for folder in PURE)


def _odoo_options(instance, database):
    extra = {
        "data-dir": instance.data_dir,
        "screenshots": instance.folder / "screenshots",
        "http-interface": "127.0.0.1",
        "max-cron-threads": 0,
    }
    return [
        "--odoo-http",
        "--odoo-log-level=warn",
        f"--odoo-database={database}",
        f"--odoo-config={instance.test_config()}",
        f"--odoo-addons-path={instance.addons_path()}",
        *(f"--odoo-extra={name}={value}" for name, value in extra.items()),
    ]


def _pytest(instance, arguments, env):
    """Run pytest on the terminal; its counting line is the last that this command prints."""
    shutil.rmtree(instance.folder / "screenshots", ignore_errors=True)
    command = [
        instance.venv.python,
        "-m",
        "pytest",
        *arguments,
        f"--rootdir={ROOT}",
        f"--config-file={ROOT / 'pyproject.toml'}",
        "-o",
        f"cache_dir={instance.folder / 'pytest'}",
    ]
    command = [str(part) for part in command]
    Log.write(f"$ {' '.join(command)}\n")
    env = {**instance.env, **env, "PYTHONDONTWRITEBYTECODE": "1"}
    code = subprocess.run(command, env=env, cwd=ROOT, check=False).returncode
    if code == NO_TEST:
        raise Failure("no test ran.", "Check the name; ./tier test without one runs all.")
    return 1 if code < 0 else code
