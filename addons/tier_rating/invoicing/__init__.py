"""Usage on invoices: what is billed, set by set.

* :mod:`.period`: days of a company as moments
* :mod:`.summary`: charges summed by service and destination
"""

from . import period, summary

__all__ = ["period", "summary"]
