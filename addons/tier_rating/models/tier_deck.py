from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from .. import loading
from ..decks import reader
from ..loading import words
from ..ratesheet import effective

# A price that changes by more than this is shown with a warning, where nobody says otherwise.
JUMP_PERCENT = 50
# How many faults a person is shown at once.
SHOWN_FAULTS = 20


class TierDeck(models.Model):
    """One import of a rate deck: what it changes, shown before it does, and undone in one step."""

    _name = "tier.deck"
    _description = "Rate Deck"
    _order = "id desc"

    name = fields.Char("File name", readonly=True)
    price_list_id = fields.Many2one("tier.price.list", required=True, readonly=True, ondelete="cascade", index=True)
    company_id = fields.Many2one(related="price_list_id.company_id", store=True)
    currency_id = fields.Many2one(related="price_list_id.currency_id")
    service_id = fields.Many2one("tier.service", required=True, readonly=True, ondelete="restrict")
    date_from = fields.Date(
        "Effective from", readonly=True, help="The first day of the rates for which the file names none."
    )
    full = fields.Boolean("Full deck", readonly=True, help="Rates that the file does not have any more are ended.")
    jump_percent = fields.Float(
        "Warn above (%)",
        readonly=True,
        digits=(6, 2),
        default=JUMP_PERCENT,
        help="A price that changes by more is shown with a warning.",
    )
    state = fields.Selection(
        [
            ("waiting", "To be read"),
            ("refused", "Refused"),
            ("checked", "Checked"),
            ("imported", "Imported"),
            ("undone", "Undone"),
        ],
        required=True,
        readonly=True,
        default="waiting",
        copy=False,
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
    removed_count = fields.Integer("Removed", readonly=True)
    warning_count = fields.Integer("Warnings", readonly=True)
    fault_count = fields.Integer("Faults", readonly=True)
    problems = fields.Text(readonly=True, help="Why nothing of it can be imported.")

    @api.model_create_multi
    def create(self, vals_list):
        # A deck begins at the beginning, whatever a context says.
        return super().create([{**vals, "state": "waiting"} for vals in vals_list])

    # ------------------------------------------------------------------
    # Check
    # ------------------------------------------------------------------

    def _check(self, stream, layout=None, progress=None):
        """Read a file and compare it with the list; no rate is changed yet.

        A file at fault leaves the deck refused, with its problems.

        :param stream: bytes or a seekable binary file
        :param layout: :class:`..decks.reader.Layout`
        :param progress: called with the number of rows now and then
        """
        self.ensure_one()
        bands = {band.code.lower(): band.id for band in self.env["tier.time.band"].search([])}
        staging = loading.staging.Staging(bands, self.date_from, progress)
        cr = self.env.cr
        version = self._lock_list()
        try:
            staging.fill(cr, reader.read(stream, layout))
        except reader.DeckError as error:
            self._refuse([error], 1)
            return
        if staging.fault_count:
            self._refuse(staging.faults, staging.fault_count)
            return
        if not staging.count:
            self._refuse([], 1, self.env._("The deck has no rates."))
            return
        loading.comparing.write_lines(cr, self, self.jump_percent, staging)
        if self.full:
            day = self.date_from or staging.first_day or fields.Date.context_today(self)
            loading.comparing.write_removed(cr, self, day)
        self._warn_of_costs()
        self.write(
            {
                **loading.comparing.counts(cr, self),
                "rates_version": version,
                "state": "checked",
                "fault_count": 0,
                "problems": False,
            }
        )
        self.env["tier.deck.line"].invalidate_model()

    def _warn_of_costs(self):
        """Mark what the list would sell for less than its seller pays; a carrier's own list has no cost."""
        cost_list = self.price_list_id.sudo().brand_id.wallet_id.price_list_id
        if not cost_list or cost_list == self.price_list_id:
            return
        day = self.date_from or fields.Date.context_today(self)
        sheet = effective.Sheet(self.env, cost_list, self.service_id, day, self.price_list_id.currency_id)
        loading.comparing.warn_of_costs(
            self.env.cr,
            self,
            (
                (row.prefix, max(price.price for price in row.prices))
                for row in sheet.rows()
                if row.prices and not row.prices[0].blocked
            ),
        )

    def _refuse(self, faults, count, problem=None):
        """Keep what is wrong with the file.

        :param faults: the first :class:`..decks.errors.DeckError`
        :param int count: of all
        """
        lines = [problem] if problem else [words.sentence(self.env, fault) for fault in faults]
        if faults and count > len(faults):
            lines.append(self.env._("… and %s more.", count - len(faults)))
        self.write({"state": "refused", "fault_count": count, "problems": "\n".join(lines)})

    def _raise_if_refused(self):
        """Tell a person at once.

        :raise UserError: with the lines at fault
        """
        self.ensure_one()
        if self.state != "refused":
            return
        lines = (self.problems or "").split("\n")
        shown = lines[:SHOWN_FAULTS]
        if self.fault_count > len(shown):
            shown.append(self.env._("… and %s more.", self.fault_count - len(shown)))
        if len(shown) == 1:
            raise UserError(shown[0])
        raise UserError(self.env._("Nothing was imported. Mend these lines and try again:\n%s", "\n".join(shown)))

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

    # ------------------------------------------------------------------
    # Import and undo
    # ------------------------------------------------------------------

    def _import(self):
        """Change the rates as shown, all or none.

        :raise UserError: if it was imported already, or the rates changed since it was checked
        """
        version = self._lock_list()
        self.invalidate_recordset(["state"])
        if self.state in ("imported", "undone"):
            raise UserError(self.env._("This deck was imported already."))
        if self.state != "checked":
            raise UserError(self.env._("Only a deck that was read without a fault can be imported."))
        if version != self.rates_version:
            raise UserError(self.env._("The rates changed since the deck was checked; check it again."))
        loading.applying.apply(self.env.cr, self, self.env.uid)
        self.env.invalidate_all()
        self.state = "imported"
        self.price_list_id.message_post(
            body=self.env._(
                "Rate deck %(name)s imported: %(new)s new rates, %(changed)s updated, %(removed)s removed.",
                name=self.name or "",
                new=self.new_count,
                changed=self.row_count - self.new_count - self.unchanged_count,
                removed=self.removed_count,
            )
        )

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
            restored = loading.applying.undo(self.env.cr, deck, self.env.uid)
            self.env.invalidate_all()
            deck._remove_destinations()
            deck.state = "undone"
            deck.price_list_id.message_post(
                body=self.env._("Rate deck %(name)s undone: %(count)s rates.", name=deck.name or "", count=restored)
            )

    def _remove_destinations(self):
        """Take back the destinations that came with the deck and that nothing is of.

        :return: how many
        """
        self.ensure_one()
        unused = SQL(" ").join(
            SQL("AND NOT EXISTS (SELECT FROM %s u WHERE u.%s = d.id)", SQL.identifier(table), SQL.identifier(column))
            for table, column in self.env["tier.destination"]._links()
        )
        self.env.cr.execute(SQL("DELETE FROM tier_destination d WHERE d.deck_id = %s %s", self.id, unused))
        self.env["tier.destination"].invalidate_model()
        return self.env.cr.rowcount
