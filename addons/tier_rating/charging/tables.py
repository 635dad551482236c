"""The rows that the charging path writes, set by set."""

import json
from decimal import Decimal

from odoo.tools import SQL

from odoo.addons.tier_billing.ledger import bulk

NULL = bulk.NULL
ZERO, ONE = Decimal(0), Decimal(1)
EVENT_COLUMNS = (
    "id",
    "source_key",
    "session_key",
    "switch_id",
    "import_id",
    "line",
    "company_id",
    "service_id",
    "service_code",
    "endpoint_id",
    "wallet_id",
    "caller",
    "callee",
    "number",
    "destination_id",
    "started_at",
    "answered_at",
    "ended_at",
    "quantity",
    "disposition",
    "cause",
    "q850",
    "sip_code",
    "source_ip",
    "source_port",
    "user_agent",
    "accounts",
    "state",
    "reason",
    "detail",
    "raw",
    "create_date",
)


def event_values(event_id, row, now):
    """Return the values of an event, in the order of the columns.

    :param int event_id: its id
    :param row: :class:`.resolve.Resolved`
    :param datetime now: naive UTC
    :rtype: tuple
    """
    usage, priced = row.usage, row.priced
    company_id = priced.chain[0].company_id if priced.chain else usage.company_id
    return (
        event_id,
        usage.source_key,
        usage.session_key,
        usage.switch_id,
        usage.import_id,
        usage.line,
        company_id,
        row.service_id,
        None if row.service_id else usage.service,
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
        now,
    )


# Those that all tiers of an event share come first.
CHARGE_COLUMNS = (
    "event_id",
    "service_id",
    "destination_id",
    "date",
    "answered",
    "quantity",
    "company_id",
    "wallet_id",
    "child_id",
    "tier",
    "currency_id",
    "billed_quantity",
    "sale",
    "cost",
    "margin",
    "rate",
    "price_list_id",
    "prefix",
    "rate_ref",
    "transfer_id",
    "overrun",
)


def transfer_key(event_id, edge):
    """Return the source key of one edge's payment for one event.

    :param int event_id: of the event
    :param edge: :class:`.pricing.Edge`
    :rtype: str
    """
    return f"usage:{event_id}:{edge.wallet.id}"


def charge_lines(event_id, row, transfer_ids):
    """Return each tier's share of one event as rows for COPY, the payer's first.

    :param int event_id: of the event
    :param row: :class:`.resolve.Resolved`
    :param transfer_ids: dict of wallet id to the transfer by which it paid
    :return: list of text, in the order of :data:`CHARGE_COLUMNS`
    """
    usage, priced = row.usage, row.priced
    edges = [*priced.edges, priced.carrier]
    shared = bulk.line(
        (event_id, row.service_id, priced.destination_id, usage.started_at, usage.answered, usage.quantity)
    )
    lines = []
    for position, wallet in enumerate(priced.chain):
        edge = edges[position] if position < len(edges) else None
        below = edges[position - 1] if position else None
        cost = edge.amount if edge else ZERO
        sale = below.sale if below else ZERO
        paid = transfer_ids.get(wallet.id)
        if edge is None:
            edge_part = f"{ONE}\t{bulk.or_null(wallet.price_list_id)}\t{NULL}\t{NULL}"
        else:
            prefix = bulk.encode(edge.prefix)
            edge_part = f"{edge.rate}\t{bulk.or_null(wallet.price_list_id)}\t{prefix}\t{bulk.or_null(edge.rate_id)}"
        # Numbers alone: written as they are, which is twice as fast as asking for their types.
        lines.append(
            f"{shared}\t{wallet.company_id}\t{wallet.id}\t{below.wallet.id if below else NULL}\t{wallet.tier}"
            f"\t{wallet.currency_id}\t{edge.price.billed if edge else below.price.billed}\t{sale}\t{cost}"
            f"\t{sale - cost if below else ZERO}\t{edge_part}\t{bulk.or_null(paid)}\tf"
        )
    return lines


def overruns(event_id, row, states):
    """Follow one event's payments through the balances, to tell who overran its funds.

    :param states: dict of account id to what was read under the lock; changed
    :return: list of (event id, wallet id)
    """
    return [(event_id, edge.wallet.id) for edge in row.priced.edges if _follow(states, edge, edge.wallet)]


def mark_overruns(cr, pairs):
    """Note on charges that the payer had not the funds. Leans on the unique index of a charge.

    :param cr: database cursor
    :param pairs: list of (event id, wallet id)
    """
    if pairs:
        cr.execute(
            SQL(
                """UPDATE tier_charge c SET overrun = true
                     FROM unnest(%s::integer[], %s::integer[]) AS v(event_id, wallet_id)
                    WHERE c.event_id = v.event_id AND c.wallet_id = v.wallet_id AND c.reverses_id IS NULL""",
                [pair[0] for pair in pairs],
                [pair[1] for pair in pairs],
            )
        )


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
    if payer.unlimited or edge.amount <= 0:
        return False
    # What sessions in progress hold is theirs: it does not make this an overrun
    # of the balance itself.
    return payer.balance + payer.credit_limit < 0
