"""`./tier bench`: a measurement from tests/bench on a fresh database."""

import json
import os
import subprocess
from pathlib import Path

from . import addons
from .messages import Failure, Log
from .paths import ROOT

FOLDER = ROOT / "tests" / "bench"


def names():
    return sorted(file.stem for file in FOLDER.glob("*.py") if not file.stem.startswith("_"))


def check(name):
    """Make sure that a measurement of that name exists."""
    if name not in names():
        word = f"there is no measurement called {name}." if name else "which measurement?"
        raise Failure(word, f"There are: {', '.join(names()) or 'none yet'}. As: ./tier bench NAME")


def run_bench(instance, name, words):
    """Run a measurement; its last line is its result as JSON."""
    with instance.ready(test=True):
        template = instance.databases.template(addons.present())
        script = Path(__file__).parent / "scripts" / "bench.py"
        command = [instance.venv.python, script, FOLDER / f"{name}.py", json.dumps(words)]
        command = [str(part) for part in command]
        env = {**instance.env, "TIER_CONTEXT": instance.context(template), "PYTHONDONTWRITEBYTECODE": "1"}
        Log.write(f"$ {' '.join(command)}\n")
        try:
            code = subprocess.run(command, env=env, cwd=ROOT, check=False).returncode
        finally:
            prefix = instance.databases.name(f"run_{os.getpid()}")
            instance.databases.drop(*[left for left in instance.databases.all() if left.startswith(prefix)])
    return 1 if code < 0 else code
