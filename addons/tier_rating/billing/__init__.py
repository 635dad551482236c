"""Resellers' bills: which charges stand on them, and what they add up to."""

from . import collect, totals

__all__ = ["collect", "totals"]
