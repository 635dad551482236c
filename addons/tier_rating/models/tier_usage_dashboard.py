from datetime import datetime, time, timedelta

import pytz
from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

AGGREGATES = (
    "attempts:sum",
    "answered:sum",
    "asr:avg",
    "acd:avg",
    "minutes:sum",
    "sale:sum",
    "cost:sum",
    "margin:sum",
)
NAMES = tuple(aggregate.partition(":")[0] for aggregate in AGGREGATES)
TOP = 10
# More are told as "at least": counting on would read them all.
COUNTED = 10_000


class TierUsageDashboard(models.AbstractModel):
    """What the screen of today's and this month's traffic shows: sums of ``tier.usage.hour``.

    So it costs the same after ten million calls as after a thousand, and shows to each
    user what that user may read.
    """

    _name = "tier.usage.dashboard"
    _description = "Dashboard of Usage"

    @api.model
    def figures(self, period="today", currency_id=None):
        """Return the figures of a period.

        :param str period: see :meth:`_periods`
        :param int currency_id: amounts are of wallets in this one; without it, in the one that most calls are in
        :return: dict with ``totals`` and ``before`` (the same time before), ``series`` by hour or day,
            ``hours`` of the day, ``destinations``, ``carriers``, ``brands``, and what the screen needs besides
        :raise AccessError: the user may not read the figures
        """
        Hour = self.env["tier.usage.hour"]
        Hour.check_access("read")
        if period not in self._periods():
            raise UserError(self.env._("There is no period %s.", period))
        start, stop, before = self._periods()[period]
        domain = self._between(start, stop)
        currencies = [
            (currency, count) for currency, count in Hour._read_group(domain, ["currency_id"], ["attempts:sum"])
        ]
        currencies.sort(key=lambda pair: -pair[1])
        known = [currency.id for currency, _count in currencies]
        chosen = currency_id if currency_id in known else (known or self.env.company.currency_id.ids)[0]
        money = Domain("currency_id", "=", chosen)
        domain &= money
        return {
            "period": period,
            "currency_id": chosen,
            "currencies": [(currency.id, currency.name) for currency, _count in currencies],
            "domain": list(domain),
            "counted_at": fields.Datetime.to_string(self.env["tier.usage.rollup"]._counted_at()),
            "totals": self._totals(domain),
            "before": self._totals(self._between(*before) & money),
            "series": self._series(domain, start, stop),
            "hours": self._hours_of_day(domain),
            "destinations": self._top(domain, "destination_id"),
            "carriers": self._top(domain, "price_list_id"),
            "brands": self._top(domain, "brand_id"),
            "suspense": self.env["tier.usage.event"].search_count([("state", "=", "suspense")], limit=COUNTED),
        }

    @api.model
    def _periods(self):
        """Return the periods that may be asked for, in the user's time zone.

        :return: dict of name to (first moment, last moment, (first, last) of the same time before), local
        """
        now = datetime.now(self.env.tz).replace(tzinfo=None)
        today = datetime.combine(now, time.min)
        month = today.replace(day=1)
        day, week, months = relativedelta(days=1), relativedelta(days=7), relativedelta(months=1)

        def until_now(start, shift):
            return start, now, (start - shift, now - shift)

        return {
            "today": until_now(today, day),
            "yesterday": (today - day, today, (today - 2 * day, today - day)),
            "week": until_now(today - 6 * day, week),
            "month": until_now(month, months),
            "last_month": (month - months, month, (month - 2 * months, month - months)),
        }

    def _between(self, start, stop):
        """Return the domain of the hours between two local moments."""
        return Domain("hour", ">=", self._utc(start)) & Domain("hour", "<", self._utc(stop))

    def _utc(self, moment):
        """Return a local moment as naive UTC."""
        return self.env.tz.localize(moment).astimezone(pytz.utc).replace(tzinfo=None)

    def _totals(self, domain):
        values = self.env["tier.usage.hour"]._read_group(domain, [], AGGREGATES)[0]
        return {name: value or 0 for name, value in zip(NAMES, values, strict=True)}

    def _series(self, domain, start, stop):
        """Return the figures of each hour of a day or two, or of each day of more; none is left out.

        :return: list of dicts with ``label`` and the figures
        """
        by_hour = stop - start <= timedelta(days=2)
        step = timedelta(hours=1) if by_hour else timedelta(days=1)
        rows = {
            moment.replace(tzinfo=None): values
            for moment, *values in self.env["tier.usage.hour"]._read_group(
                domain, ["hour:hour" if by_hour else "hour:day"], AGGREGATES
            )
        }
        series, moment = [], start
        while moment < stop:
            values = rows.get(moment, [0] * len(NAMES))
            label = moment.strftime("%H:%M") if by_hour else moment.strftime("%d.%m.")
            series.append({"label": label, **{name: value or 0 for name, value in zip(NAMES, values, strict=True)}})
            moment += step
        return series

    def _hours_of_day(self, domain):
        """Return calls and answer-seizure ratio of each of the 24 hours, in the user's time zone."""
        rows = {
            hour: values
            for hour, *values in self.env["tier.usage.hour"]._read_group(
                domain, ["hour:hour_number"], ["attempts:sum", "asr:avg"]
            )
        }
        return [
            # No ratio without calls: a gap in the line.
            {"label": f"{hour:02d}", "attempts": rows.get(hour, (0, None))[0], "asr": rows.get(hour, (0, None))[1]}
            for hour in range(24)
        ]

    def _top(self, domain, field):
        """Return the figures of those with the most sale.

        :param str field: a Many2one
        :return: list of dicts with ``id``, ``name`` and the figures
        """
        groups = self.env["tier.usage.hour"]._read_group(
            domain, [field], AGGREGATES, order="sale:sum desc, attempts:sum desc", limit=TOP
        )
        # sudo: names alone; a record may be archived, of another rule, or gone.
        return [
            {
                "id": record.id,
                "name": record.sudo().exists().display_name or self.env._("None"),
                **{name: value or 0 for name, value in zip(NAMES, values, strict=True)},
            }
            for record, *values in groups
        ]
