# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Which formats there are. A module in this package registers itself."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from .base import Adapter

_adapters: dict[str, Adapter] = {}


class UnknownFormatError(LookupError):
    """No adapter has that code."""


def register(cls: type[Adapter]) -> type[Adapter]:
    """Class decorator: make an adapter known under its code.

    :raise ValueError: if another class has the code already
    """
    known = _adapters.get(cls.code)
    # the same class again is a module that was reloaded
    if known and type(known).__qualname__ != cls.__qualname__:
        raise ValueError(f"Two adapters for the format {cls.code!r}")
    _adapters[cls.code] = cls()
    return cls


def get(code: str) -> Adapter:
    """The adapter of a format.

    :raise UnknownFormatError: if there is none
    """
    _load()
    try:
        return _adapters[code]
    except KeyError:
        raise UnknownFormatError(code) from None


def all_adapters() -> list[Adapter]:
    """Every adapter, by name."""
    _load()
    return sorted(_adapters.values(), key=lambda adapter: adapter.name)


@cache
def _load() -> None:
    """Import every module beside this one, so that it registers itself."""
    package = importlib.import_module(__package__)
    for module in pkgutil.iter_modules(package.__path__):
        if not module.name.startswith("_"):
            importlib.import_module(f"{__package__}.{module.name}")
