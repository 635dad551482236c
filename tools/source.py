"""Odoo itself: the one that ODOO_HOME names, or Debian's package unpacked in the cache."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import debian
from .messages import Failure
from .paths import digest

SERIES = (19, 0)


@dataclass(frozen=True)
class Odoo:
    """A copy of Odoo on this machine.

    :param home: the folder that holds the Python package `odoo`
    :param version: what its release.py says
    :param key: changes whenever another copy or version is used
    """

    home: Path
    version: str
    key: str

    @property
    def addons_path(self):
        """Folders of core add-ons; those inside the package are always known to Odoo."""
        inner, outer = self.home / "odoo" / "addons", self.home / "addons"
        if (outer / "web").is_dir() and not (inner / "web").is_dir():
            return [outer]
        return [inner]

    def addon(self, name):
        """The folder of a core add-on."""
        for folder in (self.home / "odoo" / "addons" / name, self.home / "addons" / name):
            if folder.is_dir():
                return folder
        raise Failure(
            f"the Odoo in {self.home} lacks the add-on {name}.", "Use a whole copy of Odoo 19, or unset ODOO_HOME."
        )


def find():
    """Odoo, fetched if need be."""
    named = os.environ.get("ODOO_HOME")
    home = _package_folder(Path(named).expanduser().absolute()) if named else debian.odoo_home()
    version = _version(home)
    return Odoo(home, version, digest(str(home), version, _commit(home)))


def _package_folder(folder):
    """The folder that holds `odoo`, near the one that a person named."""
    for home in (folder, folder.parent, folder / "usr/lib/python3/dist-packages"):
        if (home / "odoo" / "release.py").is_file():
            return home
    raise Failure(
        f"ODOO_HOME={folder} holds no Odoo.",
        "Let it name a git checkout of Odoo 19 (the folder with odoo-bin), or the folder with "
        "its Python package `odoo`; or unset it, and ./tier fetches Odoo itself.",
    )


def _version(home):
    text = (home / "odoo" / "release.py").read_text(encoding="utf-8")
    match = re.search(r"^version_info = \((\d+), (\d+), (\d+)", text, re.MULTILINE)
    found = tuple(int(part) for part in match.groups()) if match else ()
    if found[:2] != SERIES:
        shown = ".".join(map(str, found[:2])) if found else "of unknown version"
        raise Failure(
            f"{home} holds Odoo {shown}; these add-ons are for Odoo 19.0.",
            "Let ODOO_HOME name an Odoo 19.0, or unset it.",
        )
    return ".".join(map(str, found))


def _commit(home):
    """What tells two states of one folder apart: git's commit, else the release file's time."""
    if (home / ".git").exists():
        done = subprocess.run(
            ["git", "-C", str(home), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
        )
        if not done.returncode:
            return done.stdout.strip()
    return (home / "odoo" / "release.py").stat().st_mtime_ns
