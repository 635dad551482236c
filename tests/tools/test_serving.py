"""Only a process that ./tier started is ever stopped."""

import json
import os
import socket
import subprocess

import pytest

from tools import serving
from tools.messages import Failure


@pytest.fixture
def sleeper():
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def record(folder, **values):
    (folder / "pids").mkdir()
    (folder / "pids" / "odoo-1.json").write_text(json.dumps(values))


def test_a_recorded_process_is_stopped(tmp_path, sleeper):
    record(tmp_path, pid=sleeper.pid, started=serving.started(sleeper.pid))
    assert serving.stop_recorded(tmp_path) == 1
    assert sleeper.wait(5) == -15
    assert not list((tmp_path / "pids").iterdir())


def test_a_pid_that_belongs_to_another_process_by_now_is_left_alone(tmp_path, sleeper):
    record(tmp_path, pid=sleeper.pid, started=serving.started(sleeper.pid) - 1)
    assert serving.stop_recorded(tmp_path) == 0
    assert sleeper.poll() is None


def test_a_process_that_is_gone_has_no_start():
    process = subprocess.Popen(["true"])
    assert serving.started(os.getpid())
    process.wait()
    assert serving.started(process.pid) is None


def test_a_taken_port_is_a_failure_that_names_the_option():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(Failure, match="cannot be used") as caught:
            serving.check_port(taken.getsockname()[1])
    assert "--port" in caught.value.remedy
