import base64
from decimal import Decimal
from itertools import islice

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from odoo.addons.tier_billing.ledger import bulk

from ..decks.reader import DeckError, read
from ..models.tier_deck import SAME

# How many faults a person is shown at once.
SHOWN_FAULTS = 20
# A price that changes by more than this is shown with a warning.
JUMP_PERCENT = 50


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
        deck = self._check_deck(self.price_list_id, self.service_id, base64.b64decode(self.data))
        deck.name = self.filename
        return deck

    @api.model
    def _import_deck(self, price_list, service, data):
        """Load a deck at once. A rate with the same prefix, band and date is updated.

        :param price_list: ``tier.price.list`` to load into
        :param service: ``tier.service`` that the rates are for
        :param bytes data: the file
        :return: (number of new rates, number of updated ones)
        :raise UserError: with the lines at fault; then nothing was changed
        """
        deck = self._check_deck(price_list, service, data)
        deck.action_import()
        inserted = self.env["tier.deck.line"].search_count([("deck_id", "=", deck.id), ("rate_id", "=", False)])
        return inserted, deck.row_count - inserted

    @api.model
    def _check_deck(self, price_list, service, data):
        """Read a deck and compare it with the list; no rate is changed yet.

        :return: ``tier.deck``
        :raise UserError: with the lines at fault
        """
        rows, faults, seen = [], [], {}
        bands = {band.code.lower(): band.id for band in self.env["tier.time.band"].search([])}
        try:
            for row in read(data):
                if isinstance(row, DeckError):
                    faults.append(str(row))
                    continue
                if row.band and row.band.lower() not in bands:
                    faults.append(
                        self.env._(
                            "Line %(line)s: there is no time band %(band)s; create it first.",
                            line=row.line,
                            band=row.band,
                        )
                    )
                key = (row.prefix, row.band.lower(), row.date_from)
                if key in seen:
                    faults.append(
                        self.env._(
                            "Line %(line)s: prefix %(prefix)s stands on line %(other)s already.",
                            line=row.line,
                            prefix=row.prefix,
                            other=seen[key],
                        )
                    )
                seen[key] = row.line
                rows.append(row)
        except DeckError as error:
            raise UserError(str(error)) from error
        if not rows and not faults:
            raise UserError(self.env._("The deck has no rates."))
        if faults:
            more = len(faults) - SHOWN_FAULTS
            shown = faults[:SHOWN_FAULTS]
            if more > 0:
                shown.append(self.env._("… and %s more.", more))
            raise UserError(self.env._("Nothing was imported. Mend these lines and try again:\n%s", "\n".join(shown)))
        return self._compare(price_list, service, rows, bands)

    @api.model
    def _compare(self, price_list, service, rows, bands):
        """Compare a deck with a price list, through COPY into a temporary table.

        :param rows: list of :class:`..decks.reader.DeckRow`
        :param dict bands: id by code in lower case
        :return: ``tier.deck`` with a line for each rate that changes
        """
        cr = self.env.cr
        deck = self.env["tier.deck"].create(
            {"price_list_id": price_list.id, "service_id": service.id, "row_count": len(rows)}
        )
        version = deck._lock_list()
        cr.execute(
            """CREATE TEMPORARY TABLE IF NOT EXISTS tier_deck_row (
                   line integer, prefix varchar, destination varchar, price numeric, initial_increment integer,
                   increment integer, connection_charge numeric, connection_charge_own boolean, date_from date,
                   date_to date, band_id integer, blocked boolean) ON COMMIT DROP;
               TRUNCATE tier_deck_row"""
        )
        cr.copy_expert("COPY tier_deck_row FROM STDIN", _CopyStream(rows, bands))
        cr.execute("ANALYZE tier_deck_row")
        # The rate in force when the new one begins gives the old price; that of the same day is updated.
        cr.execute(
            SQL(
                """
                INSERT INTO tier_deck_line (deck_id, line, prefix, destination, price, initial_increment, increment,
                       connection_charge, connection_charge_own, date_from, date_to, band_id, blocked,
                       old_price, rate_id, old, change, warning)
                SELECT %(deck)s, n.*, o.price, same.id, same.old,
                       CASE WHEN n.blocked AND NOT COALESCE(o.blocked, false) THEN 'blocked'
                            WHEN o.id IS NULL THEN 'new' WHEN n.price > o.price THEN 'up'
                            WHEN n.price < o.price THEN 'down' ELSE 'changed' END,
                       CASE WHEN abs(n.price - o.price) * 100 > o.price * %(jump)s AND NOT n.blocked THEN 'jump'
                            WHEN EXISTS (SELECT FROM tier_rate f WHERE f.price_list_id = %(list)s
                                            AND f.prefix = n.prefix AND f.service_id = %(service)s
                                            AND COALESCE(f.band_id, 0) = COALESCE(n.band_id, 0)
                                            AND f.date_from > COALESCE(n.date_from, '0001-01-01')) THEN 'later'
                            WHEN d.id IS NULL THEN 'unknown' END
                  FROM tier_deck_row n
                  LEFT JOIN tier_destination d ON d.name = n.destination
                  LEFT JOIN LATERAL (
                       SELECT r.* FROM tier_rate r
                        WHERE r.price_list_id = %(list)s AND r.prefix = n.prefix AND r.service_id = %(service)s
                          AND COALESCE(r.band_id, 0) = COALESCE(n.band_id, 0)
                          AND COALESCE(r.date_from, '0001-01-01') <= COALESCE(n.date_from, '0001-01-01')
                        ORDER BY r.date_from DESC NULLS LAST LIMIT 1) o ON true
                  LEFT JOIN LATERAL (
                       SELECT o.id, to_jsonb(o) AS old
                        WHERE o.id IS NOT NULL AND o.date_from IS NOT DISTINCT FROM n.date_from) same ON true
                 WHERE same.id IS NULL OR o.destination_id IS DISTINCT FROM d.id
                    OR NOT EXISTS (SELECT FROM tier_rate r WHERE r.id = same.id AND %(same)s)
                 ORDER BY n.line""",
                deck=deck.id,
                list=price_list.id,
                service=service.id,
                jump=JUMP_PERCENT,
                same=SQL(SAME.format("n")),
            )
        )
        deck.invalidate_recordset(["line_ids"])
        cr.execute(
            SQL("SELECT change, count(*), count(warning) FROM tier_deck_line WHERE deck_id = %s GROUP BY 1", deck.id)
        )
        counts = cr.fetchall()
        deck.write(
            {
                **{f"{change}_count": count for change, count, _warnings in counts},
                "unchanged_count": len(rows) - sum(count for _change, count, _warnings in counts),
                "warning_count": sum(warnings for _change, _count, warnings in counts),
                "rates_version": version,
            }
        )
        return deck


class _CopyStream:
    """Feeds rows to COPY as it asks for them."""

    def __init__(self, rows, bands):
        self._lines = (
            bulk.line(
                (
                    row.line,
                    row.prefix,
                    row.destination or row.prefix,
                    row.price,
                    row.initial,
                    row.increment,
                    row.connection_charge or Decimal(0),
                    row.connection_charge is not None,
                    row.date_from and row.date_from.isoformat(),
                    row.date_to and row.date_to.isoformat(),
                    bands[row.band.lower()] if row.band else None,
                    row.blocked,
                )
            )
            + "\n"
            for row in rows
        )

    def read(self, _size=-1):
        return "".join(islice(self._lines, 500)).encode()
