"""`./tier lint`: what machines can tell about style, and `./tier pot`."""

import difflib
import os
import re
import shutil
from pathlib import Path

from . import addons, system
from .messages import Failure, explain, run, say, step
from .paths import ADDONS, ROOT, cache, digest_files, ensure, locked, stamped

PYTHON = ("tier", "tools", "addons", "tests")
WEB = ("addons/**/*.{js,xml,scss}", "tests/**/*.{js,xml}", "*.json", ".github/**/*.yml")
OTHER_PACKAGES = ("package.json", "package-lock.json", ".prettierrc.json")

# pylint-odoo's rules that are not ours; given here since those in its file cannot follow "enable".
NOT_OURS = (
    "missing-readme",  # the project's one README tells of all four add-ons
    # What the ledger says is not made, changed or deleted by hand: refusing is the whole method.
    "no-raise-unlink",
    "method-required-super",
    "consider-merging-classes-inherited",  # a large model is split by topic
)

# What an export writes anew each time and no translator reads.
VOLATILE = re.compile(r'^"(POT-Creation-Date|PO-Revision-Date|Project-Id-Version): .*$\n?', re.MULTILINE)


class Report:
    """Collects what each check says; a check that complains does not stop the others."""

    def __init__(self):
        self.failed = []

    def check(self, title, command, **options):
        """Run one linter and show its output if it complains."""
        options["env"] = {**options.get("env", os.environ), "NO_COLOR": "1"}
        with step(title):
            code, text = run(command, title, check=False, cwd=ROOT, **options)
        self.note(title, text if code else "")

    def note(self, title, complaint):
        if complaint:
            self.failed.append(title)
            print(complaint.rstrip() + "\n", flush=True)


def lint(instance, fix=False):
    """Run every check; return 1 if one complained.

    :param fix: let the formatters mend what they can first
    """
    report = Report()
    prettier = prettier_command()
    with instance.ready(test=True):
        tools = instance.venv.folder / "bin"
        present = [name for name in PYTHON if (ROOT / name).exists()]
        if fix:
            report.check("ruff mends", [tools / "ruff", "check", "--fix", "--quiet", *present])
            report.check("ruff formats", [tools / "ruff", "format", "--quiet", *present])
            report.check("prettier formats", [*prettier, "--write", "--log-level=warn", *WEB])
            report.failed.clear()
        report.check("ruff check", [tools / "ruff", "check", *present])
        report.check("ruff format --check", [tools / "ruff", "format", "--check", *present])
        report.check("prettier --check", [*prettier, "--check", *WEB])
        checkers = instance.odoo.addon("test_lint") / "tests"
        report.check(
            "pylint-odoo",
            [tools / "pylint", f"--rcfile={ROOT / 'pyproject.toml'}", f"--disable={','.join(NOT_OURS)}"]
            + [ADDONS / name for name in addons.present()],
            env={**instance.env, "PYTHONPATH": str(checkers), "PYLINTHOME": str(instance.folder / "pylint")},
        )
        template = instance.databases.template(addons.present())
        _odoo_lint(instance, template, report)
        report.note("translation templates", _stale_templates(instance, template))
    if report.failed:
        say(f"\ntier: lint found something: {', '.join(report.failed)}")
        say("      ./tier lint --fix mends what is only a matter of format; ./tier pot the templates.")
        return 1
    say("  Lint found nothing.")
    return 0


def _odoo_lint(instance, template, report):
    """Odoo's own test_lint, with our add-ons as the only ones to look at."""
    database = instance.databases.name(f"run_{os.getpid()}")
    instance.databases.copy(template, database, fast=True)
    folder = instance.odoo.addon("test_lint") / "tests"
    env = {
        **instance.env,
        "PYTHONPATH": str(Path(__file__).parent / "scripts"),
        "TIER_LINT_ADDONS": ",".join(addons.present()),
    }
    try:
        report.check(
            "Odoo's test_lint",
            [
                instance.venv.python,
                "-m",
                "pytest",
                folder,
                "-p",
                "only_our_addons",
                "-q",
                "--tb=short",
                "-k",
                # The one looks at all of Odoo (its rules are in our own run of pylint), the other
                # takes whatever eslint the machine has.
                "not TestPyLint and not TestESLint",
                f"--rootdir={folder}",
                "-o",
                f"cache_dir={instance.folder / 'pytest'}",
                f"--odoo-config={instance.test_config()}",
                f"--odoo-database={database}",
                f"--odoo-addons-path={instance.addons_path()}",
                "--odoo-log-level=error",
                f"--odoo-extra=data-dir={instance.data_dir}",
                "--odoo-extra=http-interface=127.0.0.1",
                "-W",
                "ignore::DeprecationWarning",
            ],
            env=env,
        )
    finally:
        instance.databases.drop(database)


def export_templates(instance, template):
    """The translation templates that the sources call for: {file: text}."""
    out = ensure(instance.folder / "i18n")
    texts = {}
    with step("Exporting the terms to translate"):
        env = {**instance.env, "TIER_POT_FOLDER": str(out), "TIER_POT_ADDONS": ",".join(addons.present())}
        instance.script("templates.py", template, env=env)
    for name in addons.present():
        file = out / f"{name}.pot"
        if file.exists():
            texts[ADDONS / name / "i18n" / f"{name}.pot"] = VOLATILE.sub("", file.read_text(encoding="utf-8"))
    shutil.rmtree(out)
    return texts


def write_templates(instance):
    """`./tier pot`: write the templates into the add-ons."""
    with instance.ready():
        template = instance.databases.template(addons.present())
        for file, text in export_templates(instance, template).items():
            ensure(file.parent)
            file.write_text(text, encoding="utf-8")
            say(f"  {file.relative_to(ROOT)}")
    return 0


def _stale_templates(instance, template):
    """A difference for each template that is not what the sources call for."""
    result = []
    for file, text in export_templates(instance, template).items():
        old = file.read_text(encoding="utf-8") if file.exists() else ""
        if old != text:
            name = str(file.relative_to(ROOT))
            lines = [*difflib.unified_diff(old.splitlines(), text.splitlines(), name, "./tier pot", n=0, lineterm="")]
            result += lines[:20] + ["…"] * (len(lines) > 20)
    return "\n".join(result)


def prettier_command():
    """The pinned prettier with its XML plugin, installed in the cache."""
    lock = ROOT / "package-lock.json"
    key = digest_files(lock)
    folder = cache() / "node" / key[:8]
    with locked(cache() / "locks" / "node", "installs prettier"):
        if not stamped(folder / "stamp", key):
            system.need({"npm": "npm", "node": "nodejs"}, "for prettier, which checks the style of scripts and XML")
            shutil.rmtree(folder, ignore_errors=True)
            ensure(folder)
            for name in ("package.json", "package-lock.json"):
                shutil.copy(ROOT / name, folder)
            with step("Installing prettier"):
                code, text = run(
                    ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
                    "Installing prettier",
                    check=False,
                    cwd=folder,
                )
                if code:
                    cause, remedy = explain(text) or ("npm failed", "See the log.")
                    raise Failure(f"prettier could not be installed: {cause}.", remedy)
            (folder / "stamp").write_text(key)
    modules = folder / "node_modules"
    plugin = modules / "@prettier" / "plugin-xml" / "src" / "plugin.js"
    return [
        shutil.which("node"),
        modules / "prettier" / "bin" / "prettier.cjs",
        f"--plugin={plugin}",
        "--no-error-on-unmatched-pattern",
        f"--config={ROOT / '.prettierrc.json'}",
    ]
