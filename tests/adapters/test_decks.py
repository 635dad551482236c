"""Rate decks as carriers write them, and as nobody should."""

import io
import zipfile
from datetime import date
from decimal import Decimal

import pytest
from decks.errors import MESSAGES
from decks.reader import DeckError, DeckRow, Layout, header, preview, read
from decks.writer import WRITERS, TooLong
from openpyxl import Workbook

HEAD = "prefix,destination,price\n"


def prefixes(data, layout=None):
    data = data.encode() if isinstance(data, str) else data
    return [row.prefix if isinstance(row, DeckRow) else str(row) for row in read(data, layout)]


def workbook(*rows, sheet=None):
    book = Workbook()
    page = book.create_sheet(sheet) if sheet else book.active
    for row in rows:
        page.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("4420-4423", ["4420", "4421", "4422", "4423"]),
        ("4477-79", ["4477", "4478", "4479"]),
        ("44 20 – 44 21", ["4420", "4421"]),
        ("4420; 4430/4440|4450", ["4420", "4430", "4440", "4450"]),
        ("+44, 45-46", ["44", "45", "46"]),
        ("0044-0045", ["0044", "0045"]),
    ],
)
def test_several_prefixes_in_a_cell(cell, found):
    assert prefixes(f'{HEAD}"{cell}",UK,1\n') == found


@pytest.mark.parametrize("cell", ["4429-4420", "44-4420", "1-99999999", "44-", "-44", "44-45-46", ",", "44x"])
def test_a_cell_that_is_no_range(cell):
    (fault,) = read(f'{HEAD}"{cell}",UK,1\n'.encode())
    assert isinstance(fault, DeckError)
    assert fault.line == 2


def test_country_and_area_codes():
    deck = 'Country Code,Area Codes,Destination,Rate\n44,,UK,1\n44,"20, 77-79",UK London,2\n+1,212,US,3\n'
    assert prefixes(deck) == ["44", "4420", "4477", "4478", "4479", "1212"]


def test_the_header_stands_below_titles():
    deck = "Some Carrier Ltd;;\nRates of December\n\nCode;Destination;Rate per minute\n49;Germany;0,0043\n"
    (row,) = read(deck.encode())
    assert (row.line, row.prefix, row.price) == (5, "49", Decimal("0.0043"))


def test_a_workbook():
    deck = workbook(
        ["Some Carrier", None, None],
        ["Code", "Destination", "Rate", "Effective date", "Blocked"],
        [49, "Germany", 0.0043, date(2026, 12, 1), None],
        ["4420-4421", "UK", "0,02", "2026-12-01", True],
        [None, None, None, None, None],
        [881.0, "Satellite", 0.1 + 0.2, None, False],
    )
    rows = list(read(io.BytesIO(deck)))
    assert [(row.line, row.prefix, str(row.price), row.date_from, row.blocked) for row in rows] == [
        (3, "49", "0.0043", date(2026, 12, 1), False),
        (4, "4420", "0.02", date(2026, 12, 1), True),
        (4, "4421", "0.02", date(2026, 12, 1), True),
        (6, "881", "0.3", None, False),
    ]


def test_a_sheet_of_a_workbook():
    deck = workbook(["code", "name", "rate"], [49, "Germany", 1], sheet="Rates")
    assert prefixes(deck, Layout(sheet="Rates")) == ["49"]
    with pytest.raises(DeckError, match="no sheet 'Prices'"):
        list(read(deck, Layout(sheet="Prices")))


@pytest.mark.parametrize("harm", ["doctype", "cut", "other", "bomb"])
def test_a_hostile_workbook(harm, monkeypatch):
    deck = workbook(["code", "name", "rate"], [49, "Germany", 1])
    if harm == "cut":
        deck = deck[: len(deck) // 2]
    elif harm == "bomb":
        monkeypatch.setattr("decks.tables.LARGEST_PART", 100)
    else:
        stream = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(deck)) as old, zipfile.ZipFile(stream, "w") as new:
            for name in old.namelist():
                if harm == "doctype" and "sheet1" in name:
                    new.writestr(name, b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + old.read(name))
                elif harm == "doctype":
                    new.writestr(name, old.read(name))
            new.writestr("readme.txt", "x")
        deck = stream.getvalue()
    with pytest.raises(DeckError):
        list(read(deck))


def test_what_a_person_says_of_the_columns():
    deck = "Zona;Codigo;Tarifa A;Price\nEspana;34;0,01;9\n"
    layout = Layout(mapping={"prefix": "codigo", "destination": "Zona", "price": "Tarifa  a"})
    (row,) = read(deck.encode(), layout)
    assert (row.prefix, row.destination, row.price) == ("34", "Espana", Decimal("0.01"))
    assert header(deck.encode(), layout)[0] == {"prefix": 1, "destination": 0, "price": 2}
    with pytest.raises(DeckError, match="no column price"):
        list(read(deck.encode(), Layout(mapping={**layout.mapping, "price": "Tarifa B"})))


def test_decimals_and_dates_of_a_sender():
    deck = 'prefix,destination,price,effective\n49,Germany,"0,0043",12/31/2026\n'
    (row,) = read(deck.encode(), Layout(decimals="comma", dates="mdy"))
    assert (row.price, row.date_from) == (Decimal("0.0043"), date(2026, 12, 31))
    assert all(isinstance(row, DeckError) for row in read(deck.encode()))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encodings_and_separators(encoding, delimiter):
    text = "prefix,destination,price\n43,Österreich,1\n".replace(",", delimiter)
    (row,) = read(text.encode(encoding))
    assert (row.prefix, row.destination) == ("43", "Österreich")


def test_memory_does_not_grow_with_the_file(tmp_path):
    path = tmp_path / "deck.csv"
    with path.open("w") as file:
        file.write(HEAD)
        file.writelines(f"{number},Somewhere,0.01\n" for number in range(50_000))
    import tracemalloc

    with path.open("rb") as stream:
        tracemalloc.start()
        assert sum(1 for _ in read(stream)) == 50_000
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 6 << 20


def test_a_person_says_that_no_column_is_it():
    deck = b"prefix,destination,price,blocked\n49,Germany,1,x\n"
    (row,) = read(deck, Layout(mapping={"blocked": None}))
    assert not row.blocked
    with pytest.raises(DeckError, match="no column price"):
        list(read(deck, Layout(mapping={"price": None})))


def test_a_preview_of_what_is_known():
    deck = b"Some Carrier\n\nCode;Destination;Rate\n49;Germany;0,1\n\n43;Austria;0,2\n"
    seen = preview(deck)
    assert (seen.line, seen.names, seen.fault) == (3, ["Code", "Destination", "Rate"], None)
    assert seen.samples == [["49", "Germany", "0,1"], ["43", "Austria", "0,2"]]
    assert seen.positions == {"prefix": 0, "destination": 1, "price": 2}


def test_a_preview_of_what_is_not():
    deck = b"Angebot vom 1.12.\nVorwahl;Ziel;Preis;Rate\n49;Germany;0,1;x\n"
    seen = preview(deck)
    assert (seen.line, seen.names) == (2, ["Vorwahl", "Ziel", "Preis", "Rate"])
    assert seen.positions == {"price": 3}
    assert seen.fault.code == "no_column"
    mapping = {"prefix": "Vorwahl", "destination": "Ziel", "price": "Preis"}
    assert preview(deck, Layout(mapping=mapping)).fault is None
    assert prefixes(deck, Layout(mapping=mapping)) == ["49"]
    with pytest.raises(DeckError):
        preview(b"")


ROWS = [
    DeckRow(2, "49", "Germany, all", Decimal("0.0043"), 30, 6, Decimal("0.01"), date(2026, 12, 1), None, "Peak"),
    DeckRow(3, "4930", "=Berlin", Decimal("0.000000012345"), None, None, Decimal(0), None, date(2027, 1, 1)),
    DeckRow(4, "881", 'Österreich\t"x"', Decimal("123456789.123456789012"), blocked=True),
]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_what_is_written_is_read_again(form):
    stream = io.BytesIO()
    assert WRITERS[form](stream, iter(ROWS)) == 3
    assert list(read(stream)) == ROWS


def test_a_deck_that_does_not_fit_into_a_sheet(monkeypatch):
    monkeypatch.setattr("decks.writer.LARGEST_SHEET", 3)
    with pytest.raises(TooLong):
        WRITERS["xlsx"](io.BytesIO(), iter(ROWS))


def test_every_fault_has_words():
    for code, words in MESSAGES.items():
        assert words.endswith("."), code


def test_columns_by_number():
    deck = b"Rate;Code;Rate;Zone\n9;49;0,1;Germany\n"
    layout = Layout(mapping={"price": "#3", "destination": "Zone", "date_from": "#9"})
    with pytest.raises(DeckError, match="date_from"):
        list(read(deck, layout))
    del layout.mapping["date_from"]
    (row,) = read(deck, layout)
    assert (row.prefix, row.price) == ("49", Decimal("0.1"))


def test_a_file_without_a_header():
    deck = b"49;Germany;0,1\n43;Austria;0,2\n"
    seen = preview(deck, Layout(has_header=False))
    assert (seen.names, seen.samples[0], seen.positions) == (["#1", "#2", "#3"], ["49", "Germany", "0,1"], {})
    layout = Layout(mapping={"prefix": "#1", "destination": "#2", "price": "#3"}, has_header=False)
    assert prefixes(deck, layout) == ["49", "43"]
    assert preview(deck, layout).samples[0] == ["49", "Germany", "0,1"]
    with pytest.raises(DeckError, match="empty"):
        list(read(b"", layout))
