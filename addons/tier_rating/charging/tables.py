"""The rows that the charging path writes, set by set."""

import json
from itertools import zip_longest

from odoo.tools import SQL

from odoo.addons.tier_billing.ledger import bulk

NULL = bulk.NULL
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


def event_line(event_id, row, now):
    """Return an event as a row for COPY, in the order of :data:`EVENT_COLUMNS`.

    :param int event_id: its id
    :param row: :class:`.resolve.Resolved`
    :param str now: naive UTC
    """
    usage, priced = row.usage, row.priced
    company_id = priced.chain[0].company_id if priced.chain else usage.company_id
    reason = priced.reason
    null, text, number = NULL, bulk.encode, bulk.or_null
    # Each written as what it is, which takes half the time of asking for the types.
    return "\t".join(
        (
            f"{event_id}\t{text(usage.source_key)}\t{text(usage.session_key)}\t{number(usage.switch_id)}",
            f"{number(usage.import_id)}\t{usage.line}\t{number(company_id)}\t{number(row.service_id)}",
            null if row.service_id else text(usage.service),
            f"{number(row.endpoint_id)}\t{number(row.wallet_id)}\t{text(usage.caller)}\t{text(usage.callee)}",
            f"{text(usage.number)}\t{number(priced.destination_id)}\t{number(usage.started_at)}",
            f"{number(usage.answered_at)}\t{number(usage.ended_at)}\t{usage.quantity}\t{text(usage.disposition)}",
            f"{text(usage.cause)}\t{number(usage.q850)}\t{number(usage.sip_code)}\t{text(usage.source_ip)}",
            f"{number(usage.source_port)}\t{text(usage.user_agent)}\t{text(_json(usage.accounts))}",
            f"suspense\t{text(reason)}\t{text(priced.detail)}" if reason else f"charged\t{null}\t{null}",
            text(usage.raw),
            now,
        )
    )


def _json(accounts):
    """Return identities as JSON; most are letters and digits alone."""
    if all(value.isalnum() and value.isascii() for _kind, value in accounts):
        return "[" + ", ".join([f'["{kind}", "{value}"]' for kind, value in accounts]) + "]"
    return json.dumps(accounts)


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
    :param edge: :class:`.priced.Edge`
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
    shared = (
        f"{event_id}\t{row.service_id}\t{bulk.or_null(priced.destination_id)}\t{bulk.or_null(usage.started_at)}"
        f"\t{'t' if usage.answered else 'f'}\t{usage.quantity}"
    )
    lines = []
    child = below = None
    # Amounts as they are written: what one pays, its parent mostly receives.
    income = "0"
    for wallet, edge in zip_longest(priced.chain, edges[: len(priced.chain)]):
        list_id = bulk.or_null(wallet.price_list_id)
        if edge is None:
            cost, billed = "0", below.price.billed
            margin = income
            rest = f"1\t{list_id}\t{NULL}\t{NULL}"
        else:
            cost, billed = f"{edge.amount}", edge.price.billed
            margin = f"{below.sale - edge.amount}" if below else "0"
            rest = f"{edge.rate}\t{list_id}\t{bulk.encode(edge.prefix)}\t{bulk.or_null(edge.rate_id)}"
        # Numbers alone: written as they are, which is twice as fast as asking for their types.
        lines.append(
            f"{shared}\t{wallet.company_id}\t{wallet.id}\t{bulk.or_null(child)}\t{wallet.tier}"
            f"\t{wallet.currency_id}\t{billed}\t{income}\t{cost}"
            f"\t{margin}\t{rest}\t{bulk.or_null(transfer_ids.get(wallet.id))}\tf"
        )
        if edge is not None:
            child, below = wallet.id, edge
            income = cost if edge.sale is edge.amount else f"{edge.sale}"
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
