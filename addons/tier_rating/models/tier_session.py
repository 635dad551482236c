from odoo import api, fields, models

from odoo.addons.tier_billing.models.ledger_link import LedgerLink

from .. import charging
from ..const import REASONS


class TierSession(models.Model):
    """One authorized session, and the answer that was given for it."""

    _name = "tier.session"
    _description = "Session"
    _order = "id desc"
    _rec_name = "session_key"

    session_key = fields.Char(required=True, readonly=True)
    wallet_id = LedgerLink("tier.wallet", readonly=True, index="btree_not_null")
    endpoint_id = LedgerLink("tier.endpoint", readonly=True)
    number = fields.Char(readonly=True)
    state = fields.Selection(
        [
            ("pending", "Pending"),
            ("open", "Open"),
            ("denied", "Denied"),
            ("settled", "Settled"),
        ],
        required=True,
        readonly=True,
    )
    reason = fields.Selection(REASONS, readonly=True)
    granted_seconds = fields.Integer("Granted (s)", readonly=True)
    expires_at = fields.Datetime(readonly=True)

    _session_key_unique = models.UniqueIndex("(session_key)", "A session with this key exists already.")

    @api.model
    def _authorize(self, requests):
        """Authorize sessions in a short transaction of its own.

        :param requests: sequence of :class:`..charging.authorize.Request`
        :return: dict of session key to :class:`..charging.authorize.Answer`
        """
        return charging.run(self.env, charging.authorize.authorize, requests)
