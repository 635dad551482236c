"""One session's price as a function of its length, to search in: grants need many prices.

The price never falls as the session lasts longer: nothing is sold below zero, every charge
comes once, and rounding keeps the order. Each search of the engine leans on that.
"""

from bisect import bisect_left

from .bands import epoch
from .errors import Refused
from .search import last_that_fits


class Session:
    """The price of one session from its start to a limit.

    :param Offer offer: what the payer pays
    :param datetime start: of the session, aware or naive UTC
    :param int limit: longest length of interest, in seconds or units, at least 1
    :raise Refused: if not even the first block can be priced

    >>> from datetime import datetime
    >>> from decimal import Decimal
    >>> from .offer import Offer
    >>> from .tariff import Rate, Terms
    >>> session = Session(Offer(Terms(), (Rate(1, "44", Decimal(6)),)), datetime(2026, 1, 1), 90)
    >>> [session.units(seconds) for seconds in (0, 1, 60, 90)]
    [0, 10, 600, 900]
    """

    packaged = False
    falls = False
    __slots__ = ("blocks", "ends", "limit", "meter", "offer", "offsets", "tariff", "tariffs")

    def __init__(self, offer, start, limit):
        self.offer, self.meter = offer, offer.meter
        calendar, index, moment = self.meter.calendar, None, None
        if calendar is not None:
            moment = epoch(start)
            index = calendar.at(moment)
        self.tariff = self.meter.tariff(index)
        self.blocks, self.limit = self.tariff.blocks, limit
        horizon = self._horizon(limit)
        cut = calendar is not None and offer.timed
        self._layout(calendar.split(moment, horizon) if cut else [(index, horizon)])

    def _horizon(self, limit):
        """Return the end of what may be billed of a session up to a limit."""
        return limit if self.meter.completed else self.blocks.end(limit)

    def _layout(self, segments):
        """Add up the segments, up to the first that has no price."""
        self.ends, self.tariffs, self.offsets = [], [], []
        elapsed = total = 0
        for index, seconds in segments:
            try:
                tariff = self.meter.tariff(index)
            except Refused:
                self.limit = self.blocks.floor(elapsed)
                if not self.limit:
                    raise
                break
            self.tariffs.append(tariff)
            self.offsets.append(total - tariff.upto(elapsed))
            billed = self._counted(tariff, seconds)
            total += tariff.upto(elapsed + billed) - tariff.upto(elapsed)
            elapsed += seconds
            self.ends.append(elapsed)

    def _counted(self, tariff, seconds):
        """Return the billed units of a whole segment."""
        return tariff.blocks.end(seconds) if self.meter.completed else seconds

    def exact(self, quantity):
        """Return the exact price of a length up to the limit, over ``meter.denominator``."""
        if quantity <= self.meter.grace:
            return 0
        if self.meter.completed:
            return self.meter.total(self.meter.plain(self.tariff, self._completed(quantity), quantity))
        time = self.time(self.blocks.end(quantity))
        return self.meter.total(self.meter.plain(self.tariff, time, quantity))

    def time(self, billed):
        """Return the price of the first billed units, without any charge."""
        if len(self.ends) == 1:
            return self.tariffs[0].upto(billed)
        segment = bisect_left(self.ends, billed)
        return self.offsets[segment] + self.tariffs[segment].upto(billed)

    def _completed(self, quantity):
        """Return the price of the completed increments of each band."""
        segment = bisect_left(self.ends, quantity)
        tariff, start = self.tariffs[segment], self.ends[segment - 1] if segment else 0
        return self.offsets[segment] + tariff.upto(start + tariff.blocks.end(quantity - start))

    def units(self, quantity):
        """Return the rounded price of a length, in smallest coins of the payer."""
        return self.meter.coins.units(self.exact(quantity)) if quantity > 0 else 0

    def affordable(self, units, limit):
        """Return the greatest length up to a limit that costs no more than so many coins."""
        if self.units(limit) <= units:
            return limit
        return last_that_fits(lambda length: self.units(length) <= units, 0, limit)

    def floor(self, quantity):
        """Return the end of the last whole block within a length."""
        return self.blocks.floor(quantity)

    def pieces(self):
        """Return [(start, end, integer price of a unit)] of the billed time."""
        start, pieces = 0, []
        for end, tariff in zip(self.ends, self.tariffs, strict=True):
            pieces += [(a, b, unit) for a, b, _price, unit in tariff.pieces(start, end)]
            start = end
        return pieces
