"""What the add-ons' manifests say."""

import ast
from functools import cache

from .messages import Failure
from .paths import ADDONS, ROOT, digest_files

NAMES = ("tier_billing", "tier_rating", "tier_portal", "tier_ecommerce")

# Core add-ons that nothing here depends on, but that the tests and the demo use.
EXTRA = ("payment_demo", "loyalty")

TEST_ADDONS = ROOT / "tests" / "addons"

# A change in these needs no new database: they are read when the tests run.
NOT_INSTALLED = ("tests", "i18n", "__pycache__", "readme", "doc")


@cache
def manifest(name):
    """The manifest of one of our add-ons, as a dict."""
    file = ADDONS / name / "__manifest__.py"
    try:
        return ast.literal_eval(file.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError) as error:
        raise Failure(f"{file} cannot be read: {error}", "Mend the manifest.") from error


def present():
    """Those of our add-ons that are there and installable, in the order they build on each other."""
    return [
        name
        for name in NAMES
        if (ADDONS / name / "__manifest__.py").exists() and manifest(name).get("installable", True)
    ]


def with_needs(names):
    """`names` and those of our add-ons that they build on."""
    wanted = set()
    todo = list(names)
    while todo:
        name = todo.pop()
        if name in NAMES and name not in wanted:
            wanted.add(name)
            todo += manifest(name).get("depends", ())
    return [name for name in NAMES if name in wanted]


def core_needs():
    """The core add-ons that ours depend on, and EXTRA."""
    needs = {need for name in present() for need in manifest(name).get("depends", ())}
    return sorted((needs - set(NAMES)) | set(EXTRA))


def sources(name):
    """The files of an add-on that its installation reads."""
    base = ADDONS / name
    return sorted(
        file
        for file in base.rglob("*")
        if file.is_file()
        and not set(file.relative_to(base).parts[:-1]) & set(NOT_INSTALLED)
        and file.suffix not in (".md", ".rst", ".pyc")
    )


def source_key(name):
    """A hash of what an add-on's installation reads."""
    return digest_files(*sources(name))
