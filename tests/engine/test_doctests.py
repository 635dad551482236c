"""The examples in the engine's docstrings."""

import doctest
import importlib
import pkgutil

import engine
import pytest

MODULES = sorted(module.name for module in pkgutil.iter_modules(engine.__path__))


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    module = importlib.import_module(f"engine.{name}")
    result = doctest.testmod(module)
    assert result.failed == 0
    assert result.attempted > 0, f"{name} shows no example of its use"
