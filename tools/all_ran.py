"""A plugin of pytest for whole runs: a test that exists and did not run is a failure.

Tests are counted in the sources, so that a broken import, a wrong name or a lost file shows.
In CI a skipped test is a failure too: there it has all it needs.
"""

import os

import pytest

from . import counting

# Tests that may be skipped in CI, as "path::Class::test": none.
MAY_BE_SKIPPED = frozenset()

_exist, _ran, _skipped, _complaints = [], set(), {}, []


def pytest_sessionstart():
    _exist.extend(counting.names())


def pytest_runtest_logreport(report):
    name = report.nodeid.split("[")[0]
    if report.skipped:
        _skipped[name] = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
    elif report.when == "call":
        _ran.add(name)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    if session.shouldfail or session.shouldstop or exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        return
    seen = _ran | set(_skipped)
    _complaints.extend(f"did not run: {name}" for name in _exist if name not in seen)
    if os.environ.get("CI"):
        _complaints.extend(
            f"skipped: {name}: {why}" for name, why in sorted(_skipped.items()) if name not in MAY_BE_SKIPPED
        )
    if _complaints:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter):
    if _complaints:
        terminalreporter.section("tests that exist and did not run", sep="=", red=True)
        for complaint in _complaints:
            terminalreporter.line(complaint)
