from odoo import fields, models


class TierPriceList(models.Model):
    """The decks of a price list, and the list as one."""

    _inherit = "tier.price.list"

    deck_ids = fields.One2many("tier.deck", "price_list_id", "Rate decks", readonly=True)
    deck_count = fields.Integer("Decks", compute="_compute_deck_count")

    def _compute_deck_count(self):
        counts = dict(
            self.env["tier.deck"]._read_group([("price_list_id", "in", self.ids)], ["price_list_id"], ["__count"])
        )
        for price_list in self:
            price_list.deck_count = counts.get(price_list, 0)

    def action_decks(self):
        """Open the decks that were loaded into the list.

        :return: a window action
        """
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id("tier_rating.tier_deck_action")
        action["domain"] = [("price_list_id", "=", self.id)]
        return action

    def action_export_csv(self):
        """Download the list's own rates as CSV, in the format that is imported.

        :return: an action that leads to the file
        """
        return self._export("csv")

    def action_export_xlsx(self):
        """Download the list's own rates as a workbook, in the format that is imported.

        :return: an action that leads to the file
        """
        return self._export("xlsx")

    def _export(self, form):
        self.ensure_one()
        self.check_access("read")
        # Most lists are of one service; calls where it has several.
        voice = self.env.ref("tier_rating.service_voice")
        services = [
            service
            for (service,) in self.env["tier.rate"]._read_group([("price_list_id", "=", self.id)], ["service_id"])
        ]
        service = voice if voice in services or not services else services[0]
        service = self.env["tier.service"].browse(self.env.context.get("tier_service_id")) or service
        return {
            "type": "ir.actions.act_url",
            "url": f"/tier_rating/price_list/{self.id}/{service.id}/{form}",
            "target": "download",
        }
