"""Usage on invoices: what is billed, set by set.

* :mod:`.period`: days of a company as moments
* :mod:`.summary`: charges summed by service and destination
* :mod:`.waiting`: charges on no invoice yet, and the links that put them on one
* :mod:`.linked`: how far back that is looked for
* :mod:`.amounts`: exact sums as amounts that can be paid
* :mod:`.lines`: the lines of an invoice
* :mod:`.call_list`: the list of calls that goes with it
"""

from . import amounts, call_list, lines, linked, period, summary, waiting

__all__ = ["amounts", "call_list", "lines", "linked", "period", "summary", "waiting"]
