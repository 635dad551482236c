"""The rows of a deck in a temporary table, by COPY as they are read."""

from itertools import islice

from odoo.tools import SQL

from odoo.addons.tier_billing.ledger import bulk

from ..decks.errors import DeckError

# How many faults are kept for a person to read; the others are counted.
KEPT_FAULTS = 200
# Rows of one write to the server.
CHUNK = 1000
# For the sorts and joins of a deck of a million rows, for one transaction.
WORK_MEM = "64MB"


class Staging:
    """A deck on its way into the temporary table ``tier_deck_row``.

    :param dict bands: id of a time band by its code in lower case
    :param date date_from: of rows that name none; None leaves them without
    :param progress: called with the number of rows now and then
    :ivar int count: rows that were read
    :ivar list faults: the first :class:`..decks.errors.DeckError`
    :ivar int fault_count: of all
    :ivar bool has_ends: whether a row has a last day
    """

    def __init__(self, bands, date_from=None, progress=None):
        self._bands, self._date_from, self._progress = bands, date_from or None, progress
        self.count = self.fault_count = 0
        self.faults = []
        self.has_ends = False
        self._first_day = self._without_day = self._failure = None

    @property
    def first_day(self):
        """The first day that a row names; None when there is none, or a row without one."""
        return None if self._without_day else self._first_day

    def fill(self, cr, rows):
        """Read all rows into the table; what it had before is gone.

        :param cr: database cursor
        :param rows: iterator of :class:`..decks.reader.DeckRow` and ``DeckError``
        :raise DeckError: if the file as a whole is not a deck
        """
        cr.execute(
            SQL(
                """CREATE TEMPORARY TABLE IF NOT EXISTS tier_deck_row (
                       seq integer, line integer, prefix varchar, destination varchar, price numeric,
                       initial_increment integer, increment integer, connection_charge numeric,
                       connection_charge_own boolean, date_from date, date_to date, band_id integer, blocked boolean,
                       doubled boolean) ON COMMIT DROP;
                   TRUNCATE tier_deck_row;
                   SELECT set_config('work_mem', %s, true)""",
                WORK_MEM,
            )
        )
        cr.copy_expert(
            """COPY tier_deck_row (seq, line, prefix, destination, price, initial_increment, increment,
                    connection_charge, connection_charge_own, date_from, date_to, band_id, blocked) FROM STDIN""",
            _Stream(self._lines(self._guarded(rows))),
            size=1 << 16,
        )
        if self._failure:
            raise self._failure
        cr.execute("ANALYZE tier_deck_row")
        self._find_doubles(cr)

    def fault(self, fault):
        """Keep a fault, or count it.

        :param fault: :class:`..decks.errors.DeckError`
        """
        self.fault_count += 1
        if len(self.faults) < KEPT_FAULTS:
            self.faults.append(fault)

    def _guarded(self, rows):
        """Yield rows; what goes wrong on the way ends them, since COPY would turn it into an error of its own."""
        try:
            yield from rows
        except Exception as error:
            self._failure = error

    def _lines(self, rows):
        bands, default, null = self._bands, self._date_from, bulk.NULL
        encode, texts = bulk.encode, {}
        for row in rows:
            if isinstance(row, DeckError):
                self.fault(row)
                continue
            line, prefix, destination, price, initial, increment, connection, date_from, date_to, band, blocked = row
            if band:
                band = bands.get(band.lower())
                if band is None:
                    self.fault(DeckError(line, "no_band", band=row.band))
                    continue
            date_from = date_from or default
            if date_from is None:
                self._without_day = True
            elif self._first_day is None or date_from < self._first_day:
                self._first_day = date_from
            if date_to is not None:
                self.has_ends = True
                if date_from is not None and date_to < date_from:
                    self.fault(DeckError(line, "ends_first", end=date_to, begin=date_from))
                    continue
            self.count = seq = self.count + 1
            if self._progress and not seq % CHUNK:
                self._progress(seq)
            # The rest of the row repeats all over a deck.
            rest = (initial, increment, connection, date_from, date_to, band or None, blocked)
            text = texts.get(rest)
            if text is None:
                if len(texts) > CHUNK:
                    texts.clear()
                text = texts[rest] = "\t".join(
                    (
                        null if initial is None else str(initial),
                        null if increment is None else str(increment),
                        "0" if connection is None else str(connection),
                        "f" if connection is None else "t",
                        null if date_from is None else date_from.isoformat(),
                        null if date_to is None else date_to.isoformat(),
                        str(band) if band else null,
                        "t" if blocked else "f",
                    )
                )
            yield f"{seq}\t{line}\t{prefix}\t{encode(destination or prefix)}\t{price!s}\t{text}\n"

    def _find_doubles(self, cr):
        """Drop rows that say the same twice, and tell of those that contradict each other."""
        cr.execute(
            """CREATE TEMPORARY TABLE IF NOT EXISTS tier_deck_double (
                   prefix varchar, band_id integer, date_from date, seq integer, line integer) ON COMMIT DROP;
               TRUNCATE tier_deck_double;
               INSERT INTO tier_deck_double
               SELECT prefix, band_id, date_from, min(seq), min(line) FROM tier_deck_row
                GROUP BY prefix, band_id, date_from HAVING count(*) > 1"""
        )
        if not cr.rowcount:
            return
        cr.execute(
            SQL(
                """
                WITH other AS (
                    SELECT n.seq, n.line, n.prefix, f.seq AS first_seq, f.line AS first_line,
                           (n.price, n.destination, n.initial_increment, n.increment, n.connection_charge,
                            n.connection_charge_own, n.date_to, n.blocked) IS NOT DISTINCT FROM
                           (f.price, f.destination, f.initial_increment, f.increment, f.connection_charge,
                            f.connection_charge_own, f.date_to, f.blocked) AS same
                      FROM tier_deck_double d
                      JOIN tier_deck_row f ON f.seq = d.seq
                      JOIN tier_deck_row n ON n.prefix = d.prefix AND n.band_id IS NOT DISTINCT FROM d.band_id
                       AND n.date_from IS NOT DISTINCT FROM d.date_from AND n.seq > d.seq
                ), marked AS (
                    UPDATE tier_deck_row r SET doubled = true FROM other o WHERE o.same AND r.seq = o.first_seq
                ), dropped AS (
                    DELETE FROM tier_deck_row r USING other o WHERE o.same AND r.seq = o.seq
                )
                SELECT same, line, prefix, first_line, count(*) OVER (PARTITION BY same)
                  FROM other ORDER BY same, seq LIMIT %s""",
                KEPT_FAULTS + 1,
            )
        )
        contradictions = 0
        for same, line, prefix, first_line, count in cr.fetchall():
            if same:
                continue
            contradictions = count
            if len(self.faults) < KEPT_FAULTS:
                self.faults.append(DeckError(line, "double", prefix=prefix, other=first_line))
        self.fault_count += contradictions
        self.faults.sort(key=lambda fault: fault.line)


class _Stream:
    """Feeds lines to COPY as it asks for them."""

    def __init__(self, lines):
        self._lines = lines

    def read(self, _size=-1):
        return "".join(islice(self._lines, CHUNK)).encode()
