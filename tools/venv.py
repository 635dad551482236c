"""The Python environment that Odoo runs in."""

import os
import shutil
import subprocess
import sys

from . import system
from .messages import Failure, Log, run, step
from .paths import ROOT, cache, digest, digest_files, ensure, locked, stamped

OLDEST, NEWEST = (3, 10), (3, 13)
RUN, TEST = ROOT / "requirements.txt", ROOT / "requirements-test.txt"

LAUNCHER = """\
#!{python}
from odoo.cli import main

main()
"""


def find_python():
    """An interpreter of a version that Odoo 19 supports: (path, version)."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return sys.executable, "{}.{}".format(*sys.version_info[:2])
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        if found:
            return found, f"3.{minor}"
    have = "{}.{}".format(*sys.version_info[:2])
    raise Failure(
        f"Odoo 19 runs on Python 3.10 to 3.13; this is {have}, and no other is on the PATH.",
        "Install python3.13, or start as: python3.12 ./tier …",
    )


class Venv:
    """A virtual environment in the cache, one for each Python, copy of Odoo and requirements.

    It finds Odoo by a .pth file at the end of its path: where Odoo lies among a system's
    packages, those must not come before the environment's own.
    """

    def __init__(self, odoo):
        self.interpreter, version = find_python()
        key = digest(self.interpreter, version, str(odoo.home), digest_files(RUN))
        self.odoo = odoo
        self.folder = cache() / "venv" / f"{version}-{key[:8]}"
        self.python = self.folder / "bin" / "python"
        self.launcher = self.folder / "bin" / "odoo"

    def ready(self, test=False):
        """Build what is missing.

        :param test: also what the tests and linters need
        """
        wanted = [RUN, TEST] if test else [RUN]
        with locked(cache() / "locks" / "venv", "prepares the Python environment"):
            for file in wanted:
                stamp = self.folder / f"{file.stem}.stamp"
                if not stamped(stamp, digest_files(file)):
                    if not self.launcher.exists():
                        self._create()
                    self._install(file)
                    stamp.write_text(digest_files(file))
        return self

    def _create(self):
        ensure(self.folder.parent)
        shutil.rmtree(self.folder, ignore_errors=True)
        done = subprocess.run([self.interpreter, "-c", "import ensurepip, venv"], capture_output=True, check=False)
        if done.returncode:
            if not self.interpreter.startswith("/usr/bin/"):
                raise Failure(
                    f"{self.interpreter} was built without `venv` or `ensurepip`.",
                    "Start with another one, as: /usr/bin/python3 ./tier …",
                )
            system.need({"/nonexistent/venv": "python3-venv"}, "for Python environments")
        with step("Creating a Python environment"):
            run([self.interpreter, "-m", "venv", self.folder], "Creating a Python environment")
        packages = next(self.folder.glob("lib/python3*/site-packages"))
        (packages / "zz_odoo.pth").write_text(f"{self.odoo.home}\n")
        self.launcher.write_text(LAUNCHER.format(python=self.python))
        self.launcher.chmod(0o755)

    def _install(self, file):
        with step(f"Installing Python packages of {file.name}") as installing:

            def note(line):
                if line.startswith("Collecting "):
                    installing.note = line.split()[1]

            run(
                [self.python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "-r", file],
                f"Installing the packages of {file.name}",
                "See the log for the package that failed.",
                on_line=note,
                cwd=ROOT,
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""},
            )
        Log.write(f"installed {file}\n")
