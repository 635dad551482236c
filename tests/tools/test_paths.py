"""Where things live, and that two runs do not meet in one place."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools import paths, postgres
from tools.messages import Failure


def test_the_cache_is_where_the_environment_says(monkeypatch):
    monkeypatch.setenv("TIER_CACHE", "/some/where")
    assert paths.cache() == Path("/some/where")
    assert paths.instance().parent == Path("/some/where/instances")


def test_the_cache_of_a_user_is_in_the_home_folder(monkeypatch):
    monkeypatch.delenv("TIER_CACHE", raising=False)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_CACHE_HOME", "/home/someone/.cache")
    assert paths.cache() == Path("/home/someone/.cache/tier")


def test_a_folder_that_cannot_be_made_is_a_clear_failure():
    with pytest.raises(Failure, match="cannot create the folder"):
        paths.ensure(Path("/proc/nothing/here"))


def test_a_socket_path_stays_below_the_limit():
    short = postgres._socket_folder(Path("/short"))
    long = postgres._socket_folder(Path("/long" * 40))
    assert short == Path("/short/socket")
    assert len(str(long / postgres.SOCKET_NAME)) < postgres.SOCKET_LIMIT
    assert long != postgres._socket_folder(Path("/other" * 40))


def test_a_lock_is_waited_for(tmp_path, capsys):
    root = Path(paths.ROOT)
    code = (
        f"import sys, time; sys.path.insert(0, {str(root)!r})\n"
        "from pathlib import Path\n"
        "from tools.paths import locked\n"
        f"with locked(Path({str(tmp_path / 'lock')!r}), 'holds'):\n"
        "    print('held', flush=True)\n"
        "    time.sleep(1)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        start = time.monotonic()
        with paths.locked(tmp_path / "lock", "holds"):
            assert time.monotonic() - start > 0.5
    assert f"another ./tier (pid {holder.pid}) holds" in capsys.readouterr().err
