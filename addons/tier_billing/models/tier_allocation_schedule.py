import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

from .. import ledger, months
from ..const import MONEY_DIGITS
from ..ledger.grants import Grant

_logger = logging.getLogger(__name__)

# What is given, to whom and when; who set it last cannot start it above the limit.
TERMS = frozenset(
    ("company_id", "scope", "parent_id", "wallet_ids", "amount", "day", "return_unused", "date_from", "date_to")
)
# Set by the buttons and the cron, never by a form.
PROGRESS = frozenset(("state", "next_date", "terms_user_id"))


class TierAllocationSchedule(models.Model):
    """Credit that wallets get on a day of every month, such as 10.00 for every student."""

    _name = "tier.allocation.schedule"
    _description = "Allocation Schedule"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "name, id"
    _check_company_auto = True

    name = fields.Char(required=True, help="Shown in the ledger as the reason.")
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", required=True, ondelete="restrict", default=lambda self: self.env.company
    )
    state = fields.Selection(
        [("stopped", "Stopped"), ("running", "Running")],
        required=True,
        readonly=True,
        default="stopped",
        copy=False,
        tracking=True,
    )
    scope = fields.Selection(
        [("children", "All customers of a wallet"), ("wallets", "These wallets")],
        "To",
        required=True,
        default="children",
    )
    parent_id = fields.Many2one(
        "tier.wallet",
        "Customers of",
        ondelete="restrict",
        check_company=True,
        tracking=True,
        help="Its direct customers on the day; those that are suspended or closed get nothing.",
    )
    wallet_ids = fields.Many2many("tier.wallet", string="Wallets", check_company=True)
    amount = fields.Float(
        "Amount for each",
        digits=MONEY_DIGITS,
        required=True,
        tracking=True,
        help="In the currency of each wallet; it comes from its parent.",
    )
    day = fields.Integer(
        "Day of the month",
        required=True,
        default=1,
        tracking=True,
        help="1 to 31; the last day of a month that is shorter.",
    )
    return_unused = fields.Boolean(
        "Unused credit returns",
        default=True,
        tracking=True,
        help="What is left of the grant before goes back to the parent first. What a wallet spends is taken from the "
        "grant first, then from its other credit.",
    )
    date_from = fields.Date(
        "From",
        required=True,
        default=fields.Date.context_today,
        help="First day on which it may fall due. A day in the past is made up for when the schedule is first started.",
    )
    date_to = fields.Date("Until")
    next_date = fields.Date("Next on", readonly=True, copy=False)
    user_id = fields.Many2one("res.users", "Responsible", default=lambda self: self.env.user, tracking=True)
    terms_user_id = fields.Many2one("res.users", "Terms set by", readonly=True, copy=False)
    run_ids = fields.One2many("tier.allocation.run", "schedule_id", "Runs", readonly=True)
    run_count = fields.Integer(compute="_compute_run_count")
    failed_count = fields.Integer("Failed at last", compute="_compute_run_count")
    target_count = fields.Integer("Number of wallets", compute="_compute_target_count")

    _day_of_month = models.Constraint("CHECK (day >= 1 AND day <= 31)", "The day of the month is 1 to 31.")
    _amount_positive = models.Constraint(
        "CHECK (amount > 0 AND amount < 1e12 AND scale(amount) <= 6)",
        "The amount is above zero, below one trillion and has at most six decimals.",
    )
    _period = models.Constraint(
        "CHECK (date_to IS NULL OR date_to >= date_from)", "The end is not before the beginning."
    )

    @api.depends("run_ids")
    def _compute_run_count(self):
        for schedule in self:
            schedule.run_count = len(schedule.run_ids)
            schedule.failed_count = schedule.run_ids[:1].failed_count

    @api.depends("scope", "parent_id", "wallet_ids")
    def _compute_target_count(self):
        for schedule in self:
            schedule.target_count = self.env["tier.wallet"].search_count(schedule._target_domain())

    @api.constrains("scope", "parent_id", "wallet_ids")
    def _check_target(self):
        for schedule in self:
            if schedule.scope == "children" and not schedule.parent_id:
                raise ValidationError(self.env._("Choose whose customers get it."))
            if schedule.scope == "wallets" and not schedule.wallet_ids:
                raise ValidationError(self.env._("Choose the wallets that get it."))

    # ------------------------------------------------------------------
    # Keeping what was agreed
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        # Said in full: what is left out could come as a default in the context.
        vals_list = [
            {**vals, "state": "stopped", "next_date": False, "terms_user_id": self.env.uid} for vals in vals_list
        ]
        return super().create(vals_list)

    def write(self, vals):
        if PROGRESS & vals.keys():
            raise UserError(self.env._("A schedule is started and stopped by its buttons."))
        changed = any(self._changes(schedule, name, vals) for name in TERMS & vals.keys() for schedule in self)
        archives = "active" in vals and not vals["active"]
        if (changed or archives) and any(schedule.state == "running" for schedule in self):
            raise UserError(self.env._("Stop the schedule before you change it."))
        if changed:
            vals = {**vals, "terms_user_id": self.env.uid}
        return super().write(vals)

    @staticmethod
    def _changes(schedule, name, vals):
        """Tell whether a value differs; a list of wallets always counts as another."""
        if name == "wallet_ids":
            return True
        field = schedule._fields[name]
        return field.convert_to_cache(vals[name], schedule) != field.convert_to_cache(schedule[name], schedule)

    def _progress(self, vals):  # pylint: disable=missing-return
        """Note how far it is: the only way past :meth:`write`."""
        super().write(vals)  # pylint: disable=super-method-mismatch

    @api.ondelete(at_uninstall=False)
    def _unlink_except_with_runs(self):
        if self.run_ids:
            raise UserError(self.env._("A schedule that has given credit is kept: archive it."))

    # ------------------------------------------------------------------
    # Starting and stopping
    # ------------------------------------------------------------------

    def action_start(self):
        """Let the cron give credit from the next day that falls due."""
        self._check_manager()
        for schedule in self._claim("stopped"):
            schedule._check_second_person()
            since = schedule.date_from
            if schedule.run_ids:
                # What fell due while it was stopped is not made up for.
                since = max(since, schedule._today(), months.next_month(schedule.run_ids[:1].period))
            schedule._progress({"state": "running", "next_date": schedule._due(since)})

    def action_stop(self):
        """Give no more credit until it is started again."""
        self._check_manager()
        for schedule in self._claim("running"):
            schedule._progress({"state": "stopped", "next_date": False})

    def action_runs(self):
        """Open what was done so far.

        :return: a window action
        """
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id("tier_billing.tier_allocation_run_action")
        action["domain"] = [("schedule_id", "=", self.id)]
        return action

    def action_targets(self):
        """Open the wallets that would get it today.

        :return: a window action
        """
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id("tier_billing.tier_wallet_action")
        action["domain"] = self._target_domain()
        return action

    def _check_manager(self):
        self.check_access("write")
        if not self.env.user.has_group("tier_billing.group_tier_manager"):
            raise AccessError(self.env._("Only a billing manager starts and stops a schedule."))

    def _check_second_person(self):
        """Refuse that one person alone lets money flow above the company's limit."""
        Wallet = self.env["tier.wallet"]
        wallets = Wallet.search(self._target_domain())
        totals = Wallet._totals([Grant(wallet.id, self.amount, "") for wallet in wallets])
        total = Wallet._in_company_currency(totals, self.company_id)
        if self.terms_user_id == self.env.user and self.company_id._tier_needs_approval(total):
            raise AccessError(
                self.env._(
                    "%(name)s gives %(total)s a month, which is above the company's limit: "
                    "a second billing manager has to start it.",
                    name=self.name,
                    total=Wallet._totals_text(totals),
                )
            )

    def _claim(self, state):
        """Lock schedules and return those in a state: who is there no more is left alone."""
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT id FROM tier_allocation_schedule WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [self.ids]
        )
        self.invalidate_recordset()
        return self.filtered(lambda schedule: schedule.state == state)

    # ------------------------------------------------------------------
    # Who and when
    # ------------------------------------------------------------------

    def _target_domain(self):
        """Return which wallets get it."""
        self.ensure_one()
        domain = [("company_id", "=", self.company_id.id), ("state", "=", "active"), ("parent_id", "!=", False)]
        if self.scope == "wallets":
            return [*domain, ("id", "in", self.wallet_ids.ids)]
        return [*domain, ("parent_id", "=", self.parent_id.id)]

    def _today(self):
        """Return the day that it is where the company is."""
        zone = self.company_id.sudo().partner_id.tz
        return ledger.spending.local_day(fields.Datetime.now(), zone)

    def _due(self, since):
        """Return the first day from a day on; False once it is over."""
        due = months.first_due(since, self.day)
        return due if not self.date_to or due <= self.date_to else False

    # ------------------------------------------------------------------
    # The cron
    # ------------------------------------------------------------------

    @api.model
    def _run_due(self):
        """Give what fell due, month by month after an outage; called by cron.

        Each step is a short transaction of its own that may be repeated: it can be
        stopped anywhere, and two of it may run at once.

        :return: number of runs that were ended
        """
        # A day later than here it may be already elsewhere.
        horizon = fields.Date.today() + timedelta(days=1)
        schedules = self.search([("state", "=", "running"), ("next_date", "<=", horizon)])
        ended = 0
        for position, schedule in enumerate(schedules, 1):
            try:
                while schedule._run_next():
                    ended += 1
            except Exception:
                _logger.exception("Allocation schedule %s was interrupted; it goes on with the next run", schedule.id)
            if not self.env["ir.cron"]._commit_progress(1, remaining=len(schedules) - position):
                break
        self.env.invalidate_all()
        return ended

    def _run_next(self):
        """Give what one month brings, if it is due.

        :return: whether it was, and is done
        :rtype: bool
        """
        run_id = self._apart(lambda schedule: schedule._begin_run())
        if not run_id:
            return False
        return self.env["tier.allocation.run"].browse(run_id)._carry_out()

    def _apart(self, function):
        """Call ``function(schedule)`` in a short transaction of its own."""
        return ledger.cursor.in_short_transaction(
            self.env.registry, lambda cr: function(self.with_env(self.env(cr=cr)))
        )

    def _begin_run(self):
        """Return the id of the run that is due, begun now or before; None if none is."""
        schedule = self._claim("running")
        if not schedule or not schedule.next_date or schedule.next_date > schedule._today():
            return None
        period = schedule.next_date.replace(day=1)
        Run = self.env["tier.allocation.run"].sudo()
        run = Run.search([("schedule_id", "=", schedule.id), ("period", "=", period)])
        return (run or Run.create({"schedule_id": schedule.id, "period": period, "due_date": schedule.next_date})).id
