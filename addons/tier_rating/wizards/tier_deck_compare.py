from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..const import RATE_DIGITS
from ..loading import exporting


class TierDeckCompare(models.TransientModel):
    """Two versions of a deck side by side."""

    _name = "tier.deck.compare"
    _description = "Comparison of Rate Decks"
    _rec_name = "deck_id"

    deck_id = fields.Many2one("tier.deck", required=True, ondelete="cascade")
    other_id = fields.Many2one("tier.deck", "Compare with", required=True, ondelete="cascade")

    def action_compare(self):
        """Show what differs.

        :return: a window action
        """
        self.ensure_one()
        (self.deck_id | self.other_id).check_access("read")
        if self.deck_id.currency_id != self.other_id.currency_id:
            raise UserError(self.env._("The decks are in two currencies."))
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """INSERT INTO tier_deck_difference (compare_id, prefix, band_id, destination, old_price, price, change,
                          percent, create_uid, create_date)
                   SELECT %s, prefix, band_id, destination, old_price, price, change,
                          CASE WHEN old_price > 0 THEN round((price - old_price) * 100 / old_price, 2) END,
                          %s, now() AT TIME ZONE 'UTC'
                     FROM (%s) difference ORDER BY prefix""",
                self.id,
                self.env.uid,
                exporting.between(self.deck_id, self.other_id),
            )
        )
        action = self.env["ir.actions.actions"]._for_xml_id("tier_rating.tier_deck_difference_action")
        action["name"] = self.env._(
            "%(deck)s against %(other)s", deck=self.deck_id.display_name, other=self.other_id.display_name
        )
        action["domain"] = [("compare_id", "=", self.id)]
        return action


class TierDeckDifference(models.TransientModel):
    """One prefix in which two decks differ."""

    _name = "tier.deck.difference"
    _description = "Difference of Rate Decks"
    _order = "prefix, id"
    _rec_name = "prefix"

    compare_id = fields.Many2one("tier.deck.compare", required=True, ondelete="cascade", index=True)
    prefix = fields.Char(readonly=True)
    band_id = fields.Many2one("tier.time.band", "Time band", readonly=True)
    destination = fields.Char(readonly=True)
    old_price = fields.Float("Old", digits=RATE_DIGITS, readonly=True)
    price = fields.Float("New", digits=RATE_DIGITS, readonly=True)
    percent = fields.Float("Change (%)", digits=(16, 2), readonly=True)
    change = fields.Selection(
        [
            ("new", "New"),
            ("up", "Up"),
            ("down", "Down"),
            ("blocked", "Blocked"),
            ("changed", "Other terms"),
            ("removed", "Removed"),
        ],
        readonly=True,
    )
