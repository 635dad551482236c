from odoo import fields, models

from odoo.addons.tier_billing.models.ledger_link import LedgerLink

from ..const import RATE_DIGITS


class TierDeckLine(models.Model):
    """What a deck changes in one rate; what it leaves as it is has no line."""

    _name = "tier.deck.line"
    _description = "Line of a Rate Deck"
    _order = "deck_id, id"
    _rec_name = "prefix"
    _log_access = False

    deck_id = fields.Many2one("tier.deck", required=True, readonly=True, ondelete="cascade", index=True)
    change = fields.Selection(
        [
            ("new", "New"),
            ("up", "Up"),
            ("down", "Down"),
            ("blocked", "Blocked"),
            ("changed", "Other terms"),
        ],
        readonly=True,
    )
    warning = fields.Selection(
        [("jump", "Large change of price"), ("later", "A later rate applies already"), ("unknown", "New destination")],
        readonly=True,
    )
    line = fields.Integer(readonly=True, help="Of the file.")
    prefix = fields.Char(required=True, readonly=True)
    destination = fields.Char(readonly=True)
    old_price = fields.Float(digits=RATE_DIGITS, readonly=True, help="In force when the new one begins.")
    price = fields.Float(digits=RATE_DIGITS, readonly=True)
    initial_increment = fields.Integer(readonly=True)
    increment = fields.Integer(readonly=True)
    connection_charge = fields.Float(digits=RATE_DIGITS, readonly=True)
    connection_charge_own = fields.Boolean(readonly=True)
    date_from = fields.Date(readonly=True)
    date_to = fields.Date(readonly=True)
    band_id = LedgerLink("tier.time.band", readonly=True)
    blocked = fields.Boolean(readonly=True)
    rate_id = LedgerLink("tier.rate", readonly=True, help="That is updated; empty for a new one.")
    old = fields.Json(readonly=True, help="The rate as it was.")
