from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..const import MONEY_DIGITS, TRANSFER_KINDS
from .ledger_link import LedgerLink


@dataclass(frozen=True, slots=True)
class Unbooked:
    """What the ledger moved between two accounts on one day, beyond what is booked already.

    :param key: names day, accounts, kind and what else the sums are kept apart by
    :param ordinal: how many rows of this key are booked already
    :param day: of use, in the company's time zone
    :param kind: of the transfers
    :param from_account, to_account: ids of the ledger accounts
    :param from_inside, to_inside: whether that side is a customer's inside wallet
    :param currency_id, currency_to_id: ids of the currencies of both amounts
    :param amount: what left ``from_account``; negative where too much was booked
    :param amount_to: what arrived
    :param transfers: number of transfers
    :param dimensions: dict of column to value, of other add-ons (see ``_dimensions``)
    """

    key: str
    ordinal: int
    day: date
    kind: str
    from_account: int
    to_account: int
    from_inside: bool
    to_inside: bool
    currency_id: int
    currency_to_id: int
    amount: Decimal
    amount_to: Decimal
    transfers: int
    dimensions: dict

    @property
    def inside(self):
        """How the customers' credit changes: list of (currency id, signed amount)."""
        changes = defaultdict(Decimal)
        if self.from_inside:
            changes[self.currency_id] -= self.amount
        if self.to_inside:
            changes[self.currency_to_id] += self.amount_to
        return list(changes.items())


class TierBookingLine(models.Model):
    """What one daily entry took from the ledger: one row a day, pair of accounts and kind.

    Rows are added, never changed: the sum of a key is what is in the books of it.
    """

    _name = "tier.booking.line"
    _description = "Booked Transfers"
    _order = "day desc, id desc"
    _rec_name = "kind"

    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="restrict")
    move_id = fields.Many2one("account.move", "Journal entry", readonly=True, ondelete="set null", index=True)
    move_date = fields.Date("Accounting date", related="move_id.date")
    day = fields.Date("Day of use", required=True, readonly=True, help="In the company's time zone.")
    key = fields.Char(required=True, readonly=True)
    ordinal = fields.Integer(required=True, readonly=True)
    kind = fields.Selection(TRANSFER_KINDS, required=True, readonly=True)
    from_account_id = LedgerLink("tier.account", "From", required=True, readonly=True)
    to_account_id = LedgerLink("tier.account", "To", required=True, readonly=True)
    from_inside = fields.Boolean(readonly=True, help="Left a customer's wallet.")
    to_inside = fields.Boolean(readonly=True, help="Arrived in a customer's wallet.")
    amount = fields.Float(digits=MONEY_DIGITS, required=True, readonly=True)
    currency_id = LedgerLink("res.currency", required=True, readonly=True)
    amount_to = fields.Float("Amount received", digits=MONEY_DIGITS, required=True, readonly=True)
    currency_to_id = LedgerLink("res.currency", "Currency received", required=True, readonly=True)
    transfer_count = fields.Integer("Transfers", readonly=True)

    # Two runs that saw the same ledger compute the same ordinal: one of them fails.
    _once = models.UniqueIndex("(company_id, key, ordinal)", "These transfers are booked already.")
    _by_day = models.Index("(company_id, day)")

    @api.model
    def _dimensions(self):
        """Return what sums are kept apart by besides day, accounts and kind.

        Each is an integer column of this model. For other add-ons to extend.

        :return: dict of column to an ``SQL`` expression over ``tier_transfer t``
        """
        return {}

    @api.model
    def _joins(self):
        """Return the ``SQL`` of the joins that :meth:`_dimensions` needs."""
        return SQL("")

    @api.model
    def _unbooked(self, company, zone, days):
        """Compare the ledger with what is booked, for some days.

        One statement. Leans on the ledger's index on the date, a range per day, and on
        the index of this table on the day.

        :param company: ``res.company`` record
        :param str zone: name of the time zone in which the days begin
        :param days: list of ``date``
        :return: list of :class:`Unbooked`, in a fixed order
        """
        dimensions = self._dimensions()
        names = [SQL.identifier(name) for name in dimensions]
        columns = SQL("").join(SQL(", %s AS %s", value, SQL.identifier(name)) for name, value in dimensions.items())
        listed = SQL("").join(SQL(", %s", name) for name in names)
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                WITH inside AS (%(inside)s),
                     moved AS (
                        SELECT d.day, t.kind, t.from_account_id, t.to_account_id,
                               fi.id IS NOT NULL AS from_inside, ti.id IS NOT NULL AS to_inside,
                               t.currency_id, t.currency_to_id, t.amount, t.amount_to %(columns)s
                          FROM unnest(%(days)s::date[]) AS d(day)
                          JOIN tier_transfer t
                            ON t.date >= d.day::timestamp AT TIME ZONE %(zone)s AT TIME ZONE 'UTC'
                           AND t.date < (d.day + 1)::timestamp AT TIME ZONE %(zone)s AT TIME ZONE 'UTC'
                          LEFT JOIN inside fi ON fi.id = t.from_account_id
                          LEFT JOIN inside ti ON ti.id = t.to_account_id
                          %(joins)s
                         WHERE t.company_id = %(company)s
                           AND ((fi.id IS NULL) <> (ti.id IS NULL)
                                OR (fi.id IS NOT NULL AND t.currency_id <> t.currency_to_id))),
                     ledger AS (
                        SELECT concat_ws(':', day, from_account_id, to_account_id, kind %(listed)s) AS key,
                               day, kind, from_account_id, to_account_id, from_inside, to_inside,
                               currency_id, currency_to_id, sum(amount) AS amount,
                               sum(amount_to) AS amount_to, count(*) AS transfers %(listed)s
                          FROM moved
                         GROUP BY day, kind, from_account_id, to_account_id, from_inside, to_inside,
                                  currency_id, currency_to_id %(listed)s),
                     booked AS (
                        SELECT l.key, l.day, l.kind, l.from_account_id, l.to_account_id, l.from_inside,
                               l.to_inside, l.currency_id, l.currency_to_id, sum(l.amount) AS amount,
                               sum(l.amount_to) AS amount_to, sum(l.transfer_count) AS transfers,
                               max(l.ordinal) AS ordinal %(listed)s
                          FROM tier_booking_line l
                         WHERE l.company_id = %(company)s AND l.day = ANY(%(days)s) AND l.move_id IS NOT NULL
                         GROUP BY l.key, l.day, l.kind, l.from_account_id, l.to_account_id, l.from_inside,
                                  l.to_inside, l.currency_id, l.currency_to_id %(listed)s)
                SELECT key, COALESCE(b.ordinal, 0), COALESCE(n.day, b.day), COALESCE(n.kind, b.kind),
                       COALESCE(n.from_account_id, b.from_account_id),
                       COALESCE(n.to_account_id, b.to_account_id),
                       COALESCE(n.from_inside, b.from_inside), COALESCE(n.to_inside, b.to_inside),
                       COALESCE(n.currency_id, b.currency_id), COALESCE(n.currency_to_id, b.currency_to_id),
                       (COALESCE(n.amount, 0) - COALESCE(b.amount, 0))::text,
                       (COALESCE(n.amount_to, 0) - COALESCE(b.amount_to, 0))::text,
                       (COALESCE(n.transfers, 0) - COALESCE(b.transfers, 0))::integer %(either)s
                  FROM ledger n FULL JOIN booked b USING (key)
                 WHERE (COALESCE(n.amount, 0), COALESCE(n.amount_to, 0))
                       <> (COALESCE(b.amount, 0), COALESCE(b.amount_to, 0))
                 ORDER BY key""",
                inside=self._inside_accounts(company),
                columns=columns,
                joins=self._joins(),
                listed=listed,
                either=SQL("").join(SQL(", COALESCE(n.%s, b.%s)", name, name) for name in names),
                days=list(days),
                zone=zone,
                company=company.id,
            )
        )
        return [
            Unbooked(*known, Decimal(amount), Decimal(amount_to), transfers, dict(zip(dimensions, others, strict=True)))
            for row in self.env.cr.fetchall()
            for known, (amount, amount_to, transfers, *others) in [(row[:10], row[10:])]
        ]

    @api.model
    def _inside_accounts(self, company):
        """Return the ``SQL`` that selects the accounts whose money is the customers' credit.

        :param company: ``res.company`` record
        """
        return SQL(
            """SELECT account_id AS id FROM tier_wallet
                WHERE company_id = %s AND money = 'inside' AND parent_id IS NOT NULL""",
            company.id,
        )

    @api.model
    def _insert(self, move, rows):
        """Note that these rows are booked by a journal entry.

        :param move: ``account.move`` record
        :param rows: list of :class:`Unbooked`
        """
        dimensions = self._dimensions()
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO tier_booking_line (
                    company_id, move_id, key, ordinal, day, kind, from_account_id, to_account_id, from_inside,
                    to_inside, currency_id, currency_to_id, amount, amount_to, transfer_count %(names)s,
                    create_uid, create_date, write_uid, write_date)
                SELECT %(company)s, %(move)s, v.*, %(uid)s, now() AT TIME ZONE 'UTC', %(uid)s,
                       now() AT TIME ZONE 'UTC'
                  FROM unnest(%(key)s::varchar[], %(ordinal)s::integer[], %(day)s::date[], %(kind)s::varchar[],
                              %(giver)s::integer[], %(taker)s::integer[], %(gives)s::boolean[],
                              %(takes)s::boolean[], %(currency)s::integer[], %(currency_to)s::integer[],
                              %(amount)s::numeric[], %(amount_to)s::numeric[], %(transfers)s::integer[]
                              %(values)s) AS v""",
                names=SQL("").join(SQL(", %s", SQL.identifier(name)) for name in dimensions),
                values=SQL("").join(
                    SQL(", %s::integer[]", [row.dimensions[name] for row in rows]) for name in dimensions
                ),
                company=move.company_id.id,
                move=move.id,
                uid=self.env.uid,
                key=[row.key for row in rows],
                ordinal=[row.ordinal + 1 for row in rows],
                day=[row.day for row in rows],
                kind=[row.kind for row in rows],
                giver=[row.from_account for row in rows],
                taker=[row.to_account for row in rows],
                gives=[row.from_inside for row in rows],
                takes=[row.to_inside for row in rows],
                currency=[row.currency_id for row in rows],
                currency_to=[row.currency_to_id for row in rows],
                amount=[row.amount for row in rows],
                amount_to=[row.amount_to for row in rows],
                transfers=[row.transfers for row in rows],
            )
        )
        self.invalidate_model()

    @api.model
    def _of_currency(self, currency):
        """Return the domain of what changed the customers' credit in a currency.

        :param currency: ``res.currency`` record
        """
        return [
            "|",
            "&",
            ("from_inside", "=", True),
            ("currency_id", "=", currency.id),
            "&",
            ("to_inside", "=", True),
            ("currency_to_id", "=", currency.id),
        ]

    def action_transfers(self):
        """Open the transfers behind a row.

        :return: a window action
        """
        self.ensure_one()
        self.check_access("read")
        begin, end = self.env["tier.booking"]._utc_bounds(self.company_id, self.day)
        action = self.env["ir.actions.actions"]._for_xml_id("tier_billing.tier_transfer_action")
        action["domain"] = [
            ("date", ">=", fields.Datetime.to_string(begin)),
            ("date", "<", fields.Datetime.to_string(end)),
            ("from_account_id", "=", self.from_account_id.id),
            ("to_account_id", "=", self.to_account_id.id),
            ("kind", "=", self.kind),
        ]
        return action

    @api.model_create_multi
    # pylint: disable-next=method-required-super
    def create(self, vals_list):
        raise UserError(self.env._("Transfers are booked by the daily entry."))

    # pylint: disable-next=method-required-super
    def write(self, vals):
        raise UserError(self.env._("What was booked is never changed; the next daily entry adds to it."))

    # pylint: disable-next=method-required-super
    def unlink(self):
        raise UserError(self.env._("What was booked is never deleted; reverse its journal entry instead."))
