from odoo import fields, models

from .tier_dispute import OPEN_STATES


class TierWallet(models.Model):
    _inherit = "tier.wallet"

    dispute_count = fields.Integer(
        "Disputes", compute="_compute_dispute_count", groups="base.group_user", help="Decided or not."
    )
    open_dispute_count = fields.Integer(
        "Open disputes", compute="_compute_dispute_count", groups="base.group_user", help="Not decided yet."
    )

    def _compute_dispute_count(self):
        """Count the disputes; one grouped query for any number of wallets."""
        counts = {}
        for wallet, state, count in self.env["tier.dispute"]._read_group(
            [("wallet_id", "in", self.ids)], ["wallet_id", "state"], ["__count"]
        ):
            total, waiting = counts.get(wallet, (0, 0))
            counts[wallet] = (total + count, waiting + (count if state in OPEN_STATES else 0))
        for wallet in self:
            wallet.dispute_count, wallet.open_dispute_count = counts.get(wallet, (0, 0))

    def action_disputes(self):
        """Open what this wallet contested.

        :return: a window action
        """
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id("tier_rating.tier_dispute_action")
        action["domain"] = [("wallet_id", "=", self.id)]
        action["context"] = {"default_wallet_id": self.id}
        return action
