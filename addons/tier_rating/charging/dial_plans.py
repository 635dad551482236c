"""Dial plans that endpoints have of their own: what is dialled there is read by them, not by the switch's."""

from odoo.tools import SQL

from .usage import DIALLED_BY, dialling


def read_again(cr, rows):
    """Read the numbers by the dial plans of the endpoints that dialled them, in one statement.

    A number whose dialled form is not known stays as it was told.

    :param cr: database cursor
    :param rows: list of :class:`.resolve.Resolved` with a plan; the number of their usage is changed
    """
    cr.execute(
        SQL(
            "SELECT id, %s FROM tier_dial_plan WHERE id = ANY(%s)",
            SQL(", ").join(map(SQL.identifier, DIALLED_BY)),
            list({row.plan_id for row in rows}),
        )
    )
    plans = {values["id"]: dialling(values) for values in cr.dictfetchall()}
    for row in rows:
        usage = row.usage
        if usage.callee and not usage.is_code:
            usage.number = plans[row.plan_id].number(usage.callee)
