"""What a number costs on one price list: offers, made once and kept from batch to batch."""

from datetime import timezone
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from ..engine.offer import Offer
from ..engine.plain import PlainTariff
from ..engine.prefixes import Match, longest_match
from ..engine.tariff import ONE, Derivation, Rate, ladder
from . import books

# Offers a process remembers, some 3 kB each.
OFFERS_KEPT = 8192
# Those that all rates of one price have in common, where more than the amount is asked for.
PLAIN_KEPT = 16384
TERMS_KEPT = 4096


class Found:
    """What prices a number, and where it came from.

    :param offer: :class:`..engine.offer.Offer`, or what :func:`_plain_offer` makes it of once it is asked for
    :param Decimal rate: from the price list's currency to the wallet's
    :param destination_id: where the matched prefix leads to
    :param prefix: that matched
    :param rate_id: of its first rate
    :param PlainTariff tariff: prices it without the offer, where there is nothing but a price
    :param int price: of the rate, for the tariff
    """

    __slots__ = ("_offer", "destination_id", "prefix", "price", "rate", "rate_id", "tariff")

    def __init__(self, offer, rate, destination_id, prefix, rate_id, tariff=None, price=None):
        self._offer, self.rate, self.destination_id = offer, rate, destination_id
        self.prefix, self.rate_id, self.tariff, self.price = prefix, rate_id, tariff, price

    @property
    def offer(self):
        """What to price with where more is asked than the amount, such as how long funds last."""
        if type(self._offer) is tuple:
            self._offer = _plain_offer(*self._offer)
        return self._offer

    def priced_by(self, offer):
        """Return the same with another offer.

        :param Offer offer: to price with
        """
        return Found(offer, self.rate, self.destination_id, self.prefix, self.rate_id, price=self.price)

    @property
    def is_plain(self):
        """Whether the offer is shared by all rates of this price."""
        return self.price is not None


NO_RATE = Found(None, ONE, None, "", 0)


class Selling:
    """How a customer of one price list buys one service.

    :param levels: mappings of prefix to rates: the list's own, its base's …
    :param terms: (:class:`Terms`, derivations, rate of conversion, whether it is timed)
    :param int per: units that a price is for
    :param marked: :class:`Marked`, for lists with mark-ups of some numbers only; else None
    :ivar index: what finds a number in books; the same object for lists that find it at the same place
    """

    __slots__ = ("books", "index", "levels", "longest", "marked", "per", "rate", "tariffs", "terms", "zone")

    def __init__(self, levels, terms, per, marked=None):
        self.levels, self.terms, self.per, self.marked = levels, _shared(*terms), per, marked
        self.rate = terms[2]
        zone = terms[0].timezone
        self.zone = None if zone == "UTC" else ZoneInfo(zone)
        # Without its own look-ups of all levels a number is found in books alone.
        self.books = []
        if all(isinstance(level, books.Book) for level in levels):
            self.books = [(depth, level.index) for depth, level in enumerate(levels) if level.index]
        self.longest = max((levels[depth].longest for depth, _index in self.books), default=0)
        self.index = self.books[0][1] if len(self.books) == 1 else self
        self.tariffs = {}

    def plain(self, number, day, place):
        """Return what prices a number whose rate is but a price; None to look closer.

        The same as ``longest_match`` and an offer of its match, without making either.

        :param str number: normalised
        :param date day: on the brand's calendar
        :param place: of :meth:`find`, which all that share the index have in common
        :rtype: Found
        """
        prefix, level, position = place
        if position is None or position == books.ODD:
            return None
        depth = self.books[level][0]
        book = self.levels[depth]
        price, rate_id, destination_id, first_day = books.RECORD.unpack_from(book.records, position * books.RECORD.size)
        if first_day > day.toordinal():
            return None
        destination_id = destination_id or None
        if self.marked and depth:
            terms = self.terms_of(number, destination_id, depth)
            tariff = _plain_tariff(terms, depth, self.per)
        else:
            terms = self.terms
            if depth not in self.tariffs:
                self.tariffs[depth] = _plain_tariff(terms, depth, self.per)
            tariff = self.tariffs[depth]
        # Its offer is seldom asked for: made then.
        return Found((terms, depth, price, self.per), self.rate, destination_id, prefix, rate_id, tariff, price)

    def find(self, number):
        """Return (longest prefix, which of the books has it, its position there); no position = none."""
        for length in range(min(len(number), self.longest), 0, -1):
            prefix = number[:length]
            for level, (_depth, index) in enumerate(self.books):
                position = index.get(prefix)
                if position is not None:
                    return prefix, level, position
        return "", 0, None

    def local_day(self, at):
        """Return the day on the brand's calendar.

        :param at: naive UTC ``datetime``
        :rtype: datetime.date
        """
        if self.zone is None:
            return at.date()
        return at.replace(tzinfo=timezone.utc).astimezone(self.zone).date()

    def look_up(self, number, day, bands):
        """Return the offer of a number of any kind.

        :param str number: normalised
        :param date day: on the brand's calendar
        :param bands: dict of id to the engine's time bands
        :return: :class:`Found`; :data:`NO_RATE` if there is none
        """
        match = longest_match(number, self.levels, day)
        if match is None:
            return NO_RATE
        banded = any(rate.band_id for rate in match.rates) or match.deeper
        destination_id = match.rates[0].destination_id
        terms = self.terms_of(number, destination_id, len(self.levels) - 1) if self.marked else self.terms
        offer = _offer(match, *terms, tuple(bands.values()) if banded else ())
        return Found(offer, self.rate, destination_id, match.prefix, match.rates[0].id)

    def terms_of(self, number, destination_id, depth):
        """Return the terms with the mark-ups that hold for a number.

        :param str number: normalised
        :param destination_id: of the rate that was found
        :param int depth: of the lowest list that matters
        :rtype: _Terms
        """
        if self.marked is None:
            return self.terms
        derivations = self.marked.derivations(number, destination_id, depth)
        if derivations is None:
            return self.terms
        terms, usual, rate, timed = self.terms
        return _shared(terms, (*derivations, *usual[len(derivations) :]), rate, timed)


class Marked:
    """The mark-ups of the lists above each base, for lists that have some of their own.

    :param markups: for each list but the lowest: :class:`.markups.Markups`, or None
    :param usual: the :class:`.markups.Markup` of each list itself
    :param factors: from the currency of each list's base to its own, of the day
    """

    __slots__ = ("factors", "made", "markups", "usual")

    def __init__(self, markups, usual, factors):
        self.markups, self.usual, self.factors = markups, usual, factors
        self.made = {}

    def chosen(self, number, destination_id, depth):
        """Return the mark-up that each list adds to a rate found so many lists below the first.

        :rtype: tuple
        """
        return tuple(
            (markups and markups.find(number, destination_id)) or usual
            for markups, usual in zip(self.markups[:depth], self.usual, strict=False)
        )

    def derivations(self, number, destination_id, depth):
        """Return how each list derives from its base for a number; None = as usual."""
        chosen = self.chosen(number, destination_id, depth)
        if chosen not in self.made:
            is_usual = all(markup.line_id is None for markup in chosen)
            self.made[chosen] = None if is_usual else tuple(map(derivation, chosen, self.factors))
        return self.made[chosen]


def derivation(markup, factor):
    """Return how a list derives from its base: converted, then marked up.

    :param markup: :class:`.markups.Markup`
    :param Decimal factor: from the base's currency to the list's
    :rtype: Derivation
    """
    return Derivation((ONE + markup.fraction) * factor - ONE, markup.fixed)


@lru_cache(maxsize=OFFERS_KEPT)
def _offer(match, terms, derivations, rate, timed, bands):
    """Return an offer, kept from batch to batch.

    Keyed on all that goes into it, so nothing ever has to be invalidated: a
    changed rate is another key. Making one costs ten times as much as finding it.
    """
    return Offer.of(match, terms, derivations, bands, rate, timed=timed)


class _Terms(tuple):
    """What :class:`Selling` passes on, hashed by identity: equal ones are the same."""

    __slots__ = ()
    __hash__ = object.__hash__
    __eq__ = object.__eq__


@lru_cache(maxsize=TERMS_KEPT)
def _shared(*terms):
    return _Terms(terms)


@lru_cache(maxsize=TERMS_KEPT)
def _plain_tariff(terms, depth, per):
    """Return the tariff of all plain rates of one list, None where each needs an offer.

    :param _Terms terms: of the customer's price list
    :param int depth: of the list that has the rates
    :param int per: units that their prices are for
    """
    terms, derivations, factor, _timed = terms
    return PlainTariff.of(terms, ladder(depth, derivations, terms), factor, per, books.SCALE)


@lru_cache(maxsize=PLAIN_KEPT)
def _plain_offer(terms, depth, units, per):
    """Return the offer that all rates of one price have in common.

    :param _Terms terms: of the customer's price list
    :param int depth: of the list that has the rate
    :param int units: the price in the smallest unit of a rate
    :param int per: units that the price is for
    """
    rate = Rate(0, "", Decimal(units).scaleb(-books.SCALE), per)
    terms, derivations, factor, timed = terms
    return Offer.of(Match("", depth, (rate,)), terms, derivations, (), factor, timed=timed)
