"""What is particular to trades other than telephony. All else is the same path for everybody.

* :mod:`.hotel`: rooms, and guests who pay while they stay
* :mod:`.office`: departments that bear the cost of what their extensions use
"""

from . import hotel, office
