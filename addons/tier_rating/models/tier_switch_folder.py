import logging
import os

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import config

from ..charging.intake import let_go
from ..intake import folder

_logger = logging.getLogger(__name__)
# In Odoo's configuration file, so that whoever rules Odoo does not thereby read the server's files.
ROOT_OPTION = "tier_ingest_folder"


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
        try:
            count = self.sudo()._take_files()
        except (folder.FolderError, OSError) as error:
            raise UserError(self.env._("The folder cannot be read: %s", error)) from error
        self.env.invalidate_all()
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {"type": "success", "message": self.env._("%s files imported.", count)},
        }

    @api.model
    def _cron_watch_folders(self):
        """Import the complete files of all watched folders; one that fails stops no other."""
        switches = self.search([("folder", "!=", False)])
        self.env["ir.cron"]._commit_progress(remaining=len(switches))
        for switch in switches:
            try:
                switch._take_files()
            except (folder.FolderError, OSError) as error:
                _logger.warning("The folder of %s cannot be read: %s", switch.code, error)
            except psycopg2.OperationalError:
                _logger.warning("The files of %s wait for the database", switch.code, exc_info=True)
                self.env.cr.rollback()
            self.env["ir.cron"]._commit_progress(1)

    @api.model
    def _ingest_root(self):
        """Return the folder below which switches may put files.

        :rtype: str
        """
        return config.get(ROOT_OPTION) or os.path.join(config["data_dir"], "tier_ingest", self.env.cr.dbname)

    def _take_files(self):
        """Import the complete files of this switch's folder, and put them away.

        A process that dies in between leaves a file where it is: it is imported again, which
        charges nothing twice.

        :return: how many files were put away
        :rtype: int
        """
        self.ensure_one()
        where = folder.inside(self._ingest_root(), self.folder)
        return sum(self._take_file(where, name) for name in folder.complete_files(where))

    def _take_file(self, where, name):
        """Import one file.

        :param Path where: the folder
        :param str name: of the file
        :return: whether it was put away
        :rtype: bool
        """
        with folder.opened(where, name) as stream:
            if stream is None:
                return False
            as_read = folder.state(stream)
            let_go(self.env)
            taken = self.env["tier.usage.import"]._import_open_file(self, stream, name)
            # This transaction began before the import, and does not see it.
            with self.env.registry.cursor() as cr:
                is_unreadable = taken.with_env(self.env(cr=cr))._is_unreadable()
            to = folder.FAILED if is_unreadable else folder.DONE
            return folder.move(where, name, stream, as_read, to)
