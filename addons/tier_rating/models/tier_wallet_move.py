from odoo import models


class TierWallet(models.Model):
    _inherit = "tier.wallet"

    def _move_below(self, parent, source_key, reason):
        """Override: what a wallet pays is for its new parent to say; until then it has no rate."""
        moved = super()._move_below(parent, source_key, reason)
        if moved:
            self.price_list_id = False
        return moved
