"""All rows of a sheet at once, for whoever goes through a whole list.

The rates are read list by list into memory, as for a file of calls (:mod:`..charging.books`), and the
thousands that are but a price share one offer for each price: some ten times as fast as looking
prefixes up, for some 100 bytes a prefix.
"""

from ..charging import books
from ..charging.offers import NO_RATE
from ..engine.errors import Refused
from .effective import Row


def rows(sheet):
    """Yield every effective rate, in the order of prefixes.

    A prefix whose rate does not hold on the day may come with that of a shorter one.

    :param sheet: :class:`.effective.Sheet`
    :return: iterator of :class:`.effective.Row`
    """
    selling, prefixes = _read(sheet)
    if selling is None:
        yield from sheet.rows()
        return
    prices, bands = {}, sheet._pricer.bands
    for prefix in prefixes:
        found = selling.plain(prefix, sheet.day, selling.find(prefix))
        if found is None:
            try:
                found = selling.look_up(prefix, sheet.day, bands)
            except Refused:
                # A rate that makes no sense prices nothing.
                continue
        if found is NO_RATE:
            continue
        if not found.is_plain:
            yield Row(prefix, found.destination_id, tuple(sheet._prices(found.offer)))
            continue
        # The offer is kept with its prices, so that no other takes its place in memory.
        known = prices.get(id(found.offer))
        if known is None:
            known = prices[id(found.offer)] = found.offer, tuple(sheet._prices(found.offer))
        yield Row(prefix, found.destination_id, known[1])


def _read(sheet):
    """Return how customers buy, from memory, and all prefixes in order; None for what is too large."""
    pricer, cr = sheet._pricer, sheet.env.cr
    service = pricer.services[sheet.service.id]
    price_list = pricer.lists[sheet.price_list.id]
    rates, prefixes = {}, set(pricer.marked_prefixes)
    # Of its own: a list that is read once is not to take the place of those that calls need.
    shelf = books.Shelf()
    for level, version in zip(price_list.levels, price_list.versions, strict=True):
        key = level, service.id
        if books._size(cr, key) > books.LARGEST:
            return None, ()
        book = books._read_book(cr, key, version, service.price_per, shelf._index)
        if sheet.day < book.since:
            return None, ()
        rates[key] = book
        prefixes.update(book.index)
    pricer.rates = rates
    return pricer._make_selling(pricer.buyer, pricer.item, pricer.item.at.date()), sorted(prefixes)
