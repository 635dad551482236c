"""Files that arrive by themselves. Plain Python: nothing here knows Odoo."""

from . import folder

__all__ = ["folder"]
