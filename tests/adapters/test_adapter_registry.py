"""A format is found by its code; a new format is one new file."""

import doctest
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import adapters
import pytest
from adapters import registry


def test_all_formats_are_found():
    codes = {adapter.code for adapter in adapters.all_adapters()}
    assert {"asterisk_csv", "asterisk_custom", "freeswitch_json"} <= codes


def test_every_adapter_introduces_itself():
    for adapter in adapters.all_adapters():
        assert adapter.name
        assert adapter.description.endswith(".")
        assert adapters.get(adapter.code) is adapter


def test_an_unknown_format_is_a_lookup_error():
    with pytest.raises(adapters.UnknownFormatError):
        adapters.get("morse")


def test_a_code_belongs_to_one_class():
    class Impostor(adapters.Adapter):
        code = "asterisk_csv"

    with pytest.raises(ValueError, match="asterisk_csv"):
        adapters.register(Impostor)


def test_a_new_file_is_a_new_format(tmp_path, monkeypatch):
    (tmp_path / "smoke_signals.py").write_text(
        "from adapters import Adapter, register\n"
        "@register\n"
        "class SmokeSignals(Adapter):\n"
        "    code, name, description = 'smoke', 'Smoke', 'One puff.'\n"
    )
    monkeypatch.setattr(adapters, "__path__", [*adapters.__path__, str(tmp_path)])
    monkeypatch.setattr(registry, "_adapters", dict(registry._adapters))
    registry._load.cache_clear()
    try:
        assert adapters.get("smoke").name == "Smoke"
    finally:
        sys.modules.pop("adapters.smoke_signals", None)


def test_the_package_does_not_import_odoo():
    # In a process of its own: another test may have brought Odoo into this one.
    code = "import sys, adapters; adapters.all_adapters(); sys.exit('odoo' in sys.modules)"
    folder = Path(adapters.__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", code], cwd=folder, check=False).returncode == 0


def test_an_unknown_time_zone_is_refused_before_reading():
    with pytest.raises(ValueError, match="Mars"):
        adapters.ReadOptions(timezone="Mars/Olympus_Mons")
    with pytest.raises(ValueError, match="passwd"):
        adapters.ReadOptions(timezone="../../etc/passwd")


@pytest.mark.parametrize("name", [module.name for module in pkgutil.iter_modules(adapters.__path__)])
def test_doctests(name):
    module = importlib.import_module(f"adapters.{name}")
    assert doctest.testmod(module).failed == 0
