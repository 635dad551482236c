"""A stream of records on its way to being charged."""

import time
from collections import deque
from itertools import chain, islice

from odoo.sql_db import Cursor

from odoo.addons.tier_billing.ledger import cursor

from .. import charging
from ..adapters import registry
from ..adapters.base import UsageRecord
from . import settle
from .reader import Reader
from .turns import in_turns
from .usage import DialPlan


def let_go(env):
    """End a transaction before a long file, so that nothing of it is open while the batches are charged.

    As long as one with a snapshot is, the database keeps every version of every account that a batch
    changes, and each batch walks through those of all batches before: a file of a million lines got
    slower and slower.

    :param env: whose transaction it is; a test's own goes on
    """
    if isinstance(env.cr, Cursor) and cursor.are_apart(env.registry):
        env.cr.commit()  # pylint: disable=invalid-commit


class Intake:
    """The records of one stream on their way to being charged, and what became of them so far.

    :param owner: the ``tier.usage.import`` that they belong to, or an empty one
    :param switch: ``tier.switch`` that wrote them
    :param bool is_alone: nothing but this import is done in the owner's transaction, which may be ended
    :ivar outcome: of the batches that are committed
    :ivar count: of the records in them, which those before them in the stream are
    :ivar unreadable: how many of them could not be read
    :ivar problem: the first record that could not be read, ``BadRecord`` or None
    :ivar is_finished: the end of the stream was reached
    """

    def __init__(self, owner, switch, is_alone=False):
        self._owner = owner
        self._is_alone = is_alone
        self._switch = switch
        self.outcome = settle.Outcome()
        self.count = 0
        self.unreadable = 0
        self.problem = None
        self.is_finished = False
        # Unreadable ones until the end of each batch that is read and not committed yet.
        self._ahead, self._seen, self._words = deque(), 0, None

    def go_on(self, count, unreadable, outcome, words=None):
        """Begin after the records that are done already.

        :param int count: records to skip; they are read, but nothing is asked about them
        :param int unreadable: how many of them could not be read
        :param outcome: what became of them
        :param str words: the first problem that was found in them
        """
        self.count, self.outcome, self._words = count, outcome, words or None
        self.unreadable = self._seen = unreadable

    def take(self, stream, progress=None, shift=None):
        """Charge the records of a stream, batch by batch, each batch in a transaction of its own.

        :param stream: binary file object, or a :class:`.reader.Reader` of one
        :param progress: called with the number of records that are done so far
        :param shift: :class:`.shift.Shift`; when it is over, this ends with the batches that were begun
        """
        reader = stream if isinstance(stream, Reader) else self.reader(stream)
        plan = DialPlan.of(self._switch)
        if self._is_alone:
            let_go(self._owner.env)
        self._skip(reader, shift)
        usages = self._usages(reader.records, plan, self._owner.id or None)
        for batch, outcome in self._charged(self._batches(usages, shift)):
            self.outcome += outcome
            self.count += len(batch)
            self.unreadable = self._ahead.popleft()
            reader.count = self.count
            if progress:
                progress(self.count)

    def reader(self, stream):
        """Return what reads the records of a stream from its beginning.

        :param stream: binary file object
        """
        return Reader(stream, registry.get(self._switch.adapter).read(stream, self._switch._read_options()))

    def _skip(self, reader, shift):
        """Read past the records that are done."""
        if reader.count >= self.count:
            return
        begun = time.monotonic()
        reader.skip_to(self.count)
        if shift:
            shift.prolong(time.monotonic() - begun)

    def _batches(self, usages, shift):
        while batch := list(islice(usages, charging.BATCH)):
            self._ahead.append(self._seen)
            yield batch
            if shift and shift.is_over():
                return
        self.is_finished = True

    def _charged(self, batches):
        """Charge batches; yield each with its outcome, once it is committed."""
        charge, registry_ = self._owner._charge_batch, self._owner.env.registry
        first = list(islice(batches, 2))
        batches = chain(first, batches)
        if len(first) == 2 and cursor.are_apart(registry_):
            return in_turns(charge, batches, registry_.db_name)
        return ((batch, charge(batch)) for batch in batches)

    def _usages(self, records, plan, import_id):
        for record in records:
            if not isinstance(record, UsageRecord):
                self._seen += 1
                self.problem = self.problem or record
            yield self._owner._usage(record, plan, import_id)

    def figures(self):
        """Return the counts, and the first problem in words, for an answer.

        :rtype: dict
        """
        outcome = self.outcome
        return {
            "records": self.count,
            "charged": outcome.charged,
            "suspense": outcome.suspense,
            "duplicates": outcome.duplicate,
            "reasons": dict(outcome.reasons),
            "problem": self.words(),
        }

    def words(self):
        """Return the first problem as a sentence; None if there is none.

        :rtype: str
        """
        return self._words or (self.problem and f"Line {self.problem.line}: {self.problem.message}")
