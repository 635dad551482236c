"""Charge usage: every tier of every event of a batch, or none of it."""

import json
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

from odoo.tools import SQL

from odoo.addons.tier_billing.ledger import writer
from odoo.addons.tier_billing.ledger.writer import Movement

from ..engine.prefixes import normalise
from . import catalogue
from .pricing import Item, Priced, Pricer
from .usage import Usage


@dataclass(slots=True)
class Outcome:
    """What became of a batch.

    :param charged: events charged on every tier
    :param suspense: events that wait for a cause to be mended
    :param duplicate: events that were known already: nothing was done
    :param reasons: number of events in suspense by reason
    """

    charged: int = 0
    suspense: int = 0
    duplicate: int = 0
    reasons: Counter = field(default_factory=Counter)

    def __add__(self, other):
        return Outcome(
            self.charged + other.charged,
            self.suspense + other.suspense,
            self.duplicate + other.duplicate,
            self.reasons + other.reasons,
        )


@dataclass(slots=True)
class Resolved:
    """A usage with its payer and price."""

    usage: Usage
    service_id: int | None = None
    endpoint_id: int | None = None
    wallet_id: int | None = None
    priced: Priced = field(default_factory=Priced)


def charge(env, usages):
    """Charge a batch of usage. Known events are left alone.

    Some ten statements for any number of events, in the caller's
    transaction, which should be short.

    :param env: environment of the transaction
    :param usages: sequence of :class:`.usage.Usage`
    :rtype: Outcome
    """
    # One batch may hold the same record twice; the first counts.
    unique = {}
    for usage in usages:
        unique.setdefault(usage.source_key, usage)
    duplicates = len(usages) - len(unique)
    resolved = resolve(env, list(unique.values()))
    ids = _insert_events(env, resolved)
    fresh = [(ids[row.usage.source_key], row) for row in resolved if row.usage.source_key in ids]
    outcome = _charge_events(env, fresh)
    outcome.duplicate = duplicates + len(resolved) - len(fresh)
    return outcome


def retry(env, event_ids):
    """Price events in suspense again.

    :param env: environment of the transaction
    :param event_ids: ids of ``tier.usage.event``
    :rtype: Outcome
    """
    # Locked in the order in which imports insert: by source key.
    env.cr.execute(
        SQL(
            """
            SELECT e.id, e.source_key, e.session_key, e.switch_id, e.import_id, e.line,
                   e.company_id, s.code, e.accounts, e.caller, e.callee, e.number, e.started_at,
                   e.answered_at, e.ended_at, e.quantity::text, e.disposition,
                   w.country_prefix, w.international_prefix, w.national_prefix
              FROM tier_usage_event e
              LEFT JOIN tier_service s ON s.id = e.service_id
              LEFT JOIN tier_switch w ON w.id = e.switch_id
             WHERE e.id = ANY(%s) AND e.state = 'suspense' AND e.reason <> 'bad_record'
             ORDER BY e.source_key FOR UPDATE OF e""",
            list(event_ids),
        )
    )
    rows = env.cr.dictfetchall()
    usages = [
        Usage(
            source_key=row["source_key"],
            session_key=row["session_key"],
            switch_id=row["switch_id"],
            import_id=row["import_id"],
            line=row["line"],
            company_id=row["company_id"],
            service=row["code"] or "",
            accounts=tuple(map(tuple, json.loads(row["accounts"] or "[]"))),
            caller=row["caller"],
            callee=row["callee"],
            number=_renormalised(row),
            started_at=row["started_at"],
            answered_at=row["answered_at"],
            ended_at=row["ended_at"],
            quantity=Decimal(row["quantity"] or 0),
            disposition=row["disposition"],
        )
        for row in rows
    ]
    resolved = resolve(env, usages)
    ids = {row["source_key"]: row["id"] for row in rows}
    pairs = [(ids[row.usage.source_key], row) for row in resolved]
    _update_events(env, pairs)
    return _charge_events(env, pairs)


def _renormalised(row):
    """Return the number by the switch's dial plan as it is now: it may have been the cause."""
    if not row["switch_id"]:
        return row["number"] or ""
    return normalise(
        row["callee"],
        row["country_prefix"] or "",
        row["international_prefix"] or "",
        row["national_prefix"] or "",
    )


def resolve(env, usages):
    """Find the payer of each usage and price it on every tier.

    :param env: environment of the transaction
    :param usages: sequence of :class:`.usage.Usage`
    :return: list of :class:`Resolved`, in the order of the usages
    """
    resolved = find_payers(env, usages)
    granted = _granted_sessions(env, usages)
    items = [
        Item(
            position,
            row.wallet_id,
            row.service_id,
            row.usage.number,
            row.usage.priced_from,
            row.usage.quantity,
        )
        for position, row in enumerate(resolved)
        if not row.priced.reason
    ]
    if items:
        pricer = Pricer(env, items)
        for item in items:
            row = resolved[item.key]
            row.priced = pricer.priced(item, was_granted=row.usage.session_key in granted)
    return resolved


def find_payers(env, usages):
    """Find the service and the payer of each usage.

    :param env: environment of the transaction
    :param usages: sequence of :class:`.usage.Usage`
    :return: list of :class:`Resolved`, with a reason where there is no payer
    """
    services = service_ids(env)
    endpoints = catalogue.load_endpoints(
        env.cr,
        {
            (usage.switch_id, kind, identifier)
            for usage in usages
            if not usage.wallet_id
            for kind, identifier in usage.accounts
        },
    )
    resolved = []
    for usage in usages:
        row = Resolved(usage, services.get(usage.service), wallet_id=usage.wallet_id)
        resolved.append(row)
        for kind, identifier in usage.accounts if not usage.wallet_id else ():
            found = endpoints.get((usage.switch_id, kind, identifier))
            if found:
                row.endpoint_id, row.wallet_id = found
                break
        if usage.bad:
            row.priced.reason, row.priced.detail = usage.bad
        elif not row.service_id:
            row.priced.reason = "no_rate"
            row.priced.detail = f"There is no service {usage.service}."
        elif not row.wallet_id:
            row.priced.reason = "unknown_account"
            known = ", ".join(f"{kind} {value}" for kind, value in usage.accounts)
            row.priced.detail = f"No endpoint for {known or 'an empty caller'}."
    return resolved


def _granted_sessions(env, usages):
    """Return the keys of the sessions that were allowed to begin.

    What was allowed is charged, even if a short session turns out below cost.
    """
    keys = {usage.session_key for usage in usages if usage.session_key}
    if not keys:
        return set()
    env.cr.execute(
        SQL(
            """SELECT session_key FROM tier_session
                WHERE session_key = ANY(%s) AND state IN ('open', 'settled')""",
            list(keys),
        )
    )
    return {row[0] for row in env.cr.fetchall()}


def service_ids(env):
    """Return the services.

    :param env: environment of the transaction
    :return: dict of code to id
    """
    env.cr.execute("SELECT code, id FROM tier_service")
    return dict(env.cr.fetchall())


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


def _event_values(row):
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


def _insert_events(env, resolved):
    """Insert the events that are new.

    :return: dict of source key to event id, of the new ones only
    """
    return dict(
        _insert(
            env,
            "tier_usage_event",
            EVENT_COLUMNS,
            # Two imports of one file meet on the same keys in the same order.
            sorted(map(_event_values, resolved), key=lambda values: values[0]),
            SQL("ON CONFLICT (source_key) DO NOTHING RETURNING source_key, id"),
        )
    )


def _update_events(env, pairs):
    """Note what became of events that were in suspense."""
    rows = [
        (
            event_id,
            row.endpoint_id,
            row.wallet_id,
            row.service_id,
            row.priced.destination_id,
            row.usage.number,
            "suspense" if row.priced.reason else "charged",
            row.priced.reason,
            row.priced.detail,
        )
        for event_id, row in pairs
    ]
    if not rows:
        return
    env.cr.execute(
        SQL(
            """
            UPDATE tier_usage_event e
               SET endpoint_id = v.endpoint_id, wallet_id = v.wallet_id,
                   service_id = v.service_id, destination_id = v.destination_id,
                   number = v.number, state = v.state, reason = v.reason, detail = v.detail,
                   write_date = now() AT TIME ZONE 'UTC', write_uid = %s
              FROM unnest(%s::integer[], %s::integer[], %s::integer[], %s::integer[],
                          %s::integer[], %s::varchar[], %s::varchar[], %s::varchar[],
                          %s::varchar[])
                   AS v(id, endpoint_id, wallet_id, service_id, destination_id, number, state,
                        reason, detail)
             WHERE e.id = v.id""",
            env.uid,
            *map(list, zip(*rows, strict=True)),
        )
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


def _charge_events(env, pairs):
    """Move the money of priced events and note each tier's share.

    :param pairs: list of (event id, :class:`Resolved`)
    :rtype: Outcome
    """
    priced = [(event_id, row) for event_id, row in pairs if not row.priced.reason]
    reasons = Counter(row.priced.reason for _event_id, row in pairs if row.priced.reason)
    movements = []
    for event_id, row in priced:
        for edge in row.priced.edges:
            if edge.amount or edge.amount_to:
                movements.append(
                    Movement(
                        source_key=_transfer_key(event_id, edge),
                        kind="usage",
                        from_account=edge.wallet.account_id,
                        to_account=edge.wallet.payee_id,
                        amount=edge.amount,
                        amount_to=edge.amount_to,
                        rate=edge.transfer_rate,
                        date=row.usage.started_at,
                    )
                )
    accounts = {m.from_account for m in movements} | {m.to_account for m in movements}
    session_keys = {row.usage.session_key for _event_id, row in pairs if row.usage.session_key}
    holds = _session_accounts(env, session_keys)
    states = writer.lock_accounts(env.cr, accounts | holds) if accounts or holds else {}
    if holds:
        writer.close_holds(env.cr, session_keys, "settled")
        env.cr.execute(
            SQL(
                """UPDATE tier_session SET state = 'settled'
                    WHERE session_key = ANY(%s) AND state = 'open'""",
                list(session_keys),
            )
        )
    transfers = writer.post(env.cr, movements, env.uid)
    charges = []
    for event_id, row in priced:
        charges += _charge_rows(event_id, row, states, transfers)
    _insert(env, "tier_charge", CHARGE_COLUMNS, charges, SQL("RETURNING id"))
    return Outcome(len(priced), sum(reasons.values()), 0, reasons)


def _transfer_key(event_id, edge):
    return f"usage:{event_id}:{edge.wallet.id}"


def _session_accounts(env, session_keys):
    """Return the accounts on which these sessions still hold funds."""
    if not session_keys:
        return set()
    env.cr.execute(
        SQL(
            "SELECT account_id FROM tier_hold WHERE session_key = ANY(%s) AND state = 'open'",
            list(session_keys),
        )
    )
    return {row[0] for row in env.cr.fetchall()}


def _charge_rows(event_id, row, states, transfers):
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
                transfers.get(_transfer_key(event_id, edge)) if edge else None,
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


def _insert(env, table, columns, rows, suffix):
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
