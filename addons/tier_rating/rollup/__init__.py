"""Sums of charges by hour and by day, so that reports need not read every charge.

* :mod:`.horizon`: up to which charge everything is committed
* :mod:`.sums`: adding charges to the sums, and proving that nothing is missing
* :mod:`.month`: figures of wallets from the sums, and from charges where those are not enough
"""

from . import horizon, month, sums

__all__ = ["horizon", "month", "sums"]
