from odoo import api, fields, models

# Shown on the form itself; the others stand in their list.
SHOWN = 20


class TierDeck(models.Model):
    """What the screens show of a deck. A deck has up to a million lines: a form never loads them all."""

    _inherit = "tier.deck"

    notable_ids = fields.Many2many(
        "tier.deck.line", string="To look at", compute="_compute_notable_ids", help="The first of what it changes."
    )

    @api.depends("state")
    def _compute_notable_ids(self):
        Line = self.env["tier.deck.line"]
        for deck in self:
            notable = Line.browse()
            if deck.state != "waiting":
                of_deck = [("deck_id", "=", deck.id)]
                notable = Line.search([*of_deck, ("warnings", "!=", False)], limit=SHOWN)
                if len(notable) < SHOWN:
                    more = [*of_deck, ("change", "!=", "unchanged"), ("id", "not in", notable.ids)]
                    notable += Line.search(more, limit=SHOWN - len(notable))
            deck.notable_ids = notable

    def action_lines(self):
        """Open the lines of the deck; the context's ``tier_change`` chooses some.

        :return: a window action
        """
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id("tier_rating.tier_deck_line_action")
        action["domain"] = [("deck_id", "=", self.id)]
        change = self.env.context.get("tier_change")
        if change == "warnings":
            action["context"] = {"search_default_warnings": 1}
        elif change == "all":
            action["context"] = {}
        elif change:
            action["context"] = {f"search_default_{change}": 1}
        return action

    def action_compare(self):
        """Choose another deck to compare this one with.

        :return: a window action
        """
        self.ensure_one()
        before = self.search(
            [
                ("price_list_id", "=", self.price_list_id.id),
                ("service_id", "=", self.service_id.id),
                ("id", "<", self.id),
                ("state", "in", ("imported", "undone")),
            ],
            limit=1,
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Compare"),
            "res_model": "tier.deck.compare",
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_deck_id": self.id, "default_other_id": before.id},
        }

    def action_csv(self):
        """Download the deck as CSV, as it was read.

        :return: an action that leads to the file
        """
        return self._download("csv")

    def action_xlsx(self):
        """Download the deck as a workbook, as it was read.

        :return: an action that leads to the file
        """
        return self._download("xlsx")

    def _download(self, form):
        self.ensure_one()
        self.check_access("read")
        return {"type": "ir.actions.act_url", "url": f"/tier_rating/deck/{self.id}/{form}", "target": "download"}
