from collections import Counter
from dataclasses import replace

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_list

from ..decks import reader
from ..decks.columns import ALIASES
from ..loading import files, words
from ..models.tier_deck import JUMP_PERCENT

# A larger file is read in the background, while the screen shows how far it is.
LARGEST_AT_ONCE = 1 << 20
SHOWN_CELL = 60


class TierRateImport(models.TransientModel):
    """Load a rate deck into a price list: the whole file or nothing."""

    _name = "tier.rate.import"
    _description = "Rate Deck Import"

    step = fields.Selection([("file", "File"), ("columns", "Columns")], default="file", readonly=True)
    price_list_id = fields.Many2one("tier.price.list", required=True, ondelete="cascade")
    company_id = fields.Many2one(related="price_list_id.company_id")
    service_id = fields.Many2one(
        "tier.service",
        required=True,
        ondelete="cascade",
        default=lambda self: self.env.ref("tier_rating.service_voice"),
    )
    sender_id = fields.Many2one(
        "tier.deck.sender",
        ondelete="cascade",
        check_company=True,
        help="How it writes its decks is remembered for the next.",
    )
    data = fields.Binary("Rate deck (CSV or XLSX)", required=True)
    filename = fields.Char()
    date_from = fields.Date("Effective from", help="The first day of the rates for which the file names none.")
    full = fields.Boolean("Full deck", help="The file has all rates: what it does not have any more is ended.")
    jump_percent = fields.Float("Warn above (%)", digits=(6, 2), default=JUMP_PERCENT)
    decimals = fields.Selection(
        lambda self: self.env["tier.deck.sender"]._fields["decimals"].get_description(self.env)["selection"],
        required=True,
        default="auto",
    )
    dates = fields.Selection(
        lambda self: self.env["tier.deck.sender"]._fields["dates"].get_description(self.env)["selection"],
        required=True,
        default="auto",
    )
    sheet = fields.Char(help="Of a workbook; the first if empty.")
    has_header = fields.Boolean("A line names the columns", default=True)
    column_ids = fields.One2many("tier.rate.import.column", "wizard_id", "Columns")
    fault = fields.Char(readonly=True)

    # ------------------------------------------------------------------
    # Buttons
    # ------------------------------------------------------------------

    def action_columns(self):
        """Read the beginning of the file and show which column is which.

        :return: a window action
        """
        self.ensure_one()
        self.price_list_id.check_access("write")
        if self.sender_id and self.step == "file":
            sender = self.sender_id
            self.write(
                {name: sender[name] for name in ("full", "jump_percent", "decimals", "dates", "sheet", "has_header")}
            )
        layout = self._layout() if self.step == "columns" else self._known_layout()
        self._show_columns(layout)
        self.step = "columns"
        return self._reopen()

    def action_file(self):
        """Go back to the choice of the file.

        :return: a window action
        """
        self.ensure_one()
        self.step = "file"
        return self._reopen()

    def action_check(self):
        """Show what the deck would change.

        :return: a window action
        """
        self.ensure_one()
        self.price_list_id.check_access("write")
        return {
            "type": "ir.actions.act_window",
            "res_model": "tier.deck",
            "res_id": self._deck().id,
            "views": [(False, "form")],
        }

    def action_import(self):
        """Import the deck and say what it changed.

        :return: a notification
        """
        self.ensure_one()
        self.price_list_id.check_access("write")
        deck = self._deck(at_once=True)
        deck._raise_if_refused()
        deck._import()
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._(
                    "%(new)s new rates, %(changed)s updated.",
                    new=deck.new_count,
                    changed=deck.row_count - deck.new_count,
                ),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    def _reopen(self):
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Import rate deck"),
            "res_model": self._name,
            "res_id": self.id,
            "views": [(False, "form")],
            "target": "new",
        }

    # ------------------------------------------------------------------
    # Columns
    # ------------------------------------------------------------------

    def _known_layout(self):
        """Return how the file is written, as far as its sender is known."""
        return self.sender_id._layout() if self.sender_id else reader.Layout()

    def _layout(self):
        """Return how the file is written, as the screen says."""
        chosen = self.column_ids.filtered("field")
        repeated = [field for field, count in Counter(chosen.mapped("field")).items() if count > 1]
        if repeated:
            labels = dict(self.env["tier.deck.sender.column"]._fields_of_a_deck())
            raise UserError(self.env._("Two columns are the %s.", labels[repeated[0]]))
        names = Counter(" ".join((column.name or "").split()).lower() for column in self.column_ids)
        mapping = dict.fromkeys(ALIASES)
        for column in chosen:
            name = column.name or ""
            usable = self.has_header and name.strip() and names[" ".join(name.split()).lower()] == 1
            mapping[column.field] = name if usable else f"#{column.position}"
        return reader.Layout(
            mapping=mapping if self.column_ids else {},
            decimals=self.decimals,
            dates=self.dates,
            sheet=self.sheet or "",
            has_header=self.has_header,
        )

    def _check_columns(self):
        """Refuse to read a file of which nobody knows which column is which.

        :raise UserError: naming what is missing
        """
        known = set(self.column_ids.mapped("field"))
        missing = [name for name in ("prefix", "destination", "price") if name not in known]
        if "country_code" in known and "prefix" in missing:
            missing.remove("prefix")
        if missing:
            labels = dict(self.env["tier.deck.sender.column"]._fields_of_a_deck())
            raise UserError(
                self.env._("Say which column is: %s.", format_list(self.env, [labels[name] for name in missing]))
            )

    def _show_columns(self, layout):
        """Read the beginning of the file and list its columns.

        :param layout: :class:`..decks.reader.Layout`
        :raise UserError: if it is no table at all
        """
        layout.has_header, layout.sheet = self.has_header, self.sheet or ""
        with files.opened(self, "data") as stream:
            try:
                seen = reader.preview(stream, layout)
                if seen.fault and layout.mapping:
                    # The sender writes in another way than before: the usual names may do.
                    usual = reader.preview(stream, replace(layout, mapping={}))
                    seen = seen if len(seen.positions) > len(usual.positions) else usual
            except reader.DeckError as error:
                raise UserError(words.sentence(self.env, error)) from error
        known = {position: field for field, position in seen.positions.items()}
        width = max(map(len, [seen.names, *seen.samples]), default=0)
        rows = [row + [""] * (width - len(row)) for row in [list(seen.names), *map(list, seen.samples)]]
        self.write(
            {
                "fault": words.sentence(self.env, seen.fault) if seen.fault else False,
                "column_ids": [
                    fields.Command.clear(),
                    *(
                        fields.Command.create(
                            {
                                "position": position + 1,
                                "name": texts[0][:SHOWN_CELL],
                                "sample": " · ".join(text[:SHOWN_CELL] for text in texts[1:] if text.strip()),
                                "field": known.get(position, False),
                            }
                        )
                        for position, texts in enumerate(zip(*rows, strict=True))
                    ),
                ],
            }
        )

    # ------------------------------------------------------------------
    # The deck
    # ------------------------------------------------------------------

    def _deck(self, at_once=False):
        """Make the deck of the file and compare it with the list.

        :param bool at_once: also if that takes long
        :return: ``tier.deck``; one of a large file is read in the background
        """
        layout = self._layout() if self.step == "columns" else self._known_layout()
        if self.step == "columns":
            self._check_columns()
        if self.sender_id and self.step == "columns":
            self.sender_id._remember(layout)
        values = {}
        if self.sender_id and self.step == "file":
            values = {"full": self.sender_id.full, "jump_percent": self.sender_id.jump_percent}
        deck = self.env["tier.deck"].create(
            {
                "name": self.filename,
                "price_list_id": self.price_list_id.id,
                "service_id": self.service_id.id,
                "sender_id": self.sender_id.id,
                "date_from": self.date_from,
                "full": self.full,
                "jump_percent": self.jump_percent,
                "layout": deck_layout(layout),
                **values,
            }
        )
        size = files.hand_over(self, "data", deck, "data")
        if at_once or size <= LARGEST_AT_ONCE:
            deck._check_file()
        else:
            deck._start("check")
        return deck

    @api.model
    def _import_deck(self, price_list, service, data, **options):
        """Load a deck at once. A rate with the same prefix, band and date is updated.

        :param price_list: ``tier.price.list`` to load into
        :param service: ``tier.service`` that the rates are for
        :param data: the file, as bytes or a seekable binary file
        :param options: see :meth:`_check_deck`
        :return: (number of new rates, number of others in the deck)
        :raise UserError: with the lines at fault; then nothing was changed
        """
        deck = self._check_deck(price_list, service, data, **options)
        deck._raise_if_refused()
        deck._import()
        inserted = self.env["tier.deck.line"].search_count([("deck_id", "=", deck.id), ("rate_id", "=", False)])
        return inserted, deck.row_count - inserted

    @api.model
    def _check_deck(self, price_list, service, data, layout=None, progress=None, **values):
        """Read a deck and compare it with the list; no rate is changed yet.

        :param layout: :class:`..decks.reader.Layout` of its sender
        :param progress: called with the number of rows now and then
        :param values: of the deck's other fields
        :return: ``tier.deck``, checked or refused
        """
        deck = self.env["tier.deck"].create({"price_list_id": price_list.id, "service_id": service.id, **values})
        deck._check(data, layout, progress)
        return deck


def deck_layout(layout):
    """Return a layout as a deck keeps it, as JSON.

    :param layout: :class:`..decks.reader.Layout`
    :rtype: dict
    """
    return {
        "mapping": layout.mapping,
        "decimals": layout.decimals,
        "dates": layout.dates,
        "sheet": layout.sheet,
        "has_header": layout.has_header,
    }


class TierRateImportColumn(models.TransientModel):
    """A column of the file, with its first cells, and what it holds."""

    _name = "tier.rate.import.column"
    _description = "Column of a Rate Deck"
    _order = "position"

    wizard_id = fields.Many2one("tier.rate.import", required=True, ondelete="cascade", index=True)
    position = fields.Integer("No.", readonly=True)
    name = fields.Char("Heading", readonly=True)
    sample = fields.Char("First rows", readonly=True)
    field = fields.Selection(
        lambda self: self.env["tier.deck.sender.column"]._fields_of_a_deck(), "Holds", help="Empty: it is not used."
    )
