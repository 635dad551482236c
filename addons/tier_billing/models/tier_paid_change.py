import logging
from functools import partial

from odoo import api, fields, models
from odoo.tools import SQL

from .. import ledger

_logger = logging.getLogger(__name__)

# Name our advisory locks: any numbers that no other module uses ("tiet", "tieu").
LOCK_MOVE, LOCK_PAYMENT = 0x74696574, 0x74696575
# Documents settled before the request that changed their payments ends.
AT_ONCE = 50


class TierPaidChange(models.Model):
    """A document whose payments have changed: what it credits waits to be settled.

    Written in the transaction that reconciles, un-reconciles, posts or resets,
    and hence kept or lost with it. Settled right after its commit, in a short
    transaction, for a wallet with many calls changes many times a second: the
    long transaction of a request could never touch its account. What a crash
    leaves is settled by the scheduled action.
    """

    _name = "tier.paid.change"
    _description = "Paid Document to Settle"
    _rec_name = "res_model"
    _order = "id"

    res_model = fields.Char("Model", required=True, readonly=True)
    res_id = fields.Many2oneReference("Document", model_field="res_model", required=True, readonly=True)

    _document = models.Index("(res_model, res_id)")

    @api.model
    def _mark(self, documents):
        """Have documents settled after the commit of this transaction.

        :param documents: records with ``_tier_root``, ``_tier_lock`` and ``_tier_settle``
        """
        if not documents:
            return
        # sudo: who reconciles payments need not have rights on wallets.
        self.sudo().create([{"res_model": document._name, "res_id": document.id} for document in documents])
        after = self.env.cr.postcommit
        if "tier_billing.paid" not in after.data:
            after.data["tier_billing.paid"] = set()
            after.add(partial(_settle_after_commit, self.env.registry, after.data["tier_billing.paid"]))
        after.data["tier_billing.paid"].update((document._name, document.id) for document in documents)

    @api.model
    def _settle_left(self):
        """Settle what is left over; called by the scheduled action.

        A document that fails does not keep the others waiting.
        """
        waiting = [(model, res_id) for model, res_id in self._read_group([], ["res_model", "res_id"])]
        for left, (model, res_id) in zip(range(len(waiting) - 1, -1, -1), waiting, strict=True):
            _settle_apart(self.env.registry, model, res_id)
            if not self.env["ir.cron"]._commit_progress(1, remaining=left):
                break

    @api.model
    def _settle_here(self):
        """Settle all that waits, in the current transaction."""
        for model, res_id in self._read_group([], ["res_model", "res_id"]):
            self._settle(model, res_id)

    @api.model
    def _settle(self, model, res_id):
        """Bring the ledger to what a document's payments are now.

        :param str model: name of the document's model
        :param int res_id: id of the document
        """
        document = self.env[model].sudo().browse(res_id).exists()
        if document:
            # Changes of a refund are settled with the invoice that it reverses.
            document = document._tier_root()
            document._tier_lock()
        # Read before the payments are: a later change marks the document again.
        marks = self.sudo().search([("res_model", "=", model), ("res_id", "=", res_id)])
        self.env.invalidate_all()
        if document:
            # In the name of whoever changed the payments; sudo as above.
            user = marks[:1].create_uid or self.env.user
            document.with_user(user).sudo().with_company(document.company_id)._tier_settle()
        marks.unlink()

    @api.model
    def _lock(self, number, ids):
        """Take advisory locks until the transaction ends: the rows are locked by others for long.

        :param int number: of the kind of document
        :param ids: of the documents
        """
        for res_id in sorted(ids):
            self.env.cr.execute(SQL("SELECT pg_advisory_xact_lock(%s, %s)", number, res_id))


def _settle_after_commit(registry, documents):
    """Settle documents; an error is logged, for their transaction is done.

    Who reconciles hundreds at once does not wait for all of them.

    :param registry: the database's registry
    :param documents: set of (model name, id)
    """
    now = sorted(documents)[:AT_ONCE]
    for model, res_id in now:
        _settle_apart(registry, model, res_id)
    if len(now) < len(documents):
        with registry.cursor() as cr:
            api.Environment(cr, api.SUPERUSER_ID, {}).ref("tier_billing.ir_cron_settle_paid_documents")._trigger()


def _settle_apart(registry, model, res_id):
    """Settle one document in a short transaction, or log why not.

    :param registry: the database's registry
    :param str model: name of the document's model
    :param int res_id: id of the document
    """

    def settle(cr):
        cr.execute("SET LOCAL lock_timeout = '10s'")
        api.Environment(cr, api.SUPERUSER_ID, {})["tier.paid.change"]._settle(model, res_id)

    try:
        ledger.cursor.in_short_transaction(registry, settle)
    except Exception:
        # It waits for the scheduled action, with its reason in the log.
        _logger.exception("%s %s: what its payments credit could not be settled", model, res_id)
