from odoo import api, fields, models

from ..decks.columns import ALIASES
from ..decks.reader import Layout
from .tier_deck import JUMP_PERCENT


class TierDeckSender(models.Model):
    """Who sends rate decks, and how it writes them: remembered for the next."""

    _name = "tier.deck.sender"
    _description = "Sender of Rate Decks"
    _order = "name"
    _check_company_auto = True

    name = fields.Char(required=True)
    active = fields.Boolean(default=True)
    partner_id = fields.Many2one("res.partner", "Carrier", index="btree_not_null")
    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)
    price_list_id = fields.Many2one(
        "tier.price.list",
        "Load into",
        ondelete="set null",
        check_company=True,
        index="btree_not_null",
        help="Where its decks go if nothing else is said.",
    )
    full = fields.Boolean("Full decks", help="Each deck has all rates: what it does not have any more is ended.")
    jump_percent = fields.Float(
        "Warn above (%)", digits=(6, 2), default=JUMP_PERCENT, help="A price that changes by more needs a look."
    )
    decimals = fields.Selection(
        [("auto", "As the file's separator says"), ("point", "Point"), ("comma", "Comma")],
        required=True,
        default="auto",
    )
    dates = fields.Selection(
        [("auto", "2026-12-31, 31.12.2026, 31/12/2026"), ("mdy", "12/31/2026")], required=True, default="auto"
    )
    sheet = fields.Char(help="Of a workbook; the first if empty.")
    has_header = fields.Boolean("A line names the columns", default=True)
    column_ids = fields.One2many("tier.deck.sender.column", "sender_id", "Columns", copy=True)
    deck_ids = fields.One2many("tier.deck", "sender_id", readonly=True)
    deck_count = fields.Integer("Decks", compute="_compute_deck_count")

    def _compute_deck_count(self):
        counts = dict(self.env["tier.deck"]._read_group([("sender_id", "in", self.ids)], ["sender_id"], ["__count"]))
        for sender in self:
            sender.deck_count = counts.get(sender, 0)

    def action_decks(self):
        """Open the decks that it sent.

        :return: a window action
        """
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id("tier_rating.tier_deck_action")
        action["domain"] = [("sender_id", "=", self.id)]
        return action

    def _layout(self):
        """Return how it writes its decks.

        :rtype: decks.reader.Layout
        """
        return Layout(
            mapping={line.field: line.column or None for line in self.column_ids},
            decimals=self.decimals or "auto",
            dates=self.dates or "auto",
            sheet=self.sheet or "",
            has_header=self.has_header if self else True,
        )

    def _remember(self, layout):
        """Keep how a file was read, for the next of this sender.

        :param layout: :class:`..decks.reader.Layout`
        """
        self.ensure_one()
        if self._layout() == layout:
            return
        self.write(
            {
                "decimals": layout.decimals,
                "dates": layout.dates,
                "sheet": layout.sheet,
                "has_header": layout.has_header,
                "column_ids": [
                    fields.Command.clear(),
                    *(
                        fields.Command.create({"field": field, "column": layout.mapping[field]})
                        for field in ALIASES
                        if field in layout.mapping
                    ),
                ],
            }
        )


class TierDeckSenderColumn(models.Model):
    """What a sender calls a column."""

    _name = "tier.deck.sender.column"
    _description = "Column of a Sender's Decks"
    _order = "sender_id, id"

    sender_id = fields.Many2one("tier.deck.sender", required=True, ondelete="cascade", index=True)
    field = fields.Selection(lambda self: self._fields_of_a_deck(), "Holds", required=True)
    column = fields.Char(help='The heading, or "#3" for the third column. Empty: the deck does not have it.')

    _field_unique = models.Constraint("UNIQUE (sender_id, field)", "Two columns hold the same.")

    @api.model
    def _fields_of_a_deck(self):
        """Return what a column can hold, as a selection.

        :rtype: list
        """
        return [
            ("prefix", self.env._("Prefix")),
            ("country_code", self.env._("Country code")),
            ("area_code", self.env._("Area codes")),
            ("destination", self.env._("Destination")),
            ("price", self.env._("Price")),
            ("initial", self.env._("Initial increment")),
            ("increment", self.env._("Increment")),
            ("connection_charge", self.env._("Connection charge")),
            ("date_from", self.env._("Valid from")),
            ("date_to", self.env._("Valid to")),
            ("band", self.env._("Time band")),
            ("blocked", self.env._("Blocked")),
        ]
