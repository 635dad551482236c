from odoo import api, fields, models


class TierPackageSubscription(models.Model):
    """What a subscription is going to cost, told before it is saved."""

    _inherit = "tier.package.subscription"

    quote = fields.Char(
        "Will be charged", compute="_compute_quote", help="To the wallet, in its currency, where it has the funds."
    )

    @api.depends("wallet_id", "package_id", "date_from", "date_to")
    def _compute_quote(self):
        """Only of what is about to be made: what was agreed is charged as the periods say."""
        for subscription in self:
            wallet, package = subscription.wallet_id._origin, subscription.package_id._origin
            subscription.quote = False
            if subscription._origin or not wallet or not package:
                continue
            if package.brand_id.wallet_id != wallet.parent_id:
                continue  # it is refused when it is saved
            # sudo: the price of one's own customer; what tiers above pay is not told.
            quotes = package.sudo()._quotes(wallet.sudo(), subscription.date_from, subscription.date_to)
            subscription.quote = package._quote_text(wallet, quotes[package.sudo()])
