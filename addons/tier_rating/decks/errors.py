"""What can be wrong with a deck."""

# The words by code; whoever shows them to a person may say them in that person's language.
MESSAGES = {
    # Of a file
    "empty_file": "the file is empty.",
    "no_column": "no column %(names)s; the first line must name the columns.",
    "not_text": "this is not a text file; save the deck as CSV or XLSX.",
    "bad_csv": "the file is not valid CSV: %(why)s.",
    "bad_workbook": "the workbook cannot be read; save it again as XLSX or CSV.",
    "broken_workbook": "the workbook is broken here.",
    "large_workbook": "the workbook is too large; save the deck as CSV.",
    "odd_workbook": "the workbook is not one that a spreadsheet program writes.",
    "no_sheet": "there is no sheet %(sheet)s; the workbook has %(sheets)s.",
    "no_sheets": "the workbook has no sheet.",
    # Of a row
    "no_price": "the price is empty.",
    "long_name": "the destination is longer than %(longest)s characters: %(text)s.",
    "ends_first": "the rate ends on %(end)s, before it begins on %(begin)s.",
    "double": "prefix %(prefix)s stands on line %(other)s already, with other terms.",
    "no_band": "there is no time band %(band)s; create it first.",
    # Of a cell
    "country_code": "%(text)s is not a country code; write digits only.",
    "many_prefixes": "%(text)s stands for more than %(most)s prefixes.",
    "prefix": "%(text)s is not a prefix; write digits only.",
    "long_prefix": "%(text)s is not a prefix; it has more than %(most)s digits.",
    "range": "%(text)s is not a range of prefixes; write it as 4420-4429.",
    "large_range": "%(text)s is a range of more than %(most)s prefixes.",
    "number": "%(column)s is not a number: %(text)s.",
    "out_of_range": "%(column)s is out of range: %(text)s.",
    "decimals": "%(column)s has more than %(most)s decimals: %(text)s.",
    "seconds": "%(column)s is not a number of seconds up to a day: %(text)s.",
    "date": "%(text)s is not a date; write it as 2026-11-20.",
}


class CellError(ValueError):
    """What is wrong with a cell.

    :param str code: of :data:`MESSAGES`
    :param values: what its words name
    """

    def __init__(self, code, **values):
        self.code, self.values = code, values
        super().__init__(MESSAGES[code] % {"column": "it", **values})


class DeckError(ValueError):
    """What is wrong with a deck; ``line`` is the line of the file, from 1.

    :param int line: from 1
    :param str code: of :data:`MESSAGES`
    :param values: what its words name
    """

    def __init__(self, line, code, **values):
        self.line, self.code, self.values = line, code, values
        super().__init__(f"Line {line}: {MESSAGES[code] % values}")
