"""What is sold for less than it costs.

* :mod:`.compare`: two price lists side by side, prefix by prefix, by the code that charges
"""

from . import compare

__all__ = ["compare"]
