"""One checkout's Odoo: its sources, Python, server, files, and how to start things in it."""

import json
import os
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from . import addons, debian, paths, postgres, source
from .database import Databases
from .messages import run
from .venv import Venv

SCRIPTS = Path(__file__).parent / "scripts"


class Instance:
    """Everything that the commands need, made on first use."""

    def __init__(self):
        self.folder = paths.ensure(paths.instance())
        self.data_dir = self.folder / "files"
        self.odoo = source.find()
        self.venv = Venv(self.odoo)
        self.server = postgres.choose(self.folder / "postgresql")
        self.databases = Databases(self)

    @contextmanager
    def ready(self, test=False):
        """Have Python and PostgreSQL ready in the block.

        :param test: also what tests and linters need
        """
        self.venv.ready(test)
        paths.ensure(self.data_dir)
        with self.server.running():
            self._create_role()
            yield self

    def _create_role(self):
        """Odoo's role on a cluster of our own: it creates databases and is no superuser."""
        if isinstance(self.server, postgres.Cluster):
            stamp = self.server.folder / "role"
            if not stamp.exists() or stamp.stat().st_mtime < (self.server.data / "PG_VERSION").stat().st_mtime:
                postgres.sql(
                    self.venv.python,
                    self.server.admin_env(),
                    "postgres",
                    f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{postgres.ROLE}') "
                    f"THEN CREATE ROLE {postgres.ROLE} LOGIN CREATEDB; END IF; END $$",
                )
                stamp.touch()

    @cached_property
    def env(self):
        """The environment for Odoo and for PostgreSQL's clients."""
        return {**self.server.env, "PYTHONUNBUFFERED": "1", "LC_ALL": "C.UTF-8"}

    def test_addons(self):
        """The add-ons that only the tests install and that this copy of Odoo needs."""
        script = self.odoo.addon("mail") / debian.LEFT_OUT.relative_to("odoo/addons/mail")
        return [] if script.exists() else ["tier_test_assets"]

    def addons_path(self):
        folders = [*self.odoo.addons_path, paths.ADDONS, addons.TEST_ADDONS]
        return ",".join(str(folder) for folder in folders if any(folder.glob("*/__manifest__.py")))

    def arguments(self):
        """The options that depend on this machine; the rest is in odoo.conf."""
        return ["-c", str(paths.CONFIG), "--data-dir", str(self.data_dir), "--addons-path", self.addons_path()]

    def odoo_command(self, command, *arguments):
        return [str(self.venv.python), str(self.venv.launcher), command, *self.arguments(), *arguments]

    def script(self, name, database, *arguments, **options):
        """Run one of tools/scripts in Odoo's registry of `database`; return its output."""
        command = [self.venv.python, SCRIPTS / name, *self.arguments(), "-d", database, "--no-http", *arguments]
        options.setdefault("env", self.env)
        return run(command, name, cwd=self.folder, **options)[1]

    def test_config(self):
        """A configuration for tests: the server that odoo.conf names, and nothing else of it."""
        file = self.folder / "test.conf"
        names = {
            "PGHOST": "db_host",
            "PGPORT": "db_port",
            "PGUSER": "db_user",
            "PGPASSWORD": "db_password",
            "PGSSLMODE": "db_sslmode",
        }
        lines = [f"{names[key]} = {value}" for key, value in postgres.server_options().items()]
        file.touch(mode=0o600)
        file.write_text("\n".join(["[options]", *lines, ""]))
        return file

    def context(self, template):
        """What test and bench programs need to make databases and start Odoo themselves, as JSON.

        :param template: the database to copy
        """
        arguments = ["-c", str(self.test_config()), *self.arguments()[2:], "--http-interface=127.0.0.1"]
        return json.dumps(
            {
                "odoo": [str(self.venv.python), str(self.venv.launcher), "server", *arguments],
                "arguments": arguments,
                "template": template,
                "prefix": self.databases.name(f"run_{os.getpid()}"),
                "files": str(self.databases.filestores),
                "logs": str(self.folder / "logs"),
            }
        )
