from odoo import api, fields, models
from odoo.tools import SQL

from odoo.addons.tier_billing import ledger

from ..retention import forget
from .tier_usage_kept import KINDS

SESSIONS = ("sessions", "Numbers of sessions")

# Events in a transaction: their rows are locked while it lasts.
BATCH = 2000
# Uploaded files that go in one step.
FILES = 100


class TierUsageRetention(models.Model):
    """How far the events of a company were walked through; moves on in the transaction that empties them."""

    _name = "tier.usage.retention"
    _description = "State of Retention"
    _rec_name = "kind"

    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True, ondelete="cascade")
    kind = fields.Selection([*KINDS, SESSIONS], "What is removed", required=True, readonly=True)
    until_id = fields.Integer(readonly=True, default=0, help="Number of the last event or session that was looked at.")

    _once = models.UniqueIndex("(company_id, kind)", "There is one state of each.")

    @api.model
    def _cron_forget(self):
        """Remove what companies keep no longer; called by cron. Goes on where it was stopped."""
        for company in self.env["res.company"].sudo().search([]):  # pylint: disable=no-search-all
            for kind, before in company._tier_forget_before().items():
                if not self._forget(company, kind, before):
                    return

    def _forget(self, company, kind, before):
        """Remove one kind of detail from a company's events, in short transactions.

        :param company: ``res.company``
        :param str kind: see :data:`..retention.forget.KINDS`
        :param datetime before: naive UTC; of events that were received before
        :return: whether there was time to finish
        :rtype: bool
        """
        if kind == "raw" and not self._drop_files(company, before):
            return False
        if kind == "details" and not self._repeat(self._walk, company.id, "sessions", before):
            return False
        return self._repeat(self._look_again, company.id, kind) and self._repeat(self._walk, company.id, kind, before)

    def _repeat(self, step, *args):
        """Take a step, each time in a short transaction, until it finds less than a batch.

        :param step: called with a cursor, the id where the last step ended, and the arguments
        :return: whether there was time to finish
        :rtype: bool
        """
        last, count = 0, BATCH
        while count == BATCH:
            last, count = ledger.cursor.in_short_transaction(
                self.env.registry, lambda cr, after=last: step(cr, after, *args)
            )
            if not self.env["ir.cron"]._commit_progress(count, remaining=int(count == BATCH)):
                return False
        return True

    @staticmethod
    def _look_again(cr, after, company_id, kind):
        """Look at the next events that were kept; see :func:`..retention.forget.look_again`."""
        return forget.look_again(cr, company_id, kind, after, BATCH)

    @staticmethod
    def _walk(cr, _after, company_id, kind, before):
        """Walk through the next ones from where the state says; see :func:`..retention.forget.walk`."""
        cr.execute(
            SQL(
                """
                INSERT INTO tier_usage_retention (company_id, kind, until_id) VALUES (%s, %s, 0)
                ON CONFLICT (company_id, kind) DO UPDATE SET until_id = tier_usage_retention.until_id
                RETURNING id, until_id""",
                company_id,
                kind,
            )
        )
        state_id, after = cr.fetchone()
        if kind == "sessions":
            last, count = forget.walk_sessions(cr, company_id, after, before, BATCH)
        else:
            last, count = forget.walk(cr, company_id, kind, after, before, BATCH)
        cr.execute(SQL("UPDATE tier_usage_retention SET until_id = %s WHERE id = %s", last, state_id))
        return last, count

    def _drop_files(self, company, before):
        """Drop uploaded files: they have the same records.

        :return: whether there was time to finish
        :rtype: bool
        """
        Attachment = self.env["ir.attachment"].sudo()
        Import = self.env["tier.usage.import"].sudo()
        while True:
            files = Attachment.search(
                [
                    ("res_model", "=", "tier.usage.import"),
                    ("res_field", "=", "data"),
                    (
                        "res_id",
                        "in",
                        Import._search(
                            [("company_id", "=", company.id), ("state", "=", "done"), ("date", "<", before)]
                        ),
                    ),
                ],
                limit=FILES,
            )
            count = len(files)
            files.unlink()
            if not self.env["ir.cron"]._commit_progress(count):
                return False
            if count < FILES:
                return True
