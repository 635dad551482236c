from datetime import timedelta
from decimal import Decimal

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import format_date

SETTINGS = ("journal_id", "expense_account_id", "recovery_account_id")


class TierChargeback(models.Model):
    """What departments used in a month, as one journal entry with analytic distribution.

    The extensions' usage is priced like any other; who bears it stands on the endpoint, on the
    wallet, or on a wallet above. Always the difference between the charges and what was charged
    back before: late records, refunds and corrections come with the next one.
    """

    _name = "tier.chargeback"
    _description = "Charge-back to Departments"
    _inherit = ["mail.thread"]
    _order = "date_from desc, id desc"
    _check_company_auto = True

    name = fields.Char(compute="_compute_name")
    company_id = fields.Many2one(
        "res.company", required=True, ondelete="restrict", default=lambda self: self.env.company
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    date_from = fields.Date("Month", required=True, default=lambda self: self._last_month())
    date_to = fields.Date("Until", compute="_compute_date_to", store=True)
    state = fields.Selection(
        [("draft", "Draft"), ("posted", "Posted"), ("cancelled", "Cancelled")],
        required=True,
        readonly=True,
        copy=False,
        default="draft",
        tracking=True,
    )
    journal_id = fields.Many2one(
        "account.journal",
        required=True,
        check_company=True,
        domain="[('type', '=', 'general')]",
        default=lambda self: self._last_setting("journal_id"),
    )
    expense_account_id = fields.Many2one(
        "account.account",
        "Departments' expense",
        required=True,
        check_company=True,
        default=lambda self: self._last_setting("expense_account_id"),
        help="Debited, with each department's analytic account.",
    )
    recovery_account_id = fields.Many2one(
        "account.account",
        "Recovered cost",
        required=True,
        check_company=True,
        default=lambda self: self._last_setting("recovery_account_id"),
        help="Credited with the same amount, without a department: for instance the account of telephone costs on "
        "which the carrier's bills are.",
    )
    line_ids = fields.One2many("tier.chargeback.line", "chargeback_id", "Usage", readonly=True)
    unassigned = fields.Float(
        "Of nobody", compute="_compute_unassigned", help="Usage of the month for which no department is named."
    )
    amount = fields.Monetary("Charged back", readonly=True, copy=False)
    move_id = fields.Many2one(
        "account.move", "Journal entry", readonly=True, copy=False, index="btree_not_null", ondelete="restrict"
    )

    @api.depends("date_from")
    def _compute_name(self):
        for chargeback in self:
            month = chargeback.date_from and format_date(self.env, chargeback.date_from, date_format="MMMM yyyy")
            chargeback.name = self.env._("Charge-back %s", month or "")

    @api.depends("date_from")
    def _compute_date_to(self):
        for chargeback in self:
            chargeback.date_to = chargeback.date_from and chargeback.date_from + relativedelta(months=1, days=-1)

    @api.depends("line_ids")
    def _compute_unassigned(self):
        for chargeback in self:
            if not chargeback._origin.id:
                chargeback.unassigned = 0
                continue
            rows = [row for row in chargeback._used() if not row["distribution"]]
            chargeback.unassigned = float(sum((chargeback._in_company_currency(row) for row in rows), Decimal(0)))

    @api.model
    def _last_month(self):
        return fields.Date.context_today(self).replace(day=1) - relativedelta(months=1)

    @api.model
    def _last_setting(self, name):
        """Return what was chosen the last time."""
        return self.search([("company_id", "=", self.env.company.id)], limit=1)[name]

    @api.constrains("date_from")
    def _check_month(self):
        for chargeback in self:
            if chargeback.date_from.day != 1:
                raise ValidationError(self.env._("A charge-back is of a whole month: choose its first day."))

    # ------------------------------------------------------------------
    # Keeping it as it was
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        # Said in full: what is left out could come as a default in the context.
        initial = {"state": "draft", "move_id": False, "amount": 0}
        for vals in vals_list:
            if vals.get("date_from"):
                vals["date_from"] = fields.Date.to_date(vals["date_from"]).replace(day=1)
        records = super().create([{**vals, **initial} for vals in vals_list])
        records._collect()
        return records

    def write(self, vals):
        if {"state", "move_id", "amount", "line_ids"} & vals.keys():
            raise UserError(self.env._("A charge-back is posted and cancelled by its buttons."))
        facts = {"company_id", "date_from", *SETTINGS} & vals.keys()
        if facts and any(record.state != "draft" for record in self):
            raise UserError(self.env._("The charge-back was posted: it stays as it is."))
        if vals.get("date_from"):
            vals = {**vals, "date_from": fields.Date.to_date(vals["date_from"]).replace(day=1)}
        result = super().write(vals)
        if {"company_id", "date_from"} & vals.keys():
            self._collect()
        return result

    def _set(self, vals):
        """Write past :meth:`write`: the only way to set what the buttons decide."""
        return super().write(vals)  # pylint: disable=super-method-mismatch

    @api.ondelete(at_uninstall=False)
    def _unlink_drafts_only(self):
        if any(record.state != "draft" for record in self):
            raise UserError(self.env._("A charge-back that was posted is kept: cancel it."))

    # ------------------------------------------------------------------
    # Buttons
    # ------------------------------------------------------------------

    def action_refresh(self):
        """Read drafts anew: what was recorded since is on them."""
        self._claim("draft")._collect()

    def action_post(self):
        """Post the journal entry, with what is known at this moment; pressing twice posts once."""
        self.env["account.move"].check_access("create")
        for record in self._claim("draft"):
            record._collect()
            shares = record._shares()
            if not shares:
                raise UserError(self.env._("Nothing was used in this month that is not charged back yet."))
            move = record.env["account.move"].create(record._move_values(shares))
            move.action_post()
            record._set({"state": "posted", "move_id": move.id})

    def action_cancel(self):
        """Reverse the journal entry: what it charged back comes with the next one."""
        self.env["account.move"].check_access("create")
        for record in self._claim("posted"):
            record.move_id._reverse_moves([{"ref": self.env._("Cancelled: %s", record.name)}], cancel=True)
            record._set({"state": "cancelled"})

    def _claim(self, state):
        """Lock charge-backs, one company's after the other, and return those in a state."""
        self.check_access("write")
        self.env.flush_all()
        for company in self.company_id.sorted("id"):
            # Two of one company would charge the same usage back.
            self.env.cr.execute("SELECT pg_advisory_xact_lock(hashtext('tier.chargeback'), %s)", [company.id])
        self.invalidate_recordset()
        return self.filtered(lambda record: record.state == state)

    def _move_values(self, shares):
        """Return the values of the journal entry.

        :param shares: see :meth:`_shares`
        :rtype: dict
        """
        Service = self.env["tier.service"].sudo()
        lines = [
            {
                "name": f"{self.name}: {Service.browse(service).name or ''}",
                "account_id": self.expense_account_id.id,
                "balance": float(amount),
                "analytic_distribution": distribution,
            }
            for (distribution, service), amount in shares
        ]
        total = sum(amount for _who, amount in shares)
        if total:
            lines.append(
                {"name": self.name, "account_id": self.recovery_account_id.id, "balance": -float(total)},
            )
        return {
            "move_type": "entry",
            "company_id": self.company_id.id,
            "journal_id": self.journal_id.id,
            "date": min(self.date_to, fields.Date.context_today(self)),
            "ref": self.name,
            "line_ids": [fields.Command.create(line) for line in lines],
        }

    @api.model
    def _cron_draft(self):
        """Make the drafts of last month for the companies that charge back; called daily by cron.

        Two days later, so that exchanges can deliver what they have of the month's end.
        """
        month = (fields.Date.today() - timedelta(days=2)).replace(day=1) - relativedelta(months=1)
        posted = self.search([("state", "=", "posted"), ("date_from", "<", month)])
        done = self.search([("date_from", ">=", month), ("state", "!=", "cancelled")]).company_id
        for company in posted.company_id - done:
            last = posted.filtered(lambda record, company=company: record.company_id == company)[:1]
            self.with_company(company).create(
                {"company_id": company.id, "date_from": month, **{name: last[name].id for name in SETTINGS}}
            )

    def action_move(self):
        """Open the journal entry.

        :return: a window action
        """
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "account.move",
            "res_id": self.move_id.id,
            "view_mode": "form",
        }

    def action_analytic(self):
        """Open the analytic items of the journal entry: cost by department.

        :return: a window action
        """
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id("analytic.account_analytic_line_action_entries")
        action["domain"] = [("move_line_id.move_id", "=", self.move_id.id)]
        action["context"] = {"search_default_group_by_analytic_account": 1}
        return action
