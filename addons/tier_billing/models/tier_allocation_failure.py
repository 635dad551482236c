from odoo import fields, models


class TierAllocationFailure(models.Model):
    """A wallet that could not be given to in a run, and why."""

    _name = "tier.allocation.failure"
    _description = "Allocation Failure"
    _rec_name = "wallet_id"

    run_id = fields.Many2one("tier.allocation.run", required=True, index=True, readonly=True, ondelete="cascade")
    wallet_id = fields.Many2one("tier.wallet", required=True, index=True, readonly=True, ondelete="cascade")
    message = fields.Char("Why", readonly=True)
    company_id = fields.Many2one(related="run_id.company_id", store=True)

    _once = models.UniqueIndex("(run_id, wallet_id)", "A wallet fails once in a run.")
