"""Every end is one message with a remedy, and never a traceback."""

import errno
import sys

import pytest

from tools import messages


def raising(error):
    def main():
        raise error

    return main


def test_a_failure_is_shown_with_its_remedy(capsys):
    assert messages.guard(raising(messages.Failure("the port is taken.", "Take another."))) == 1
    assert capsys.readouterr().err == "\ntier: the port is taken.\n      Take another.\n"


def test_a_full_disk_is_recognized(capsys):
    assert messages.guard(raising(OSError(errno.ENOSPC, "No space left on device", "/some/file"))) == 1
    err = capsys.readouterr().err
    assert "the disk is full (/some/file)" in err
    assert "TIER_CACHE" in err


def test_an_unexpected_error_shows_no_traceback_but_logs_it(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(messages.Log, "path", tmp_path / "log")
    assert messages.guard(raising(ZeroDivisionError("by zero"))) == 1
    err = capsys.readouterr().err
    assert "Traceback" not in err
    assert str(tmp_path / "log") in err
    assert "Traceback" in (tmp_path / "log").read_text()


def test_an_interruption_is_no_failure():
    assert messages.guard(raising(KeyboardInterrupt())) == 130


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("E: Could not resolve 'mirror.example'", "network"),
        ("initdb: error: could not write: No space left on device", "disk is full"),
        ("mkdir: Permission denied", "may not be read or written"),
    ],
)
def test_what_commands_say_is_explained(said, meant):
    cause, remedy = messages.explain(said)
    assert meant in cause
    assert remedy


def test_words_without_a_known_cause_have_no_explanation():
    assert messages.explain("all is well") is None


def test_a_command_that_fails_is_told_by_its_last_words():
    command = [sys.executable, "-c", "import sys; print('first'); sys.exit('the last words')"]
    with pytest.raises(messages.Failure, match="A test failed: exit code 1: the last words"):
        messages.run(command, "A test")


def test_a_program_that_is_not_there_is_a_failure():
    with pytest.raises(messages.Failure, match="No such file"):
        messages.run(["/no/such/program"], "A test")
