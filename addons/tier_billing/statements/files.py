"""A statement as rows for spreadsheets."""

import csv
import io

import xlsxwriter

from . import layout

# A spreadsheet takes a text that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def rows(wallet, statement, first, last):
    """Yield the header and the rows: opening, movements, closing.

    :param wallet: ``tier.wallet`` with the rights of the reader
    :param statement: :class:`.reader.Statement`
    :param date first: first day
    :param date last: last day
    :return: tuples of day, movement, details, count, amount in, amount out, balance; days are
        ``date``, amounts ``Decimal`` or None
    """
    env = wallet.env
    yield (
        env._("Date"),
        env._("Movement"),
        env._("Details"),
        env._("Number"),
        env._("In"),
        env._("Out"),
        env._("Balance"),
    )
    yield first, env._("Opening balance"), "", None, None, None, statement.opening
    for row in statement.movements:
        yield (
            row.day,
            layout.label(env, row.kind, row.received),
            row.reason,
            row.count,
            row.amount if row.amount >= 0 else None,
            -row.amount if row.amount < 0 else None,
            row.balance,
        )
    for row in statement.kinds:
        # The only kind that has no movements to list.
        if row.kind == "own":
            given = row.amount < 0
            yield (
                last,
                layout.label(env, row.kind, row.received),
                "",
                None,
                None if given else row.amount,
                -row.amount if given else None,
                None,
            )
    yield last, env._("Closing balance"), "", None, None, None, statement.closing


def _plain(text):
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def to_csv(table, wallet):
    """Return a statement as CSV: UTF-8 with a byte order mark, commas, ISO days, exact amounts.

    :param table: what :func:`rows` yields
    :param wallet: ``tier.wallet``; its name and currency are columns, so that files can be joined
    :rtype: bytes
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    head = next(table)
    writer.writerow((wallet.env._("Wallet"), wallet.env._("Currency"), *head))
    own = (_plain(wallet.sudo().name), wallet.currency_id.name)
    for day, movement, details, count, *amounts in table:
        texts = ("" if amount is None else f"{amount:f}" for amount in amounts)
        writer.writerow(
            (*own, day.isoformat(), _plain(movement), _plain(details), "" if count is None else count, *texts)
        )
    return stream.getvalue().encode("utf-8-sig")


def to_xlsx(table, wallet, title):
    """Return a statement as a workbook with one sheet.

    :param table: what :func:`rows` yields
    :param wallet: ``tier.wallet``
    :param str title: first line of the sheet
    :rtype: bytes
    """
    table = list(table)
    digits = layout.digits_for(
        wallet.currency_id, [amount for row in table[1:] for amount in row[4:] if amount is not None]
    )
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet(wallet.env._("Statement")[:31])
    bold = book.add_format({"bold": True})
    head = book.add_format({"bold": True, "bottom": 1})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    amount = book.add_format({"num_format": f"#,##0.{'0' * digits}" if digits else "#,##0"})
    sheet.write_string(0, 0, title, bold)
    sheet.write_string(1, 0, wallet.env._("Amounts in %s", wallet.currency_id.name))
    top = 3
    for column, text in enumerate(table[0]):
        sheet.write_string(top, column, text, head)
    for number, row in enumerate(table[1:], start=top + 1):
        sheet.write_datetime(number, 0, row[0], day)
        sheet.write_string(number, 1, row[1])
        sheet.write_string(number, 2, row[2])
        if row[3] is not None:
            sheet.write_number(number, 3, row[3])
        for column, value in enumerate(row[4:], start=4):
            if value is not None:
                sheet.write_number(number, column, value, amount)
    for columns, width in (("A:A", 12), ("B:B", 30), ("C:C", 40), ("D:D", 9), ("E:G", 16)):
        sheet.set_column(columns, width)
    sheet.freeze_panes(top + 1, 0)
    book.close()
    return stream.getvalue()
