"""What a number costs, and why: the steps of a price in words, for people.

* :mod:`.prices`: every tier's price, by the same code that charges
* :mod:`.words`: the steps of one of them
* :mod:`.own`: those of a customer's own price, for the customer to read
"""

from . import own, prices, words

__all__ = ["own", "prices", "words"]
