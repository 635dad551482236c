from odoo import fields, models


class TierWallet(models.Model):
    _inherit = "tier.wallet"

    open_class_ids = fields.Many2many(
        "tier.number.class",
        "tier_wallet_number_class_rel",
        "tier_wallet_id",
        "tier_number_class_id",
        "Opened numbers",
        domain="[('kind', '=', 'closed')]",
        groups="base.group_user",
        copy=False,
        help="Closed classes of numbers, such as premium rate, that this wallet and all below it may call.",
    )
