"""The command line of rate decks: what is asked for, and what a person reads."""

from types import SimpleNamespace

import pytest

from tools import deck
from tools.messages import Failure


def options(action="import", **values):
    empty = {
        "file": None,
        "list": None,
        "service": "voice",
        "sender": None,
        "column": [],
        "sheet": None,
        "effective": None,
        "full": False,
        "jump": None,
        "deck": None,
    }
    return SimpleNamespace(action=action, **{**empty, **values})


def test_what_is_asked_for(tmp_path):
    file = tmp_path / "deck.csv"
    file.write_text("x")
    asked = deck.request(options(file=str(file), list="Retail", column=["price=Tarif", "blocked="]))
    assert asked["file"] == str(file)
    assert asked["columns"] == {"price": "Tarif", "blocked": None}


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"file": "none.csv", "list": "Retail"},
        {"action": "export", "file": "x.csv"},
        {"action": "undo"},
        {"file": __file__, "list": "Retail", "column": ["Tarif"]},
        {"file": __file__, "list": "Retail", "effective": "soon"},
    ],
)
def test_what_cannot_be_meant(values):
    with pytest.raises(Failure):
        deck.request(options(**values))


def test_what_a_person_reads():
    counts = dict.fromkeys(("row", "new", "up", "down", "changed", "blocked", "unchanged", "removed", "warning"), 0)
    shown = deck.text({"deck": 3, "state": "checked", "counts": {**counts, "row": 5, "new": 2}, "warnings": ["line 2"]})
    assert shown == "  Deck 3: checked.\n  5 rates, 2 new.\n  line 2"
    assert "… and 7 more faults" in deck.text({"deck": 3, "state": "refused", "faults": 8, "problems": ["x"]})
    assert deck.text({"rows": 4, "file": "x.csv"}) == "  4 rates in x.csv."
