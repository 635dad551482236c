from odoo import fields, models

from odoo.addons.tier_billing.const import MONEY_DIGITS


class TierVolumeCarry(models.Model):
    """What refunds left open by a volume price: the wallet's next event by it settles that.

    A refund gives back what the event paid. What is left of the period then stands in other tiers
    than it was paid by; the difference is here until it is settled.
    """

    _name = "tier.volume.carry"
    _description = "Open Difference of a Volume Price"
    _order = "id desc"
    _rec_name = "plan_id"
    _log_access = False

    plan_id = fields.Many2one("tier.volume.plan", "Volume price", required=True, readonly=True, ondelete="restrict")
    wallet_id = fields.Many2one("tier.wallet", required=True, readonly=True, ondelete="restrict", index=True)
    company_id = fields.Many2one(related="plan_id.company_id")
    currency_id = fields.Many2one(related="wallet_id.currency_id")
    amount = fields.Float(
        digits=MONEY_DIGITS, required=True, readonly=True, help="What the wallet owes; below zero: in its favour."
    )

    _once = models.UniqueIndex("(plan_id, wallet_id)", "There is a row for this wallet already.")
