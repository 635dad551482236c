from odoo import fields, models

from odoo.addons.tier_billing.const import MONEY_DIGITS
from odoo.addons.tier_billing.models.ledger_link import LedgerLink


class TierChargebackLine(models.Model):
    """What one extension used in one month, and who bears it."""

    _name = "tier.chargeback.line"
    _description = "Line of a Charge-back"
    _order = "month, wallet_id, endpoint_id, service_id"
    _rec_name = "endpoint_id"

    chargeback_id = fields.Many2one("tier.chargeback", required=True, index=True, readonly=True, ondelete="cascade")
    company_id = fields.Many2one(related="chargeback_id.company_id", store=True)
    state = fields.Selection(related="chargeback_id.state", store=True)
    month = fields.Date("Month of use", required=True, readonly=True)
    wallet_id = LedgerLink("tier.wallet", required=True, readonly=True)
    endpoint_id = LedgerLink("tier.endpoint", readonly=True)
    service_id = LedgerLink("tier.service", readonly=True)
    calls = fields.Integer("Events", readonly=True)
    quantity = fields.Float("Billed", digits=(16, 3), readonly=True, help="Seconds or units.")
    unit = fields.Char(related="service_id.unit")
    currency_id = fields.Many2one(related="wallet_id.currency_id")
    cost = fields.Float(digits=MONEY_DIGITS, readonly=True, help="Exactly, in the currency of the wallet.")
    distribution = fields.Json("Borne by", readonly=True)
    departments = fields.Char(compute="_compute_departments")

    _of_month = models.Index("(company_id, month)")

    def _compute_departments(self):
        Account = self.env["account.analytic.account"].sudo()
        for line in self:
            parts = []
            for key, percent in (line.distribution or {}).items():
                names = Account.browse(int(part) for part in key.split(",") if part.isdigit()).exists().mapped("name")
                parts.append(" / ".join(names) if percent == 100 else f"{' / '.join(names)} {percent:g} %")
            line.departments = ", ".join(parts)
