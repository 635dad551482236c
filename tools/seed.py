"""Odoo's own add-ons, installed once for all checkouts: a dump of the template in the cache.

Installing them takes minutes, restoring them seconds. It is only a short cut: whatever is wrong
with a dump, the add-ons are installed instead.
"""

import os
import shutil

from .messages import Log, run, step
from .paths import cache, ensure, locked
from .postgres import Cluster, find_programs

KEEP = 2  # dumps that stay


class Seed:
    """The dump of one template.

    :param databases: the instance's Databases
    :param key: of the template
    """

    def __init__(self, databases, key):
        self.databases, self.instance = databases, databases.instance
        self.base = cache() / "core"
        self.folder = self.base / key
        # Another server than our own may be older than the programs here, or far away.
        self.usable = isinstance(self.instance.server, Cluster)

    def restore(self, name):
        """Make database `name` from the dump; return whether there was one that could be used."""
        if not self.usable or not (self.folder / "dump").exists():
            return False
        with step("Restoring Odoo's own add-ons"):
            self.databases.create_empty(name)
            code, _text = run(
                [
                    find_programs() / "pg_restore",
                    "--no-owner",
                    "--exit-on-error",
                    "--jobs=2",
                    f"--dbname={name}",
                    self.folder / "dump",
                ],
                "Restoring Odoo's own add-ons",
                check=False,
                env=self.instance.env,
            )
            if code:
                Log.write("The dump cannot be used.\n")
                self.databases.drop(name)
                return False
            if (self.folder / "files").is_dir():
                shutil.copytree(self.folder / "files", self.databases.filestores / name, dirs_exist_ok=True)
        return True

    def keep(self, name):
        """Dump database `name` for other checkouts."""
        if not self.usable:
            return
        with locked(cache() / "locks" / "core", "keeps a template database"):
            if self.folder.exists():
                return
            half = ensure(self.base) / f"half-{os.getpid()}"
            ensure(half)
            with step("Keeping Odoo's own add-ons for next time"):
                run(
                    [find_programs() / "pg_dump", "--format=custom", "--compress=1", f"--file={half / 'dump'}", name],
                    "Keeping a template",
                    env=self.instance.env,
                )
                files = self.databases.filestores / name
                if files.is_dir():
                    shutil.copytree(files, half / "files")
            half.rename(self.folder)
            old = sorted((f for f in self.base.iterdir() if f != self.folder), key=lambda f: f.stat().st_mtime)
            for folder in old[: len(old) - KEEP + 1] if len(old) >= KEEP else []:
                shutil.rmtree(folder, ignore_errors=True)
