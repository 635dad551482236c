import base64

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..decks.reader import DeckError, read

# How many faults a person is shown at once.
SHOWN_FAULTS = 20


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
        new, changed = self._import_deck(self.price_list_id, self.service_id, base64.b64decode(self.data))
        self.price_list_id.message_post(
            body=self.env._(
                "Rate deck %(name)s imported: %(new)s new rates, %(changed)s updated.",
                name=self.filename or "",
                new=new,
                changed=changed,
            )
        )
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._("%(new)s new rates, %(changed)s updated.", new=new, changed=changed),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    @api.model
    def _import_deck(self, price_list, service, data):
        """Load a deck in three statements, however long it is.

        A rate with the same prefix, band and date is updated.

        :param price_list: ``tier.price.list`` to load into
        :param service: ``tier.service`` that the rates are for
        :param bytes data: the file
        :return: (number of new rates, number of updated ones)
        :raise UserError: with the lines at fault; then nothing was changed
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
        self.env.flush_all()
        destinations = self._destinations({row.destination or row.prefix for row in rows})
        result = self._upsert(price_list, service, rows, bands, destinations)
        self.env.invalidate_all()
        return result

    @api.model
    def _destinations(self, names):
        """Return the destinations of these names, created where they are new.

        :param names: set of names
        :return: dict of name to id
        """
        cr = self.env.cr
        cr.execute(
            SQL(
                """INSERT INTO tier_destination (name, create_uid, create_date, write_uid, write_date)
                   SELECT name, %(uid)s, now() AT TIME ZONE 'UTC', %(uid)s,
                          now() AT TIME ZONE 'UTC'
                     FROM unnest(%(names)s::varchar[]) AS v(name)
                   ON CONFLICT (name) DO NOTHING""",
                uid=self.env.uid,
                names=sorted(names),
            )
        )
        cr.execute(SQL("SELECT name, id FROM tier_destination WHERE name = ANY(%s)", sorted(names)))
        return dict(cr.fetchall())

    @api.model
    def _upsert(self, price_list, service, rows, bands, destinations):
        """Insert or update rates; leans on the unique index that look-ups use.

        :return: (number of new rates, number of updated ones)
        """
        columns = zip(
            *(
                (
                    row.prefix,
                    destinations[row.destination or row.prefix],
                    row.price,
                    row.initial,
                    row.increment,
                    row.connection_charge,
                    row.date_from,
                    row.date_to,
                    bands.get(row.band.lower()) if row.band else None,
                    row.blocked,
                )
                for row in rows
            ),
            strict=True,
        )
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO tier_rate AS r (
                    price_list_id, service_id, prefix, destination_id, price, initial_increment,
                    increment, connection_charge, connection_charge_own, date_from, date_to,
                    band_id, blocked, create_uid, create_date, write_uid, write_date)
                SELECT %s, %s, prefix, destination_id, price, initial, increment,
                       COALESCE(connection, 0), connection IS NOT NULL, date_from, date_to,
                       band_id, blocked, %s, now() AT TIME ZONE 'UTC', %s,
                       now() AT TIME ZONE 'UTC'
                  FROM unnest(%s::varchar[], %s::integer[], %s::numeric[], %s::integer[],
                              %s::integer[], %s::numeric[], %s::date[], %s::date[],
                              %s::integer[], %s::boolean[])
                       AS v(prefix, destination_id, price, initial, increment, connection,
                            date_from, date_to, band_id, blocked)
                ON CONFLICT (price_list_id, prefix, service_id, COALESCE(band_id, 0),
                             COALESCE(date_from, '0001-01-01'::date)) DO UPDATE
                   SET destination_id = excluded.destination_id, price = excluded.price,
                       initial_increment = excluded.initial_increment,
                       increment = excluded.increment,
                       connection_charge = excluded.connection_charge,
                       connection_charge_own = excluded.connection_charge_own,
                       date_to = excluded.date_to, blocked = excluded.blocked,
                       write_uid = excluded.write_uid, write_date = excluded.write_date
                RETURNING xmax = 0""",
                price_list.id,
                service.id,
                self.env.uid,
                self.env.uid,
                *map(list, columns),
            )
        )
        new = sum(row[0] for row in self.env.cr.fetchall())
        return new, len(rows) - new
