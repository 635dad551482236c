from odoo import fields, models

from .tier_package import UNITS


class TierPackageHold(models.Model):
    """What a session in progress may take from a package; nobody else gets it meanwhile.

    It counts as long as its session is open and has not expired, so nothing has to release it.
    """

    _name = "tier.package.hold"
    _description = "Units of a Package Held"
    _log_access = False

    session_key = fields.Char(required=True, readonly=True)
    balance_id = fields.Many2one("tier.package.balance", required=True, readonly=True, ondelete="restrict", index=True)
    units = fields.Float(digits=UNITS, required=True, readonly=True)

    _session_unique = models.UniqueIndex("(session_key, balance_id)", "This session holds units of it already.")
