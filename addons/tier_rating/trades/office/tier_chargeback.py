import json
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL, format_date, groupby

from odoo.addons.tier_billing.statements import layout

# So many months before its own one charge-back looks for usage that was recorded late.
MONTHS_BACK = 3
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
    move_id = fields.Many2one("account.move", "Journal entry", readonly=True, copy=False, ondelete="restrict")

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
    # What was used
    # ------------------------------------------------------------------

    def _collect(self):
        """Read drafts anew from the charges."""
        Line = self.env["tier.chargeback.line"].sudo()
        for record in self:
            record.sudo().line_ids.unlink()
            rows = [row for row in record._used() if row["distribution"]]
            Line.create([{**row, "chargeback_id": record.id} for row in rows])
            record._set({"amount": float(sum(amount for _who, amount in record._shares()))})

    def _used(self):
        """Return what was used and not charged back yet, by month, wallet, extension and service.

        Leans on the charges' index on the wallet and the date.

        :return: list of dicts of values of a line; ``cost`` is exact, ``distribution`` may be empty
        """
        self.ensure_one()
        self.check_access("read")
        tz = self.sudo().company_id.partner_id.tz or "UTC"
        start, stop = layout.span(self.date_from - relativedelta(months=MONTHS_BACK), self.date_to, tz)
        first = self._first_month()
        wallets = self._bearers()
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                WITH used AS (
                    SELECT date_trunc('month', tier_local_day(c.date, %(tz)s))::date AS month, c.wallet_id,
                           COALESCE(e.endpoint_id, 0) AS endpoint_id, COALESCE(c.service_id, 0) AS service_id,
                           count(*) FILTER (WHERE c.reverses_id IS NULL)
                           - count(*) FILTER (WHERE c.reverses_id IS NOT NULL AND c.rerating_id IS NULL) AS calls,
                           sum(c.billed_quantity) AS quantity, sum(c.cost) AS cost
                      FROM tier_charge c JOIN tier_usage_event e ON e.id = c.event_id
                     WHERE c.wallet_id = ANY(%(wallets)s) AND c.child_id IS NULL AND c.answered
                       AND c.date >= %(start)s AND c.date < %(stop)s
                     GROUP BY 1, 2, 3, 4),
                     done AS (
                    SELECT month, wallet_id, COALESCE(endpoint_id, 0) AS endpoint_id,
                           COALESCE(service_id, 0) AS service_id, sum(calls) AS calls,
                           sum(quantity) AS quantity, sum(cost) AS cost
                      FROM tier_chargeback_line
                     WHERE company_id = %(company)s AND state = 'posted' AND month >= %(since)s AND month <= %(until)s
                     GROUP BY 1, 2, 3, 4)
                SELECT month, wallet_id, endpoint_id, service_id,
                       COALESCE(u.calls, 0) - COALESCE(d.calls, 0),
                       (COALESCE(u.quantity, 0) - COALESCE(d.quantity, 0))::text,
                       (COALESCE(u.cost, 0) - COALESCE(d.cost, 0))::text
                  FROM used u FULL JOIN done d USING (month, wallet_id, endpoint_id, service_id)
                 WHERE month >= %(first)s
                   AND (COALESCE(u.calls, 0), COALESCE(u.cost, 0)) <> (COALESCE(d.calls, 0), COALESCE(d.cost, 0))
                 ORDER BY month, wallet_id, endpoint_id, service_id""",
                tz=tz,
                wallets=list(wallets),
                start=start,
                stop=stop,
                company=self.company_id.id,
                since=self.date_from - relativedelta(months=MONTHS_BACK),
                until=self.date_to,
                first=first,
            )
        )
        rows = self.env.cr.fetchall()
        endpoints = self.env["tier.endpoint"].sudo().with_context(active_test=False)
        own = {
            endpoint.id: endpoint.analytic_distribution
            for endpoint in endpoints.browse({row[2] for row in rows if row[2]}).exists()
        }
        return [
            {
                "month": month,
                "wallet_id": wallet,
                "endpoint_id": endpoint or False,
                "service_id": service or False,
                "calls": calls,
                "quantity": Decimal(quantity),
                "cost": Decimal(cost),
                "distribution": own.get(endpoint) or wallets.get(wallet) or False,
            }
            for month, wallet, endpoint, service, calls, quantity, cost in rows
        ]

    def _first_month(self):
        """Return the earliest month that is charged back: that of the company's first charge-back."""
        earliest = self.sudo().search(
            [("company_id", "=", self.company_id.id), ("state", "=", "posted")], order="date_from", limit=1
        )
        return min(earliest.date_from or self.date_from, self.date_from)

    def _bearers(self):
        """Return the wallets of which somebody bears the cost.

        Those with departments, those below them, and those with such endpoints.

        :return: dict of wallet id to its distribution, empty where only endpoints have one
        """
        Wallet = self.env["tier.wallet"].sudo().with_context(active_test=False)
        self.env.flush_all()
        # Odoo's search takes a distribution for the accounts in it, and finds none without any.
        self.env.cr.execute(
            """SELECT id FROM tier_wallet
                WHERE company_id = %s AND COALESCE(analytic_distribution, 'null') NOT IN ('null', '{}')""",
            [self.company_id.id],
        )
        named = Wallet.browse(row[0] for row in self.env.cr.fetchall())
        below = Wallet.search([("id", "child_of", named.ids)]) if named else Wallet
        own = {wallet.id: wallet.analytic_distribution for wallet in named}
        result = {}
        for wallet in below:
            path = [int(step) for step in wallet.parent_path.split("/") if step]
            result[wallet.id] = next((own[step] for step in reversed(path) if own.get(step)), {})
        self.env.cr.execute(
            """SELECT DISTINCT e.wallet_id FROM tier_endpoint e JOIN tier_wallet w ON w.id = e.wallet_id
                WHERE w.company_id = %s AND COALESCE(e.analytic_distribution, 'null') NOT IN ('null', '{}')""",
            [self.company_id.id],
        )
        return {**{row[0]: {} for row in self.env.cr.fetchall()}, **result}

    def _in_company_currency(self, row):
        """Return the cost of a row, exactly, at the rate of the last day of the month of the charge-back."""
        wallet = self.env["tier.wallet"].sudo().browse(row["wallet_id"])
        return row["cost"] * wallet._rate(wallet.currency_id, self.company_id.currency_id, self.date_to)

    def _shares(self):
        """Return what each department bears, rounded once.

        :return: list of ((distribution, service), ``Decimal`` amount), without those of nothing
        """
        self.ensure_one()
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT wallet_id, service_id, distribution::text, cost::text FROM tier_chargeback_line "
            "WHERE chargeback_id = %s ORDER BY id",
            [self.id],
        )
        rows = [
            (json.dumps(json.loads(text), sort_keys=True), service or 0, {"wallet_id": wallet, "cost": Decimal(cost)})
            for wallet, service, text, cost in self.env.cr.fetchall()
        ]
        step = Decimal(1).scaleb(-self.currency_id.decimal_places)
        shares = []
        for (text, service), group in sorted(groupby(rows, key=lambda row: row[:2]), key=lambda pair: pair[0]):
            total = sum((self._in_company_currency(row[2]) for row in group), Decimal(0))
            rounded = total.quantize(step, ROUND_HALF_UP)
            if rounded:
                shares.append(((json.loads(text), service), rounded))
        return shares

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
