from odoo import api, fields, models
from odoo.exceptions import UserError

from ..const import MONEY_DIGITS
from .ledger_link import LedgerLink


class TierSpending(models.Model):
    """What one wallet with a spending limit spent on one day of its company.

    Counted by the database as transfers are posted; see ``ledger/spending.sql``.
    """

    _name = "tier.spending"
    _description = "Spending of a Day"
    _log_access = False
    _order = "day desc, id"
    _rec_name = "day"

    account_id = LedgerLink("tier.account", required=True, readonly=True)
    day = fields.Date(required=True, readonly=True)
    amount = fields.Float(digits=MONEY_DIGITS, required=True, readonly=True)

    _account_day = models.UniqueIndex("(account_id, day)", "A day of an account is counted once.")

    @api.model_create_multi
    # pylint: disable-next=method-required-super
    def create(self, vals_list):
        raise UserError(self.env._("Spending is counted as transfers are posted."))

    # pylint: disable-next=method-required-super
    def write(self, vals):
        raise UserError(self.env._("Spending is counted as transfers are posted."))

    # pylint: disable-next=method-required-super
    def unlink(self):
        raise UserError(self.env._("Spending is counted as transfers are posted."))
