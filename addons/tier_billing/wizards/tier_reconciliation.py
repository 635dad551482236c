from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from odoo import Command, api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

# Days shown at first, and at most: each needs the transfers since then.
DAYS = 7
MOST_DAYS = 366


@dataclass(slots=True)
class Series:
    """A figure by currency, known on one day, and how it changed on the days around it.

    :param at: dict of currency id to the figure at the end of the day ``known``
    :param changes: dict of (currency id, day) to the change on that day
    """

    at: dict
    changes: dict
    known: object

    def on(self, currency_id, day):
        """Return the figure at the end of a day.

        :rtype: Decimal
        """
        value = self.at.get(currency_id, Decimal(0))
        for (key, changed), amount in self.changes.items():
            if key == currency_id and self.known < changed <= day:
                value += amount
            elif key == currency_id and day < changed <= self.known:
                value -= amount
        return value


class TierReconciliation(models.TransientModel):
    """Compares what customers have in their wallets with the liability in the books, day by day.

    The wallets' side is the ledger, the books' side the journal items of the account; what
    was booked when is told by ``tier.booking``.
    """

    _name = "tier.reconciliation"
    _description = "Reconciliation of the Wallets"

    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)
    date_from = fields.Date("From", required=True, default=lambda self: self._default_day(DAYS - 1))
    date_to = fields.Date("As of", required=True, default=lambda self: self._default_day(0))
    line_ids = fields.One2many("tier.reconciliation.line", "reconciliation_id", readonly=True)

    @api.model
    def _default_day(self, ago):
        return self.env["tier.booking"]._today(self.env.company) - timedelta(days=ago)

    @api.model
    def action_open(self):
        """Compare the last days of the companies that are switched on.

        :return: a window action on the result
        """
        self.check_access("create")
        companies = self.env.companies.filtered("tier_credit_account_id")
        if not companies:
            raise UserError(self.env._("No account for the customers' credit is set yet: see Configuration, Settings."))
        reports = self.create(
            [
                {
                    "company_id": company.id,
                    "date_from": self.env["tier.booking"]._today(company) - timedelta(days=DAYS - 1),
                    "date_to": self.env["tier.booking"]._today(company),
                }
                for company in companies
            ]
        )
        return reports.action_show()

    def action_show(self):
        """Compare the chosen days.

        :return: a window action on the result
        """
        self.check_access("write")
        for report in self:
            report._check()
            report.line_ids = [Command.clear(), *map(Command.create, report._compare())]
        action = self.env["ir.actions.actions"]._for_xml_id("tier_billing.tier_reconciliation_line_action")
        action["domain"] = [("reconciliation_id", "in", self.ids)]
        return action

    def _check(self):
        """Refuse what cannot be compared."""
        self.ensure_one()
        if self.company_id not in self.env.companies:
            raise AccessError(self.env._("Switch on the company %s first.", self.sudo().company_id.name))
        if not self.company_id.tier_credit_account_id:
            raise UserError(self.env._("%s has no account for the customers' credit.", self.company_id.name))
        if not self.date_from <= self.date_to <= self.date_from + timedelta(days=MOST_DAYS):
            raise UserError(self.env._("Choose a period of at most a year that ends after it begins."))

    # ------------------------------------------------------------------
    # Figures
    # ------------------------------------------------------------------

    def _compare(self):
        """Return the values of the lines, newest day first.

        :return: list of dicts
        """
        self.ensure_one()
        self.env.flush_all()
        wallets, booked = self._wallets(), self._booked()
        entered, rounded = self._entered()
        books, value = self._books()
        currencies = {
            key for series in (wallets, booked, books) for key in (*series.at, *(key for key, _day in series.changes))
        }
        lines = []
        company, day = self.company_id, self.date_to
        while day >= self.date_from:
            for currency in self.env["res.currency"].browse(currencies).sorted("name"):
                has, noted = wallets.on(currency.id, day), booked.on(currency.id, day)
                expected = entered.on(currency.id, day) - rounded.on(currency.id, day)
                found = books.on(currency.id, day)
                rate = self.env["res.currency"]._get_conversion_rate(currency, company.currency_id, company, day)
                worth = company.currency_id.round(float(found) * rate)
                lines.append(
                    {
                        "day": day,
                        "currency_id": currency.id,
                        "wallets": float(has),
                        "unbooked": float(has - noted),
                        "late": float(noted - entered.on(currency.id, day)),
                        "rounding": float(rounded.on(currency.id, day)),
                        "books": float(found),
                        "difference": float(found - expected),
                        "company_value": float(value.on(currency.id, day)),
                        "exchange_difference": worth - float(value.on(currency.id, day)),
                    }
                )
            day -= timedelta(days=1)
        return lines

    def _query(self, known, at, changes):
        """Read a figure.

        :param known: the day of ``at``
        :param at: ``SQL`` of (currency id, amount)
        :param changes: ``SQL`` of (currency id, day, amount)
        :rtype: Series
        """
        cr = self.env.cr
        cr.execute(at)
        figures = {key: Decimal(amount or 0) for key, amount in cr.fetchall()}
        cr.execute(changes)
        return Series(figures, {(key, day): Decimal(amount or 0) for key, day, amount in cr.fetchall()}, known)

    def _wallets(self):
        """Read what customers have: the balances of now, less what moved after each day.

        Leans on the ledger's index on the date: reads the transfers after the first day.
        """
        Booking = self.env["tier.booking"]
        company, zone = self.company_id, Booking._zone(self.company_id)
        inside = self.env["tier.booking.line"]._inside_accounts(company)
        return self._query(
            fields.Date.to_date("9999-12-31"),
            SQL(
                """SELECT currency_id, sum(balance)::text FROM tier_account
                    WHERE id IN (SELECT id FROM (%s) i) GROUP BY currency_id""",
                inside,
            ),
            SQL(
                """
                WITH inside AS (%(inside)s),
                     moved AS (
                        SELECT tier_local_day(t.date, %(zone)s) AS day, t.from_account_id, t.to_account_id,
                               t.currency_id, t.currency_to_id, t.amount, t.amount_to
                          FROM tier_transfer t
                         WHERE t.company_id = %(company)s AND t.date >= %(since)s)
                SELECT currency_id, day, sum(amount)::text
                  FROM (SELECT m.currency_id, m.day, -m.amount AS amount
                          FROM moved m JOIN inside ON inside.id = m.from_account_id
                        UNION ALL
                        SELECT m.currency_to_id, m.day, m.amount_to
                          FROM moved m JOIN inside ON inside.id = m.to_account_id) sides
                 GROUP BY currency_id, day""",
                inside=inside,
                zone=zone,
                company=company.id,
                since=Booking._utc_bounds(company, self.date_from)[1],
            ),
        )

    def _booked(self):
        """Read what is booked of the days up to each day, whatever date it has in the books."""
        return self._query(
            fields.Date.to_date("9999-12-31"),
            SQL(
                """SELECT currency_id, sum(amount)::text FROM tier_booking
                    WHERE company_id = %s AND move_id IS NOT NULL GROUP BY currency_id""",
                self.company_id.id,
            ),
            SQL(
                """
                SELECT currency_id, day, sum(amount)::text
                  FROM (SELECT currency_id, day, -amount AS amount FROM tier_booking_line
                         WHERE company_id = %(company)s AND day > %(since)s AND from_inside AND move_id IS NOT NULL
                        UNION ALL
                        SELECT currency_to_id, day, amount_to FROM tier_booking_line
                         WHERE company_id = %(company)s AND day > %(since)s AND to_inside AND move_id IS NOT NULL
                       ) sides
                 GROUP BY currency_id, day""",
                company=self.company_id.id,
                since=self.date_from,
            ),
        )

    def _entered(self):
        """Read what posted daily entries hold by their date, exactly, and what they rounded off.

        :return: two :class:`Series`
        """

        def read(amount):
            source = SQL(
                """FROM tier_booking b JOIN account_move m ON m.id = b.move_id AND m.state = 'posted'
                  WHERE b.company_id = %s""",
                self.company_id.id,
            )
            return self._query(
                self.date_from,
                SQL(
                    "SELECT b.currency_id, sum(%s)::text %s AND m.date <= %s GROUP BY 1", amount, source, self.date_from
                ),
                SQL(
                    "SELECT b.currency_id, m.date, sum(%s)::text %s AND m.date > %s GROUP BY 1, 2",
                    amount,
                    source,
                    self.date_from,
                ),
            )

        return read(SQL("b.amount")), read(SQL("b.amount - b.posted"))

    def _books(self):
        """Read the balance of the account in the books, in each currency and in the company's.

        From the journal items alone, whoever posted them.

        :return: two :class:`Series`, credits positive
        """

        def read(amount):
            source = SQL(
                """FROM account_move_line l
                  WHERE l.account_id = %s AND l.company_id = %s AND l.parent_state = 'posted'""",
                self.company_id.tier_credit_account_id.id,
                self.company_id.id,
            )
            return self._query(
                self.date_from,
                SQL(
                    "SELECT l.currency_id, (-sum(%s))::text %s AND l.date <= %s GROUP BY 1",
                    amount,
                    source,
                    self.date_from,
                ),
                SQL(
                    "SELECT l.currency_id, l.date, (-sum(%s))::text %s AND l.date > %s GROUP BY 1, 2",
                    amount,
                    source,
                    self.date_from,
                ),
            )

        return read(SQL("l.amount_currency")), read(SQL("l.balance"))
