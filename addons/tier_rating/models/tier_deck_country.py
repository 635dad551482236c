from odoo import models


class TierDeck(models.Model):
    _inherit = "tier.deck"

    def _import(self):
        result = super()._import()
        self.env["tier.destination"].search([("deck_id", "in", self.ids)])._find_countries()
        return result
