"""Charges summed by service and destination, in one statement for any number of wallets.

For invoices, statements and bills: who used what, how often, how much and for how
much money. Sums are exact; whoever bills them rounds.
"""

from dataclasses import dataclass
from decimal import Decimal

from odoo.tools import SQL

from . import linked


@dataclass(frozen=True, slots=True)
class Line:
    """The usage of one wallet for one destination.

    :param wallet_id: whose usage; with ``sale`` the wallet that sold it
    :param child_id: with ``sale`` the customer that it was sold to, else None
    :param move_id: of the invoice, where the charges were chosen by invoices
    :param service_id: None for usage of an unknown service
    :param destination_id: None for what has no destination
    :param late: it began before the period
    :param refund: these are refunds: the quantity and the amount are below zero
    :param correction: these are what re-ratings changed, up or down
    :param calls: how many events; refunds and corrections count as what they undo or change, above zero
    :param quantity: billed seconds or units
    :param amount: exact, in the currency of ``wallet_id``
    """

    wallet_id: int
    child_id: int | None
    move_id: int | None
    service_id: int | None
    destination_id: int | None
    late: bool
    refund: bool
    correction: bool
    calls: int
    quantity: Decimal
    amount: Decimal


def of_period(env, wallet_ids, start, stop, sale=False, child_ids=None):
    """Sum what wallets paid, or what their customers paid them, in a period.

    Leans on the charges' index on the wallet and the date.

    :param env: environment of the transaction; rights are the caller's to check
    :param wallet_ids: ids of ``tier.wallet``
    :param datetime start: naive UTC; usage from here on
    :param datetime stop: naive UTC; usage before this moment
    :param bool sale: what direct customers paid the wallets, a line for each customer,
        in the currency of the wallets; otherwise what the wallets paid their own parent
    :param child_ids: with ``sale``: these customers only
    :return: list of :class:`Line`
    """
    condition = SQL(
        "c.wallet_id = ANY(%s) AND c.date >= %s AND c.date < %s",
        list(wallet_ids),
        start,
        stop,
    )
    if child_ids is not None:
        condition = SQL("%s AND c.child_id = ANY(%s)", condition, list(child_ids))
    return _summarise(env, condition, sale=sale)


def of_waiting(env, wallet_ids, start, stop):
    """Sum the charges of postpaid wallets that are on no invoice yet.

    :param env: environment of the transaction; rights are the caller's to check
    :param wallet_ids: ids of ``tier.wallet``
    :param datetime start: naive UTC; usage before this moment is summed apart, as late
    :param datetime stop: naive UTC; usage before this moment
    :return: list of :class:`Line`
    """
    condition = SQL(
        """c.date < %s
           AND c.date >= COALESCE((SELECT w.postpaid_since FROM tier_wallet w WHERE w.id = c.wallet_id), '-infinity')
           AND NOT EXISTS (SELECT FROM tier_charge_invoice l WHERE l.charge_id = c.id)""",
        stop,
    )
    charges = SQL("(%s)", linked.may_wait(env, wallet_ids))
    return _summarise(env, condition, late=SQL("c.date < %s", start), charges=charges)


def of_invoices(env, move_ids):
    """Sum the charges that stand on invoices.

    Leans on the index of the links on their invoice.

    :param env: environment of the transaction; rights are the caller's to check
    :param move_ids: ids of ``account.move``
    :return: list of :class:`Line`, those before the period of the invoice apart
    """
    return _summarise(env, SQL("l.move_id = ANY(%s)", list(move_ids)), invoiced=True)


def _summarise(env, condition, sale=False, invoiced=False, late=None, charges=None):
    """Sum the charges that a condition chooses.

    :param condition: ``SQL`` over ``c`` (the charges) and ``l`` (their links to invoices)
    :param late: ``SQL`` that tells which are late
    :param charges: ``SQL`` of the rows of ``tier_charge`` to choose from, where not of all
    """
    env.flush_all()
    late = late or SQL("FALSE")
    joins, quantity, amount, child, move = SQL(), SQL("c.billed_quantity"), SQL("c.cost"), SQL("NULL"), SQL("NULL")
    if invoiced:
        joins = SQL("JOIN tier_charge_invoice l ON l.charge_id = c.id JOIN account_move m ON m.id = l.move_id")
        move, late = SQL("l.move_id"), SQL("c.date < m.tier_usage_start")
    if sale:
        # What a seller is billed for is by its own increments; what it sold by its
        # customer's, which stand on the customer's charge of the same event.
        joins = SQL(
            """LEFT JOIN tier_charge b ON b.event_id = c.event_id AND b.wallet_id = c.child_id
                AND (b.reverses_id IS NULL) = (c.reverses_id IS NULL)
                AND b.rerating_id IS NOT DISTINCT FROM c.rerating_id"""
        )
        quantity, amount, child = SQL("COALESCE(b.billed_quantity, 0)"), SQL("c.sale"), SQL("c.child_id")
    env.cr.execute(
        SQL(
            """
            SELECT wallet_id, child_id, move_id, service_id, destination_id, late, refund, correction,
                   count(*), sum(quantity)::text, sum(amount)::text
              FROM (SELECT c.wallet_id, %(child)s::integer AS child_id, %(move)s::integer AS move_id,
                           c.service_id, c.destination_id, COALESCE(%(late)s, FALSE) AS late,
                           c.reverses_id IS NOT NULL AND c.rerating_id IS NULL AS refund,
                           c.rerating_id IS NOT NULL AS correction,
                           %(quantity)s AS quantity, %(amount)s AS amount
                      FROM %(charges)s c %(joins)s
                     WHERE c.answered AND %(condition)s) x
              LEFT JOIN tier_service s ON s.id = x.service_id
              LEFT JOIN tier_destination d ON d.id = x.destination_id
             GROUP BY wallet_id, child_id, move_id, service_id, destination_id, late, refund, correction,
                      s.sequence, d.name
             ORDER BY wallet_id, child_id, move_id, s.sequence, service_id, late, d.name, correction, refund""",
            charges=charges or SQL("tier_charge"),
            child=child,
            move=move,
            late=late,
            quantity=quantity,
            amount=amount,
            joins=joins,
            condition=condition,
        )
    )
    return [Line(*row[:9], *map(Decimal, row[9:])) for row in env.cr.fetchall()]
