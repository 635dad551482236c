import base64

from odoo import api, fields, models


class TierRateImport(models.TransientModel):
    """Load a rate deck into a price list: the whole file or nothing."""

    _name = "tier.rate.import"
    _description = "Rate Deck Import"

    price_list_id = fields.Many2one("tier.price.list", required=True, ondelete="cascade")
    service_id = fields.Many2one(
        "tier.service",
        required=True,
        ondelete="cascade",
        default=lambda self: self.env.ref("tier_rating.service_voice"),
    )
    data = fields.Binary("Rate deck (CSV or XLSX)", required=True)
    filename = fields.Char()

    def action_import(self):
        """Import the deck and say what it changed.

        :return: a notification
        """
        self.ensure_one()
        self.price_list_id.check_access("write")
        deck = self._checked()
        deck._raise_if_refused()
        deck.action_import()
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

    def action_check(self):
        """Show what the deck would change.

        :return: a window action
        """
        self.ensure_one()
        self.price_list_id.check_access("write")
        return {
            "type": "ir.actions.act_window",
            "res_model": "tier.deck",
            "res_id": self._checked().id,
            "views": [(False, "form")],
        }

    def _checked(self):
        return self._check_deck(self.price_list_id, self.service_id, base64.b64decode(self.data), name=self.filename)

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
        deck.action_import()
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
