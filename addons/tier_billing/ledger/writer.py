"""The one writer of the ledger.

Every balance in the product changes through :func:`post` (and :func:`.bulk.post_fresh`), every
reservation through :mod:`.reserve`. They take a cursor, not a model, so that the charging path (a
short transaction of its own) and the back office (the user's transaction) share them.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import chain
from operator import attrgetter
from typing import NamedTuple

from odoo.tools import SQL

from . import arrays


class LedgerError(Exception):
    """A movement that the ledger refuses; the message is for people."""


class KeyReused(LedgerError):
    """A source key came again with another content.

    :ivar source_key: the key
    """

    def __init__(self, source_key):
        super().__init__(f"transfer {source_key} exists with another content")
        self.source_key = source_key


class Movement(NamedTuple):
    """One transfer to post.

    :param source_key: unique name of what causes it; posting it again changes nothing
    :param kind: one of :data:`..const.TRANSFER_KINDS`
    :param from_account: id of the ledger account that gives
    :param to_account: id of the ledger account that receives
    :param amount: what leaves, in the currency of ``from_account``
    :param amount_to: what arrives, in the currency of ``to_account``
    :param rate: ``amount_to`` per unit of ``amount`` before rounding
    :param date: when it happened (UTC, naive)
    :param reason: free text, for people
    :param reverses: id of the transfer that this one undoes, or None
    """

    source_key: str
    kind: str
    from_account: int
    to_account: int
    amount: Decimal
    amount_to: Decimal
    rate: Decimal = Decimal(1)
    date: datetime | None = None
    reason: str | None = None
    reverses: int | None = None


@dataclass(slots=True)
class Account:
    """A ledger account as read under its lock; amounts in its currency."""

    id: int
    balance: Decimal
    held: Decimal
    credit_limit: Decimal
    unlimited: bool
    open_sessions: int
    daily_limit: Decimal = Decimal(0)
    monthly_limit: Decimal = Decimal(0)
    expires_on: date | None = None
    tz: str | None = None
    kind: str | None = None
    company_id: int | None = None
    currency_id: int | None = None
    wallet_id: int | None = None

    @property
    def limits_spending(self):
        """Whether there is a daily or a monthly limit."""
        return bool(self.daily_limit or self.monthly_limit)

    @property
    def available(self):
        """What may still be spent or reserved; None without a limit."""
        if self.unlimited:
            return None
        return self.balance + self.credit_limit - self.held


_FIGURES = SQL(
    """id, balance::text, held::text, COALESCE(credit_limit, 0)::text,
       COALESCE(unlimited, false), open_sessions, COALESCE(daily_limit, 0)::text,
       COALESCE(monthly_limit, 0)::text, credit_expires_on, tz,
       kind, company_id, currency_id, wallet_id"""
)


def _accounts(cr):
    """Return the accounts of the :data:`_FIGURES` just selected, by id."""
    return {
        row[0]: Account(
            row[0],
            Decimal(row[1]),
            _amount(row[2]),
            _amount(row[3]),
            *row[4:6],
            _amount(row[6]),
            _amount(row[7]),
            *row[8:],
        )
        for row in cr.fetchall()
    }


# What most accounts have none of.
_ZEROS = {text: Decimal(text) for text in ("0", "0.000000")}


def _amount(text):
    zero = _ZEROS.get(text)
    return Decimal(text) if zero is None else zero


def read_accounts(cr, account_ids):
    """Read accounts without locking them: to show, never to decide.

    :param cr: database cursor
    :param account_ids: ids of ledger accounts
    :return: dict of id to :class:`Account`
    """
    cr.execute(SQL("SELECT %s FROM tier_account WHERE id = ANY(%s)", _FIGURES, list(account_ids)))
    return _accounts(cr)


def lock_accounts(cr, account_ids, movements=()):
    """Lock accounts in the one order that all writers keep, and read them.

    One statement; leans on the primary key (OFFSET 0 keeps the planner from scanning all
    accounts for a batch's few). Call it once in a transaction, with
    all that it is going to need: who locks a further account of a lower id later
    can deadlock with whoever locks both in order.

    :param cr: database cursor
    :param account_ids: ids of ledger accounts
    :param movements: sequence of :class:`Movement` to be posted: what they touch is
        locked as well, the exchange accounts between two currencies included
    :return: dict of id to :class:`Account`
    """
    pairs = list({(movement.from_account, movement.to_account) for movement in movements})
    cr.execute(
        SQL(
            """
            SELECT %s
              FROM tier_account
             WHERE id = ANY(ARRAY(
                   SELECT unnest(%s::integer[])
                    UNION
                   SELECT x.id
                     FROM unnest(%s::integer[], %s::integer[]) AS pair(from_id, to_id)
                    CROSS JOIN LATERAL (SELECT company_id, currency_id FROM tier_account
                                         WHERE id = pair.from_id OFFSET 0) f
                    CROSS JOIN LATERAL (SELECT currency_id FROM tier_account
                                         WHERE id = pair.to_id OFFSET 0) t
                     JOIN tier_account x ON x.kind = 'exchange' AND x.company_id = f.company_id
                      AND x.currency_id IN (f.currency_id, t.currency_id)
                    WHERE t.currency_id <> f.currency_id))
             ORDER BY id FOR NO KEY UPDATE""",
            _FIGURES,
            arrays.of_numbers(sorted({*account_ids, *chain.from_iterable(pairs)})),
            arrays.of_numbers([pair[0] for pair in pairs]),
            arrays.of_numbers([pair[1] for pair in pairs]),
        )
    )
    return _accounts(cr)


def announce_locked(cr):
    """Say that the transaction has locked all accounts that it is going to move.

    The ledger's trigger then spares itself to lock them once more. Said wrongly, two writers
    may end in a deadlock, which ends one of them; no balance can come out wrong.

    :param cr: database cursor, after :func:`lock_accounts`
    """
    cr.execute("SELECT set_config('tier.locked', 'yes', true)")


def post(cr, movements, uid):
    """Post transfers; those whose source key is known already change nothing.

    The database's triggers move the balances with the insertion and refuse
    what does not fit (see schema.sql), so a call posts all or, raising, none.
    One statement for any number of movements, one more if some were replays.

    :param cr: database cursor
    :param movements: sequence of :class:`Movement`; keys must differ
    :param uid: id of the user who causes them
    :return: dict of source key to transfer id, for all, new or known
    :raise KeyReused: a known key came with other accounts or another amount
    """
    if not movements:
        return {}
    if len(movements) == 1:
        posted = _post_one(cr, movements[0], uid)
        return posted or _known(cr, movements)
    # Sorted keys: two writers that insert the same keys wait for each other
    # in one direction only.
    movements = sorted(movements, key=lambda movement: movement.source_key)
    cr.execute(
        "SELECT posted_key, posted_id, current_setting('tier.early', true)"
        " FROM tier_transfer_post_all(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (*map(arrays.of, zip(*map(_COLUMNS, movements), strict=True)), uid),
    )
    rows = cr.fetchall()
    _wait_for_disk(cr, rows[0][2] if rows else None)
    posted = {key: transfer_id for key, transfer_id, _early in rows}
    missing = [movement for movement in movements if movement.source_key not in posted]
    if missing:
        posted.update(_known(cr, missing))
    return posted


# In the order in which the functions of posting.sql take them.
_COLUMNS = attrgetter(
    "source_key",
    "kind",
    "from_account",
    "to_account",
    "amount",
    "amount_to",
    "rate",
    "date",
    "reason",
    "reverses",
)


def _post_one(cr, movement, uid):
    """Post a lone transfer: most are, outside of imports.

    :return: dict of its source key to its id; empty when the key is known already
    """
    # Constant text and plain parameters: what wraps them would cost as much as the statement.
    cr.execute(
        "SELECT tier_transfer_post(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s), current_setting('tier.early', true)",
        (*_COLUMNS(movement), uid),
    )
    transfer_id, early = cr.fetchone()
    _wait_for_disk(cr, early)
    return {movement.source_key: transfer_id} if transfer_id else {}


def _wait_for_disk(cr, early):
    """Wait until the disk has what committed by itself before it was there.

    :param early: what the statement said of ``tier.early``; see schema.sql
    """
    if early == "done":
        # A commit of nothing comes after it in the log.
        cr.execute("SELECT pg_logical_emit_message(true, 'tier', '')")


def _known(cr, movements):
    """Return the transfers that carry these keys already, checked to be the same.

    :param cr: database cursor
    :param movements: the :class:`Movement` that were not inserted
    :return: dict of source key to transfer id
    """
    cr.execute(
        SQL(
            """SELECT source_key, id, kind, from_account_id, to_account_id, amount::text,
                      amount_to::text
                 FROM tier_transfer WHERE source_key = ANY(%s)""",
            [movement.source_key for movement in movements],
        )
    )
    known = {row[0]: row[1:] for row in cr.fetchall()}
    for movement in movements:
        if movement.source_key not in known:
            raise LedgerError(
                f"transfer {movement.source_key}: account {movement.from_account} "
                f"or {movement.to_account} does not exist"
            )
        _id, kind, from_account, to_account, amount, amount_to = known[movement.source_key]
        # Between currencies one side is converted, at the rate of the day of
        # the first posting: the other side tells whether it is the same.
        same = (kind, from_account, to_account) == (
            movement.kind,
            movement.from_account,
            movement.to_account,
        ) and (Decimal(amount) == movement.amount or Decimal(amount_to) == movement.amount_to)
        if not same:
            raise KeyReused(movement.source_key)
    return {key: row[0] for key, row in known.items()}
