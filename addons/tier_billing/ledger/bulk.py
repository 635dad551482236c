"""Many rows at once, by COPY: what the charging path writes for whole batches."""

import io
from datetime import datetime
from decimal import Decimal

from odoo.tools import SQL

from .writer import LedgerError

NULL = "\\N"
# No exchange accounts.
WITHIN = (NULL, NULL)
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


def encode_all(texts):
    """Return texts as COPY's text format has them, in a third of the time that each by itself takes.

    :param texts: sequence of ``str`` or None
    """
    if None not in texts:
        together = "".join(texts)
        if not any(character in together for character, _escape in _ESCAPES):
            return texts
    return [encode(text) for text in texts]


def stamp(moment):
    """Return a time as COPY's text format has it, in half the time that formatting takes.

    :param moment: naive ``datetime`` or None
    """
    return NULL if moment is None else moment.isoformat(" ")


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


def fresh_line(transfer_id, movement, sides, exchanged, audit):
    """Return a transfer as a row for COPY, in the order of :data:`TRANSFER_COLUMNS`.

    :param int transfer_id: of :func:`next_ids`
    :param movement: key, kind, giver, receiver, amount, amount to, rate and date of a
        :class:`.writer.Movement`, as texts or numbers
    :param sides: of the giver's wallet, the receiver's, their currencies, and the company, the ids as texts or numbers
    :param exchanged: ids of the exchange accounts between two currencies, :data:`NULL` within one
    :param str audit: who causes it and when, of :func:`audit_of`
    """
    key, kind, giver, receiver, amount, amount_to, rate, date = movement
    from_wallet, to_wallet, currency, currency_to, company = sides
    # Numbers alone: written as they are, which is twice as fast as asking for their types.
    return (
        f"{transfer_id}\t{key}\t{kind}\t{giver}\t{receiver}\t{amount!s}\t{amount_to!s}\t{rate!s}\t{date}"
        f"\t{from_wallet}\t{to_wallet}\t{currency}\t{currency_to}\t{company}\t{exchanged[0]}\t{exchanged[1]}\t{audit}"
    )


def post_fresh(cr, transfers, states, uid, now, lines=()):
    """Post transfers whose source keys cannot be known yet, for their cause is new itself.

    As :func:`.writer.post`, whose triggers and unique keys hold here as well: a key that is
    known raises and nothing is posted. One statement.

    :param cr: database cursor
    :param transfers: list of (id, :class:`.writer.Movement`), ids from :func:`next_ids`
    :param states: what :func:`.writer.lock_accounts` returned for these movements
    :param int uid: of the user who causes them
    :param datetime now: naive UTC
    :param lines: further ones, of :func:`fresh_line`
    :raise LedgerError: an account does not exist
    """
    exchange = {(state.company_id, state.currency_id): key for key, state in states.items() if state.kind == "exchange"}
    audit = audit_of(uid, now)
    lines = list(lines)
    for transfer_id, m in transfers:
        giver, receiver = states.get(m.from_account), states.get(m.to_account)
        if giver is None or receiver is None:
            raise LedgerError(f"transfer {m.source_key}: account {m.from_account} or {m.to_account} does not exist")
        exchanged = WITHIN
        if giver.currency_id != receiver.currency_id:
            exchanged = (
                or_null(exchange.get((giver.company_id, giver.currency_id))),
                or_null(exchange.get((receiver.company_id, receiver.currency_id))),
            )
        movement = (encode(m.source_key), *m[1:7], m.date or now)
        wallets = or_null(giver.wallet_id), or_null(receiver.wallet_id)
        sides = (*wallets, giver.currency_id, receiver.currency_id, giver.company_id)
        lines.append(fresh_line(transfer_id, movement, sides, exchanged, audit))
    copy_lines(cr, "tier_transfer", TRANSFER_COLUMNS, lines)


def audit_of(uid, now):
    """Return who posts transfers, and when, for :func:`fresh_line`.

    :param int uid: of the user
    :param datetime now: naive UTC
    :rtype: str
    """
    return line((uid, now))
