"""What a number costs, and why: the steps of a price in words, for people.

* :mod:`.prices`: every tier's price, by the same code that charges
* :mod:`.words`: the steps of one of them
"""

from . import prices, words

__all__ = ["prices", "words"]
