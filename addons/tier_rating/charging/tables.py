"""The rows that the charging path writes, set by set."""

import json
from itertools import zip_longest

from odoo.tools import SQL

from odoo.addons.tier_billing.ledger import bulk
from odoo.addons.tier_billing.ledger.writer import Movement

from .conversions import RATE_QUANTUM

NULL = bulk.NULL
# State, reason and detail of what has a price.
CHARGED = f"charged\t{NULL}\t{NULL}"
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
    texts = (
        usage.source_key,
        usage.caller,
        usage.callee,
        usage.number,
        usage.disposition,
        usage.cause,
        usage.source_ip,
        usage.user_agent,
        _json(usage.accounts),
        usage.raw,
    )
    key, caller, callee, dialled, disposition, cause, source_ip, user_agent, accounts, raw = bulk.encode_all(texts)
    null, text, number, stamp = NULL, bulk.encode, bulk.or_null, bulk.stamp
    outcome = f"suspense\t{text(reason)}\t{text(priced.detail)}" if reason else CHARGED
    # Each written as what it is, which takes half the time of asking for the types.
    return (
        f"{event_id}\t{key}\t{text(usage.session_key)}\t{number(usage.switch_id)}\t{number(usage.import_id)}"
        f"\t{usage.line}\t{number(company_id)}\t{number(row.service_id)}"
        f"\t{null if row.service_id else text(usage.service)}\t{number(row.endpoint_id)}\t{number(row.wallet_id)}"
        f"\t{caller}\t{callee}\t{dialled}\t{number(priced.destination_id)}\t{stamp(usage.started_at)}"
        f"\t{stamp(usage.answered_at)}\t{stamp(usage.ended_at)}\t{usage.quantity!s}\t{disposition}\t{cause}"
        f"\t{number(usage.q850)}\t{number(usage.sip_code)}\t{source_ip}\t{number(usage.source_port)}\t{user_agent}"
        f"\t{accounts}\t{outcome}\t{raw}\t{now}"
    )


def _json(accounts):
    """Return identities as JSON; most are letters and digits alone."""
    written = []
    for kind, value in accounts:
        if not (value.isalnum() and value.isascii()):
            return json.dumps(accounts)
        written.append(f'["{kind}", "{value}"]')
    return f"[{', '.join(written)}]"


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


def movement(event_id, row, edge):
    """Return the payment of one edge for one event; one backwards, where a cheaper tier of volume gives back."""
    if edge.amount < 0 or edge.amount_to < 0:
        return Movement(
            source_key=transfer_key(event_id, edge),
            kind="refund",
            from_account=edge.wallet.payee_id,
            to_account=edge.wallet.account_id,
            amount=-edge.amount_to,
            amount_to=-edge.amount,
            rate=(1 / edge.transfer_rate).quantize(RATE_QUANTUM),
            date=row.usage.started_at,
        )
    return Movement(
        source_key=transfer_key(event_id, edge),
        kind="usage",
        from_account=edge.wallet.account_id,
        to_account=edge.wallet.payee_id,
        amount=edge.amount,
        amount_to=edge.amount_to,
        rate=edge.transfer_rate,
        date=row.usage.started_at,
    )


def transfer_line(transfer_id, event_id, edge, started, audit):
    """Return one edge's payment within one currency as a row for COPY, see :func:`..bulk.post_fresh`.

    What it says of the accounts is as the chain was read: the database refuses what they are not.

    :param int transfer_id: its id
    :param int event_id: of the event
    :param edge: :class:`.priced.Edge`
    :param str started: when it began, see :func:`..bulk.stamp`
    :param str audit: see :func:`..bulk.audit_of`
    """
    wallet, amount, currency_id = edge.wallet, str(edge.amount), edge.wallet.currency_id
    wallet_id = wallet.id
    return bulk.fresh_line(
        transfer_id,
        (f"usage:{event_id}:{wallet_id}", "usage", wallet.account_id, wallet.payee_id, amount, amount, "1", started),
        (wallet_id, bulk.or_null(wallet.payee_wallet_id), currency_id, currency_id, wallet.company_id),
        bulk.WITHIN,
        audit,
    )


class Shares:
    """What priced events write besides themselves, made ready event by event.

    :param transfer_ids: fresh ones, as many as there may be payments
    :param int uid: of the user who causes them
    :param datetime now: naive UTC
    :ivar charges: each tier's share as rows for COPY
    :ivar transfers: the payments within one currency as rows for COPY
    :ivar others: list of (transfer id, :class:`Movement`): what the accounts must be known for
    :ivar accounts: ids of the accounts of ``transfers``
    """

    def __init__(self, transfer_ids, uid, now):
        self._fresh, self._audit = iter(transfer_ids), bulk.audit_of(uid, now)
        self.charges, self.transfers, self.others, self.accounts = [], [], [], set()

    def add(self, event_id, row):
        """Take the payments and the shares of one event.

        :param int event_id: its id
        :param row: :class:`.resolve.Resolved`
        """
        started, paid = bulk.stamp(row.usage.started_at), {}
        for edge in row.priced.edges:
            if not (edge.amount or edge.amount_to):
                continue
            wallet = edge.wallet
            paid[wallet.id] = transfer_id = next(self._fresh)
            if wallet.currency_id == wallet.payee_currency_id and edge.amount > 0:
                self.transfers.append(transfer_line(transfer_id, event_id, edge, started, self._audit))
                self.accounts.add(wallet.account_id)
                self.accounts.add(wallet.payee_id)
            else:
                self.others.append((transfer_id, movement(event_id, row, edge)))
        self.charges += charge_lines(event_id, row, paid, started)


def charge_lines(event_id, row, transfer_ids, started):
    """Return each tier's share of one event as rows for COPY, the payer's first.

    :param int event_id: of the event
    :param row: :class:`.resolve.Resolved`
    :param transfer_ids: dict of wallet id to the transfer by which it paid
    :param str started: when it began, see :func:`..bulk.stamp`
    :return: list of text, in the order of :data:`CHARGE_COLUMNS`
    """
    usage, priced = row.usage, row.priced
    edges = [*priced.edges, priced.carrier]
    shared = (
        f"{event_id}\t{row.service_id}\t{bulk.or_null(priced.destination_id)}\t{started}"
        f"\t{'t' if usage.answered else 'f'}\t{usage.quantity!s}"
    )
    lines = []
    below, child = None, NULL
    # Amounts as they are written: what one pays, its parent mostly receives.
    income = "0"
    for wallet, edge in zip_longest(priced.chain, edges[: len(priced.chain)]):
        list_id = bulk.or_null(wallet.price_list_id)
        if edge is None:
            cost, billed = "0", below.billed
            margin = income
            rest = f"1\t{list_id}\t{NULL}\t{NULL}"
        else:
            amount, found = edge.amount, edge.found
            cost, billed = str(amount), edge.billed
            margin = str(below.sale - amount) if below else "0"
            rest = f"{found.rate!s}\t{list_id}\t{bulk.encode(found.prefix)}\t{bulk.or_null(edge.rate_id)}"
        # Numbers alone: written as they are, which is twice as fast as asking for their types.
        wallet_id = wallet.id
        lines.append(
            f"{shared}\t{wallet.company_id}\t{wallet_id}\t{child}\t{wallet.tier}\t{wallet.currency_id}"
            f"\t{billed!s}\t{income}\t{cost}\t{margin}\t{rest}\t{transfer_ids.get(wallet_id, NULL)}\tf"
        )
        if edge is not None:
            child, below = wallet_id, edge
            income = cost if edge.sale is amount else str(edge.sale)
    return lines


def overruns(priced, states):
    """Follow payments through the balances, in the order of the events, to tell who overran its funds.

    :param priced: list of (event id, :class:`.resolve.Resolved`)
    :param states: dict of account id to what was read under the lock; changed
    :return: list of (event id, wallet id)
    """
    found = []
    for event_id, row in priced:
        for edge in row.priced.edges:
            amount, wallet = edge.amount, edge.wallet
            if not amount and not edge.amount_to:
                continue
            payee, payer = states.get(wallet.payee_id), states.get(wallet.account_id)
            if payee:
                payee.balance += edge.amount_to
            if payer:
                payer.balance -= amount
                # What sessions in progress hold is theirs: it does not make this an overrun
                # of the balance itself.
                if not payer.unlimited and amount > 0 and payer.balance + payer.credit_limit < 0:
                    found.append((event_id, wallet.id))
    return found


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
