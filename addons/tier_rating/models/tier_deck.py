from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

# The columns that a deck sets; a rate that differs in one of them was changed since.
SAME = """r.price = {0}.price AND COALESCE(r.blocked, false) = COALESCE({0}.blocked, false)
      AND COALESCE(r.initial_increment, 0) = COALESCE({0}.initial_increment, 0)
      AND COALESCE(r.increment, 0) = COALESCE({0}.increment, 0)
      AND COALESCE(r.connection_charge, 0) = COALESCE({0}.connection_charge, 0)
      AND COALESCE(r.connection_charge_own, false) = COALESCE({0}.connection_charge_own, false)
      AND r.date_to IS NOT DISTINCT FROM {0}.date_to"""


class TierDeck(models.Model):
    """One import of a rate deck: what it changes, shown before it does, and undone in one step."""

    _name = "tier.deck"
    _description = "Rate Deck"
    _order = "id desc"

    name = fields.Char("File name", readonly=True)
    price_list_id = fields.Many2one("tier.price.list", required=True, readonly=True, ondelete="cascade", index=True)
    company_id = fields.Many2one(related="price_list_id.company_id", store=True)
    service_id = fields.Many2one("tier.service", required=True, readonly=True, ondelete="restrict")
    state = fields.Selection(
        [("checked", "Checked"), ("imported", "Imported"), ("undone", "Undone")],
        required=True,
        readonly=True,
        default="checked",
    )
    rates_version = fields.Integer(readonly=True, help="Of the price list when the deck was compared with it.")
    line_ids = fields.One2many("tier.deck.line", "deck_id", readonly=True)
    row_count = fields.Integer("Rates", readonly=True)
    new_count = fields.Integer("New", readonly=True)
    up_count = fields.Integer("Up", readonly=True)
    down_count = fields.Integer("Down", readonly=True)
    blocked_count = fields.Integer("Blocked", readonly=True)
    changed_count = fields.Integer("Other terms", readonly=True)
    unchanged_count = fields.Integer("Unchanged", readonly=True)
    warning_count = fields.Integer("Warnings", readonly=True)

    def _lock_list(self):
        """Lock the price list against other decks; return the version of its rates."""
        self.ensure_one()
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                "SELECT COALESCE(rates_version, 0) FROM tier_price_list WHERE id = %s FOR UPDATE", self.price_list_id.id
            )
        )
        return self.env.cr.fetchone()[0]

    def action_import(self):
        """Change the rates as shown, all or none."""
        self.check_access("write")
        for deck in self:
            deck.price_list_id.check_access("write")
            version = deck._lock_list()
            deck.invalidate_recordset(["state"])
            if deck.state != "checked":
                raise UserError(self.env._("This deck was imported already."))
            if version != deck.rates_version:
                raise UserError(self.env._("The rates changed since the deck was checked; check it again."))
            deck._apply()
            deck.state = "imported"
            deck.price_list_id.message_post(
                body=self.env._(
                    "Rate deck %(name)s imported: %(new)s new rates, %(changed)s updated.",
                    name=deck.name or "",
                    new=deck.new_count,
                    changed=deck.row_count - deck.new_count,
                )
            )

    def _apply(self):
        """Write the lines to the rates, in three statements whatever their number."""
        cr, uid = self.env.cr, self.env.uid
        cr.execute(
            SQL(
                """INSERT INTO tier_destination (name, create_uid, create_date, write_uid, write_date)
                   SELECT DISTINCT destination, %(uid)s, now() AT TIME ZONE 'UTC', %(uid)s, now() AT TIME ZONE 'UTC'
                     FROM tier_deck_line WHERE deck_id = %(deck)s
                   ON CONFLICT (name) DO NOTHING""",
                uid=uid,
                deck=self.id,
            )
        )
        cr.execute(
            SQL(
                """UPDATE tier_rate r
                      SET destination_id = d.id, price = l.price, initial_increment = l.initial_increment,
                          increment = l.increment, connection_charge = l.connection_charge,
                          connection_charge_own = l.connection_charge_own, date_to = l.date_to,
                          blocked = l.blocked, write_uid = %s, write_date = now() AT TIME ZONE 'UTC'
                     FROM tier_deck_line l JOIN tier_destination d ON d.name = l.destination
                    WHERE l.deck_id = %s AND r.id = l.rate_id""",
                uid,
                self.id,
            )
        )
        cr.execute(
            SQL(
                """INSERT INTO tier_rate (price_list_id, service_id, prefix, destination_id, price, initial_increment,
                          increment, connection_charge, connection_charge_own, date_from, date_to, band_id, blocked,
                          create_uid, create_date, write_uid, write_date)
                   SELECT %(list)s, %(service)s, l.prefix, d.id, l.price, l.initial_increment, l.increment,
                          l.connection_charge, l.connection_charge_own, l.date_from, l.date_to, l.band_id, l.blocked,
                          %(uid)s, now() AT TIME ZONE 'UTC', %(uid)s, now() AT TIME ZONE 'UTC'
                     FROM tier_deck_line l JOIN tier_destination d ON d.name = l.destination
                    WHERE l.deck_id = %(deck)s AND l.rate_id IS NULL""",
                list=self.price_list_id.id,
                service=self.service_id.id,
                uid=uid,
                deck=self.id,
            )
        )
        self.env.invalidate_all()

    def action_undo(self):
        """Put the rates back as they were, except those that somebody changed since."""
        self.check_access("write")
        for deck in self:
            deck.price_list_id.check_access("write")
            deck._lock_list()
            deck.invalidate_recordset(["state"])
            if deck.state != "imported":
                raise UserError(self.env._("Only an imported deck can be undone."))
            later = self.search(
                [
                    ("price_list_id", "=", deck.price_list_id.id),
                    ("service_id", "=", deck.service_id.id),
                    ("state", "=", "imported"),
                    ("id", ">", deck.id),
                ],
                limit=1,
            )
            if later:
                raise UserError(self.env._("Undo the later deck %s first.", later.name or later.id))
            restored = deck._restore()
            deck.state = "undone"
            deck.price_list_id.message_post(
                body=self.env._("Rate deck %(name)s undone: %(count)s rates.", name=deck.name or "", count=restored)
            )

    def _restore(self):
        """Undo the lines; return how many."""
        cr = self.env.cr
        cr.execute(
            SQL(
                """UPDATE tier_rate r
                      SET destination_id = o.destination_id, price = o.price, initial_increment = o.initial_increment,
                          increment = o.increment, connection_charge = o.connection_charge,
                          connection_charge_own = o.connection_charge_own, date_to = o.date_to, blocked = o.blocked,
                          write_uid = %s, write_date = now() AT TIME ZONE 'UTC'
                     FROM tier_deck_line l CROSS JOIN LATERAL jsonb_populate_record(NULL::tier_rate, l.old) o
                    WHERE l.deck_id = %s AND r.id = l.rate_id AND %s""",
                self.env.uid,
                self.id,
                SQL(SAME.format("l")),
            )
        )
        count = cr.rowcount
        cr.execute(
            SQL(
                """DELETE FROM tier_rate r USING tier_deck_line l
                    WHERE l.deck_id = %s AND l.rate_id IS NULL AND r.price_list_id = %s AND r.service_id = %s
                      AND r.prefix = l.prefix AND COALESCE(r.band_id, 0) = COALESCE(l.band_id, 0)
                      AND r.date_from IS NOT DISTINCT FROM l.date_from AND %s""",
                self.id,
                self.price_list_id.id,
                self.service_id.id,
                SQL(SAME.format("l")),
            )
        )
        count += cr.rowcount
        self.env.invalidate_all()
        return count
