import json
from decimal import ROUND_HALF_UP, Decimal

from dateutil.relativedelta import relativedelta

from odoo import models
from odoo.tools import SQL, groupby

from odoo.addons.tier_billing.statements import layout

# So many months before its own one charge-back looks for usage that was recorded late.
MONTHS_BACK = 3


class TierChargeback(models.Model):
    """What was used, who bears it, and how much that is for each department."""

    _inherit = "tier.chargeback"

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
