import calendar
from datetime import timedelta

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError


class TierStatement(models.TransientModel):
    """The statement of one wallet and period, on the screen and to print."""

    _name = "tier.statement"
    _description = "Statement of a Wallet"
    _rec_name = "wallet_id"

    wallet_id = fields.Many2one("tier.wallet", required=True, ondelete="cascade")
    company_id = fields.Many2one(related="wallet_id.company_id")
    period = fields.Selection(
        [
            ("month", "This month"),
            ("last_month", "Last month"),
            ("year", "This year"),
            ("last_year", "Last year"),
            ("custom", "Chosen days"),
        ],
        required=True,
        default="month",
    )
    date_from = fields.Date(
        "From", required=True, compute="_compute_dates", store=True, readonly=False, precompute=True
    )
    date_to = fields.Date("To", required=True, compute="_compute_dates", store=True, readonly=False, precompute=True)
    body = fields.Html(compute="_compute_body", sanitize=False)

    @api.depends("period")
    def _compute_dates(self):
        for statement in self:
            first, last = self._days(statement.period)
            statement.date_from = statement.date_from if statement.period == "custom" else first
            statement.date_to = statement.date_to if statement.period == "custom" else last

    @api.model
    def _days(self, period):
        """Return the first and the last day of a named period.

        :param str period: a value of ``period``
        :return: tuple of two dates
        """
        today = fields.Date.context_today(self)
        month = today.replace(day=1)
        if period == "last_month":
            return (month - timedelta(days=1)).replace(day=1), month - timedelta(days=1)
        if period == "year":
            return month.replace(month=1), month.replace(month=12, day=31)
        if period == "last_year":
            return month.replace(year=today.year - 1, month=1), month.replace(year=today.year - 1, month=12, day=31)
        return month, month.replace(day=calendar.monthrange(today.year, today.month)[1])

    @api.onchange("date_from", "date_to")
    def _onchange_dates(self):
        if (self.date_from, self.date_to) != self._days(self.period):
            self.period = "custom"

    @api.depends("wallet_id", "date_from", "date_to")
    @api.depends_context("lang", "uid")
    def _compute_body(self):
        for statement in self:
            statement.body = statement._render_body()

    def _render_body(self):
        """Return the statement as HTML, empty while days are missing or in the wrong order."""
        if not (self.wallet_id and self.date_from and self.date_to) or self.date_to < self.date_from:
            return Markup()
        page = self.wallet_id._origin._statement_page(self.date_from, self.date_to)
        return self.env["ir.qweb"]._render("tier_billing.statement_body", {"page": page})

    def _page(self):
        """Return what the printed statement shows; see ``tier.wallet``."""
        self.ensure_one()
        return self.wallet_id._statement_page(self.date_from, self.date_to)

    def _file_name(self):
        """Return the name of a file without its extension."""
        self.ensure_one()
        name = self.env._("Statement %s", self.wallet_id.sudo().name)
        return f"{name} {self.date_from} {self.date_to}".replace("/", "-")

    def _check_days(self):
        self.ensure_one()
        self.wallet_id.check_access("read")
        if self.date_to < self.date_from:
            raise UserError(self.env._("The last day is before the first one."))

    def action_pdf(self):
        """Print the statement.

        :return: a report action
        """
        self._check_days()
        return self.env.ref("tier_billing.tier_statement_report").report_action(self, config=False)

    def action_csv(self):
        """Download the movements as CSV.

        :return: an action that leads to the file
        """
        return self._download("csv")

    def action_xlsx(self):
        """Download the movements as a workbook.

        :return: an action that leads to the file
        """
        return self._download("xlsx")

    def _download(self, file_format):
        self._check_days()
        return {
            "type": "ir.actions.act_url",
            "url": f"/tier_billing/statement/{self.id}/{file_format}",
            "target": "download",
        }
