from odoo import fields, models

from odoo.addons.tier_billing.const import MONEY_DIGITS
from odoo.addons.tier_billing.models.ledger_link import LedgerLink

from .tier_volume_counter import UNITS


class TierVolumeUse(models.Model):
    """What one event used by a volume price, on one tier of its chain. A refund adds a row that gives it back."""

    _name = "tier.volume.use"
    _description = "Use by a Volume Price"
    _order = "id desc"
    _log_access = False

    counter_id = fields.Many2one("tier.volume.counter", required=True, readonly=True, ondelete="restrict", index=True)
    event_id = LedgerLink("tier.usage.event", required=True, readonly=True)
    wallet_id = LedgerLink("tier.wallet", "Payer", required=True, readonly=True)
    company_id = fields.Many2one(related="counter_id.company_id")
    currency_id = fields.Many2one(related="wallet_id.currency_id")
    units = fields.Float(digits=UNITS, required=True, readonly=True, help="Billed beyond packages.")
    counted = fields.Float(
        digits=UNITS,
        required=True,
        readonly=True,
        help="What the period grew by: payers of one event that are counted together count once.",
    )
    start = fields.Float("Before", digits=UNITS, required=True, readonly=True, help="Units of the period before.")
    amount = fields.Float(digits=MONEY_DIGITS, required=True, readonly=True, help="What the units cost.")
    carried = fields.Float(
        digits=MONEY_DIGITS,
        required=True,
        readonly=True,
        help="What earlier refunds had left open, and this event settled.",
    )
    terms = fields.Char(readonly=True, help="The tariff as it was, in the payer's currency, for a refund.")
    event_date = fields.Datetime("Start", related="event_id.started_at")
    is_refund = fields.Boolean(required=True, readonly=True)
    date = fields.Datetime(required=True, readonly=True)

    # A payer's event counts once, and is given back once.
    _event_unique = models.UniqueIndex("(event_id, wallet_id, is_refund)", "This event was counted already.")
