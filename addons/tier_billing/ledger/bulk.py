"""Many rows at once, by COPY: what the charging path writes for whole batches."""

import io
from datetime import datetime
from decimal import Decimal

from odoo.tools import SQL

from .writer import LedgerError

NULL = "\\N"
# What COPY's text format reads as something else (PostgreSQL, "COPY", File Formats).
_ESCAPES = (("\\", "\\\\"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"))


def _string(value):
    if value and not value.isalnum():
        # Looking for each is many times faster than translating all.
        for character, escape in _ESCAPES:
            if character in value:
                value = value.replace(character, escape)
    return value


class _Encoders(dict):
    """How values are written, by type: a row has two dozen and a batch thousands of rows."""

    def __missing__(self, kind):
        for parent in kind.__mro__:
            if parent in self:
                self[kind] = self[parent]
                return self[kind]
        raise TypeError(f"COPY has no text for {kind.__name__}")


_ENCODERS = _Encoders(
    {
        type(None): lambda _value: NULL,
        str: _string,
        int: str,
        bool: lambda value: "t" if value else "f",
        Decimal: str,
        datetime: str,
    }
)


def encode(value):
    """Return a value as COPY's text format has it.

    :param value: None, ``str``, ``int``, ``bool``, ``Decimal`` or naive ``datetime``

    >>> encode(None), encode("a\\tb"), encode(True), encode(Decimal("0.10"))
    ('\\\\N', 'a\\\\tb', 't', '0.10')
    """
    return _ENCODERS[type(value)](value)


def line(values):
    """Return a row as COPY's text format has it.

    :param values: see :func:`encode`
    """
    return "\t".join([_ENCODERS[type(value)](value) for value in values])


def copy_lines(cr, table, columns, lines):
    """Append rows to a table in one statement; its triggers and constraints work as ever.

    :param cr: database cursor
    :param str table: its name, from our code
    :param columns: names, from our code
    :param lines: of :func:`line`, one a row
    """
    if lines:
        # Encoded here: text that has no UTF-8 is then a ValueError, not a broken statement.
        data = "\n".join([*lines, ""]).encode()
        cr.copy_expert(f"COPY {table} ({', '.join(columns)}) FROM STDIN", io.BytesIO(data))


def next_ids(cr, **counts):
    """Take ids from the sequences of tables, and the time of the transaction.

    :param cr: database cursor
    :param counts: number of ids by name of the table
    :return: the time (naive UTC) and a dict of table to list of ids
    """
    cr.execute(
        SQL(
            "SELECT now() AT TIME ZONE 'UTC', %s",
            SQL(", ").join(
                SQL("ARRAY(SELECT nextval(%s)::integer FROM generate_series(1, %s))", f"{table}_id_seq", count)
                for table, count in counts.items()
            ),
        )
    )
    now, *ids = cr.fetchone()
    return now, dict(zip(counts, ids, strict=True))


def or_null(value):
    """Return a number, or what COPY takes for none: :func:`encode` without asking for the type."""
    return NULL if value is None else value


TRANSFER_COLUMNS = (
    "id",
    "source_key",
    "kind",
    "from_account_id",
    "to_account_id",
    "amount",
    "amount_to",
    "rate",
    "date",
    "from_wallet_id",
    "to_wallet_id",
    "currency_id",
    "currency_to_id",
    "company_id",
    "exchange_in_id",
    "exchange_out_id",
    "create_uid",
    "create_date",
)


def post_fresh(cr, transfers, states, uid, now):
    """Post transfers whose source keys cannot be known yet, for their cause is new itself.

    As :func:`.writer.post`, whose triggers and unique keys hold here as well: a key that is
    known raises and nothing is posted. One statement.

    :param cr: database cursor
    :param transfers: list of (id, :class:`.writer.Movement`), ids from :func:`next_ids`
    :param states: what :func:`.writer.lock_accounts` returned for these movements
    :param int uid: of the user who causes them
    :param datetime now: naive UTC
    :raise LedgerError: an account does not exist
    """
    exchange = {(state.company_id, state.currency_id): key for key, state in states.items() if state.kind == "exchange"}
    audit = line((uid, now))
    keys = {key: f"{or_null(state.wallet_id)}" for key, state in states.items()}
    lines = []
    for transfer_id, m in transfers:
        giver, receiver = states.get(m.from_account), states.get(m.to_account)
        if giver is None or receiver is None:
            raise LedgerError(f"transfer {m.source_key}: account {m.from_account} or {m.to_account} does not exist")
        exchanged = f"{NULL}\t{NULL}"
        if giver.currency_id != receiver.currency_id:
            exchange_in = exchange.get((giver.company_id, giver.currency_id))
            exchange_out = exchange.get((receiver.company_id, receiver.currency_id))
            exchanged = f"{or_null(exchange_in)}\t{or_null(exchange_out)}"
        # Numbers alone, but for the key: written as they are, which is twice as fast.
        lines.append(
            f"{transfer_id}\t{encode(m.source_key)}\t{m.kind}\t{giver.id}\t{receiver.id}\t{m.amount}\t{m.amount_to}"
            f"\t{m.rate}\t{m.date or now}\t{keys[giver.id]}\t{keys[receiver.id]}\t{giver.currency_id}"
            f"\t{receiver.currency_id}\t{giver.company_id}\t{exchanged}\t{audit}"
        )
    copy_lines(cr, "tier_transfer", TRANSFER_COLUMNS, lines)
