"""Databases: templates that are built once, and the copies that commands work on."""

import os
import re
import shutil

from . import addons
from .messages import Failure, Log, run, step
from .paths import digest, locked
from .postgres import sql

KEEP = 3  # templates of one kind that stay, for work on several branches
RECIPE = 2  # raise when the way a template is built changes


class Databases:
    """The databases of one instance."""

    def __init__(self, instance):
        self.instance = instance
        self.filestores = instance.data_dir / "filestore"

    def name(self, what):
        return f"tier_{what}{self.instance.server.suffix}"

    def sql(self, database, *statements):
        return sql(self.instance.venv.python, self.instance.env, database, *statements)

    def all(self):
        """Names of this instance's databases, oldest first."""
        suffix = self.instance.server.suffix
        rows = self.sql("postgres", "SELECT datname FROM pg_database ORDER BY oid")
        return [name for (name,) in rows if name.startswith("tier_") and name.endswith(suffix)]

    def exists(self, name):
        return name in self.all()

    def drop(self, *names):
        """Remove databases with their files, even if somebody is connected."""
        if names:
            self.sql("postgres", *(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)' for name in names))
        for name in names:
            shutil.rmtree(self.filestores / name, ignore_errors=True)

    def copy(self, template, name, fast=False):
        """Make database `name` as a copy of `template`, its files as hard links.

        :param fast: do not wait for the disk at commits, for a database that a crash may lose
        """
        self.drop(name)
        self.sql("postgres", f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        if fast:
            self.sql("postgres", f'ALTER DATABASE "{name}" SET synchronous_commit = off')
        self._copy_files(template, name)

    def _copy_files(self, template, name):
        source = self.filestores / template
        if source.is_dir():
            # Odoo never changes a stored file in place, so that copies may share them.
            shutil.copytree(source, self.filestores / name, copy_function=os.link, dirs_exist_ok=True)

    def rename(self, old, new):
        if (self.filestores / old).is_dir():
            shutil.rmtree(self.filestores / new, ignore_errors=True)
            (self.filestores / old).rename(self.filestores / new)
        self.sql("postgres", f'ALTER DATABASE "{old}" RENAME TO "{new}"')

    def core_template(self):
        """The template with the core add-ons that ours need, with demo data."""
        needs = addons.core_needs()
        key = digest(RECIPE, self.instance.odoo.key, needs)[:8]
        with locked(self.instance.folder / "locks" / "templates", "builds a template database"):
            return self._template("core", key, None, needs, f"Installing Odoo's own add-ons ({len(needs)} and theirs)")

    def template(self, names, test=False):
        """The template with some of our add-ons and what they need.

        :param names: our add-ons, in the order they build on each other
        :param test: with the add-ons that only the tests install
        """
        core = self.core_template()
        extra = self.instance.test_addons() if test else []
        key = digest(RECIPE, core, [(name, addons.source_key(name)) for name in names], extra)[:8]
        kind = "all" if set(names) == set(addons.present()) else "some"
        with locked(self.instance.folder / "locks" / "templates", "builds a template database"):
            name = self._template(kind + ("_test" if extra else ""), key, core, [*names, *extra],
                                  f"Installing {', '.join(names) or 'nothing'}", assets=kind == "all")
        return name

    def _template(self, kind, key, base, modules, title, assets=False):
        name = self.name(f"{kind}_{key}")
        have = self.all()
        if name in have:
            return name
        building = self.name("building")
        self.drop(building)
        if base:
            self.copy(base, building, fast=True)
        self.install(building, modules, title)
        if assets:
            self.warm(building)
        self.rename(building, name)
        pattern = re.compile(rf"tier_{kind}_[0-9a-f]{{8}}{self.instance.server.suffix}$")
        self.drop(*[old for old in have if pattern.match(old)][:-KEEP])
        return name

    def install(self, database, modules, title, option="-i"):
        """Install (`-i`) or upgrade (`-u`) add-ons, with demo data."""
        if not modules:
            return
        with step(title) as installing:
            def note(line):
                match = re.search(r"Loading module (\w+) \((\d+)/(\d+)\)", line)
                if match:
                    installing.note = "{1} of {2}: {0}".format(*match.groups())

            errors = []

            def watch(line):
                note(line)
                if re.match(r"\S+ \S+ \d+ (ERROR|CRITICAL) ", line):
                    errors.append(line)

            code, text = run(
                self.instance.odoo_command(
                    "server", "-d", database, option, ",".join(modules), "--with-demo", "--stop-after-init",
                    "--no-http", "--max-cron-threads=0", "--workers=0", "--logfile="),
                title, on_line=watch, check=False, env=self.instance.env, cwd=self.instance.folder)
            self._check_installed(database, modules, code, text, errors)

    def _check_installed(self, database, modules, code, text, errors):
        log_hint = "See the log for Odoo's own words."
        if code:
            words = [line for line in text.splitlines() if re.match(r"^\w*(Error|Exception|Warning)\b.*:", line)
                     or re.match(r"^[\w.]+(Error|Exception|Violation): ", line)]
            raise Failure(f"Odoo could not install {', '.join(modules)}: {words[-1] if words else 'see the log'}",
                          log_hint)
        rows = self.sql(database, "SELECT name FROM ir_module_module WHERE state = 'installed'")
        missing = sorted(set(modules) - {name for (name,) in rows})
        if missing:
            raise Failure(f"Odoo did not install {', '.join(missing)}: unknown, or something they need is missing.",
                          log_hint)
        for line in errors:
            Log.write(f"NOTED: {line}")

    def warm(self, database):
        """Build the style sheets and scripts of the pages now rather than in the first test."""
        with step("Building the pages' scripts and styles"):
            self.instance.script("warm.py", database)
