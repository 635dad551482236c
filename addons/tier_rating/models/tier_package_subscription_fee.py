from odoo import api, fields, models
from odoo.tools import SQL

from .. import charging


class TierPackageSubscription(models.Model):
    """Fees of subscriptions, charged as their periods begin."""

    _inherit = "tier.package.subscription"

    request_key = fields.Char(readonly=True, copy=False, help="Of the request that made it, so that it makes one.")

    _request_unique = models.UniqueIndex(
        "(request_key) WHERE request_key IS NOT NULL", "This request has been carried out already."
    )

    @api.model_create_multi
    def create(self, vals_list):
        """Override: a fee that is due already is charged within a minute."""
        subscriptions = super().create(vals_list)
        subscriptions._charge_fees_soon()
        return subscriptions

    def write(self, vals):
        """Override: see :meth:`create`."""
        result = super().write(vals)
        if {"date_from", "date_to", "wallet_id", "package_id"} & set(vals):
            self._charge_fees_soon()
        return result

    def _charge_fees_soon(self):
        """Let the cron run if a fee of these subscriptions is due."""
        now = fields.Datetime.now()
        if any(
            balance.fee_state == "due" and balance.date_from <= now < balance.date_to
            for balance in self.sudo().balance_ids
        ):
            self.env.ref("tier_rating.ir_cron_package_fees").sudo()._trigger()

    @api.model
    def _charge_fees(self, period_ids):
        """Charge fees that are due, in short transactions of their own.

        :param period_ids: ids of ``tier.package.balance``; those that are not due are left alone
        :return: :class:`..charging.settle.Outcome`
        """
        total = charging.settle.Outcome()
        for start in range(0, len(period_ids), charging.fees.BATCH):
            total += charging.run(self.env, charging.fees.charge, period_ids[start : start + charging.fees.BATCH])
        return total

    @api.model
    def _cron_charge_fees(self):
        """Charge all fees that are due, once each; let what nobody could pay lapse at the period's end.

        Killed in between, the next run goes on: a fee is charged in the transaction that notes it.
        """
        cron = self.env["ir.cron"]
        self.env.cr.execute(
            SQL(
                """UPDATE tier_package_balance SET fee_state = 'lapsed'
                    WHERE fee_state = 'due' AND date_to <= now() AT TIME ZONE 'UTC'"""
            )
        )
        waiting = charging.fees.find(self.env.cr)
        cron._commit_progress(remaining=len(waiting))
        while waiting:
            batch, waiting = waiting[: charging.fees.BATCH], waiting[charging.fees.BATCH :]
            self._charge_fees(batch)
            if not cron._commit_progress(len(batch), remaining=len(waiting)):
                break
        self._run_at_next_period()

    @api.model
    def _run_at_next_period(self):
        """Let the cron run when the next period with a fee begins."""
        self.env.cr.execute(
            """SELECT min(date_from) FROM tier_package_balance
                WHERE fee_state = 'due' AND date_from > now() AT TIME ZONE 'UTC'"""
        )
        begins = self.env.cr.fetchone()[0]
        if begins:
            self.env.ref("tier_rating.ir_cron_package_fees").sudo()._trigger(begins)
