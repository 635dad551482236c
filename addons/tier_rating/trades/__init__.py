"""What is particular to trades other than telephony. All else is the same path for everybody.

* :mod:`.hotel`: rooms, and guests who pay while they stay
"""

from . import hotel
