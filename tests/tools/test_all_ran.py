"""A whole run fails when a test that exists did not run, or in CI was skipped."""

from types import SimpleNamespace

import pytest

from tools import all_ran


@pytest.fixture
def finish():
    """Call it with what ran and was skipped (of tests a and b); returns the complaints and the exit code."""

    def run(ran, skipped=(), ci=False):
        # Undone before the test ends: the very plugin is to note that this test ran.
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(all_ran, "_exist", ["t.py::a", "t.py::b"])
            patch.setattr(all_ran, "_complaints", [])
            patch.setattr(all_ran, "_ran", set())
            patch.setattr(all_ran, "_skipped", {})
            patch.setenv("CI", "true" if ci else "")
            for name in ran:
                all_ran.pytest_runtest_logreport(SimpleNamespace(nodeid=name, skipped=False, when="call"))
            for name in skipped:
                report = SimpleNamespace(nodeid=name, skipped=True, when="setup", longrepr=("t.py", 1, "why"))
                all_ran.pytest_runtest_logreport(report)
            session = SimpleNamespace(shouldfail=False, shouldstop=False, exitstatus=0)
            all_ran.pytest_sessionfinish(session, pytest.ExitCode.OK)
            return all_ran._complaints, int(session.exitstatus)

    return run


def test_all_is_well_when_all_ran(finish):
    assert finish(["t.py::a", "t.py::b[1]", "t.py::b[2]"]) == ([], 0)


def test_a_test_that_did_not_run_is_named_and_fails(finish):
    assert finish(["t.py::a"]) == (["did not run: t.py::b"], 1)


def test_a_skip_is_allowed_at_home_and_fails_in_ci(finish):
    assert finish(["t.py::a"], ["t.py::b"]) == ([], 0)
    assert finish(["t.py::a"], ["t.py::b"], ci=True) == (["skipped: t.py::b: why"], 1)
