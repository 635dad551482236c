"""Rate decks, as carriers send them. Plain Python, no Odoo.

* :mod:`.tables`: the rows of a CSV file or an XLSX workbook
* :mod:`.columns`: which column is which
* :mod:`.cells`: prefixes, numbers and dates as people write them
* :mod:`.reader`: rates
* :mod:`.writer`: the same formats, written
"""
