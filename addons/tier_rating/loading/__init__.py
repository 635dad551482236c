"""A rate deck's way into a price list: streamed into a staging table, then judged and applied by SQL.

Memory does not grow with the deck: rows are read one by one (``decks``) and go by COPY into a
temporary table; everything else is a statement over all rows.

* :mod:`.links`: what the database guarantees about a rate's links, once per statement
* :mod:`.staging`: the rows of a file in the temporary table
* :mod:`.comparing`: what they change in the price list, as lines of the deck
* :mod:`.applying`: the lines written to the rates, and undone
* :mod:`.exporting`: rates and kept versions, written as decks
* :mod:`.files`: files in binary fields, without a copy in memory
* :mod:`.words`: what is wrong with a file, in the reader's language
"""

from . import applying, comparing, exporting, files, links, staging

__all__ = ["applying", "comparing", "exporting", "files", "links", "staging"]
