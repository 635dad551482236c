from datetime import datetime, time, timezone
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL

from .. import charging
from ..engine.part import WHOLE

# The end of a period that nothing ends.
FOREVER = datetime(2999, 1, 1)


class TierPackageSubscription(models.Model):
    """A wallet that has a package from a day on, anew in every period."""

    _name = "tier.package.subscription"
    _description = "Subscription of a Package"
    _order = "date_from desc, id desc"

    wallet_id = fields.Many2one("tier.wallet", required=True, ondelete="restrict", index=True)
    package_id = fields.Many2one("tier.package", required=True, ondelete="restrict", index=True)
    company_id = fields.Many2one(related="wallet_id.company_id", store=True)
    date_from = fields.Date("From", required=True, default=fields.Date.context_today)
    date_to = fields.Date("To", help="The last day. Empty: until further notice.")
    balance_ids = fields.One2many("tier.package.balance", "subscription_id", "Periods", readonly=True)

    _dates = models.Constraint(
        "CHECK (date_to IS NULL OR date_to >= date_from)", "A subscription ends after it begins."
    )

    @api.depends("wallet_id", "package_id")
    def _compute_display_name(self):
        for subscription in self:
            subscription.display_name = f"{subscription.package_id.name} – {subscription.wallet_id.name}"

    @api.constrains("wallet_id", "package_id")
    def _check_seller(self):
        for subscription in self:
            if subscription.package_id.brand_id.wallet_id != subscription.wallet_id.parent_id:
                raise ValidationError(
                    self.env._(
                        "%(package)s is not sold by the one above %(wallet)s.",
                        package=subscription.package_id.name,
                        wallet=subscription.wallet_id.name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        subscriptions = super().create(vals_list)
        subscriptions._open_periods()
        return subscriptions

    def write(self, vals):
        """Override: a period that was not used ends, or begins, with its subscription."""
        result = super().write(vals)
        if {"date_from", "date_to", "wallet_id", "package_id"} & set(vals):
            self._drop_unused_periods()
            self._open_periods()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        """Periods that nobody used go with their subscription; one that was used stays."""
        self._drop_unused_periods()
        for subscription in self:
            if subscription.balance_ids:
                raise UserError(self.env._("%s has been used: set its last day instead.", subscription.display_name))

    def _drop_unused_periods(self):
        """Delete the periods from which nothing was taken and nothing is held."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """DELETE FROM tier_package_balance b
                    WHERE subscription_id = ANY(%s) AND used = 0 AND fee_event_id IS NULL
                      AND NOT EXISTS (SELECT FROM tier_package_use u WHERE u.balance_id = b.id)
                      AND NOT EXISTS (SELECT FROM tier_package_hold h WHERE h.balance_id = b.id)""",
                self.ids,
            )
        )
        self.env.invalidate_all()

    def _open_periods(self, day=None):
        """Make sure that there is a balance for each period from the first to the next one.

        Running it again, or twice at once, makes none twice. What is there stays as it is.

        :param day: date in the current period; None = today
        """
        self.env.flush_all()
        day = day or fields.Date.context_today(self)
        rows = [row for subscription in self for row in subscription._periods(day)]
        if rows:
            self.env.cr.execute(
                SQL(
                    """
                    INSERT INTO tier_package_balance (subscription_id, wallet_id, package_id, company_id,
                           quantity, used, fee_state, date_from, date_to, days, month_days, create_uid,
                           create_date, write_uid, write_date)
                    -- What has a fee includes nothing until it is paid.
                    SELECT s.id, s.wallet_id, s.package_id, s.company_id,
                           CASE WHEN p.fee > 0 THEN 0 ELSE %(units)s END, 0,
                           CASE WHEN p.fee > 0 THEN 'due' ELSE 'free' END, v.date_from, v.date_to, v.days,
                           v.month_days, %(uid)s, now() AT TIME ZONE 'UTC', %(uid)s, now() AT TIME ZONE 'UTC'
                      FROM unnest(%(ids)s::integer[], %(starts)s::timestamp[], %(ends)s::timestamp[],
                                  %(days)s::integer[], %(month_days)s::integer[])
                           AS v(id, date_from, date_to, days, month_days)
                      JOIN tier_package_subscription s ON s.id = v.id
                      JOIN tier_package p ON p.id = s.package_id
                     ORDER BY s.id, v.date_from
                        ON CONFLICT (subscription_id, date_from) DO NOTHING""",
                    uid=self.env.uid,
                    ids=[row[0] for row in rows],
                    starts=[row[1] for row in rows],
                    ends=[row[2] for row in rows],
                    days=[row[3].days for row in rows],
                    month_days=[row[3].of for row in rows],
                    units=charging.fees.units_of("v"),
                )
            )
            self.invalidate_recordset(["balance_ids"])

    def _periods(self, day):
        """Return [(id, start, end, part)] of the periods up to the one after a day.

        Moments in naive UTC; the part is what is charged, and included, of the month.
        """
        self.ensure_one()
        zone = ZoneInfo(self.package_id.brand_id.tz or "UTC")

        def begins(date):
            return datetime.combine(date, time(), zone).astimezone(timezone.utc).replace(tzinfo=None)

        stop = begins(self.date_to + relativedelta(days=1)) if self.date_to else FOREVER
        if self.package_id.period == "once":
            return [(self.id, begins(self.date_from), stop, WHOLE)]
        month, found = self.date_from, []
        while begins(month) < stop and month <= day + relativedelta(months=1, day=31):
            following = month + relativedelta(months=1, day=1)
            part = self.package_id._part(month, self.date_from, self.date_to)
            found.append((self.id, begins(month), min(begins(following), stop), part))
            month = following
        return found

    @api.model
    def _cron_open_periods(self):
        """Open the coming month of every subscription; forget what ended sessions had reserved."""
        today = fields.Date.context_today(self)
        # All of one company's brands may live in other time zones: a day's margin.
        running = self.search(["|", ("date_to", "=", False), ("date_to", ">=", today - relativedelta(days=2))])
        running._open_periods(today)
        self.env.cr.execute(
            """DELETE FROM tier_package_hold h USING tier_session s
                WHERE s.session_key = h.session_key
                  AND (s.state <> 'open' OR s.expires_at < now() AT TIME ZONE 'UTC' - interval '1 day')"""
        )
