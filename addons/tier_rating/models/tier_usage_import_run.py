import hashlib
import io
import os
import time

import psycopg2

from odoo import api, fields, models
from odoo.tools import SQL

from odoo.addons.tier_billing.ledger.cursor import short_transaction

from ..charging.alone import alone
from ..charging.intake import let_go
from ..charging.reader import keep, kept
from ..charging.settle import Outcome

#: Bytes of a file's beginning by which it is known again.
BEGINNING = 1024**2
TELL_EVERY_S = 1.0


class TierUsageImport(models.Model):
    """An import in several runs: each goes on after the records that are done.

    How far it is is noted about once a second, not with each batch. A process that dies in between leaves batches
    that are charged and not noted; the next run reads them again, which charges nothing twice, and counts them by
    their events.
    """

    _inherit = "tier.usage.import"

    is_watched = fields.Boolean("From a watched folder", readonly=True, copy=False)
    note = fields.Char(readonly=True, copy=False)
    # While it is in progress: of: which file, as it was; known: records that were known already, with those read
    # again; again: how many of these are this import's own; earlier: events from before it began anew; open: a run
    # has begun and not ended.
    resume = fields.Json("Where it goes on", readonly=True, copy=False)

    _in_progress = models.Index("(switch_id) WHERE state = 'queued'")

    def _run(self, stream, size, shift=None, changed=None):
        """Import as much of a file as there is time for, after what earlier runs have done; commits by itself.

        :param stream: binary file object that can be sought
        :param int size: of the file in bytes
        :param shift: :class:`..charging.shift.Shift`; None to go on to the end
        :param changed: what else tells that the file is another now
        :return: whether its end was reached; None if somebody else is at it
        :raise psycopg2.OperationalError: if the database was lost; how far it came is kept
        """
        self.ensure_one()
        let_go(self.env)
        with alone(self.env.registry, f"tier.usage.import:{self.id}") as is_ours:
            if not is_ours:
                return None
            of = self._what_file(stream, size, changed)
            taken, resume = self._begin_run(of)
            key = self.env.cr.dbname, self.id
            reader = kept(key, of, taken.count) or taken.reader(_opened_again(stream))
            tell = _Teller(self, reader.stream, size, taken, resume)
            is_kept = False
            try:
                taken.take(reader, tell, shift)
                if not taken.is_finished:
                    keep(key, of, reader)
                    is_kept = True
            except psycopg2.OperationalError:
                tell.at_once()
                raise
            finally:
                if not is_kept:
                    reader.close()
            with short_transaction(self.env.registry) as cr:
                self.with_env(self.env(cr=cr))._end_run(taken, resume)
        self.env.invalidate_all()
        return taken.is_finished

    def _what_file(self, stream, size, changed):
        """Return by what a file, and the way to read it, is known again.

        :rtype: str
        """
        switch = self.switch_id
        about = size, changed, switch.adapter, switch._read_options().mapping
        stream.seek(0)
        return hashlib.sha256(repr(about).encode() + stream.read(BEGINNING)).hexdigest()

    def _begin_run(self, of):
        """Note that a run begins.

        :param str of: see :meth:`_what_file`
        :return: (:class:`Intake` that skips what is done, the state to be kept)
        """
        taken = self._new_intake(self.switch_id, is_alone=True)
        with short_transaction(self.env.registry) as cr:
            record = self.with_env(self.env(cr=cr))
            resume = record.resume or {"of": of, "known": 0, "again": 0, "earlier": record._count_events()}
            values = {"state": "queued"}
            if resume["of"] != of:
                values["note"] = self.env._(
                    "The file, or how it is read, changed after %s records; it was read again from its beginning.",
                    record.record_count,
                )
                resume = {"of": of, "known": 0, "again": 0, "earlier": record._count_events()}
            elif record.resume:
                taken.go_on(record.record_count, record.unreadable_count, record._so_far(resume), record.problem)
            resume["open"] = True
            record.write({**values, **record._counts(taken, resume)})
        return taken, resume

    def _count_events(self):
        """Return how many events came with this import."""
        self.env.cr.execute(SQL("SELECT count(*) FROM tier_usage_event WHERE import_id = %s", self.id))
        return self.env.cr.fetchone()[0]

    def _so_far(self, resume):
        """Return what became of the records that are done, with those that a dying process did not note.

        :param dict resume: of the last run; changed
        :rtype: Outcome
        """
        outcome = Outcome(self.charged_count, self.suspense_count, resume["known"])
        lost = resume["open"] and self._count_events() - resume["earlier"] - outcome.charged - outcome.suspense
        if lost and lost > 0:
            self.env.cr.execute(
                SQL(
                    """SELECT count(*) FILTER (WHERE state = 'suspense') FROM (
                           SELECT state FROM tier_usage_event WHERE import_id = %s ORDER BY id DESC LIMIT %s) x""",
                    self.id,
                    lost,
                )
            )
            waiting = self.env.cr.fetchone()[0]
            outcome += Outcome(lost - waiting, waiting)
            resume["again"] += lost
        return outcome

    @api.model
    def _counts(self, taken, resume):
        """Return the counts of an import that is not at its end.

        :return: dict of field values
        """
        resume["known"] = taken.outcome.duplicate
        return {
            "record_count": taken.count,
            "charged_count": taken.outcome.charged,
            "suspense_count": taken.outcome.suspense,
            "duplicate_count": max(0, taken.outcome.duplicate - resume["again"]),
            "unreadable_count": taken.unreadable,
            "problem": taken.words(),
            "resume": dict(resume),
        }

    def _end_run(self, taken, resume):
        """Note how far a run came."""
        resume["open"] = False
        values = self._counts(taken, resume)
        if taken.is_finished:
            values |= {"state": "done", "date": fields.Datetime.now(), "resume": False}
        self.write(values)

    # ------------------------------------------------------------------
    # Files of watched folders
    # ------------------------------------------------------------------

    @api.model
    def _run_watched(self, switch, name, stream, shift=None):
        """Import as much of a folder's file as there is time for; see :meth:`_run`.

        :param switch: ``tier.switch`` whose folder it is
        :param str name: of the file
        :return: (the ``tier.usage.import``, whether the end was reached)
        """
        with alone(self.env.registry, f"tier.switch:{switch.id}:{name}") as is_ours:
            if not is_ours:
                return self.browse(), None
            with short_transaction(self.env.registry) as cr:
                imports = self.with_env(self.env(cr=cr))
                domain = [*self._watched_domain(), ("switch_id", "=", switch.id), ("name", "=", name)]
                record = imports.search(domain, limit=1) or imports.create(
                    {"name": name, "switch_id": switch.id, "state": "queued", "is_watched": True}
                )
            about = os.fstat(stream.fileno())
            record = self.browse(record.id)
            return record, record._run(stream, about.st_size, shift, about.st_mtime_ns)

    @api.model
    def _watched_domain(self):
        """Return which imports of watched folders have not come to their end."""
        return [("state", "=", "queued"), ("is_watched", "=", True)]

    def _leave(self):
        """Close an import whose file is not in its folder any more."""
        self.ensure_one()
        with alone(self.env.registry, f"tier.switch:{self.switch_id.id}:{self.name}") as is_ours:
            if not is_ours:
                return
            kept((self.env.cr.dbname, self.id), None, 0)  # which lets its file go
            with short_transaction(self.env.registry) as cr:
                record = self.with_env(self.env(cr=cr))
                taken = record._new_intake(record.switch_id)
                resume = record.resume or {"known": 0, "again": 0, "earlier": 0, "open": False}
                taken.go_on(record.record_count, record.unreadable_count, record._so_far(resume), record.problem)
                taken.is_finished = True
                record._end_run(taken, resume)
                record.note = self.env._("The file is not in the folder any more; its end was not reached.")
        self.env.invalidate_all()


def _opened_again(stream):
    """Return a stream of the same file from its beginning, which its owner does not close.

    :param stream: binary file object, which is not read any more
    """
    try:
        again = open(os.dup(stream.fileno()), "rb")  # noqa: SIM115  the reader closes it
    except io.UnsupportedOperation:
        again = io.BytesIO(stream.getvalue())
    again.seek(0)
    return again


class _Teller:
    """Notes how far an import is, in transactions of its own, so that others see it and the next run goes on there.

    :param owner: the ``tier.usage.import``
    :param stream: that is being read
    :param int size: of the stream in bytes
    :param taken: :class:`..charging.intake.Intake` that reads it
    :param dict resume: see ``tier.usage.import.resume``
    """

    def __init__(self, owner, stream, size, taken, resume):
        self._owner, self._stream, self._size = owner, stream, max(1, size)
        self._taken, self._resume, self._at = taken, resume, time.monotonic()

    def __call__(self, _count):
        """Note it if a second has passed."""
        if time.monotonic() - self._at >= TELL_EVERY_S:
            self.at_once()

    def at_once(self):
        """Note it."""
        self._at = time.monotonic()
        values = self._owner._counts(self._taken, self._resume)
        values["progress"] = min(99, self._stream.tell() * 100 // self._size)
        with short_transaction(self._owner.env.registry) as cr:
            self._owner.with_env(self._owner.env(cr=cr)).write(values)
