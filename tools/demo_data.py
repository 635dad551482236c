"""Write the demo's files: two rate decks and a day's calls of two switches.

    python -m tools.demo_data

Run by hand, at the root of the repository, after a change here; the files it
writes to `addons/tier_rating/demo/files/` are committed. It needs nothing but
the `phonenumbers` library of `requirements.txt`, and writes the same bytes
again as long as that library's version is the same.

    world_rates.csv           what the provider asks of its resellers, USD a minute
    carrier_cost.csv          what the provider pays for it
    switch_asterisk_Master.csv    the calls of the users 1xxx
    switch_freeswitch.json        the calls of the users 2xxx and 3xxx

All prices, people and calls are invented.
"""

import csv
import io

from . import demo_calls, demo_deck
from .messages import say
from .paths import ADDONS

FILES = ADDONS / "tier_rating" / "demo" / "files"


def deck_text(rates):
    """A deck as CSV.

    :param rates: list of :class:`~.demo_deck.Rate`
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(demo_deck.HEADER)
    writer.writerows(rate.row() for rate in rates)
    return text.getvalue()


def write():
    """Write all files anew."""
    world = demo_deck.world()
    texts = {
        "world_rates.csv": deck_text(world),
        "carrier_cost.csv": deck_text(demo_deck.carrier(world)),
        "switch_asterisk_Master.csv": demo_calls.asterisk(),
        "switch_freeswitch.json": demo_calls.freeswitch(),
    }
    FILES.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (FILES / name).write_text(text, encoding="utf-8", newline="\n")
        say(f"{name}: {text.count(chr(10))} lines")


if __name__ == "__main__":
    write()
