"""Re-rating: what events would cost by today's prices, and the difference posted on every edge.

What was charged stays as it is, as with refunds. A correction adds to it: one charge for each
tier that it concerns, with what the amounts differ by, and one transfer for each edge whose payment changes: more
usage the same way, or a rebate backwards, both pointing at the payment that they correct. They
are dated when the correction was made: sums over charges and over transfers agree month by month,
and a period that was booked, invoiced or told in a statement does not change afterwards. Spending
limits count them on the day of use.

The charges of one wallet for one event are a chain: each correction, and at its end a refund,
points at the one before (``reverses_id``), which a unique index lets happen once. So two runs
that were computed from the same charges cannot both correct them.

* :mod:`.choose`: which events a run looks at, batch by batch
* :mod:`.compare`: what they cost now, and what they would cost
* :mod:`.rows`: what a run keeps of it
* :mod:`.post`: the difference, in the ledger and on the charges

What a package paid for stays paid for: events that took units from one are left alone, as are
those of a price by volume, whose price depends on all others of its period. So are those that were
refunded, that somebody contests, whose wallets have moved since, and that have no price any more;
a run keeps each with its reason.
"""

from . import choose, compare, post, rows

# Events per transaction; more gains little and keeps locks for longer.
BATCH = 500

__all__ = ["BATCH", "choose", "compare", "post", "rows"]
