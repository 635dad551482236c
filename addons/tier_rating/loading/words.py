"""What is wrong with a deck, in the language of who reads it."""


def sentence(env, fault):
    """Return a fault as a sentence.

    :param env: Odoo environment
    :param fault: :class:`..decks.errors.DeckError`
    :rtype: str
    """
    said = {
        "empty_file": env._("the file is empty."),
        "no_column": env._("no column %(names)s; the first line must name the columns."),
        "not_text": env._("this is not a text file; save the deck as CSV or XLSX."),
        "bad_csv": env._("the file is not valid CSV: %(why)s."),
        "bad_workbook": env._("the workbook cannot be read; save it again as XLSX or CSV."),
        "broken_workbook": env._("the workbook is broken here."),
        "large_workbook": env._("the workbook is too large; save the deck as CSV."),
        "odd_workbook": env._("the workbook is not one that a spreadsheet program writes."),
        "no_sheet": env._("there is no sheet %(sheet)s; the workbook has %(sheets)s."),
        "no_sheets": env._("the workbook has no sheet."),
        "no_price": env._("the price is empty."),
        "long_name": env._("the destination is longer than %(longest)s characters: %(text)s."),
        "ends_first": env._("the rate ends on %(end)s, before it begins on %(begin)s."),
        "double": env._("prefix %(prefix)s stands on line %(other)s already, with other terms."),
        "no_band": env._("there is no time band %(band)s; create it first."),
        "country_code": env._("%(text)s is not a country code; write digits only."),
        "many_prefixes": env._("%(text)s stands for more than %(most)s prefixes."),
        "prefix": env._("%(text)s is not a prefix; write digits only."),
        "long_prefix": env._("%(text)s is not a prefix; it has more than %(most)s digits."),
        "range": env._("%(text)s is not a range of prefixes; write it as 4420-4429."),
        "large_range": env._("%(text)s is a range of more than %(most)s prefixes."),
        "number": env._("%(column)s is not a number: %(text)s."),
        "out_of_range": env._("%(column)s is out of range: %(text)s."),
        "decimals": env._("%(column)s has more than %(most)s decimals: %(text)s."),
        "seconds": env._("%(column)s is not a number of seconds up to a day: %(text)s."),
        "date": env._("%(text)s is not a date; write it as 2026-11-20."),
    }[fault.code]
    return env._("Line %(line)s: %(words)s", line=fault.line, words=said % fault.values)
