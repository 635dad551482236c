"""Which tests a command line means, and which tests there are."""

import ast

import pytest

from tools import addons, counting, testing
from tools.messages import Failure


@pytest.mark.parametrize(
    ("words", "targets", "options"),
    [
        ([], [], []),
        (["tier_billing"], ["addons/tier_billing"], []),
        (["tests/test_setup.py::test_x", "-x"], ["tests/test_setup.py::test_x"], ["-x"]),
        (["test_some_name"], [], ["-k", "test_some_name"]),
        (["-k", "a and b"], [], ["-k", "a and b"]),
    ],
)
def test_words_become_targets_and_options(words, targets, options):
    assert testing.select(words) == (targets, options)


def test_a_path_that_is_not_there_is_a_failure():
    with pytest.raises(Failure, match="no add-on, file or test"):
        testing.select(["tests/no_such_file.py"])


def test_one_add_on_needs_only_what_it_builds_on():
    assert testing.needed_addons(["addons/tier_billing/tests"]) == ["tier_billing"]
    assert testing.needed_addons(["addons/tier_rating"]) == ["tier_billing", "tier_rating"]
    assert testing.needed_addons(["tests/test_setup.py"]) == addons.present()
    assert testing.needed_addons([]) == addons.present()


def test_tests_are_counted_in_the_sources(tmp_path, monkeypatch):
    monkeypatch.setattr(counting, "ROOT", tmp_path)
    file = tmp_path / "test_things.py"
    file.write_text("def test_a(): pass\ndef helper(): pass\nclass Test:\n    def test_b(self): pass\n")
    assert list(counting._tests(file)) == ["test_things.py::test_a", "test_things.py::Test::test_b"]


def test_this_very_file_is_counted():
    assert "tests/tools/test_testing.py::test_this_very_file_is_counted" in set(counting.names())


def test_manifests_are_plain_and_name_their_needs():
    for name in addons.present():
        manifest = addons.manifest(name)
        assert ast.literal_eval(repr(manifest)) == manifest
        assert addons.with_needs([name])[-1] == name
