from odoo import fields, models


class TierWallet(models.Model):
    """Where a wallet stands in what it buys by volume."""

    _inherit = "tier.wallet"

    volume_counter_ids = fields.One2many(
        "tier.volume.counter", "wallet_id", "Volumes", readonly=True, groups="base.group_user"
    )
