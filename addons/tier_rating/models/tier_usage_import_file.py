import hashlib
import io
import logging
import os
import shutil
import tempfile
from contextlib import contextmanager

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from odoo.addons.tier_billing.ledger.cursor import short_transaction

from ..charging.shift import Shift, come_again

_logger = logging.getLogger(__name__)

#: Larger files are imported by the scheduled action, so that nobody waits for an answer until its time is over.
LARGE_BYTES = 5 * 1024**2
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
        self.write({"state": "queued", "progress": 0, "problem": False, "note": False, "resume": False})
        self.env.ref("tier_rating.ir_cron_usage_import").sudo()._trigger()

    @api.model
    def _cron_import(self):
        """Import the files that wait, the oldest first, until the shift is over.

        One that a dying process leaves behind still waits, and is gone on with, which charges nothing twice.
        """
        shift, cron = Shift.of(self.env), self.env["ir.cron"]
        queued = self.search([("state", "=", "queued"), ("is_watched", "=", False)], order="id")
        if shift.is_over():
            come_again(self.env, len(queued))
            return
        cron._commit_progress(remaining=len(queued))
        for number, record in enumerate(queued):
            is_left = record._import_queued(shift) is False
            cron._commit_progress(1, remaining=len(queued) - number - (not is_left))
            if is_left or shift.is_over():
                break

    def _import_queued(self, shift=None):
        """Import one that waits as far as there is time; what becomes of it is committed by itself.

        :param shift: :class:`..charging.shift.Shift`
        :return: False if it is to be gone on with at once
        """
        self.ensure_one()
        try:
            with self._open_data() as stream:
                return self._run(stream, self._attachment().file_size, shift)
        except psycopg2.OperationalError:
            _logger.warning("The usage import %s waits for the database", self.id, exc_info=True)
            self.env.cr.rollback()
            return None
        except OSError as error:
            with short_transaction(self.env.registry) as cr:
                self.with_env(self.env(cr=cr)).write({"state": "draft", "problem": str(error)[:500]})
            self.env.invalidate_all()
        return None
