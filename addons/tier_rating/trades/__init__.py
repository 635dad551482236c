"""What is particular to trades other than telephony. All else is the same path for everybody.

* :mod:`.hotel`: rooms, and guests who pay while they stay
* :mod:`.hosting`: its demo; a data centre needs nothing of its own
* :mod:`.office`: departments that bear the cost of what their extensions use
* :mod:`.university`: its demo; a campus needs nothing of its own
"""

from . import hosting, hotel, office, university
