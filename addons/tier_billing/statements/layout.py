"""Texts of a statement. Only display: nothing here is computed with but signs."""

from datetime import datetime, time, timedelta
from decimal import Decimal

import pytz

from odoo.tools.misc import NON_BREAKING_SPACE, format_date

from ..const import MONEY_SCALE


def span(first, last, tz):
    """Return the moments from the beginning of one day to the end of another.

    :param date first: first day
    :param date last: last day, included
    :param str tz: name of the time zone of the days
    :return: tuple of two naive UTC ``datetime``

    >>> from datetime import date
    >>> span(date(2026, 3, 29), date(2026, 3, 29), "Europe/Berlin")
    (datetime.datetime(2026, 3, 28, 23, 0), datetime.datetime(2026, 3, 29, 22, 0))
    """
    zone = pytz.timezone(tz)
    return tuple(
        zone.localize(datetime.combine(day, time.min)).astimezone(pytz.utc).replace(tzinfo=None)
        for day in (first, last + timedelta(days=1))
    )


def digits_for(currency, amounts, most=MONEY_SCALE):
    """Return with how many decimals all amounts read exactly, so that a printed column adds up.

    :param currency: ``res.currency``; its own decimals are the least
    :param amounts: ``Decimal`` amounts of the column
    :param int most: no more decimals than this
    :rtype: int
    """
    finest = max((-amount.normalize().as_tuple().exponent for amount in amounts), default=0)
    return max(currency.decimal_places, min(finest, most))


def number(env, amount, digits):
    """Return an exact amount in the user's language.

    :param env: environment of the reader
    :param Decimal amount: any amount; not by way of a float, which has 15 digits
    :param int digits: decimals
    :rtype: str
    """
    amount = round(amount, digits)
    whole, _point, fraction = f"{abs(amount):.{digits}f}".partition(".")
    lang = env["res.lang"]._lang_get(env.lang or env.user.lang or "en_US")
    text = lang.format("%d", int(whole), grouping=True)
    if fraction:
        text += (lang.decimal_point or ".") + fraction
    return f"−{text}" if amount < 0 else text


def money(env, amount, currency, digits):
    """Return an exact amount with its currency, in the user's language; see :func:`number`."""
    text = number(env, amount, digits)
    symbol = currency.symbol or currency.name
    if currency.position == "after":
        return f"{text}{NON_BREAKING_SPACE}{symbol}"
    return f"−{symbol}{NON_BREAKING_SPACE}{text[1:]}" if text.startswith("−") else f"{symbol}{NON_BREAKING_SPACE}{text}"


def label(env, kind, received):
    """Return what a movement is, for the owner of the wallet.

    :param env: environment of the reader
    :param str kind: of ``tier.transfer``, or ``own``
    :param bool received: whether the money came in
    :rtype: str
    """
    labels = {
        ("topup", True): env._("Paid in"),
        ("topup", False): env._("Paid in, taken back"),
        ("allocation", True): env._("Credit received"),
        ("allocation", False): env._("Credit given to customers"),
        ("reclaim", True): env._("Credit returned by customers"),
        ("reclaim", False): env._("Credit returned"),
        ("usage", True): env._("Usage of customers"),
        ("usage", False): env._("Usage"),
        ("refund", True): env._("Refund of usage"),
        ("refund", False): env._("Refunds to customers"),
        ("rebate", True): env._("Rebate of usage"),
        ("rebate", False): env._("Rebates to customers"),
        ("expiry", True): env._("Expired credit of customers"),
        ("expiry", False): env._("Expired credit"),
        ("own", False): env._("Dealings with others"),
    }
    known = labels.get((kind, received))
    return known or dict(env["tier.transfer"]._fields["kind"]._description_selection(env)).get(kind, kind)


def _count(row):
    """Return how many movements a sum is of; how busy a customer's own business is, is its own."""
    return "" if row.kind == "own" else row.count


def page(wallet, statement, first, last, tz):
    """Return what the template of a statement shows.

    :param wallet: ``tier.wallet`` with the rights of the reader
    :param statement: :class:`..statements.reader.Statement`
    :param date first: first day
    :param date last: last day
    :param str tz: time zone of the days
    :return: dict of texts; ``kinds`` and ``movements`` are lists of dicts of texts
    """
    env, currency = wallet.env, wallet.currency_id
    amounts = [statement.opening, statement.closing]
    amounts += [row.amount for row in (*statement.kinds, *statement.movements)]
    digits = digits_for(currency, amounts)

    def text(amount):
        return money(env, amount, currency, digits)

    def sides(amount):
        """Return the texts of the columns in and out."""
        return {"in": text(amount) if amount >= 0 else "", "out": text(-amount) if amount < 0 else ""}

    received = sum((row.amount for row in statement.kinds if row.amount > 0), Decimal(0))
    given = sum((row.amount for row in statement.kinds if row.amount < 0), Decimal(0))
    return {
        "wallet": wallet.sudo().name,
        "currency": currency.name,
        "first": format_date(env, first),
        "last": format_date(env, last),
        "tz": tz,
        "opening": text(statement.opening),
        "closing": text(statement.closing),
        "received": text(received),
        "given": text(-given),
        "late": statement.late,
        "proven": statement.proven,
        "balances": all(movement.balance is not None for movement in statement.movements),
        "kinds": [
            {"label": label(env, row.kind, row.received), "count": _count(row), **sides(row.amount)}
            for row in statement.kinds
        ],
        "movements": [
            {
                "day": format_date(env, row.day),
                "label": label(env, row.kind, row.received),
                "count": row.count,
                "reason": row.reason,
                "balance": "" if row.balance is None else text(row.balance),
                **sides(row.amount),
            }
            for row in statement.movements
        ],
    }
