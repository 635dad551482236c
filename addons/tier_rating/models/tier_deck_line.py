from odoo import api, fields, models

from odoo.addons.tier_billing.models.ledger_link import LedgerLink

from ..const import RATE_DIGITS


class TierDeckLine(models.Model):
    """One rate of a deck and what it changes, or a rate that a full deck removes."""

    _name = "tier.deck.line"
    _description = "Line of a Rate Deck"
    _order = "deck_id, line, id"
    _rec_name = "prefix"
    _log_access = False

    deck_id = fields.Many2one("tier.deck", required=True, readonly=True, ondelete="cascade")
    change = fields.Selection(
        [
            ("new", "New"),
            ("up", "Up"),
            ("down", "Down"),
            ("blocked", "Blocked"),
            ("changed", "Other terms"),
            ("unchanged", "Unchanged"),
            ("removed", "Removed"),
        ],
        readonly=True,
    )
    warnings = fields.Char(readonly=True, help="The codes of what to look at, for filters.")
    warnings_text = fields.Char("Look at", compute="_compute_warnings_text")
    line = fields.Integer(readonly=True, help="Of the file.")
    prefix = fields.Char(required=True, readonly=True)
    destination = fields.Char(readonly=True)
    old_price = fields.Float(digits=RATE_DIGITS, readonly=True, help="In force when the new one begins.")
    price = fields.Float(digits=RATE_DIGITS, readonly=True)
    initial_increment = fields.Integer(readonly=True)
    increment = fields.Integer(readonly=True)
    connection_charge = fields.Float(digits=RATE_DIGITS, readonly=True)
    connection_charge_own = fields.Boolean(readonly=True)
    date_from = fields.Date("Valid from", readonly=True)
    date_to = fields.Date("Valid to", readonly=True)
    band_id = LedgerLink("tier.time.band", readonly=True)
    blocked = fields.Boolean(readonly=True)
    rate_id = LedgerLink("tier.rate", readonly=True, help="That it changes or leaves as it is; empty for a new one.")
    old = fields.Json(readonly=True, help="The rate as it was.")

    _in_file = models.Index("(deck_id, line)")

    @api.model
    def _warnings(self):
        """Return what the codes of warnings mean.

        :rtype: dict
        """
        return {
            "cost": self.env._("Below cost"),
            "jump": self.env._("Large change of price"),
            "double": self.env._("Stands in the deck twice"),
            "overlap": self.env._("Overlaps another period"),
            "later": self.env._("A later rate is known already"),
            "unknown": self.env._("New destination"),
        }

    @api.depends("warnings")
    @api.depends_context("lang")
    def _compute_warnings_text(self):
        words = self._warnings()
        for line in self:
            line.warnings_text = ", ".join(words[code] for code in (line.warnings or "").split())
