"""Texts of a rate sheet. Only display: nothing here is computed with."""

from decimal import Decimal

from odoo.tools.misc import format_date

from odoo.addons.tier_billing.statements.layout import number

from ..const import RATE_DIGITS

# Prices are shown with so many decimals at most; what is charged is exact.
MOST_DIGITS = RATE_DIGITS[1]


def shown(value):
    """Return a price as it is shown: without what is finer than rates are.

    :param Decimal value: exact price
    :rtype: Decimal

    >>> shown(Decimal("0.00494500")), shown(Decimal("0.1234567891"))
    (Decimal('0.004945'), Decimal('0.12345679'))
    """
    value = round(value, MOST_DIGITS).normalize()
    return value if value.as_tuple().exponent < 0 else value.quantize(Decimal(1))


def price(env, value, least=2):
    """Return a price in the reader's language, with two decimals at least.

    :param Decimal value: exact price
    """
    value = shown(value)
    return number(env, value, max(least, -value.as_tuple().exponent))


def unit(service):
    """Return what a price is for, such as a minute."""
    return service.price_unit or service.unit


def steps_of(env, service, initial, increment):
    """Return in what steps usage is billed, in words.

    :param int initial: first block, in seconds or units
    :param int increment: further blocks
    """
    if service.is_time:
        if initial != increment:
            return env._("%(initial)s s, then every %(increment)s s", initial=initial, increment=increment)
        return {1: env._("by the second"), 60: env._("by the minute")}.get(increment, env._("every %s s", increment))
    if initial == increment == 1:
        return ""
    # "5 MB, then 1 MB" reads well for any unit.
    if initial != increment:
        return f"{initial} + {increment} {service.unit}"
    return f"{increment} {service.unit}"


def lines(sheet, row, bands):
    """Return what a row says, a dict of texts for each time band.

    :param sheet: :class:`.effective.Sheet`
    :param row: :class:`.effective.Row`
    :param dict bands: names of time bands by id
    """
    env, service = sheet.env, sheet.service
    if row.volume and row.prices:
        # At any time of day: what bands a rate has tells only what is billed of a call.
        row = row._replace(prices=(row.prices[-1]._replace(band_id=None),))
    other = env._("Other times") if len(row.prices) > 1 else ""
    return [
        {
            "band": bands.get(item.band_id, other),
            "blocked": item.blocked,
            "price": price(env, row.first_price if row.volume else item.price),
            "steps": by_volume(env, service, row.volume)
            if row.volume
            else [
                env._("from %(start)s %(unit)s: %(price)s", start=start, unit=service.unit, price=price(env, value))
                for start, value, _increment in item.steps
            ],
            "increments": steps_of(env, service, item.initial, item.increment),
            "connection": price(env, item.connection) if item.connection else "",
            "from": format_date(env, item.date_from) if item.date_from else "",
            "to": format_date(env, item.date_to) if item.date_to else "",
        }
        for item in row.prices
    ] or [
        {
            **dict.fromkeys(("band", "price", "increments", "connection", "from", "to"), ""),
            "steps": [],
            "blocked": True,
        }
    ]


def by_volume(env, service, volume):
    """Return what the tiers of a volume cost, in words.

    :param volume: :class:`.effective.Volume`
    :return: list of str
    """
    spans = {
        "day": env._("Of what is used in a day:"),
        "week": env._("Of what is used in a week:"),
        "month": env._("Of what is used in a month:"),
    }
    said = [
        spans[volume.period]
        if volume.kind == "graduated"
        else env._("%s all at the price of the tier reached", spans[volume.period])
    ]
    for upto, value, flat in volume.tiers:
        text = price(env, value)
        if flat:
            text = f"{text} + {price(env, flat)}"
        if upto is None:
            said.append(env._("beyond: %s", text))
        else:
            quantity = price(env, Decimal(upto) / service.price_per, 0)
            said.append(
                env._("up to %(quantity)s (%(unit)s): %(price)s", quantity=quantity, unit=unit(service), price=text)
            )
    return said


def band_names(env):
    """Return the names of time bands by id, in the reader's language."""
    return {band.id: band.name for band in env["tier.time.band"].sudo().search([])}


def destinations(env, rows):
    """Return (name, name of the country) by id of all destinations of some rows."""
    ids = {row.destination_id for row in rows if row.destination_id}
    return {
        destination.id: (destination.name, destination.country_id.name or "")
        for destination in env["tier.destination"].sudo().browse(ids)
    }


def page(sheet, rows):
    """Return what templates show of some rows.

    :param rows: iterable of :class:`.effective.Row`
    :return: list of dicts with prefix, destination, country and lines
    """
    rows = list(rows)
    names, bands = destinations(sheet.env, rows), band_names(sheet.env)
    result = []
    for row in rows:
        destination, country = names.get(row.destination_id, ("", ""))
        result.append(
            {
                "prefix": row.prefix,
                "destination": destination,
                "country": country if country and country.lower() not in destination.lower() else "",
                "lines": lines(sheet, row, bands),
            }
        )
    return result


def terms(sheet):
    """Return the terms that hold for all prices of a sheet, as sentences.

    :return: list of str
    """
    env, brand, service = sheet.env, sheet.terms, sheet.service
    currency = sheet.currency.name

    def amount(value):
        return f"{price(env, sheet.amount(value))} {currency}"

    said = [env._("Prices in %(currency)s per %(unit)s.", currency=currency, unit=unit(service))]
    if brand.minimum_charge:
        said.append(env._("What is not free costs %s at least.", amount(brand.minimum_charge)))
    if brand.maximum_charge is not None:
        said.append(env._("Nothing costs more than %s.", amount(brand.maximum_charge)))
    if service.is_time:
        if brand.grace_seconds:
            said.append(env._("Calls of up to %s s are free.", brand.grace_seconds))
        if brand.surcharge_after and brand.surcharge:
            said.append(
                env._(
                    "Calls longer than %(seconds)s s cost %(amount)s more.",
                    seconds=brand.surcharge_after,
                    amount=amount(brand.surcharge),
                )
            )
        if brand.connection_deductible:
            said.append(env._("The connection charge is part of the price of the call's time."))
        said.append(env._("Times of day in %s.", brand.timezone))
    return said
