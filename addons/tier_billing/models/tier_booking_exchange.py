from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import SQL


class TierBooking(models.Model):
    """Exchange differences of credit in other currencies."""

    _inherit = "tier.booking"

    @api.model
    def _realise(self, company, lines):
        """Let what leaves the two liabilities leave at the value at which it is booked.

        New credit is worth the rate of the day. What is used of it months later takes the
        average value of what is there with it, so that a liability of nothing in its own
        currency is worth nothing in the company's; the rest is an exchange difference.

        :param company: ``res.company`` record
        :param lines: list of dicts of journal items, at the rate of the day; changed
        """
        accounts = company.tier_credit_account_id | company.tier_clearing_account_id
        concerned = [
            values
            for values in lines
            if values["account_id"] in accounts.ids and values["currency_id"] != company.currency_id.id
        ]
        if not concerned:
            return
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """SELECT account_id, currency_id, sum(amount_currency)::text, sum(balance)::text
                     FROM account_move_line
                    WHERE account_id = ANY(%s) AND company_id = %s AND parent_state = 'posted'
                      AND currency_id = ANY(%s)
                    GROUP BY account_id, currency_id""",
                accounts.ids,
                company.id,
                [values["currency_id"] for values in concerned],
            )
        )
        there = defaultdict(lambda: (Decimal(0), Decimal(0)))
        there.update({row[:2]: (Decimal(row[2]), Decimal(row[3])) for row in self.env.cr.fetchall()})
        cent = Decimal(1).scaleb(-company.currency_id.decimal_places)
        for values in concerned:
            key = values["account_id"], values["currency_id"]
            amount, worth = there[key]
            moved, value = Decimal(repr(values["amount_currency"])), Decimal(repr(values["balance"]))
            # Only what brings the account nearer to zero, and only a value that makes sense.
            if amount * moved < 0 and amount * worth > 0:
                part = min(abs(moved), abs(amount)) / abs(moved)
                leaves = -worth * min(abs(moved), abs(amount)) / abs(amount)
                value = (leaves + value * (1 - part)).quantize(cent, ROUND_HALF_UP)
                values["balance"] = float(value)
            there[key] = amount + moved, worth + value

    @api.model
    def _difference_line(self, company, amount):
        """Return the journal item of what the rates of the day leave over.

        :param Decimal amount: in the company's currency; positive is a debit
        :return: list of one dict, or empty
        """
        if not amount:
            return []
        account = (
            company.expense_currency_exchange_account_id if amount > 0 else company.income_currency_exchange_account_id
        )
        if not account:
            raise UserError(
                self.env._("%s has no accounts for exchange differences: set them in Invoicing.", company.name)
            )
        return [
            {
                "account_id": account.id,
                "name": self.env._("Exchange difference"),
                "currency_id": company.currency_id.id,
                "amount_currency": float(amount),
                "balance": float(amount),
            }
        ]
