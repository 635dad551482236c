"""Where things live, what has been done already, and who may do it now."""

import fcntl
import hashlib
import json
import os
from contextlib import contextmanager
from pathlib import Path

from .messages import Failure, say

ROOT = Path(__file__).resolve().parent.parent
ADDONS = ROOT / "addons"
CONFIG = ROOT / "odoo.conf"


def cache():
    """The one folder outside the checkout that ./tier owns."""
    if os.environ.get("TIER_CACHE"):
        folder = Path(os.environ["TIER_CACHE"]).expanduser().absolute()
    elif os.geteuid() == 0:
        folder = Path("/var/cache/tier")
    else:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tier"
    return folder


def instance():
    """The folder of this checkout's own cluster, files, logs and pids."""
    return cache() / "instances" / f"{ROOT.name}-{digest(str(ROOT))[:8]}"


def ensure(folder):
    """Make a folder and its parents, with a clear word if that is not allowed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(
            f"cannot create the folder {folder}: {error.strerror}.",
            "Set TIER_CACHE to a folder of yours with 4 GB to spare.",
        ) from error
    return folder


def digest(*parts):
    """A short hash of strings and JSON-like values."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def digest_files(*files):
    """A short hash of the contents of this checkout's files and of their names in it."""
    total = hashlib.sha256()
    for file in files:
        total.update(f"{file.relative_to(ROOT)}\0".encode())
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()[:16]


def stamped(file, key):
    """Whether `file` says that the work named by `key` was finished."""
    try:
        return file.read_text() == key
    except OSError:
        return False


@contextmanager
def locked(file, what):
    """Hold the lock `file`; wait, and say for what, while another ./tier holds it.

    :param what: what the holder does, as in "another ./tier <what>"
    """
    ensure(file.parent)
    with file.open("a+") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.seek(0)
            say(f"  … waiting: another ./tier (pid {stream.read().strip() or '?'}) {what}")
            fcntl.flock(stream, fcntl.LOCK_EX)
        stream.seek(0)
        stream.truncate()
        stream.write(str(os.getpid()))
        stream.flush()
        yield
