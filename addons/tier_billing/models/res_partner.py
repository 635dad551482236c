from odoo import fields, models


class ResPartner(models.Model):
    _inherit = "res.partner"

    # An employee without a role here reads partners, but no wallet.
    tier_wallet_ids = fields.One2many(
        "tier.wallet", "partner_id", "Wallets", groups="tier_billing.group_tier_auditor,base.group_portal"
    )
    tier_wallet_count = fields.Integer(
        "Number of wallets", compute="_compute_tier_wallet_count", groups="tier_billing.group_tier_auditor"
    )

    def write(self, vals):
        """Override: days of spending limits begin where the company is."""
        result = super().write(vals)
        if "tz" in vals:
            companies = self.env["res.company"].sudo().search([("partner_id", "in", self.ids)])
            companies and self.env["tier.account"].sudo()._set_time_zone(companies)
        return result

    def _compute_tier_wallet_count(self):
        counts = dict(
            self.env["tier.wallet"]._read_group([("partner_id", "in", self.ids)], ["partner_id"], ["__count"])
        )
        for partner in self:
            partner.tier_wallet_count = counts.get(partner, 0)

    def _tier_own_wallets(self, company):
        """Return the wallets that this partner may top up with a company.

        Only its own: neither those below, nor the provider's, which has no
        parent to buy from.

        :param company: ``res.company`` that sells
        :return: active ``tier.wallet`` records, with rights to read them
        """
        # A buyer of a company acts for it, as in the portal's record rules.
        # sudo: visitors of a shop, and accountants, have no other rights on wallets.
        return (
            self.env["tier.wallet"]
            .sudo()
            .search(
                [
                    ("partner_id.commercial_partner_id", "=", self.commercial_partner_id.id),
                    ("company_id", "=", company.id),
                    ("parent_id", "!=", False),
                    ("state", "=", "active"),
                ],
                order="id",
            )
        )

    def action_tier_wallets(self):
        """Open the partner's wallets.

        :return: a window action
        """
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id("tier_billing.tier_wallet_action")
        action["domain"] = [("partner_id", "=", self.id)]
        action["context"] = {"default_partner_id": self.id}
        return action
