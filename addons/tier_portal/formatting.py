"""How figures read to people. Only display: nothing here is computed with."""

from odoo import fields
from odoo.tools.misc import NON_BREAKING_SPACE, format_date, format_time, formatLang

try:
    import phonenumbers
except ImportError:  # it only puts the spaces into numbers
    phonenumbers = None

# Calls cost fractions of a cent; finer than this nobody reads.
CALL_DIGITS = 4


def digits_for(currency, amounts, most=CALL_DIGITS):
    """Return with how many decimals a column of amounts reads exactly, or as nearly as it may.

    :param currency: ``res.currency`` record; its own decimals are the least
    :param amounts: the amounts of the column
    :param int most: no more decimals than this
    :rtype: int
    """
    digits = currency.decimal_places
    while digits < most and any(round(amount, most) != round(amount, digits) for amount in amounts):
        digits += 1
    return digits


def money(env, amount, currency, digits=None):
    """Return an amount with its currency, in the user's language.

    :param env: environment of the user
    :param amount: in the currency
    :param currency: ``res.currency`` record
    :param int digits: decimals; the currency's by default
    :rtype: str
    """
    digits = currency.decimal_places if digits is None else digits
    # Adding zero turns -0.00 into 0.00.
    text = formatLang(env, round(amount, digits) + 0.0, digits=digits)
    parts = (text, currency.symbol or currency.name)
    return NON_BREAKING_SPACE.join(parts if currency.position == "after" else reversed(parts))


def duration(seconds):
    """Return a time span as hours, minutes and seconds.

    :param seconds: 0 or more; part of a second is rounded
    :rtype: str

    >>> duration(0), duration(130), duration(59.6), duration(36001)
    ('0:00:00', '0:02:10', '0:01:00', '10:00:01')
    """
    minutes, seconds = divmod(int(seconds + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"


def telephone(number):
    """Return a number in international form, spaced as its country does.

    What is no possible number of any country (an extension, 112) stays as it is.

    :param str number: digits of E.164 without the plus, as the charging path keeps it
    :rtype: str

    >>> telephone("112"), telephone("")
    ('112', '')
    >>> "".join(telephone("493023125089").split())
    '+493023125089'
    """
    if not number.isdigit():
        return number
    if phonenumbers is None:
        return f"+{number}" if len(number) >= 8 else number
    try:
        parsed = phonenumbers.parse(f"+{number}")
    except phonenumbers.NumberParseException:
        return number
    if not phonenumbers.is_possible_number(parsed):
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def moment(record, value):
    """Return a moment as day and time of day, in the user's time zone and language.

    :param record: any record of the user's environment
    :param value: naive UTC ``datetime`` or None
    :return: tuple of two strings
    """
    if not value:
        return "", ""
    local = fields.Datetime.context_timestamp(record, value)
    return (
        format_date(record.env, local.date()),
        format_time(record.env, local.time(), time_format="short"),
    )
