"""Databases: templates that are built once, and the copies that commands work on."""

import os
import re
import shutil

from . import addons
from .messages import Failure, explain, run, step
from .paths import digest, locked
from .postgres import sql
from .seed import Seed
from .serving import started

KEEP = 3  # templates of one kind that stay, for work on several branches
RECIPE = 3  # raise when the way a template is built changes

INSTALL = ("--with-demo", "--stop-after-init", "--no-http", "--max-cron-threads=0", "--workers=0", "--logfile=")
LOADING = re.compile(r"Loading module (\w+) \((\d+)/(\d+)\)")
ERROR = re.compile(r"^(?:\w+\.)*[A-Z]\w*: .*$", re.MULTILINE)  # a traceback's last line


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

    def chosen(self, wanted=None):
        """The database that a command is about: the demo's, unless another was named.

        :raise Failure: there is none of this name
        """
        name = wanted or self.name("demo")
        if not self.exists(name):
            raise Failure(f"there is no database {name}.", "Run ./tier run --once first, or name one: --database NAME.")
        return name

    def drop(self, *names):
        """Remove databases with their files, even if somebody is connected.

        Not WITH (FORCE): it fails while autovacuum, which is not ours to end, is at work there. A
        plain DROP sends autovacuum away by itself and waits some seconds for all to be gone.
        """
        for name in names:
            self.sql(
                "postgres",
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                f" WHERE datname = '{name}' AND usename = current_user",
                f'DROP DATABASE IF EXISTS "{name}"',
            )
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

    def sweep(self):
        """Remove the databases of runs that ended without doing so."""
        runs = [(name, re.match(r"tier_run_(\d+)", name)) for name in self.all()]
        self.drop(*(name for name, run_of in runs if run_of and started(int(run_of.group(1))) is None))

    def create_empty(self, name):
        """Make an empty database, sorted by bytes as Odoo makes its own."""
        self.drop(name)
        self.sql("postgres", f"CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C'")

    def _copy_files(self, template, name):
        source = self.filestores / template
        if source.is_dir():
            # Odoo never changes a stored file in place, so that copies may share them.
            shutil.copytree(source, self.filestores / name, copy_function=os.link, dirs_exist_ok=True)

    def core_template(self):
        """The template with the core add-ons that ours need, with demo data."""
        needs = addons.core_needs()
        key = digest(RECIPE, self.instance.odoo.key, needs)[:8]
        seed = Seed(self, key)

        def build(name):
            if not seed.restore(name):
                self.install(name, needs, f"Installing Odoo's own add-ons ({', '.join(needs)})")
                self.warm(name)
                seed.keep(name)

        return self._template("core", key, build)

    def template(self, names, test=False):
        """The template with some of our add-ons and what they need.

        :param names: our add-ons, in the order they build on each other
        :param test: with the add-ons that only the tests install
        """
        core = self.core_template()
        modules = [*names, *(self.instance.test_addons() if test else ())]
        whole = names == addons.present()
        key = digest(RECIPE, core, modules, [addons.source_key(name) for name in names])[:8]

        def build(name):
            self.copy(core, name, fast=True)
            self.install(name, modules, f"Installing {', '.join(modules)}")
            if whole:
                self.warm(name)

        return self._template("all" if whole else "some", key, build)

    def _template(self, kind, key, build):
        """The template of a kind and key, built by `build(name)` if it is not there."""
        name = self.name(f"{kind}_{key}")
        with locked(self.instance.folder / "locks" / "templates", "builds a template database"):
            have = self.all()
            if name not in have:
                half = self.name("half")
                self.drop(half)
                build(half)
                self._rename(half, name)  # so that a template that has its name is whole
                pattern = re.compile(rf"tier_{kind}_[0-9a-f]{{8}}{self.instance.server.suffix}$")
                self.drop(*[old for old in have if pattern.match(old)][:-KEEP])
        return name

    def _rename(self, old, new):
        if (self.filestores / old).is_dir():
            shutil.rmtree(self.filestores / new, ignore_errors=True)
            (self.filestores / old).rename(self.filestores / new)
        self.sql("postgres", f'ALTER DATABASE "{old}" RENAME TO "{new}"')

    def install(self, database, modules, title, option="-i"):
        """Install (`-i`) or upgrade (`-u`) add-ons, with demo data."""
        if not modules:
            return
        command = self.instance.odoo_command("server", "-d", database, option, ",".join(modules), *INSTALL)
        with step(title) as installing:

            def note(line):
                match = LOADING.search(line)
                if match:
                    installing.note = "{1} of {2}: {0}".format(*match.groups())

            env, folder = self.instance.env, self.instance.folder
            code, text = run(command, title, on_line=note, check=False, env=env, cwd=folder)
            self._check_installed(database, modules, code, text)

    def _check_installed(self, database, modules, code, text):
        names = ", ".join(modules)
        if code:
            errors = ERROR.findall(text)
            cause, remedy = explain(text[-5000:]) or (
                errors[-1] if errors else f"exit code {code}",
                "See the log. If the demo's data is at fault: ./tier clean begins anew.",
            )
            raise Failure(f"Odoo could not install {names}: {cause}", remedy)
        rows = self.sql(database, "SELECT name FROM ir_module_module WHERE state = 'installed'")
        missing = sorted(set(modules) - {name for (name,) in rows})
        if missing:
            raise Failure(f"Odoo did not install {', '.join(missing)}: unknown, or something they need is missing.")

    def warm(self, database):
        """Build the style sheets and scripts of the pages now rather than in the first test."""
        with step("Building the pages' scripts and styles"):
            self.instance.script("warm.py", database)
