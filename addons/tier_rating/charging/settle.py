"""Charge usage: every tier of every event of a batch, or none of it."""

import json
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

from odoo.tools import SQL

from odoo.addons.tier_billing.ledger import arrays, bulk, reserve, writer

from . import packages, tables, volumes
from .resolve import resolve
from .usage import DIALLED_BY, Usage, dialling


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


def charge(env, usages, turn=None):
    """Charge a batch of usage. Known events are left alone.

    Some ten statements for any number of events, in the caller's
    transaction, which should be short.

    :param env: environment of the transaction
    :param usages: sequence of :class:`.usage.Usage`
    :param turn: called when all is read, priced and made ready, and nothing locked or written yet
    :rtype: Outcome
    """
    # One batch may hold the same record twice; the first counts.
    unique = {}
    for usage in usages:
        unique.setdefault(usage.source_key, usage)
    for key in _known(env, unique):
        del unique[key]
    outcome = Outcome(duplicate=len(usages) - len(unique))
    if not unique:
        return outcome
    resolved = resolve(env, list(unique.values()))
    now, ids = bulk.next_ids(env.cr, tier_usage_event=len(resolved), tier_transfer=_count_transfers(resolved))
    pairs = list(zip(ids["tier_usage_event"], resolved, strict=True))
    # Two imports of one file meet on the same keys in the same order.
    in_order = sorted(pairs, key=lambda pair: pair[1].usage.source_key)
    written = str(now)
    lines = [tables.event_line(event_id, row, written) for event_id, row in in_order]
    shares, waiting = tables.Shares(ids["tier_transfer"], env.uid, now), []
    for event_id, row in pairs:
        if not row.priced.reason:
            if _waits(row):
                waiting.append((event_id, row))
            else:
                shares.add(event_id, row)
    if turn:
        turn()
    bulk.copy_lines(env.cr, "tier_usage_event", tables.EVENT_COLUMNS, lines)
    return outcome + _charge_events(env, pairs, waiting, shares, now)


def _waits(row):
    """Tell whether the price of an event depends on what others have used before it."""
    priced = row.priced
    for wallet in priced.chain:
        if wallet.packaged:
            return True
    for edge in priced.edges:
        if edge.volume:
            return True
    return priced.carrier is not None and priced.carrier.volume is not None


def _known(env, source_keys):
    """Return which of these keys have an event already.

    One that another transaction is just inserting is not seen here: the unique index
    makes this one wait for it, and fail, and :func:`..charging.run` tries again.
    """
    env.cr.execute(
        "SELECT source_key FROM tier_usage_event WHERE source_key = ANY(%s::varchar[])", (arrays.of_texts(source_keys),)
    )
    return [row[0] for row in env.cr.fetchall()]


def _count_transfers(resolved):
    """Return how many transfers a batch needs at most: what is bought by volume has its price later."""
    return sum([len(row.priced.edges) for row in resolved if row.usage.answered and not row.priced.reason])


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
                   e.company_id, COALESCE(s.code, e.service_code) AS code, s.is_time,
                   e.endpoint_id, e.wallet_id, e.accounts, e.caller,
                   e.callee, e.number, e.started_at, e.answered_at, e.ended_at,
                   e.quantity::text, e.disposition, %s
              FROM tier_usage_event e
              LEFT JOIN tier_service s ON s.id = e.service_id
              LEFT JOIN tier_switch w ON w.id = e.switch_id
             WHERE e.id = ANY(%s) AND e.state = 'suspense' AND e.reason <> 'bad_record'
             ORDER BY e.source_key FOR UPDATE OF e""",
            SQL(", ").join(SQL.identifier("w", name) for name in DIALLED_BY),
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
            # Found by an endpoint it is looked up again: that may have been the cause.
            wallet_id=None if row["endpoint_id"] else row["wallet_id"],
            caller=row["caller"],
            callee=row["callee"],
            number=_renormalised(row),
            started_at=row["started_at"],
            answered_at=row["answered_at"],
            ended_at=row["ended_at"],
            quantity=Decimal(row["quantity"] or 0),
            disposition=row["disposition"],
            is_code=_is_code(row),
        )
        for row in rows
    ]
    resolved = resolve(env, usages)
    ids = {row["source_key"]: row["id"] for row in rows}
    pairs = [(ids[row.usage.source_key], row) for row in resolved]
    _update_events(env, pairs)
    now, ids = bulk.next_ids(env.cr, tier_transfer=_count_transfers(resolved))
    shares = tables.Shares(ids["tier_transfer"], env.uid, now)
    return _charge_events(env, pairs, [pair for pair in pairs if not pair[1].priced.reason], shares, now)


def _renormalised(row):
    """Return the number by the switch's dial plan as it is now: it may have been the cause.

    An endpoint with a plan of its own reads it once more, see :mod:`.dial_plans`.
    """
    if not row["switch_id"] or not row["is_time"]:
        # What is not called is no number but a resource code, which no plan can read.
        return row["number"] or ""
    return dialling(row).number(row["callee"])


def _is_code(row):
    """Tell whether an event's number is a resource code: of no call, and not what its switch reads as dialled."""
    return not row["is_time"] and bool(row["number"]) and dialling(row).number(row["callee"]) != row["number"]


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
                   service_id = v.service_id,
                   service_code = CASE WHEN v.service_id IS NULL THEN e.service_code END,
                   destination_id = v.destination_id,
                   number = v.number, state = v.state, reason = v.reason, detail = v.detail
              FROM unnest(%s::integer[], %s::integer[], %s::integer[], %s::integer[],
                          %s::integer[], %s::varchar[], %s::varchar[], %s::varchar[],
                          %s::varchar[])
                   AS v(id, endpoint_id, wallet_id, service_id, destination_id, number, state,
                        reason, detail)
             WHERE e.id = v.id""",
            *map(list, zip(*rows, strict=True)),
        )
    )


def _charge_events(env, pairs, waiting, shares, now):
    """Move the money of priced events and note each tier's share.

    What needs no lock comes first: from the lock of the accounts to the commit
    everybody else who charges the same reseller waits.

    :param pairs: list of (event id, :class:`.resolve.Resolved`)
    :param waiting: those with a price that are not among the shares yet
    :param shares: :class:`.tables.Shares`
    :param datetime now: naive UTC
    :rtype: Outcome
    """
    priced = [(event_id, row) for event_id, row in pairs if not row.priced.reason]
    reasons = Counter(row.priced.reason for _event_id, row in pairs if row.priced.reason)
    packages.use(env, waiting)
    volumes.use(env, waiting)
    for event_id, row in waiting:
        shares.add(event_id, row)
    bulk.copy_lines(env.cr, "tier_charge", tables.CHARGE_COLUMNS, shares.charges)
    session_keys = {row.usage.session_key for _event_id, row in pairs if row.usage.session_key}
    holds = _session_accounts(env, session_keys)
    accounts, movements = holds | shares.accounts, [movement for _transfer_id, movement in shares.others]
    states = writer.lock_accounts(env.cr, accounts, movements) if accounts or movements else {}
    if holds:
        reserve.close_holds(env.cr, session_keys, "settled")
    if session_keys:
        _close_sessions(env, session_keys)
    writer.announce_locked(env.cr)
    bulk.post_fresh(env.cr, shares.others, states, env.uid, now, shares.transfers)
    tables.mark_overruns(env.cr, tables.overruns(priced, states))
    return Outcome(len(priced), sum(reasons.values()), 0, reasons)


def _close_sessions(env, session_keys):
    """Note that these sessions have ended, also those whose hold had expired before.

    Leans on the unique index on the key; locks in the order of the keys.
    """
    env.cr.execute(
        """
        UPDATE tier_session SET state = 'settled'
         WHERE id IN (SELECT id FROM tier_session
                       WHERE session_key = ANY(%s::varchar[]) AND state = 'open'
                       ORDER BY session_key FOR UPDATE)""",
        (arrays.of_texts(session_keys),),
    )


def _session_accounts(env, session_keys):
    """Return the accounts on which these sessions still hold funds."""
    if not session_keys:
        return set()
    env.cr.execute(
        "SELECT account_id FROM tier_hold WHERE session_key = ANY(%s::varchar[]) AND state = 'open'",
        (arrays.of_texts(session_keys),),
    )
    return {row[0] for row in env.cr.fetchall()}
