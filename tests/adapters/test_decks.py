"""Rate decks as carriers write them, and as nobody should."""

import io
import zipfile
from datetime import date
from decimal import Decimal

import pytest
from decks.reader import DeckError, DeckRow, Layout, header, read
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
