import logging

import psycopg2

from odoo import api, fields, models

from ..adapters.base import UsageRecord, excerpt
from ..charging.intake import Intake
from ..charging.usage import Usage, from_bad_record, from_record

_logger = logging.getLogger(__name__)

# An integer column's limit; larger values of optional fields are dropped, the
# raw record keeps them.
LARGEST_INTEGER = 2**31 - 1
# What an index takes.
LONGEST_KEY = 500
# Errors of one record; a lost connection or a mistake in the code is none.
REFUSED = (
    psycopg2.DataError,
    psycopg2.IntegrityError,
    psycopg2.errors.ProgramLimitExceeded,
    ArithmeticError,
    ValueError,
)


class TierUsageImport(models.Model):
    """A file of usage records from one switch, and what became of it."""

    _name = "tier.usage.import"
    _description = "Usage Import"
    _order = "id desc"

    name = fields.Char("File name", required=True)
    switch_id = fields.Many2one("tier.switch", required=True, ondelete="restrict")
    company_id = fields.Many2one(related="switch_id.company_id", store=True)
    data = fields.Binary("File", attachment=True)
    state = fields.Selection(
        [("draft", "To import"), ("done", "Imported")],
        required=True,
        default="draft",
        readonly=True,
        copy=False,
    )
    date = fields.Datetime("Imported on", readonly=True, copy=False)
    record_count = fields.Integer("Records", readonly=True, copy=False)
    charged_count = fields.Integer("Charged", readonly=True, copy=False)
    suspense_count = fields.Integer("Put in suspense", readonly=True, copy=False, help="At the time of the import.")
    duplicate_count = fields.Integer(
        "Known already", readonly=True, copy=False, help="Charged before; nothing was done."
    )

    unreadable_count = fields.Integer("Unreadable", readonly=True, copy=False, help="They wait in suspense.")
    problem = fields.Char("First problem", readonly=True, copy=False)

    def action_events(self):
        """Open the events that came with this file.

        :return: a window action
        """
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id("tier_rating.tier_usage_event_action")
        action["domain"] = [("import_id", "=", self.id)]
        action["context"] = {}
        return action

    @api.model
    def _import_file(self, switch, path, name=None, progress=None):
        """Import a file from disk; streams, whatever its length.

        In transactions of its own: the switch must be committed, and the caller's
        transaction sees the result from its next commit on.

        :param switch: ``tier.switch`` that wrote it
        :param str path: of the file
        :param str name: to show; the file's own by default
        :param progress: called with the number of records read so far
        :return: the ``tier.usage.import`` record
        """
        with open(path, "rb") as stream:
            return self._import_open_file(switch, stream, name or path.rsplit("/", 1)[-1], progress)

    @api.model
    def _import_open_file(self, switch, stream, name, progress=None):
        """Import a file that is open; see :meth:`_import_file`.

        :param stream: binary file object
        """
        # Committed ahead of its first batch: if this process dies, the events that it
        # leaves behind still tell what file they came with.
        with self.env.registry.cursor() as cr:
            record = self.with_env(self.env(cr=cr)).create({"name": name, "switch_id": switch.id})
            cr.commit()  # pylint: disable=invalid-commit
            record._import_stream(stream, progress, is_alone=True)
        return self.browse(record.id)

    def _is_unreadable(self):
        """Tell whether nothing in the file was a record: it is of another format."""
        self.ensure_one()
        return bool(self.record_count) and self.unreadable_count == self.record_count

    def _import_stream(self, stream, progress=None, is_alone=False):
        """Charge all records of a stream, batch by batch.

        Each batch is one transaction, so a process that dies in the middle
        leaves whole batches behind; the same file again does the rest.

        :param stream: binary file object
        :param progress: called with the number of records read so far
        :param bool is_alone: this transaction does nothing else and may be ended
        :return: :class:`..charging.settle.Outcome`
        """
        self.ensure_one()
        taken = self._new_intake(self.switch_id, is_alone)
        taken.take(stream, progress)
        self.write(self._figures(taken))
        self.env.invalidate_all()
        return taken.outcome

    @staticmethod
    def _figures(taken):
        """Return what an import keeps of what became of its records.

        :param taken: :class:`Intake` that has ended
        :return: dict of field values
        """
        return {
            "state": "done",
            "date": fields.Datetime.now(),
            "record_count": taken.count,
            "charged_count": taken.outcome.charged,
            "suspense_count": taken.outcome.suspense,
            "duplicate_count": taken.outcome.duplicate,
            "unreadable_count": taken.unreadable,
            "problem": taken.words(),
        }

    def _new_intake(self, switch, is_alone=False):
        """Return what takes in the records of a switch.

        :param switch: ``tier.switch``
        :param bool is_alone: this transaction does nothing else and may be ended
        :return: :class:`Intake`
        """
        return Intake(self, switch, is_alone)

    @staticmethod
    def _usage(record, plan, import_id):
        """Return what an adapter read as usage for the charging path.

        :param record: ``UsageRecord`` or ``BadRecord``
        :param plan: :class:`..charging.usage.DialPlan` of the switch
        :param int import_id: of the file
        :rtype: charging.usage.Usage
        """
        if not isinstance(record, UsageRecord):
            return from_bad_record(record, plan, import_id)
        usage = from_record(record, plan, import_id)
        for name in ("q850", "sip_code", "source_port"):
            value = getattr(usage, name)
            if value is not None and not 0 <= value <= LARGEST_INTEGER:
                setattr(usage, name, None)
        return usage

    def _charge_batch(self, batch, turn=None):
        """Charge a batch; if the database refuses it, find the culprit.

        One record that no check foresaw must neither stop the file nor be
        dropped: the batch is halved until it stands alone, and it waits in
        suspense with the database's words.

        :param batch: list of usages
        :param turn: see :func:`..charging.turns.in_turns`
        :rtype: charging.settle.Outcome
        """
        try:
            return self.env["tier.usage.event"]._charge(batch, turn)
        except REFUSED as error:
            if len(batch) == 1:
                usage = batch[0]
                if usage.bad:
                    raise
                _logger.warning("Record %r cannot be charged: %s", usage.source_key, error)
                return self._charge_batch([self._unchargeable(usage, error)], turn)
            middle = len(batch) // 2
            return self._charge_batch(batch[:middle], turn) + self._charge_batch(batch[middle:], turn)

    def _unchargeable(self, usage, error):
        """Return what is left of a record that the database does not take.

        :param usage: as it was read
        :param error: why it was refused
        :return: a usage that can only wait in suspense, with nothing of the record but its text
        """
        return Usage(
            source_key=excerpt(usage.source_key, LONGEST_KEY),
            raw=excerpt(usage.raw),
            line=usage.line,
            switch_id=usage.switch_id,
            import_id=usage.import_id,
            company_id=usage.company_id,
            bad=("bad_record", excerpt(str(error).split("\n", 1)[0], 500)),
        )
