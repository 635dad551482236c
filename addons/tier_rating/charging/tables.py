"""The rows that the charging path writes, inserted set by set."""

import json
from decimal import Decimal

from odoo.tools import SQL

EVENT_COLUMNS = {
    "source_key": "varchar",
    "session_key": "varchar",
    "switch_id": "integer",
    "import_id": "integer",
    "line": "integer",
    "company_id": "integer",
    "service_id": "integer",
    "endpoint_id": "integer",
    "wallet_id": "integer",
    "caller": "varchar",
    "callee": "varchar",
    "number": "varchar",
    "destination_id": "integer",
    "started_at": "timestamp",
    "answered_at": "timestamp",
    "ended_at": "timestamp",
    "quantity": "numeric",
    "disposition": "varchar",
    "cause": "varchar",
    "q850": "integer",
    "sip_code": "integer",
    "source_ip": "varchar",
    "source_port": "integer",
    "user_agent": "varchar",
    "accounts": "varchar",
    "state": "varchar",
    "reason": "varchar",
    "detail": "varchar",
    "raw": "text",
}


def event_values(row):
    """Return the values of an event, in the order of the columns.

    :param row: :class:`.resolve.Resolved`
    :rtype: tuple
    """
    usage, priced = row.usage, row.priced
    company_id = priced.chain[0].company_id if priced.chain else usage.company_id
    return (
        usage.source_key,
        usage.session_key,
        usage.switch_id,
        usage.import_id,
        usage.line,
        company_id,
        row.service_id,
        row.endpoint_id,
        row.wallet_id,
        usage.caller,
        usage.callee,
        usage.number,
        priced.destination_id,
        usage.started_at,
        usage.answered_at,
        usage.ended_at,
        usage.quantity,
        usage.disposition,
        usage.cause,
        usage.q850,
        usage.sip_code,
        usage.source_ip,
        usage.source_port,
        usage.user_agent,
        json.dumps(usage.accounts),
        "suspense" if priced.reason else "charged",
        priced.reason,
        priced.detail,
        usage.raw,
    )


CHARGE_COLUMNS = {
    "event_id": "integer",
    "company_id": "integer",
    "wallet_id": "integer",
    "child_id": "integer",
    "tier": "integer",
    "service_id": "integer",
    "destination_id": "integer",
    "date": "timestamp",
    "answered": "boolean",
    "currency_id": "integer",
    "quantity": "numeric",
    "billed_quantity": "numeric",
    "sale": "numeric",
    "cost": "numeric",
    "margin": "numeric",
    "rate": "numeric",
    "price_list_id": "integer",
    "prefix": "varchar",
    "rate_ref": "integer",
    "transfer_id": "integer",
    "overrun": "boolean",
}


def insert(env, table, columns, rows, suffix):
    """Insert rows in one statement, with Odoo's audit columns.

    :param env: environment of the transaction
    :param str table: name of the table
    :param dict columns: column name to SQL type
    :param rows: list of tuples in the order of the columns
    :param suffix: ``SQL`` after the rows
    :return: what RETURNING gives
    """
    if not rows:
        return []
    names = SQL(", ").join(SQL.identifier(name) for name in columns)
    arrays = SQL(", ").join(
        SQL("%s::" + kind + "[]", list(values))
        for kind, values in zip(columns.values(), zip(*rows, strict=True), strict=True)
    )
    env.cr.execute(
        SQL(
            """INSERT INTO %(table)s (%(names)s, create_uid, create_date, write_uid, write_date)
               SELECT %(names)s, %(uid)s, now() AT TIME ZONE 'UTC', %(uid)s,
                      now() AT TIME ZONE 'UTC'
                 FROM unnest(%(arrays)s) AS v(%(names)s)
               %(suffix)s""",
            table=SQL.identifier(table),
            names=names,
            uid=env.uid,
            arrays=arrays,
            suffix=suffix,
        )
    )
    return env.cr.fetchall()


def transfer_key(event_id, edge):
    """Return the source key of one edge's payment for one event.

    :param int event_id: of the event
    :param edge: :class:`.pricing.Edge`
    :rtype: str
    """
    return f"usage:{event_id}:{edge.wallet.id}"


def charge_rows(event_id, row, states, transfers):
    """Return the values of each tier's share of one event, the payer's first.

    Follows the balances through the batch to tell who overran its funds.
    """
    usage, priced = row.usage, row.priced
    edges = [*priced.edges, priced.carrier]
    rows = []
    for position, wallet in enumerate(priced.chain):
        edge = edges[position] if position < len(edges) else None
        below = edges[position - 1] if position else None
        cost = edge.amount if edge else Decimal(0)
        sale = below.sale if below else Decimal(0)
        overrun = False
        if edge and edge is not priced.carrier:
            overrun = _follow(states, edge, wallet)
        rows.append(
            (
                event_id,
                wallet.company_id,
                wallet.id,
                below.wallet.id if below else None,
                wallet.tier,
                row.service_id,
                priced.destination_id,
                usage.started_at,
                usage.answered,
                wallet.currency_id,
                usage.quantity,
                edge.price.billed if edge else below.price.billed,
                sale,
                cost,
                sale - cost if below else Decimal(0),
                edge.rate if edge else Decimal(1),
                wallet.price_list_id,
                edge.prefix if edge else None,
                edge.price.rate_id if edge else None,
                transfers.get(transfer_key(event_id, edge)) if edge else None,
                overrun,
            )
        )
    return rows


def _follow(states, edge, wallet):
    """Apply a payment to the balances read under the lock.

    :return: whether the payer went below what it may spend
    :rtype: bool
    """
    payer, payee = states.get(wallet.account_id), states.get(wallet.payee_id)
    if payee:
        payee.balance += edge.amount_to
    if not payer:
        return False
    payer.balance -= edge.amount
    if payer.unlimited or not edge.amount:
        return False
    # What sessions in progress hold is theirs: it does not make this an overrun
    # of the balance itself.
    return payer.balance + payer.credit_limit < 0
