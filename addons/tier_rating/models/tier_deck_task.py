import logging
import time

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from odoo.addons.tier_billing import ledger

from ..decks.reader import Layout
from ..loading import files

_logger = logging.getLogger(__name__)

# Seconds between two messages of how far a task is.
TELL_EVERY = 0.7
# More changes are written in the background.
MOST_AT_ONCE = 20_000
# Of a task, the percent that reading the file takes.
READING = 70


class TierDeck(models.Model):
    """What takes long is done by a scheduled job, one transaction a task, and the screen shows how far it is.

    A process that dies leaves the task as it was; the job does it again from the start.
    """

    _inherit = "tier.deck"

    sender_id = fields.Many2one("tier.deck.sender", readonly=True, ondelete="restrict", index="btree_not_null")
    data = fields.Binary("File", attachment=True, readonly=True)
    layout = fields.Json(readonly=True)
    task = fields.Selection([("check", "Check"), ("import", "Import")], readonly=True, copy=False)
    # Written by another transaction than the task's own, which ends late.
    progress = fields.Integer("Progress (%)", readonly=True, copy=False)

    def _start(self, task):
        """Have a task done by the scheduled job as soon as this transaction is committed.

        :param str task: ``check`` or ``import``
        """
        self.ensure_one()
        self.write({"task": task, "progress": 0})
        self.env.ref("tier_rating.ir_cron_deck_tasks")._trigger()

    def _check_file(self, tell=None):
        """Read the deck's own file and compare it with the list; see :meth:`_check`.

        :param tell: called with the percent done
        """
        self.ensure_one()
        layout = Layout(**self.layout) if self.layout else None
        with files.opened(self, "data") as stream:
            size = stream.seek(0, 2) or 1

            def progress(_count):
                if tell:
                    tell(READING * stream.tell() // size)

            self._check(stream, layout, progress)

    def action_check_again(self):
        """Compare the file once more with the rates as they are now."""
        self.check_access("write")
        for deck in self:
            deck.price_list_id.check_access("write")
            if deck.state not in ("checked", "refused", "waiting") or deck.task:
                raise UserError(self.env._("Only a deck that waits can be checked again."))
            if not deck.with_context(bin_size=True).data:
                raise UserError(self.env._("The file is not there any more; upload it again."))
            self.env.cr.execute(SQL("DELETE FROM tier_deck_line WHERE deck_id = %s", deck.id))
            deck.state = "waiting"
            deck._check_file()

    def action_map(self):
        """Say anew which column is which; the deck makes way for another of the same file.

        :return: a window action
        """
        self.ensure_one()
        self.check_access("write")
        self.price_list_id.check_access("write")
        if self.task or self.state in ("imported", "undone"):
            raise UserError(self.env._("Only a deck that waits can be read in another way."))
        layout = Layout(**self.layout) if self.layout else Layout()
        wizard = self.env["tier.rate.import"].create(
            {
                "price_list_id": self.price_list_id.id,
                "service_id": self.service_id.id,
                "sender_id": self.sender_id.id,
                "filename": self.name,
                "date_from": self.date_from,
                "full": self.full,
                "jump_percent": self.jump_percent,
                "decimals": layout.decimals,
                "dates": layout.dates,
                "sheet": layout.sheet,
                "has_header": layout.has_header,
                "step": "columns",
            }
        )
        files.hand_over(self, "data", wizard, "data")
        wizard._show_columns(layout)
        self.sudo().unlink()
        return wizard._reopen()

    def action_import(self):
        """Change the rates as shown, all or none; a large deck in the background."""
        self.check_access("write")
        for deck in self:
            deck.price_list_id.check_access("write")
            if deck.task:
                raise UserError(self.env._("The deck is being worked on."))
            changes = deck.row_count - deck.unchanged_count + deck.removed_count
            if deck.state == "checked" and changes > MOST_AT_ONCE:
                deck._start("import")
            else:
                deck._import()

    @api.model
    def _cron_tasks(self):
        """Do the tasks that wait, the oldest first, each in a transaction of its own."""
        for deck in self.search([("task", "!=", False)], order="id"):
            uid = deck.create_uid.id if deck.create_uid.active else self.env.uid
            with ledger.cursor.short_transaction(self.env.registry) as cr:
                env = api.Environment(cr, uid, {"allowed_company_ids": deck.company_id.ids})
                deck.with_env(env)._do_task()
            self.env["ir.cron"]._commit_progress(1)

    def _do_task(self):
        """Do the task that waits; what goes wrong is told on the deck."""
        self.ensure_one()
        task = self.task
        if not task:
            return
        teller = _Teller(self)
        try:
            # Flushed within: the savepoint shall undo all of it.
            with self.env.cr.savepoint():
                if task == "check":
                    self._check_file(teller)
                else:
                    teller(10)
                    self._import()
        except psycopg2.OperationalError:
            raise  # a lost race or connection: done again
        except Exception as error:
            if not isinstance(error, UserError):
                _logger.exception("Rate deck %s", self.id)
            self.write({"problems": str(error), **({"state": "refused"} if task == "check" else {})})
        self.write({"task": False, "progress": 100})


class _Teller:
    """Writes how far a task is, in transactions of its own, so that others see it."""

    def __init__(self, deck):
        self._deck, self._told = deck, 0.0

    def __call__(self, percent):
        now = time.monotonic()
        if now - self._told < TELL_EVERY:
            return
        self._told = now
        with self._deck.env.registry.cursor() as cr:
            cr.execute(SQL("UPDATE tier_deck SET progress = %s WHERE id = %s", min(percent, 99), self._deck.id))
