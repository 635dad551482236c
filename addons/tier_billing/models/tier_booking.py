import logging
from collections import defaultdict
from datetime import datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from .. import ledger
from ..const import MONEY_DIGITS

_logger = logging.getLogger(__name__)

# Transfers are looked at again for so long after they were written: a transaction that began
# before the last run may have committed after it.
MARGIN = timedelta(days=1)


class TierBooking(models.Model):
    """What one daily entry changed in the customers' credit, in one currency.

    The entry brings into the books what the ledger moved between the customers' wallets
    and the rest of the world. It always books the difference between the ledger and what
    is booked already, so that it may run twice, be stopped anywhere and find late events.
    """

    _name = "tier.booking"
    _description = "Daily Entry of the Wallets"
    _order = "id desc"
    _rec_name = "move_id"

    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="restrict", index=True)
    move_id = fields.Many2one("account.move", "Journal entry", readonly=True, ondelete="cascade", index=True)
    date = fields.Date("Accounting date", related="move_id.date", store=True, index=True)
    move_state = fields.Selection(related="move_id.state", string="Entry")
    day_from = fields.Date("First day of use", readonly=True)
    day_to = fields.Date("Last day of use", readonly=True)
    currency_id = fields.Many2one("res.currency", required=True, readonly=True, ondelete="restrict")
    amount = fields.Float(
        "Change of customers' credit",
        digits=MONEY_DIGITS,
        readonly=True,
        help="Exactly, as the wallets have it: plus what they received, less what left them.",
    )
    posted = fields.Float(
        "Booked",
        digits=MONEY_DIGITS,
        readonly=True,
        help="The same as the books have it, in whole cents. Fractions of a cent are carried to the next entry.",
    )
    transfer_count = fields.Integer("Transfers", readonly=True)

    _once = models.UniqueIndex("(move_id, currency_id)", "An entry changes the credit in a currency once.")

    # ------------------------------------------------------------------
    # Days
    # ------------------------------------------------------------------

    @api.model
    def _zone(self, company):
        """Return the time zone in which the days of a company's books begin.

        It is kept from the first entry on: a day that is booked stays the day that it was.

        :rtype: str
        """
        company = company.sudo()
        return company.tier_books_tz or company.partner_id.tz or "UTC"

    @api.model
    def _today(self, company):
        """Return the present day where a company is.

        :rtype: datetime.date
        """
        return ledger.spending.local_day(fields.Datetime.now(), self._zone(company))

    @api.model
    def _utc_bounds(self, company, day):
        """Return the naive UTC moments at which a day of a company's begins and ends.

        :param day: ``date``
        """
        zone = ZoneInfo(self._zone(company))
        return tuple(
            datetime.combine(moment, time(), tzinfo=zone).astimezone(timezone.utc).replace(tzinfo=None)
            for moment in (day, day + timedelta(days=1))
        )

    @api.model
    def _days_to_look_at(self, company, until, everything=False):
        """Return the days in which there may be something to book.

        Those of transfers and bookings that are newer than the last run (leans on the
        BRIN index on the date of creation), those that were still to come then (leans on
        the index on the date), and those whose entry was deleted.

        :param until: ``date`` of the last day that is over
        :param bool everything: all days that have transfers; reads the whole ledger
        :return: sorted list of ``date``
        """
        zone, since = self._zone(company), company.sudo().tier_booked_at
        new = old = SQL("")
        if since and not everything:
            new = SQL("AND create_date >= %s", since - MARGIN)
            old = SQL(
                "UNION SELECT tier_local_day(date, %s) FROM tier_transfer WHERE company_id = %s AND date >= %s",
                zone,
                company.id,
                since - MARGIN,
            )
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                SELECT day
                  FROM (SELECT tier_local_day(date, %(zone)s) AS day FROM tier_transfer
                         WHERE company_id = %(company)s %(new)s
                        %(old)s
                        UNION
                        SELECT day FROM tier_booking_line WHERE company_id = %(company)s %(new)s
                        UNION
                        SELECT day FROM tier_booking_line WHERE company_id = %(company)s AND move_id IS NULL) days
                 WHERE day <= %(until)s ORDER BY day""",
                zone=zone,
                company=company.id,
                new=new,
                old=old,
                until=until,
            )
        )
        return [row[0] for row in self.env.cr.fetchall()]

    @api.model
    def _open_date(self, company, day):
        """Return the first date from a day on that no lock closes.

        :param day: ``date`` of use
        :rtype: datetime.date
        """
        taxed = company.tier_tax_policy == "use"
        while locks := company._get_violated_lock_dates(day, taxed, company.tier_journal_id):
            day = locks[-1][0] + timedelta(days=1)
        return day

    # ------------------------------------------------------------------
    # Runs
    # ------------------------------------------------------------------

    @api.model
    def _book_all(self):
        """Book what is not in the books yet, for every company that keeps books; called by cron."""
        companies = self.env["res.company"].sudo().search([("tier_credit_account_id", "!=", False)], order="id")
        Cron = self.env["ir.cron"]
        for done, company in enumerate(companies, 1):
            try:
                self._book(company)
                self._warn_of_difference(company)
            except Exception as error:
                _logger.exception("The wallets of company %s could not be booked", company.id)
                self._call_managers(
                    company, self.env._("The wallets could not be booked"), self._reason(company, error)
                )
            Cron._commit_progress(1, remaining=len(companies) - done)

    @api.model
    def _reason(self, company, error):
        """Tell people what went wrong: our own words, never those of the database.

        :rtype: str
        """
        words = str(error) if isinstance(error, UserError) else self.env._("See the server's log.")
        return f"{company.name}: {words}"

    @api.model
    def _warn_of_difference(self, company):
        """Call the managers if the books and the wallets did not agree at the end of yesterday."""
        yesterday = self._today(company) - timedelta(days=1)
        Report = self.env["tier.reconciliation"].with_context(allowed_company_ids=company.ids).sudo()
        report = Report.new({"company_id": company.id, "date_from": yesterday, "date_to": yesterday})
        for line in report._compare():
            currency = self.env["res.currency"].browse(line["currency_id"])
            if not currency.is_zero(line["difference"]):
                self._call_managers(
                    company,
                    self.env._("The wallets and the books differ"),
                    self.env._(
                        "%(company)s, %(day)s: %(amount)s. See Books, Reconciliation.",
                        company=company.name,
                        day=fields.Date.to_string(yesterday),
                        amount=currency.format(line["difference"]),
                    ),
                )

    @api.model
    def _call_managers(self, company, summary, note):
        """Give the billing managers of a company something to do, unless they have it already.

        :param str summary: what it is about
        :param str note: what exactly
        """
        managers = self.env.ref("tier_billing.group_tier_manager").all_user_ids
        for user in managers.filtered(lambda user: not user.share and company in user.company_ids):
            partner = user.partner_id.sudo()
            known = partner.activity_ids.filtered(lambda todo, user=user: todo.user_id == user)
            if summary not in known.mapped("summary"):
                partner.activity_schedule(
                    "mail.mail_activity_data_warning", summary=summary, note=note, user_id=user.id
                )

    @api.model
    def _book(self, company, until=None, everything=False):
        """Book what a company's ledger moved and the books have not.

        Each accounting day in a short transaction of its own, so that a run which is
        stopped has lost nothing and the next one goes on.

        :param company: ``res.company`` record
        :param until: ``date`` of the last day to book; yesterday where the company is
        :param bool everything: look at every day, not only at those with news
        :return: ids of the journal entries
        :raise UserError: when accounts are missing
        """
        company = company.sudo()
        self._check_ready(company)
        until = until or self._today(company) - timedelta(days=1)
        # What was used later than that is news to the next run, whenever it was written.
        began = min(fields.Datetime.now(), self._utc_bounds(company, until)[1])
        by_date = defaultdict(list)
        for day in self._days_to_look_at(company, until, everything):
            by_date[self._open_date(company, day)].append(day)
        moves = []
        for date, days in sorted(by_date.items()):
            moves += ledger.cursor.in_short_transaction(
                self.env.registry,
                lambda cr, date=date, days=days: self.with_env(self.env(cr=cr))._book_days(company.id, date, days),
            )
        ledger.cursor.in_short_transaction(self.env.registry, lambda cr: self._note_run(cr, company.id, began))
        self.env.invalidate_all()
        return moves

    @api.model
    def _note_run(self, cr, company_id, began):
        """Remember until when all is booked, unless a later run knows better.

        :param cr: cursor of a short transaction
        """
        cr.execute(
            SQL("UPDATE res_company SET tier_booked_at = GREATEST(tier_booked_at, %s) WHERE id = %s", began, company_id)
        )

    @api.model
    def _book_days(self, company_id, date, days):
        """Book what is missing of some days in one journal entry, under the company's lock.

        Who waited here for another run sees what that one booked: the transaction is
        READ COMMITTED, and reads nothing before it has the lock.

        :param int company_id: of a company
        :param date: accounting ``date``
        :param days: list of ``date``
        :return: list of the id of the entry, or empty if there was nothing to book
        """
        self.env.cr.execute(SQL("SELECT pg_advisory_xact_lock(hashtext('tier.booking'), %s)", company_id))
        self.env.cr.execute(
            SQL(
                "DELETE FROM tier_booking_line WHERE company_id = %s AND move_id IS NULL AND day = ANY(%s)",
                company_id,
                days,
            )
        )
        company = self.env["res.company"].sudo().browse(company_id)
        zone = self._zone(company)
        rows = self.env["tier.booking.line"].sudo()._unbooked(company, zone, days)
        if not rows:
            return []
        # In the language of the company, whoever runs it.
        here = self.sudo().with_company(company).with_context(lang=company.partner_id.lang or self.env.lang)
        move = here._create_entry(company, date, rows)
        self.env["tier.booking.line"].sudo()._insert(move, rows)
        if not company.tier_books_tz:
            company.tier_books_tz = zone
        self.env.flush_all()
        return move.ids

    @api.model
    def _check_ready(self, company):
        """Refuse to book without the accounts to book on.

        :raise UserError: naming what is missing
        """
        names = (
            "tier_credit_account_id",
            "tier_clearing_account_id",
            "tier_grant_account_id",
            "tier_adjustment_account_id",
            "tier_expiry_account_id",
            "tier_revenue_account_id",
            "tier_journal_id",
        )
        missing = [company._fields[name]._description_string(self.env) for name in names if not company[name]]
        if missing:
            raise UserError(
                self.env._(
                    "The books of %(company)s lack: %(missing)s. Set them under Configuration, Settings.",
                    company=company.name,
                    missing=", ".join(missing),
                )
            )

    # ------------------------------------------------------------------
    # Buttons
    # ------------------------------------------------------------------

    def action_move(self):
        """Open the journal entry.

        :return: a window action
        """
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "res_model": "account.move",
            "res_id": self.move_id.id,
            "view_mode": "form",
        }

    def action_lines(self):
        """Open what was booked, by day and wallet.

        :return: a window action
        """
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.actions"]._for_xml_id("tier_billing.tier_booking_line_action")
        action["domain"] = [
            ("move_id", "=", self.move_id.id),
            *self.env["tier.booking.line"]._of_currency(self.currency_id),
        ]
        return action

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su:
            raise UserError(self.env._("Transfers are booked by the daily entry."))
        return super().create(vals_list)

    # pylint: disable-next=method-required-super
    def copy(self, default=None):
        raise UserError(self.env._("Transfers are booked by the daily entry."))
