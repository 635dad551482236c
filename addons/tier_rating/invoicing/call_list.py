"""The list of calls that goes with an invoice."""

import csv
import io
import re
from datetime import timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

from odoo.tools import SQL

# What a PDF lists; whoever has more calls finds all of them in the CSV.
PDF_CALLS = 5000
FETCH = 5000
# With digits that are hidden, too.
PHONE_NUMBER = re.compile(r"\+?[\dx ()/-]*")
FORMULA = tuple("=+-@\t\r")


def calls(env, move, limit=None):
    """Read the calls on an invoice, in the order of time.

    Leans on the index of the links on their invoice, and on primary keys.

    :param env: environment of the transaction; rights are the caller's to check
    :param move: ``account.move`` record
    :param int limit: at most so many
    :return: iterator of dicts; ``date`` in the time zone of the company, ``billed`` in
        seconds or units, ``cost`` exact and without tax
    """
    env.flush_all()
    wallet = move.sudo().tier_usage_wallet_id
    zone, hidden = ZoneInfo(wallet._time_zone()), wallet._hidden_digits()
    env.cr.execute(
        SQL(
            """
            SELECT c.date, c.id, e.id, e.caller, e.callee, e.number, c.destination_id, c.service_id,
                   c.quantity::text, c.billed_quantity::text, c.cost::text,
                   c.reverses_id IS NOT NULL AND c.rerating_id IS NULL, c.rerating_id IS NOT NULL
              FROM tier_charge_invoice l
              JOIN tier_charge c ON c.id = l.charge_id
              JOIN tier_usage_event e ON e.id = c.event_id
             WHERE l.move_id = %s ORDER BY c.date, c.id %s""",
            move.id,
            SQL("LIMIT %s", limit) if limit else SQL(),
        )
    )
    destinations, services = env["tier.destination"].sudo(), env["tier.service"].sudo()
    # All at once: naming destinations below runs statements on the same cursor.
    for row in env.cr.fetchall():
        service = services.browse(row[7])
        yield {
            "date": row[0].replace(tzinfo=timezone.utc).astimezone(zone).replace(tzinfo=None),
            "reference": row[2],
            "caller": row[3] or "",
            "dialled": masked(row[4] or "", hidden),
            "number": masked(row[5] or "", hidden),
            "destination": destinations.browse(row[6]).name or "",
            "service": service,
            "quantity": Decimal(row[8]),
            "billed": Decimal(row[9]),
            "cost": Decimal(row[10]),
            "refund": row[11],
            "correction": row[12],
        }


def harmless(text):
    """Keep a spreadsheet from calculating what a caller made up.

    >>> harmless("+4930123456"), harmless("=1+1"), harmless("Berlin")
    ('+4930123456', "'=1+1", 'Berlin')
    """
    if text.startswith(FORMULA) and not PHONE_NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def masked(number, hidden):
    """Hide the last digits of a number that was dialled, as hotels and works councils ask for.

    :param str number: as it is shown, with or without signs
    :param int hidden: how many digits; 0 = none

    >>> masked("49301234567", 3), masked("+49 30/1234-567", 4), masked("112", 4), masked("112", 0)
    ('49301234xxx', '+49 30/123x-xxx', 'xxx', '112')
    """
    shown = list(number)
    for place in [place for place, sign in enumerate(shown) if sign.isdigit()][-hidden:] if hidden else ():
        shown[place] = "x"
    return "".join(shown)


def plain(number):
    """Return a number without zeros at its end.

    >>> plain(Decimal("60.000")), plain(Decimal("0.0430"))
    ('60', '0.043')
    """
    return f"{number.normalize():f}" if number else "0"


def to_csv(env, move):
    """Write the calls on an invoice as CSV.

    :param env: environment of the transaction, in the language of the headings
    :param move: ``account.move`` record
    :rtype: bytes
    """
    stream = io.StringIO()
    writer = csv.writer(stream)
    currency = move.currency_id.name
    writer.writerow(
        [
            env._("Start"),
            env._("Caller"),
            env._("Dialled"),
            env._("Number"),
            env._("Destination"),
            env._("Service"),
            env._("Used"),
            env._("Billed"),
            env._("Unit"),
            env._("Cost without tax (%s)", currency),
            env._("Refund"),
            env._("Reference"),
            env._("Price corrected"),
        ]
    )
    for call in calls(env, move):
        writer.writerow(
            [
                call["date"].isoformat(" ", "seconds"),
                *(harmless(call[name]) for name in ("caller", "dialled", "number", "destination")),
                call["service"].name or "",
                plain(call["quantity"]),
                plain(call["billed"]),
                call["service"].unit or "",
                plain(call["cost"]),
                env._("yes") if call["refund"] else "",
                call["reference"],
                env._("yes") if call["correction"] else "",
            ]
        )
    # Spreadsheets take UTF-8 for what it is only with this mark.
    return stream.getvalue().encode("utf-8-sig")


def attach_csv(move):
    """Attach the calls of a draft invoice to it.

    :param move: ``account.move`` record
    """
    move = move.with_context(lang=move.partner_id.lang or move.env.lang)
    move.sudo().tier_calls_csv_id = move.env["ir.attachment"].create(
        {
            "name": f"{filename(move)}.csv",
            "raw": to_csv(move.env, move),
            "mimetype": "text/csv",
            "res_model": "account.move",
            "res_id": move.id,
        }
    )


def filename(move):
    """Return what the files of an invoice's calls are called, without an extension.

    :param move: ``account.move`` record
    :rtype: str
    """
    move = move.sudo()
    name = re.sub(r"[^\w-]+", "-", move.tier_usage_wallet_id.name).strip("-") or str(move.id)
    return move.env._(
        "Calls-%(wallet)s-%(first)s-%(last)s", wallet=name, first=move.tier_usage_from, last=move.tier_usage_to
    )
