import logging
import os

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import config

from ..charging.intake import let_go
from ..charging.shift import Shift, come_again
from ..intake import folder

_logger = logging.getLogger(__name__)
# In Odoo's configuration file, so that whoever rules Odoo does not thereby read the server's files.
ROOT_OPTION = "tier_ingest_folder"
# Seconds for which a person waits for the button; the rest is for the scheduled action.
AT_ONCE_S = 20


class TierSwitch(models.Model):
    _inherit = "tier.switch"

    folder = fields.Char(
        "Watched folder",
        copy=False,
        help="Below the folder that the server's administrator allows. Complete files in it are imported "
        "and moved to its folder done, or to failed if nothing in them can be read.",
    )

    _folder_unique = models.Constraint("UNIQUE (folder)", "Another switch watches this folder.")

    @api.constrains("folder")
    def _check_folder(self):
        for switch in self:
            if switch.folder and not folder.is_name(switch.folder):
                raise ValidationError(
                    self.env._("%s is not the name of a folder: letters, digits, -, _ and / only.", switch.folder)
                )

    def action_watch_folder(self):
        """Import what is complete in the folder now.

        :return: a notification
        """
        self.ensure_one()
        self.check_access("write")
        if not self.folder:
            raise UserError(self.env._("Name the folder first."))
        shift = Shift(AT_ONCE_S, 2 * AT_ONCE_S)
        try:
            count = self.sudo()._take_files(shift)
        except (folder.FolderError, OSError) as error:
            raise UserError(self.env._("The folder cannot be read: %s", error)) from error
        self.env.invalidate_all()
        message = self.env._("%s files imported.", count)
        if shift.is_over():
            self.env.ref("tier_rating.ir_cron_watch_folders").sudo()._trigger()
            message = self.env._("%s files imported; the rest is imported in the background.", count)
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {"type": "success", "message": message},
        }

    @api.model
    def _cron_watch_folders(self):
        """Import the complete files of all watched folders, until the shift is over; one that fails stops no other."""
        shift, cron = Shift.of(self.env), self.env["ir.cron"]
        switches = self.search([("folder", "!=", False)])
        if shift.is_over():
            come_again(self.env, len(switches))
            return
        cron._commit_progress(remaining=len(switches))
        long_ones = self._leave_gone_files()
        # A long file does not hold up the short ones of other switches.
        for number, switch in enumerate((switches - long_ones) + (switches & long_ones)):
            try:
                switch._take_files(shift)
            except (folder.FolderError, OSError) as error:
                _logger.warning("The folder of %s cannot be read: %s", switch.code, error)
            except psycopg2.OperationalError:
                _logger.warning("The files of %s wait for the database", switch.code, exc_info=True)
                self.env.cr.rollback()
            is_over = shift.is_over()
            # Whatever this one has left is looked for again.
            cron._commit_progress(1, remaining=len(switches) - number - (not is_over))
            if is_over:
                break

    @api.model
    def _leave_gone_files(self):
        """Close the imports in progress whose files somebody took away.

        :return: the switches that have others
        """
        Import = self.env["tier.usage.import"].sudo()
        found = self.browse()
        for record in Import.search(Import._watched_domain()):
            switch = record.switch_id
            if switch.folder and switch._has_file(record.name):
                found |= switch
            else:
                record._leave()
        return found

    def _has_file(self, name):
        """Tell whether a file is in the folder."""
        self.ensure_one()
        try:
            return os.path.lexists(folder.inside(self._ingest_root(), self.folder) / name)
        except folder.FolderError:
            # It may be mounted again in a while.
            return True

    @api.model
    def _ingest_root(self):
        """Return the folder below which switches may put files.

        :rtype: str
        """
        return config.get(ROOT_OPTION) or os.path.join(config["data_dir"], "tier_ingest", self.env.cr.dbname)

    def _take_files(self, shift=None):
        """Import the complete files of this switch's folder, and put them away.

        A process that dies in between leaves a file where it is: it is gone on with, or imported again, which
        charges nothing twice.

        :param shift: :class:`..charging.shift.Shift`; a file whose end is not reached in it stays for the next
        :return: how many files were put away
        :rtype: int
        """
        self.ensure_one()
        where = folder.inside(self._ingest_root(), self.folder)
        count = 0
        for name in folder.complete_files(where):
            count += self._take_file(where, name, shift)
            if shift and shift.is_over():
                break
        return count

    def _take_file(self, where, name, shift=None):
        """Import one file.

        :param Path where: the folder
        :param str name: of the file
        :param shift: :class:`..charging.shift.Shift`
        :return: whether it was put away
        :rtype: bool
        """
        with folder.opened(where, name) as stream:
            if stream is None:
                return False
            as_read = folder.state(stream)
            let_go(self.env)
            taken, is_finished = self.env["tier.usage.import"]._run_watched(self, name, stream, shift)
            if not is_finished:
                return False
            to = folder.FAILED if taken._is_unreadable() else folder.DONE
            return folder.move(where, name, stream, as_read, to)
