from odoo import fields, models

from odoo.addons.tier_billing.models.ledger_link import LedgerLink


class TierBillCharge(models.Model):
    """Which invoice of a reseller a charge stands on. Written by :mod:`..billing` alone."""

    _name = "tier.bill.charge"
    _description = "Charge on a Reseller's Invoice"
    _log_access = False
    _rec_name = "bill_id"

    charge_id = LedgerLink("tier.charge", required=True, readonly=True)
    bill_id = fields.Many2one("tier.bill", required=True, readonly=True, index=True, ondelete="cascade")

    _once = models.UniqueIndex("(charge_id)", "A charge stands on one invoice at most.")
