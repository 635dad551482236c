"""A rate sheet to print: one line for what costs the same, whatever the list's length.

Read in one pass, in memory that grows with what is printed, not with the list:

* Few prefixes are all printed, those of one destination and price together.
* Of many, successive ones are printed as a range (44201-44209), and one that costs what the
  next shorter one of the list costs, at the same destination, is left to that one.
* Where even so there are more lines than anybody leafs through, each destination has one with
  its least and its highest price. The page says so: the files have every prefix.
"""

from typing import NamedTuple

from . import layout

# Up to so many prefixes all are printed.
ALL_UPTO = 5_000
# Lines of a printed sheet: some hundred pages, and about a minute to make.
MOST_LINES = 10_000
# Prefixes, or ranges of them, in a line: no line is longer than a page.
PREFIXES_A_LINE = 60
# Lines a table: the printing program takes ever longer for longer ones.
LINES_A_TABLE = 500


class TooMany(ValueError):
    """The list has more destinations than a sheet has lines."""


class Printed(NamedTuple):
    """What is printed.

    :param list tables: of lists of lines, dicts for the template
    :param bool folded: some prefixes are left to shorter ones
    :param bool summed: a line is a destination with its least and highest price
    :param int count: of prefixes
    """

    tables: list
    folded: bool
    summed: bool
    count: int


class Entry(NamedTuple):
    """A rate to print.

    :param Row row: see :mod:`.effective`
    :param str kind: what became of it, see :mod:`.changes`; None for a plain sheet
    """

    row: object
    kind: str | None = None


def lines(sheet, entries, is_whole, kinds=None, all_upto=ALL_UPTO, most=MOST_LINES):
    """Return what to print of some rates.

    :param sheet: :class:`.effective.Sheet`
    :param entries: iterable of :class:`Entry` in the order of prefixes
    :param bool is_whole: these are all rates of the sheet, so that a shorter prefix speaks for longer ones
    :param dict kinds: words for what became of a rate, by kind
    :param int all_upto: prefixes up to which none is left out
    :param int most: lines at most
    :rtype: Printed
    :raise TooMany: if there are more destinations than that
    """
    every, folded, summed = _Groups(most), _Groups(most), _Sums(most)
    above, count = [], 0
    for entry in entries:
        row = entry.row
        count += 1
        key = entry.kind, row.destination_id, _cost(row)
        while above and not row.prefix.startswith(above[-1][0]):
            above.pop()
        if not (is_whole and above and above[-1][1] == key):
            folded.add(key, row, joined=True)
        above.append((row.prefix, key))
        if count <= all_upto:
            every.add(key, row, joined=False)
        summed.add(key, row)
    groups, words = every if count <= all_upto else folded, _Words(sheet, kinds)
    made = [] if groups.overflown else words.groups(groups)
    is_summed = groups.overflown or len(made) > most
    if is_summed:
        made = words.sums(summed)
    tables = [made[start : start + LINES_A_TABLE] for start in range(0, len(made), LINES_A_TABLE)]
    return Printed(tables, groups is folded and not is_summed, is_summed, count)


def _cost(row):
    """Return what a row costs, without since when."""
    return tuple(price[:-2] for price in row.prices), row.volume


class _Group:
    """The prefixes of what costs the same at one place."""

    __slots__ = ("first", "row", "spans")

    def __init__(self, row):
        self.row, self.first, self.spans = row, row.prefix, []

    def add(self, prefix, joined):
        """Add a prefix that is behind all that were added.

        :param bool joined: one that follows the last is a range with it
        """
        if joined and self.spans:
            start, end = self.spans[-1]
            if len(end) == len(prefix) and end.isdigit() and prefix.isdigit() and int(prefix) == int(end) + 1:
                self.spans[-1] = start, prefix
                return
        self.spans.append((prefix, prefix))

    def texts(self):
        """Yield the prefixes, no more of them at once than a line is to have."""
        told = [start if start == end else f"{start}-{end}" for start, end in self.spans]
        for start in range(0, len(told), PREFIXES_A_LINE):
            yield ", ".join(told[start : start + PREFIXES_A_LINE])


class _Groups:
    """What costs the same at one place, as long as it is no more than can be printed."""

    def __init__(self, most):
        self._most, self._groups, self._spans = most, {}, 0
        self.overflown = False

    def add(self, key, row, joined):
        if self.overflown:
            return
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group(row)
            if len(self._groups) > self._most:
                self._overflow()
                return
        before = len(group.spans)
        group.add(row.prefix, joined)
        self._spans += len(group.spans) - before
        if self._spans > self._most * PREFIXES_A_LINE:
            self._overflow()

    def _overflow(self):
        self._groups.clear()
        self.overflown = True

    def items(self):
        return self._groups.items()


class _Sums:
    """The least and the highest price of each place."""

    def __init__(self, most):
        self._most, self.sums = most, {}

    def add(self, key, row):
        kind, destination_id, _cost_of_it = key
        # Who has no name stands for itself: nobody would know where it leads to.
        place = kind, destination_id, None if destination_id else row.prefix[:3]
        found = self.sums.get(place)
        if found is None:
            if len(self.sums) > self._most:
                return
            found = self.sums[place] = [None, None, 0]
        found[2] += 1
        if row.prices and not all(price.blocked for price in row.prices):
            prices = [price.price for price in row.prices if not price.blocked]
            if row.volume:
                prices = [value for _upto, value, _flat in row.volume.tiers]
            found[0] = min(prices) if found[0] is None else min(found[0], *prices)
            found[1] = max(prices) if found[1] is None else max(found[1], *prices)

    @property
    def overflown(self):
        return len(self.sums) > self._most


class _Words:
    """Puts groups into lines."""

    def __init__(self, sheet, kinds):
        self.sheet, self.env, self.kinds = sheet, sheet.env, kinds or {}
        self.bands, self._places = layout.band_names(sheet.env), {}

    def groups(self, groups):
        """Return the lines of groups, in the order of places and prefixes."""
        made = []
        for (kind, destination_id, _cost_of_it), group in groups.items():
            destination, country = self._place(destination_id)
            line = {
                "destination": destination,
                "country": country,
                "change": self.kinds.get(kind, ""),
                "lines": layout.lines(self.sheet, group.row, self.bands),
            }
            for number, text in enumerate(group.texts()):
                line = line if not number else {**line, "lines": [self._again(line["lines"][0])]}
                made.append(((not destination, destination, group.first, number), {**line, "prefixes": text}))
        return [line for _order, line in sorted(made, key=lambda pair: pair[0])]

    @staticmethod
    def _again(line):
        """Return a line with further prefixes of the same price."""
        return {**line, "steps": [], "connection": "", "increments": ""}

    def sums(self, sums):
        """Return a line for each place.

        :raise TooMany: if there are more than fit
        """
        if sums.overflown:
            raise TooMany
        made = []
        for (kind, destination_id, start), (least, highest, count) in sums.sums.items():
            destination, country = self._place(destination_id)
            made.append(
                (
                    (not destination, destination, start or ""),
                    {
                        "destination": destination,
                        "country": country,
                        "change": self.kinds.get(kind, ""),
                        "prefixes": self.env._("%(start)s… (%(count)s prefixes)", start=start, count=count)
                        if start
                        else self.env._("%s prefixes", count),
                        "lines": [self._span(least, highest)],
                    },
                )
            )
        return [line for _order, line in sorted(made, key=lambda pair: pair[0])]

    def _span(self, least, highest):
        text = ""
        if least is not None:
            text = layout.price(self.env, least)
            if highest != least:
                text = f"{text} – {layout.price(self.env, highest)}"
        return {
            "band": "",
            "blocked": least is None,
            "price": text,
            "steps": [],
            "connection": "",
            "increments": "",
        }

    def _place(self, destination_id):
        if not destination_id:
            return "", ""
        if destination_id not in self._places:
            record = self.env["tier.destination"].sudo().browse(destination_id)
            self._places[destination_id] = record.name or "", record.country_id.name or ""
        destination, country = self._places[destination_id]
        return destination, country if country.lower() not in destination.lower() else ""
