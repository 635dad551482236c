"""What the machine has, and what can be installed on it."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from .messages import Failure, run, say, step


def os_ids():
    """The distribution's name and those it is like, as in /etc/os-release."""
    try:
        lines = Path("/etc/os-release").read_text().splitlines()
    except OSError:
        return []
    values = dict(line.split("=", 1) for line in lines if "=" in line)
    return " ".join(values.get(key, "").strip('"') for key in ("ID", "ID_LIKE")).split()


@cache
def _become_root():
    """The words before a command that needs root, or None if we cannot be root."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo"):
        done = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False)
        if not done.returncode:
            return ["sudo", "-n"]
    return None


def can_install():
    return shutil.which("apt-get") is not None and _become_root() is not None


@cache
def apt_update():
    """Fetch the machine's package lists, once a run."""
    with step("Fetching the system's package lists"):
        run([*_become_root(), "apt-get", "update"], "Fetching the package lists")


def has(program):
    """Whether a program (by name) or file (by path) is there."""
    return Path(program).exists() if "/" in program else shutil.which(program) is not None


def need(packages, purpose):
    """Make sure that programs are there; install their packages if we may.

    :param packages: {program name or file path: Debian package}
    :param purpose: what they are for, to follow the packages' names
    """
    missing = sorted({package for program, package in packages.items() if not has(program)})
    if not missing:
        return
    names = " ".join(missing)
    if not can_install():
        raise Failure(
            f"{names} must be installed {purpose}.",
            f"Ask for it, or run: sudo apt-get install {names}"
            if shutil.which("apt-get")
            else "Install it with this system's package manager.",
        )
    install(missing, purpose)


def install(packages, purpose):
    """Install Debian packages; the caller has checked `can_install`."""
    apt_update()
    say(f"  … installing on this system {purpose}: {' '.join(packages)}")
    with step(f"Installing {' '.join(packages)}"):
        run(
            [
                *_become_root(),
                "env",
                "DEBIAN_FRONTEND=noninteractive",
                "apt-get",
                "install",
                "-y",
                "--no-install-recommends",
                *packages,
            ],
            f"Installing {' '.join(packages)}",
        )


def as_root(command, what):
    """Run one command as root."""
    return run([*_become_root(), *command], what)
