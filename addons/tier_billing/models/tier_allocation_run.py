import logging
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

from .. import ledger, months
from ..ledger.grants import BACK, Grant

_logger = logging.getLogger(__name__)

# Wallets that one transaction gives to: their locks are held for as long as that takes.
BATCH = 500
# How many months back the last grant of a wallet is looked for.
MONTHS_BACK = 24
STOPPED = object()


class TierAllocationRun(models.Model):
    """One month of a schedule: who was given to, and who could not be."""

    _name = "tier.allocation.run"
    _description = "Allocation Run"
    _order = "period desc, id desc"

    schedule_id = fields.Many2one(
        "tier.allocation.schedule", required=True, readonly=True, index=True, ondelete="restrict"
    )
    company_id = fields.Many2one(related="schedule_id.company_id", store=True)
    period = fields.Date("Month", required=True, readonly=True, help="The first of the month; one run each.")
    due_date = fields.Date("Due on", required=True, readonly=True)
    state = fields.Selection(
        [("running", "In progress"), ("incomplete", "Some failed"), ("done", "Done")],
        required=True,
        readonly=True,
        default="running",
    )
    started_at = fields.Datetime("Began", readonly=True, default=fields.Datetime.now)
    ended_at = fields.Datetime("Ended", readonly=True)
    given_count = fields.Integer("Given to", readonly=True, default=0)
    returned_count = fields.Integer("Returned unused credit", readonly=True, default=0)
    failure_ids = fields.One2many("tier.allocation.failure", "run_id", "Failed", readonly=True)
    failed_count = fields.Integer(compute="_compute_failed_count")

    _once_a_month = models.UniqueIndex("(schedule_id, period)", "A schedule runs once a month.")

    @api.depends("schedule_id", "period")
    def _compute_display_name(self):
        for run in self:
            run.display_name = f"{run.schedule_id.name} {fields.Date.to_string(run.period)[:7]}"

    @api.depends("failure_ids")
    def _compute_failed_count(self):
        counts = dict(
            self.env["tier.allocation.failure"]._read_group([("run_id", "in", self.ids)], ["run_id"], ["__count"])
        )
        for run in self:
            run.failed_count = counts.get(run, 0)

    # ------------------------------------------------------------------
    # Buttons
    # ------------------------------------------------------------------

    def action_run_again(self):
        """Give to those that have not been given to in this run; to nobody twice."""
        self.ensure_one()
        self.check_access("read")
        if not self.env.user.has_group("tier_billing.group_tier_manager"):
            raise AccessError(self.env._("Only a billing manager runs a schedule by hand."))
        if self.schedule_id.run_ids[:1] != self:
            raise UserError(self.env._("A later month was given already: only the last run can be completed."))
        if self.schedule_id.state != "running":
            raise UserError(self.env._("Start the schedule first."))
        # Nothing is written here: all is done in transactions of their own.
        self._carry_out()
        self.env.invalidate_all()

    def action_transfers(self):
        """Open the movements of this run.

        :return: a window action
        """
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id("tier_billing.tier_transfer_action")
        # The date finds them by its index; the key tells them apart.
        action["domain"] = [
            ("date", ">=", fields.Datetime.to_string(self.started_at)),
            ("source_key", "=like", f"{self._key_of('%')}%"),
        ]
        return action

    # ------------------------------------------------------------------
    # Giving
    # ------------------------------------------------------------------

    def _carry_out(self):
        """Give to everybody that has not been given to, batch by batch, and end the run.

        :return: whether every batch went through; else the next call goes on
        :rtype: bool
        """
        last, complete = 0, True
        while wallet_ids := self._apart(lambda run, last=last: run._next_targets(last)):
            if wallet_ids is STOPPED:
                return False
            last = wallet_ids[-1]
            try:
                self._apart(lambda run, wallet_ids=wallet_ids: run._give(wallet_ids))
            except Exception:
                _logger.exception("Run %s of a schedule: wallets %s to %s", self.id, wallet_ids[0], last)
                complete = False
        if complete:
            self._apart(lambda run: run._end())
        return complete

    def _apart(self, function):
        """Call ``function(run)`` in a short transaction of its own, with all rights."""
        return ledger.cursor.in_short_transaction(
            self.env.registry, lambda cr: function(self.with_env(self.env(cr=cr)).sudo())
        )

    def _next_targets(self, after):
        """Return the ids of the next wallets, in their order.

        :param int after: id of the last of the batch before
        :return: list of int; :data:`STOPPED` once somebody stopped the schedule
        """
        if self.schedule_id.state != "running":
            return STOPPED
        domain = [*self.schedule_id._target_domain(), ("id", ">", after)]
        return self.env["tier.wallet"].search(domain, order="id", limit=BATCH).ids

    def _key_of(self, wallet_id):
        """Return the source key of the grant to a wallet in this run."""
        return self._key(self.period, wallet_id)

    def _key(self, period, wallet_id):
        return f"schedule:{self.schedule_id.id}:{period:%Y-%m}:{wallet_id}"

    def _give(self, wallet_ids):
        """Take back what is left of the last grant and give the new one, for a batch.

        :param list wallet_ids: in their order
        """
        Wallet = self.env["tier.wallet"]
        schedule = self.schedule_id
        self.env.flush_all()
        # Ahead of all else, what this batch touches: what is left is known under the locks only.
        wallets = Wallet.browse(wallet_ids)
        grants = [Grant(wallet.id, schedule.amount, self._key_of(wallet.id), label=wallet.name) for wallet in wallets]
        Wallet._lock_grants(grants)
        known = Wallet._posted_keys([grant.source_key for grant in grants])
        grants = [grant for grant in grants if grant.source_key not in known]
        if schedule.return_unused and grants:
            unused = self._unused([grant.wallet_id for grant in grants])
            for grant in grants:
                grant.returned = unused.get(grant.wallet_id, Decimal(0))
        result = Wallet._distribute(grants, schedule.name, skip=True)
        given = [grants[position] for position in result.given]
        self._note(wallet_ids, {grants[position].wallet_id: why for position, why in result.refused.items()})
        self.env.cr.execute(
            SQL(
                """UPDATE tier_allocation_run
                      SET given_count = given_count + %s, returned_count = returned_count + %s
                    WHERE id = %s""",
                len(given),
                sum(bool(grant.returned) for grant in given),
                self.id,
            )
        )
        self.invalidate_recordset()

    def _unused(self, wallet_ids):
        """Return what is left of the last grant of each wallet.

        Whatever left the wallet since then, less refunds, was taken from the grant first;
        never more than the wallet has now without its credit limit and its open sessions.

        :param list wallet_ids: whose accounts are locked
        :return: dict of wallet id to Decimal, for those with something left
        """
        earlier = self.search(
            [("schedule_id", "=", self.schedule_id.id), ("period", "<", self.period)], limit=MONTHS_BACK
        )
        if not earlier:
            return {}
        # The last grant by its key; then the movements of each account by its index on
        # the date. Late records bear an earlier date than the grant: hence the margin.
        self.env.cr.execute(
            SQL(
                """
                SELECT w.id, LEAST(g.amount_to - o.amount + i.amount, a.balance - a.held)::text
                  FROM tier_wallet w
                  JOIN tier_account a ON a.id = w.account_id
                 CROSS JOIN LATERAL (
                       SELECT t.id, t.amount_to, t.date, t.source_key
                         FROM unnest(%(stems)s::varchar[]) AS stem
                         JOIN tier_transfer t ON t.source_key = stem || w.id
                        ORDER BY t.id DESC LIMIT 1) g
                 CROSS JOIN LATERAL (
                       SELECT COALESCE(sum(t.amount), 0) AS amount FROM tier_transfer t
                        WHERE t.from_account_id = a.id AND t.id > g.id
                          AND t.date >= g.date - interval '62 days'
                          AND t.source_key <> g.source_key || %(back)s) o
                 CROSS JOIN LATERAL (
                       SELECT COALESCE(sum(t.amount_to), 0) AS amount FROM tier_transfer t
                        WHERE t.to_account_id = a.id AND t.id > g.id AND t.kind IN ('refund', 'rebate')
                          AND t.date >= g.date - interval '62 days') i
                 WHERE w.id = ANY(%(ids)s)
                   AND LEAST(g.amount_to - o.amount + i.amount, a.balance - a.held) > 0""",
                stems=[self._key(run.period, "") for run in earlier],
                back=BACK,
                ids=list(wallet_ids),
            )
        )
        return {wallet_id: Decimal(left) for wallet_id, left in self.env.cr.fetchall()}

    def _note(self, wallet_ids, refused):
        """Keep who could not be given to; who was tried again is struck off.

        :param list wallet_ids: that were tried
        :param dict refused: wallet id to why
        """
        Failure = self.env["tier.allocation.failure"].sudo()
        Failure.search([("run_id", "=", self.id), ("wallet_id", "in", wallet_ids)]).unlink()
        Failure.create(
            [{"run_id": self.id, "wallet_id": wallet_id, "message": why} for wallet_id, why in sorted(refused.items())]
        )

    def _end(self):
        """Close the run and set when the next one is due."""
        schedule = self.schedule_id
        schedule._claim("running")
        failed = self.env["tier.allocation.failure"].search_count([("run_id", "=", self.id)])
        self.write({"state": "incomplete" if failed else "done", "ended_at": fields.Datetime.now()})
        if schedule.state == "running" and schedule.next_date and schedule.next_date.replace(day=1) <= self.period:
            schedule._progress({"next_date": schedule._due(months.next_month(self.period))})
        schedule.activity_unlink(["mail.mail_activity_data_warning"])
        if failed and schedule.user_id:
            month = f"{self.period:%Y-%m}"
            schedule.activity_schedule(
                "mail.mail_activity_data_warning",
                user_id=schedule.user_id.id,
                summary=self.env._("%(count)s wallets got nothing in %(month)s", count=failed, month=month),
            )
