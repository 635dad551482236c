"""The charges of a bill, set by set."""

from decimal import Decimal
from typing import NamedTuple

from odoo.tools import SQL


class Line(NamedTuple):
    """What a customer used of one service and destination; ``amount`` is exact."""

    service_id: int | None
    destination_id: int | None
    calls: int
    quantity: Decimal
    amount: Decimal


# Usage before the period that was recorded after the bill of its own time was made. Not all
# that is older: what a reseller chose not to bill it need not bill with the next bill.
_LATE = """EXISTS (SELECT FROM tier_bill p
                    WHERE p.wallet_id = c.wallet_id AND p.child_id = c.child_id
                      AND p.kind = 'invoice' AND p.state = 'issued'
                      AND c.date >= p.start_at AND c.date < p.stop_at)"""


def link(cr, bill):
    """Put the charges of a draft invoice on it, in place of those it had.

    A charge stands on one invoice at most: the unique index holds it, also against another
    draft that is made at the same time. Leans on the charges' index on the customer.

    :param cr: database cursor
    :param bill: ``tier.bill``, a draft invoice
    """
    release(cr, bill)
    cr.execute(
        SQL(
            """
            INSERT INTO tier_bill_charge (charge_id, bill_id)
            SELECT c.id, %(bill)s
              FROM tier_charge c
             WHERE c.wallet_id = %(wallet)s AND c.child_id = %(child)s AND c.answered
               AND c.date < %(stop)s AND (c.date >= %(start)s OR %(late)s)
               AND NOT EXISTS (SELECT FROM tier_bill_charge l WHERE l.charge_id = c.id)
            ON CONFLICT DO NOTHING
            """,
            bill=bill.id,
            wallet=bill.wallet_id.id,
            child=bill.child_id.id,
            start=bill.start_at,
            stop=bill.stop_at,
            late=SQL(_LATE),
        )
    )


def release(cr, bills):
    """Take the charges of bills off them, so that another may have them.

    :param cr: database cursor
    :param bills: ``tier.bill`` records
    """
    cr.execute(SQL("DELETE FROM tier_bill_charge WHERE bill_id = ANY(%s)", bills.ids))


def summarise(cr, bill):
    """Sum a bill's charges by service and destination.

    The seller's own charges tell what the customer paid it; how long was billed stands on the
    customer's charge of the same event. A refund takes its amount back, a re-rating adds
    what the price differs by; neither is a call.

    :param cr: database cursor
    :param bill: ``tier.bill``; a statement's are those of its period
    :return: list of :class:`Line` in the order of services and destinations
    """
    if bill.kind == "invoice":
        source = SQL("tier_bill_charge l JOIN tier_charge c ON c.id = l.charge_id")
        condition = SQL("l.bill_id = %s", bill.id)
    else:
        source = SQL("tier_charge c")
        condition = SQL(
            "c.wallet_id = %s AND c.child_id = %s AND c.answered AND c.date >= %s AND c.date < %s",
            bill.wallet_id.id,
            bill.child_id.id,
            bill.start_at,
            bill.stop_at,
        )
    cr.execute(
        SQL(
            """
            SELECT c.service_id, c.destination_id,
                   count(*) FILTER (WHERE c.reverses_id IS NULL),
                   COALESCE(sum(b.billed_quantity), 0)::text, sum(c.sale)::text
              FROM %(source)s
              LEFT JOIN tier_charge b ON b.event_id = c.event_id AND b.wallet_id = c.child_id
                                     AND (b.reverses_id IS NULL) = (c.reverses_id IS NULL)
                                     AND b.rerating_id IS NOT DISTINCT FROM c.rerating_id
              LEFT JOIN tier_service s ON s.id = c.service_id
              LEFT JOIN tier_destination d ON d.id = c.destination_id
             WHERE %(condition)s
             GROUP BY c.service_id, c.destination_id, s.sequence, d.name
             ORDER BY s.sequence, c.service_id, d.name NULLS LAST
            """,
            source=source,
            condition=condition,
        )
    )
    return [Line(*row[:3], Decimal(row[3]), Decimal(row[4])) for row in cr.fetchall()]


def count_late(cr, bill):
    """Return how many charges of a bill are of before its period.

    :param cr: database cursor
    :param bill: ``tier.bill``
    :rtype: int
    """
    cr.execute(
        SQL(
            """SELECT count(*) FROM tier_bill_charge l JOIN tier_charge c ON c.id = l.charge_id
                WHERE l.bill_id = %s AND c.date < %s""",
            bill.id,
            bill.start_at,
        )
    )
    return cr.fetchone()[0]
