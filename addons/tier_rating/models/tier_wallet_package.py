from odoo import fields, models


class TierWallet(models.Model):
    """The packages that a wallet has of its parent."""

    _inherit = "tier.wallet"

    package_subscription_ids = fields.One2many(
        "tier.package.subscription", "wallet_id", "Package subscriptions", groups="base.group_user"
    )
    package_balance_ids = fields.One2many(
        "tier.package.balance", "wallet_id", "Packages", readonly=True, groups="base.group_user"
    )
