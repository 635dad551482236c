"""Spending limits: how much each wallet may still spend today and this month.

Spent is what a wallet paid its parent for usage, less refunds, by the local day
on which it was used. Sessions in progress count in full, with the most that they
may cost this wallet: not only with the funds that they hold of it, which are less
where a customer's payment arrives in the same moment.
"""

from dataclasses import dataclass
from datetime import timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

from odoo.tools import SQL

DAILY = "daily_limit"
MONTHLY = "monthly_limit"


def local_day(moment, zone):
    """Return the day in which a moment falls where the wallet's company is.

    :param moment: naive UTC datetime
    :param zone: name of a time zone; None for UTC
    :rtype: datetime.date
    """
    return moment.replace(tzinfo=timezone.utc).astimezone(ZoneInfo(zone or "UTC")).date()


@dataclass(frozen=True, slots=True)
class Left:
    """What one wallet may still spend, in its currency; below zero after an overrun.

    :param amount: the smaller of what both limits leave
    :param limit: which of them that is: :data:`DAILY` or :data:`MONTHLY`
    """

    amount: Decimal
    limit: str


class Spending:
    """What the limits of a batch leave, read in one statement under the accounts' locks.

    There is no statement where no wallet has a limit.
    """

    def __init__(self, cr, states, moments):
        """Read what was spent.

        :param cr: database cursor
        :param states: dict of account id to :class:`.writer.Account`, locked
        :param moments: naive UTC datetimes at which the batch asks
        """
        self._states = {key: state for key, state in states.items() if state.limits_spending}
        self._spent, self._in_progress = {}, {}
        wanted = sorted(
            {(key, local_day(moment, state.tz)) for key, state in self._states.items() for moment in set(moments)}
        )
        if wanted:
            self._read(cr, wanted)

    def _read(self, cr, wanted):
        # Some 31 rows by the unique index on (account, day), and the sessions in
        # progress by the partial index on the account of open holds.
        cr.execute(
            SQL(
                """
                SELECT w.account_id, w.day, COALESCE(s.of_day, 0)::text,
                       COALESCE(s.of_month, 0)::text, COALESCE(h.amount, 0)::text
                  FROM unnest(%s::integer[], %s::date[]) AS w(account_id, day)
                 CROSS JOIN LATERAL (
                       SELECT sum(amount) FILTER (WHERE day = w.day) AS of_day,
                              sum(amount) AS of_month
                         FROM tier_spending
                        WHERE account_id = w.account_id
                          AND day >= date_trunc('month', w.day::timestamp)::date
                          AND day < (date_trunc('month', w.day::timestamp) + interval '1 month')::date) s
                 CROSS JOIN LATERAL (
                       SELECT sum(COALESCE(spending, amount)) AS amount
                         FROM tier_hold
                        WHERE account_id = w.account_id AND state = 'open') h""",
                [account_id for account_id, _day in wanted],
                [day for _account_id, day in wanted],
            )
        )
        for account_id, day, of_day, of_month, in_progress in cr.fetchall():
            self._spent[account_id, day] = Decimal(of_day), Decimal(of_month)
            self._in_progress[account_id] = Decimal(in_progress)

    def limits(self, account_id, moment):
        """Return what each limit of an account leaves at a moment of the batch.

        :return: list of :class:`Left`, the daily one first; empty without a limit
        """
        state = self._states.get(account_id)
        if state is None:
            return []
        spent = self._spent[account_id, local_day(moment, state.tz)]
        limits = ((state.daily_limit, DAILY), (state.monthly_limit, MONTHLY))
        return [
            Left(limit - amount - self._in_progress[account_id], name)
            for (limit, name), amount in zip(limits, spent, strict=True)
            if limit
        ]

    def left(self, account_id, moment):
        """Return the smaller of what the limits of an account leave.

        :rtype: Left, or None without a limit
        """
        return min(self.limits(account_id, moment), key=lambda left: left.amount, default=None)

    def add(self, account_id, amount):
        """Note what a granted session may cost, for the next request of the batch.

        :param account_id: any account; one without a limit is left alone
        :param amount: in its currency
        """
        if account_id in self._in_progress:
            self._in_progress[account_id] += amount


def recount(cr, account_ids, now):
    """Count anew what accounts spent since the first of their month.

    For a limit that is new, and for another time zone. Locks the accounts, so
    that no usage is missed or counted twice. Reads a month of their transfers.

    :param cr: database cursor
    :param account_ids: ids of ledger accounts
    :param now: naive UTC datetime
    """
    # A day more than the month has begun: it may have begun earlier elsewhere.
    since = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    if local_day(now, "Etc/GMT+12").month != now.month:
        since = (since - timedelta(days=2)).replace(day=1) - timedelta(days=1)
    cr.execute(
        SQL(
            "SELECT id FROM tier_account WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE",
            list(account_ids),
        )
    )
    cr.execute(SQL("DELETE FROM tier_spending WHERE account_id = ANY(%s)", list(account_ids)))
    cr.execute(
        SQL(
            """
            INSERT INTO tier_spending (account_id, day, amount)
            SELECT t.account_id, t.day, sum(t.amount)
              FROM (SELECT a.id AS account_id, tier_local_day(COALESCE(o.date, t.date), a.tz) AS day, t.amount
                      FROM tier_account a
                      JOIN tier_transfer t ON t.from_account_id = a.id AND t.kind = 'usage'
                       AND t.date >= %(since)s
                      LEFT JOIN tier_transfer o ON o.id = t.reverses_id
                     WHERE a.id = ANY(%(ids)s)
                    UNION ALL
                    SELECT a.id, tier_local_day(COALESCE(o.date, t.date), a.tz), -t.amount_to
                      FROM tier_account a
                      JOIN tier_transfer t ON t.to_account_id = a.id AND t.kind IN ('refund', 'rebate')
                       AND t.date >= %(since)s
                      LEFT JOIN tier_transfer o ON o.id = t.reverses_id
                     WHERE a.id = ANY(%(ids)s)) t
             GROUP BY t.account_id, t.day""",
            ids=list(account_ids),
            since=since,
        )
    )
