"""Statements of a wallet's money: read from the ledger, shown as a page, PDF, CSV or workbook.

``reader`` asks the database and is exact; ``layout`` makes texts of its answer, for one
template that the screen, the portal and the PDF share; ``files`` writes the same rows for
spreadsheets.
"""

from . import files, layout, reader
