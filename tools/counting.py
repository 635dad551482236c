"""The tests that exist, read from the sources, to tell whether all of them ran."""

import ast

from .addons import present
from .paths import ADDONS, ROOT


def files():
    """Every file of tests, as pytest finds them."""
    folders = [ADDONS / name for name in present()] + [ROOT / "tests"]
    return sorted(file for folder in folders for file in folder.rglob("test_*.py"))


def tests(file):
    """The tests in one file, as (module path as pytest's report writes it, class or "", name)."""
    module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
    tree = ast.parse(file.read_text(encoding="utf-8"), str(file))
    for node in tree.body:
        if _is_test(node):
            yield module, "", node.name
        elif isinstance(node, ast.ClassDef):
            for item in node.body:
                if _is_test(item):
                    yield module, node.name, item.name


def _is_test(node):
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test")


def missing(ran):
    """Tests that exist and did not run, as `module::class::name`.

    :param ran: set of (class path, name) as in pytest's report
    """
    by_file = {(path, name) for path, name in ran}
    result = []
    for file in files():
        for module, owner, name in tests(file):
            path = f"{module}.{owner}" if owner else module
            if (path, name) not in by_file:
                result.append(f"{path}::{name}")
    return result
