"""A folder into which a switch puts its files: which of them are complete, and where they go.

A file is taken when nobody has it open for writing (where the system can tell), it has not
changed for a while, and its name is not that of a transfer in progress. It is read through
one descriptor that follows no link, and moved to ``done`` or ``failed`` below its folder only if
it is still what was read.
"""

import errno
import fcntl
import os
import re
import stat
import time
from contextlib import contextmanager
from pathlib import Path

DONE, FAILED = "done", "failed"
#: Seconds for which a file must not have changed.
QUIET_S = 30
# rsync, scp, browsers, editors and most uploaders write under such names.
_IN_PROGRESS = re.compile(
    r"\..*|.*(?:~|\.(?:part|partial|filepart|tmp|temp|swp|writing|upload|crdownload|lock))", re.IGNORECASE
)
_NAME = re.compile(r"[\w][\w .@-]{0,60}(?:/[\w][\w .@-]{0,60}){0,4}", re.ASCII)
# Linux: fails while anybody has the file open for writing.
_SET_LEASE = getattr(fcntl, "F_SETLEASE", None)


class FolderError(Exception):
    """The folder cannot be used; the text says why, for administrators."""


def is_name(name):
    """Tell whether a text may name a switch's folder: below the allowed one, whatever it says.

    :param str name: relative, such as ``berlin/asterisk``

    >>> is_name("berlin/asterisk"), is_name("../etc"), is_name("/etc"), is_name("a/../b")
    (True, False, False, False)
    """
    return bool(_NAME.fullmatch(name))


def inside(root, name):
    """Return a switch's folder, all links on the way resolved.

    :param str root: the folder that the administrator allows
    :param str name: of the switch's folder in it
    :rtype: Path
    :raise FolderError: if there is none, or it is not inside of the root
    """
    if not is_name(name):
        raise FolderError(f"{name!r} is not the name of a folder.")
    root = Path(os.path.realpath(root))
    found = Path(os.path.realpath(root / name))
    if root not in found.parents:
        raise FolderError(f"{name!r} leads out of the allowed folder.")
    if not found.is_dir():
        raise FolderError(f"There is no folder {found}.")
    return found


def complete_files(folder, quiet=QUIET_S, now=None):
    """Return the names of the files that are complete, the oldest first.

    :param Path folder: of :func:`inside`
    :param int quiet: seconds for which a file must not have changed
    :param float now: seconds since 1970; the present by default
    """
    now = time.time() if now is None else now
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if _IN_PROGRESS.fullmatch(entry.name) or not entry.is_file(follow_symlinks=False):
                continue
            about = entry.stat(follow_symlinks=False)
            if about.st_size and now - about.st_mtime >= quiet:
                found.append((about.st_mtime, entry.name))
    return [name for _time, name in sorted(found)]


@contextmanager
def opened(folder, name):
    """Open a file for reading, as long as nobody writes to it.

    :param Path folder: of :func:`inside`
    :param str name: of the file in it
    :return: a binary stream, or None if it is gone, no plain file, or being written
    """
    try:
        descriptor = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ELOOP):
            raise
        yield None
        return
    with open(descriptor, "rb") as stream:
        is_plain = stat.S_ISREG(os.fstat(descriptor).st_mode)
        yield stream if is_plain and not _is_written(descriptor) else None


def _is_written(descriptor):
    """Whether somebody has the file open for writing; False where the system cannot tell."""
    if _SET_LEASE is None:
        return False
    try:
        fcntl.fcntl(descriptor, _SET_LEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, _SET_LEASE, fcntl.F_UNLCK)
    except OSError as error:
        # Others: a network file system, a file of another user.
        return error.errno == errno.EAGAIN
    return False


def state(stream):
    """Return what changes when a file is written to.

    :param stream: an open file
    """
    about = os.fstat(stream.fileno())
    return about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns


def move(folder, name, stream, as_read, to):
    """Put a file that was read away, unless it has changed since or is another by now.

    :param Path folder: of :func:`inside`
    :param str name: of the file in it
    :param stream: through which it was read
    :param tuple as_read: its :func:`state` before
    :param str to: :data:`DONE` or :data:`FAILED`
    :return: whether it was moved
    :rtype: bool
    """
    if state(stream) != as_read or _is_written(stream.fileno()):
        return False
    target = folder / to
    target.mkdir(exist_ok=True)
    if target.is_symlink():
        raise FolderError(f"{target} is a link.")
    try:
        about = os.stat(folder / name, follow_symlinks=False)
        if (about.st_dev, about.st_ino) != as_read[:2]:
            return False
        # A link fails where the name is taken, a renaming would replace what has it.
        for number in range(1000):
            stem, dot, suffix = name.rpartition(".")
            free = f"{stem}.{number}.{suffix}" if dot and stem else f"{name}.{number}"
            try:
                os.link(folder / name, target / (free if number else name), follow_symlinks=False)
                break
            except FileExistsError:
                continue
        else:
            raise FolderError(f"{target} has a thousand files named {name}.")
        os.unlink(folder / name)
    except FileNotFoundError:
        return False
    return True
