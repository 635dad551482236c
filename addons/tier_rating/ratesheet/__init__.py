"""Rate sheets: what customers of a price list pay, for them to read.

* :mod:`.effective`: the effective rate of every prefix, by the same code that charges
* :mod:`.pricer`: the charging path's pricer for one price list
* :mod:`.search`: what somebody typed or pasted to find a price
* :mod:`.changes`: two days side by side
* :mod:`.layout`: texts for screens and PDF
* :mod:`.files`: CSV and XLSX
* :mod:`.printed`: what is printed of lists of any length

A sheet shows the customer's own price only: nothing here hands out a base, a mark-up or a cost.
"""

from . import changes, effective, files, layout, printed, search

__all__ = ["changes", "effective", "files", "layout", "printed", "search"]
