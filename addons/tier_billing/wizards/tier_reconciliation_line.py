from collections import defaultdict
from datetime import timedelta

from odoo import api, fields, models


class TierReconciliationLine(models.TransientModel):
    """One currency at the end of one day."""

    _name = "tier.reconciliation.line"
    _description = "Reconciliation of a Day"
    _order = "day desc, id"
    _rec_name = "day"

    reconciliation_id = fields.Many2one("tier.reconciliation", required=True, ondelete="cascade", index=True)
    company_id = fields.Many2one(related="reconciliation_id.company_id", store=True)
    company_currency_id = fields.Many2one(related="company_id.currency_id", string="Company currency")
    account_id = fields.Many2one(related="company_id.tier_credit_account_id")
    day = fields.Date(readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    wallets = fields.Float(
        "In the wallets",
        digits=(20, 6),
        readonly=True,
        help="Balances of the customers' inside wallets, by the ledger.",
    )
    unbooked = fields.Float(
        "Not booked yet",
        digits=(20, 6),
        readonly=True,
        help="Moved up to this day and in no entry: the present day, and late events until the next run.",
    )
    late = fields.Float(
        "Booked later",
        digits=(20, 6),
        readonly=True,
        help="Moved up to this day and in the books at a later date, for its own day was closed; or in an entry that "
        "is not posted.",
    )
    rounding = fields.Float(
        "Fractions of a cent",
        digits=(20, 6),
        readonly=True,
        help="What the wallets have in fractions that the books cannot hold; carried to the next entry.",
    )
    expected = fields.Float(
        "Should be in the books",
        digits=(20, 6),
        compute="_compute_expected",
        help="The wallets, less what is not booked yet, booked later or a fraction of a cent.",
    )
    books = fields.Float(
        "In the books", digits=(20, 6), readonly=True, help="Balance of the account, by its posted journal items."
    )
    difference = fields.Float(
        digits=(20, 6),
        readonly=True,
        help="The books less the wallets, what is not booked yet, booked on other days or a fraction of a cent being "
        "left out. Not zero: somebody else wrote on the account, or an entry was changed.",
    )
    company_value = fields.Float(
        "Booked value",
        digits=(20, 6),
        readonly=True,
        help="The balance in the company's currency, at the rates booked.",
    )
    exchange_difference = fields.Float(
        digits=(20, 6),
        readonly=True,
        help="What the balance is worth at the rate of the day, less its booked value: not realised, and for the "
        "revaluation at the end of a period.",
    )
    state = fields.Selection(
        [("agrees", "Agrees"), ("open", "To be booked"), ("differs", "Differs")], compute="_compute_state"
    )

    @api.depends("books", "difference")
    def _compute_expected(self):
        for line in self:
            line.expected = line.books - line.difference

    @api.depends("difference", "unbooked", "currency_id")
    def _compute_state(self):
        for line in self:
            if line.currency_id and not line.currency_id.is_zero(line.difference):
                line.state = "differs"
            elif line.currency_id and not line.currency_id.is_zero(line.unbooked):
                line.state = "open"
            else:
                line.state = "agrees"

    def _compute_display_name(self):
        for line in self:
            line.display_name = self.env._(
                "%(currency)s on %(day)s", currency=line.currency_id.name, day=fields.Date.to_string(line.day)
            )

    # ------------------------------------------------------------------
    # What is behind the figures
    # ------------------------------------------------------------------

    def _action(self, xml_id, domain):
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.actions"]._for_xml_id(xml_id)
        action.update(domain=domain, context={})
        return action

    def action_wallets(self):
        """Open the wallets, with their balances of now.

        :return: a window action
        """
        return self._action(
            "tier_billing.tier_wallet_action",
            [
                ("company_id", "=", self.company_id.id),
                ("currency_id", "=", self.currency_id.id),
                ("money", "=", "inside"),
                ("parent_id", "!=", False),
            ],
        )

    def action_unbooked(self):
        """Open the transfers that are not booked yet, of the days since the report begins.

        :return: a window action
        """
        self.ensure_one()
        Booking, Line = self.env["tier.booking"], self.env["tier.booking.line"].sudo()
        begin = self.reconciliation_id.date_from
        days = [begin + timedelta(days=number) for number in range((self.day - begin).days + 1)]
        rows = defaultdict(set)
        for row in Line._unbooked(self.company_id, Booking._zone(self.company_id), days):
            if any(currency_id == self.currency_id.id for currency_id, _amount in row.inside):
                rows[row.day] |= {(row.from_account, row.to_account, row.kind)}
        domains = []
        for day, keys in rows.items():
            start, end = Booking._utc_bounds(self.company_id, day)
            domains.append(
                [
                    ("date", ">=", fields.Datetime.to_string(start)),
                    ("date", "<", fields.Datetime.to_string(end)),
                    ("from_account_id", "in", sorted({giver for giver, _taker, _kind in keys})),
                    ("to_account_id", "in", sorted({taker for _giver, taker, _kind in keys})),
                    ("kind", "in", sorted({kind for _giver, _taker, kind in keys})),
                ]
            )
        return self._action("tier_billing.tier_transfer_action", list(fields.Domain.OR(domains)))

    def action_late(self):
        """Open what is booked at a later date.

        :return: a window action
        """
        return self._action(
            "tier_billing.tier_booking_line_action",
            [
                ("company_id", "=", self.company_id.id),
                ("day", "<=", self.day),
                ("move_id", "!=", False),
                "|",
                ("move_id.date", ">", self.day),
                ("move_id.state", "!=", "posted"),
                *self.env["tier.booking.line"]._of_currency(self.currency_id),
            ],
        )

    def action_items(self):
        """Open the journal items of the account.

        :return: a window action
        """
        return self._action("account.action_account_moves_all", self._items_domain())

    def action_foreign_items(self):
        """Open the journal items that no daily entry made: they explain a difference.

        :return: a window action
        """
        return self._action(
            "account.action_account_moves_all", [*self._items_domain(), ("move_id.tier_booking_ids", "=", False)]
        )

    def _items_domain(self):
        return [
            ("account_id", "=", self.account_id.id),
            ("company_id", "=", self.company_id.id),
            ("currency_id", "=", self.currency_id.id),
            ("parent_state", "=", "posted"),
            ("date", "<=", self.day),
        ]
