import hashlib
import io
import logging
import os
import shutil
import tempfile
import time
from contextlib import contextmanager

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from odoo.addons.tier_billing.ledger.cursor import short_transaction

_logger = logging.getLogger(__name__)

#: Larger files are imported by the scheduled action, so that nobody waits for an answer until its time is over.
LARGE_BYTES = 5 * 1024**2
TELL_EVERY_S = 1.0
PIECE_BYTES = 1024**2


class TierUsageImport(models.Model):
    _inherit = "tier.usage.import"

    state = fields.Selection(
        selection_add=[("queued", "In progress"), ("done",)], ondelete={"queued": lambda records: None}
    )
    progress = fields.Integer("Progress in percent", readonly=True, copy=False)

    def action_import(self):
        """Import the file, or have the scheduled action do it if it is large.

        Importing it again charges nothing twice.
        """
        # Before the first batch: batches are committed as they are charged.
        self.check_access("write")
        for record in self:
            attachment = record._attachment()
            if not attachment:
                raise UserError(self.env._("Choose a file to import first."))
            if attachment.file_size > LARGE_BYTES:
                record._queue()
                continue
            with record._open_data() as stream:
                record._import_stream(stream)

    def _attachment(self):
        """Return what holds the uploaded file.

        :return: ``ir.attachment`` record, empty if there is no file
        """
        self.ensure_one()
        self.flush_recordset(["data"])
        domain = [("res_model", "=", self._name), ("res_field", "=", "data"), ("res_id", "=", self.id)]
        return self.env["ir.attachment"].sudo().search(domain, limit=1)

    @contextmanager
    def _open_data(self):
        """Open the uploaded file: from the file store as it lies there, whatever its length.

        :return: a binary stream
        """
        attachment = self._attachment()
        name = attachment.store_fname
        if name:
            with open(attachment._full_path(name), "rb") as stream:
                yield stream
        else:  # kept in the database
            yield io.BytesIO(attachment.raw or b"")

    def _keep(self, stream):
        """Keep an uploaded file without ever holding all of it in memory.

        :param stream: binary stream
        """
        self.ensure_one()
        Attachment = self.env["ir.attachment"].sudo()
        values = {"name": "data", "res_model": self._name, "res_field": "data", "res_id": self.id}
        if Attachment._storage() != "file":
            Attachment.create({**values, "raw": stream.read()})
            return
        digest, size = hashlib.sha1(usedforsecurity=False), 0
        root = Attachment._full_path("")
        os.makedirs(root, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=root, delete=False) as copy:
            try:
                while piece := stream.read(PIECE_BYTES):
                    digest.update(piece)
                    size += len(piece)
                    copy.write(piece)
                copy.close()
                checksum = digest.hexdigest()
                name = f"{checksum[:2]}/{checksum}"
                path = Attachment._full_path(name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                shutil.move(copy.name, path)
            finally:
                if os.path.exists(copy.name):
                    os.unlink(copy.name)
        # In case this transaction is rolled back: the file is then nobody's.
        Attachment._mark_for_gc(name)
        attachment = Attachment.create({**values, "raw": b" "})
        Attachment.flush_model()
        # The model takes contents only, which would be all of the file in memory.
        self.env.cr.execute(
            SQL(
                """UPDATE ir_attachment SET store_fname = %s, checksum = %s, file_size = %s, db_datas = NULL,
                          mimetype = 'application/octet-stream' WHERE id = %s""",
                name,
                checksum,
                size,
                attachment.id,
            )
        )
        self.env.invalidate_all()

    def _queue(self):
        """Leave the import to the scheduled action, which begins at once."""
        self.ensure_one()
        if self.state == "queued":
            return
        self.write({"state": "queued", "progress": 0, "problem": False})
        self.env.ref("tier_rating.ir_cron_usage_import").sudo()._trigger()

    @api.model
    def _cron_import(self):
        """Import the files that wait, the oldest first.

        One that a dying process leaves behind still waits, and is imported again, which charges nothing twice.
        """
        queued = self.search([("state", "=", "queued")], order="id")
        self.env["ir.cron"]._commit_progress(remaining=len(queued))
        for record in queued:
            record._import_queued()
            self.env["ir.cron"]._commit_progress(1)

    def _import_queued(self):
        """Import one that waits; what becomes of it is committed by itself."""
        self.ensure_one()
        taken = self._new_intake(self.switch_id, is_alone=True)
        try:
            with self._open_data() as stream:
                told = _Told(self, stream)
                taken.take(told, told.tell)
            values = self._figures(taken)
        except psycopg2.OperationalError:
            _logger.warning("The usage import %s waits for the database", self.id, exc_info=True)
            self.env.cr.rollback()
            return
        except OSError as error:
            values = {"state": "draft", "problem": str(error)[:500]}
        with short_transaction(self.env.registry) as cr:
            self.with_env(self.env(cr=cr)).write(values)
        self.env.invalidate_all()


class _Told:
    """A stream that tells how much of it has been read, in transactions of its own, so that others see it.

    :param owner: the ``tier.usage.import``
    :param stream: binary stream
    """

    def __init__(self, owner, stream):
        self._owner, self._stream, self._at, self._read = owner, stream, time.monotonic(), 0
        self._size = max(1, owner._attachment().file_size)

    # pylint: disable-next=method-required-super
    def read(self, size=-1):
        """Read up to so many bytes."""
        return self._counted(self._stream.read(size))

    def readline(self, size=-1):
        """Read up to a line's end, or so many bytes."""
        return self._counted(self._stream.readline(size))

    def _counted(self, data):
        self._read += len(data)
        return data

    def tell(self, count):
        """Write how far it is.

        :param int count: records that are committed
        """
        if time.monotonic() - self._at < TELL_EVERY_S:
            return
        self._at = time.monotonic()
        with short_transaction(self._owner.env.registry) as cr:
            cr.execute(
                SQL(
                    "UPDATE tier_usage_import SET progress = %s, record_count = %s WHERE id = %s",
                    min(99, self._read * 100 // self._size),
                    count,
                    self._owner.id,
                )
            )
