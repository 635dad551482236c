from odoo import fields, models

from odoo.addons.tier_billing.models.ledger_link import LedgerLink

from .tier_package import UNITS


class TierPackageUse(models.Model):
    """What one event took from a package. A refund adds a row that gives it back."""

    _name = "tier.package.use"
    _description = "Use of a Package"
    _order = "id desc"
    _log_access = False

    balance_id = fields.Many2one("tier.package.balance", required=True, readonly=True, ondelete="restrict", index=True)
    event_id = LedgerLink("tier.usage.event", required=True, readonly=True)
    units = fields.Float(digits=UNITS, required=True, readonly=True, help="Below zero: given back.")
    is_refund = fields.Boolean(required=True, readonly=True)
    date = fields.Datetime(required=True, readonly=True)

    # An event takes from a package once, and gives back once.
    _event_unique = models.UniqueIndex("(event_id, balance_id, is_refund)", "This event used the package already.")
