# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Readers of the call records that switches write: one file a format.

Nothing in this package imports Odoo. The public names are these:

>>> records = get("asterisk_csv").read(stream, ReadOptions(timezone="UTC"))

``records`` yields, in the order of the file, a :class:`UsageRecord` for what
can be charged and a :class:`BadRecord` for what cannot be read.

A new format is one new module here: a subclass of :class:`Adapter` under the
:func:`register` decorator. A module whose name begins with an underscore holds
what several formats share.
"""

from ._mapping import FieldMap
from .base import Adapter, BadRecord, ReadOptions, UsageRecord
from .reasons import REASONS
from .registry import UnknownFormatError, all_adapters, get, register

__all__ = [
    "REASONS",
    "Adapter",
    "BadRecord",
    "FieldMap",
    "ReadOptions",
    "UnknownFormatError",
    "UsageRecord",
    "all_adapters",
    "get",
    "register",
]
