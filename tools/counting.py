"""The tests that exist, read from the sources."""

import ast

from .addons import present
from .paths import ADDONS, ROOT


def names():
    """Every test as pytest names it: `path::Class::test` or `path::test`."""
    folders = [*(ADDONS / name / "tests" for name in present()), ROOT / "tests"]
    for folder in folders:
        for file in sorted(folder.rglob("test_*.py")):
            yield from _tests(file)


def _tests(file):
    path = file.relative_to(ROOT).as_posix()
    for node in ast.parse(file.read_text(encoding="utf-8"), path).body:
        if _is_test(node):
            yield f"{path}::{node.name}"
        elif isinstance(node, ast.ClassDef):
            yield from (f"{path}::{node.name}::{item.name}" for item in node.body if _is_test(item))


def _is_test(node):
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test")
