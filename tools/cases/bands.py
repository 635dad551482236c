"""Time bands without prices: in which band is a moment, and how many does a call cross."""

import re
from datetime import timedelta

from engine import Band, Window, calendar
from engine.bands import MAX_SECONDS, epoch

from .reading import Fields, Malformed, Unsupported, moment, quote, seconds_between, zone_of
from .tariffs import DAY, precedence, window_of

DAYS = {
    "weekdays": range(1, 6),
    "weekday": range(1, 6),
    "workdays": range(1, 6),
    "weekends": (6, 7),
    "weekend": (6, 7),
    "daily": range(1, 8),
    "everyday": range(1, 8),
    "always": range(1, 8),
    "any": range(1, 8),
} | {name: (day,) for day, name in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), 1)}
_CLOCK = re.compile(r"(\d{1,2}:\d{2}(?::\d{2})?)(?:-(\d{1,2}:\d{2}(?::\d{2})?))?")
_NUMBER = re.compile(r"(year|month|day|monthday|weekday)s?=(\d+(?:,\d+)*)")
_WEIGHT = re.compile(r"w(\d+(?:\.\d+)?)")


def bands(case):
    """Return the figures of a tariff of bands alone."""
    tariff, call = case.tariff, case.call
    name, zone = zone_of(tariff)
    start = moment(call, "start", zone)
    found = _bands(tariff)
    laid = calendar(tuple(Band(number, (window,)) for number, (window, _names) in enumerate(found)), name)
    end = start
    if "end" in call:
        end = moment(call, "end", zone)
    elif "duration_s" in call:
        seconds = call.count("duration_s")
        if seconds > MAX_SECONDS:
            raise Malformed("call.duration_s: nothing lasts longer than ten years")
        end = start + timedelta(seconds=seconds)
    pieces = laid.split(epoch(start), seconds_between(start, end))
    _rates_change_later(tariff, zone, start, pieces)

    def name_of(index):
        return None if index is None else found[index][1]

    return {
        "segments": lambda: len(pieces),
        "in_band": lambda: laid.at(epoch(start)) is not None,
        "band": lambda: name_of(laid.at(epoch(start))),
        "bands": lambda: [name_of(index) for index, _seconds in pieces],
        "segment_s": lambda: [seconds for _index, seconds in pieces],
    }


def _bands(tariff):
    """Return [(window, names it goes by)] in order of precedence."""
    texts = tariff.get("bands")
    if texts is None:
        return [(window_of(tariff), frozenset({"band"}))]
    found = []
    for number, text in enumerate(tariff.items("bands")):
        where = f"tariff.bands[{number}]"
        if isinstance(text, str):
            fields, names = _phrase(text, where), {text}
        else:
            fields = Fields(text, where)
            tariff.inner.append(fields)
            names = {fields.text("id", str(number))}
        window = window_of(fields)
        found.append((precedence(fields, window), number, Window(*window), frozenset(names | _kinds(window))))
    return [(window, names) for _order, _number, window, names in sorted(found, key=lambda item: item[:2])]


def _phrase(text, where):
    """Read a phrase such as "weekdays 18:00-22:00 w10" or "month=5 day=1 w20"."""
    data = {}
    for word in text.lower().split():
        clock, number, weight = _CLOCK.fullmatch(word), _NUMBER.fullmatch(word), _WEIGHT.fullmatch(word)
        if word in DAYS:
            data["days"] = sorted({*data.get("days", ()), *DAYS[word]})
        elif clock:
            data["start"] = clock[1]
            if clock[2]:
                data["end"] = clock[2]
        elif number:
            name = {"day": "monthday", "weekday": "days"}.get(number[1], number[1])
            data[name] = [int(item) for item in number[2].split(",")]
        elif weight:
            data["weight"] = weight[1]
        else:
            raise Unsupported(f"{where}: {quote(text)} is no band that is understood (the word {word!r})")
    return Fields(data, where)


def _kinds(window):
    """Return by what names people call such a band."""
    days, start, end, *dates = window
    if any(dates):
        return {"holiday"}
    names = {word for word, numbers in DAYS.items() if frozenset(numbers) == days}
    return names | ({"peak"} if (start, end) != (0, DAY) and days == frozenset(range(1, 6)) and start else set())


def _rates_change_later(tariff, zone, start, pieces):
    """Refuse a change of prices within a call, unless a new band begins with it."""
    text = tariff.text("plan_change", None)
    if text is None:
        return
    change = moment(Fields({"plan_change": text.split()[0] if text.split() else ""}, "tariff"), "plan_change", zone)
    elapsed = start
    for _index, seconds in pieces:
        end = elapsed + timedelta(seconds=seconds)
        if elapsed < change < end:
            raise Unsupported("a session keeps the price list of its start; here prices change within it")
        elapsed = end
