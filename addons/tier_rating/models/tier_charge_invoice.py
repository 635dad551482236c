from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.tier_billing.models.ledger_link import LedgerLink

from ..invoicing import linked


class TierChargeInvoice(models.Model):
    """That a charge stands on an invoice: on one at most, which the unique index sees to.

    Rows are written by :mod:`..invoicing` alone, a whole invoice at once. A charge
    without a row waits for the next invoice of its wallet.
    """

    _name = "tier.charge.invoice"
    _description = "Invoiced Charge"
    _rec_name = "charge_id"

    charge_id = LedgerLink("tier.charge", required=True, readonly=True)
    # A draft that is deleted lets its charges go, however it is deleted.
    move_id = fields.Many2one("account.move", "Invoice", required=True, readonly=True, index=True, ondelete="cascade")

    _once = models.UniqueIndex("(charge_id)", "A charge is invoiced once.")

    def init(self):
        linked.install(self.env.cr)

    @api.model_create_multi
    # pylint: disable-next=method-required-super
    def create(self, vals_list):
        raise UserError(self.env._("Charges come onto an invoice when usage is invoiced."))

    # pylint: disable-next=method-required-super
    def write(self, vals):
        raise UserError(self.env._("What an invoice is for is not changed; cancel it and invoice anew."))

    # pylint: disable-next=method-required-super
    def unlink(self):
        raise UserError(self.env._("What an invoice is for is not changed; cancel it and invoice anew."))
