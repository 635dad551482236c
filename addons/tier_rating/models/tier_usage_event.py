from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.tier_billing.models.ledger_link import LedgerLink

from .. import charging
from ..const import DISPOSITIONS, REASONS


class TierUsageEvent(models.Model):
    """One thing consumed: a call, data, hours, a message.

    Rows are written by :mod:`..charging` alone; prices are on ``tier.charge``, one
    row per tier, so that who may read an event learns nobody else's price.
    """

    _name = "tier.usage.event"
    _description = "Usage Event"
    _order = "started_at desc, id desc"
    _rec_name = "number"
    _log_access = False

    source_key = fields.Char(required=True, readonly=True, help="The record's name at its switch; charged once.")
    session_key = fields.Char(readonly=True)
    switch_id = LedgerLink("tier.switch", readonly=True)
    import_id = LedgerLink("tier.usage.import", readonly=True, index="btree_not_null")
    line = fields.Integer(readonly=True, help="Line of the file.")
    company_id = LedgerLink("res.company", readonly=True)
    service_id = LedgerLink("tier.service", readonly=True)
    service_code = fields.Char(readonly=True, help="What the record called a service that did not exist yet.")
    endpoint_id = LedgerLink("tier.endpoint", readonly=True)
    wallet_id = LedgerLink("tier.wallet", readonly=True, index="btree_not_null")
    caller = fields.Char(readonly=True)
    callee = fields.Char("Dialled", readonly=True, help="As the caller dialled it.")
    number = fields.Char(readonly=True, help="In international form, digits only.")
    destination_id = LedgerLink("tier.destination", readonly=True)
    started_at = fields.Datetime("Start", readonly=True, index=True)
    answered_at = fields.Datetime("Answer", readonly=True)
    ended_at = fields.Datetime("End", readonly=True)
    quantity = fields.Float(digits=(16, 3), readonly=True, help="Seconds from answer to end, or units.")
    unit = fields.Char(related="service_id.unit")
    disposition = fields.Selection(DISPOSITIONS, readonly=True)
    cause = fields.Char(readonly=True)
    q850 = fields.Integer("Q.850 cause", readonly=True)
    sip_code = fields.Integer("SIP status", readonly=True)
    source_ip = fields.Char("Source IP", readonly=True)
    source_port = fields.Integer(readonly=True)
    user_agent = fields.Char(readonly=True)
    accounts = fields.Char(readonly=True, help="What the switch called the caller, best first.")
    state = fields.Selection(
        [("charged", "Charged"), ("suspense", "In suspense"), ("refunded", "Refunded")], required=True, readonly=True
    )
    reason = fields.Selection(REASONS, "Why in suspense", readonly=True)
    detail = fields.Char(readonly=True, help="What exactly was wrong.")
    raw = fields.Text(readonly=True, help="The record as the switch wrote it.")
    create_date = fields.Datetime("Received", readonly=True)
    details_removed = fields.Boolean(
        readonly=True, help="Who called whom was removed when its time was over; see the settings."
    )
    charge_ids = fields.One2many("tier.charge", "event_id", "Charges")

    _source_key_unique = models.UniqueIndex("(source_key)", "An event with this key exists already.")
    _suspense = models.Index("(reason, id) WHERE state = 'suspense'")

    @api.model_create_multi
    # pylint: disable-next=method-required-super
    def create(self, vals_list):
        raise UserError(self.env._("Usage events come from imports and switches."))

    # pylint: disable-next=method-required-super
    def write(self, vals):
        raise UserError(self.env._("A usage event is a record of fact and is not changed."))

    # pylint: disable-next=method-required-super
    def unlink(self):
        raise UserError(self.env._("A usage event is a record of fact and is not deleted."))

    def action_retry(self):
        """Price the selected events again, after the cause was mended.

        :return: a notification with the counts
        """
        self.env["tier.usage.import"].check_access("create")
        waiting = self.filtered(lambda event: event.state == "suspense")
        outcome = self._retry(waiting.ids)
        self.env.invalidate_all()
        return self._retried(outcome)

    @api.model
    def _charge(self, usages, turn=None):
        """Charge a batch of usage on every tier, in a short transaction of its own.

        :param usages: sequence of :class:`..charging.usage.Usage`
        :param turn: called before anything is written, to wait for others
        :return: :class:`..charging.settle.Outcome`
        """
        return charging.run(self.env, charging.settle.charge, usages, turn)

    @api.model
    def _retry(self, event_ids):
        """Price events in suspense again, in batches.

        :param event_ids: ids; those no longer in suspense are left alone
        :return: :class:`..charging.settle.Outcome`
        """
        total = charging.settle.Outcome()
        for start in range(0, len(event_ids), charging.BATCH):
            batch = event_ids[start : start + charging.BATCH]
            total += charging.run(self.env, charging.settle.retry, batch)
        return total

    @api.model
    def _refund(self, event_ids, reason):
        """Undo charged events on every tier, in batches; each event once, however often it is asked.

        :param event_ids: ids; those that are not charged are left alone
        :param str reason: why; every tier of the chain reads it
        :return: :class:`..charging.refund.Refunds`
        """
        total = charging.refund.Refunds()
        for start in range(0, len(event_ids), charging.BATCH):
            batch = event_ids[start : start + charging.BATCH]
            total += charging.run(self.env, charging.refund.refund, batch, reason)
        return total
