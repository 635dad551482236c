"""How the rows of a daily entry become a journal entry."""

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

from odoo import Command, api, models
from odoo.tools import SQL, format_date

# Which account of the company stands for a ledger account that is not a customer's.
WORLD, ROOT, OUTSIDE = "world", "wallet", "outside"
USED = ("usage", "refund", "rebate")


@dataclass(slots=True)
class Flow:
    """Rows that become one debit and one credit.

    :param kind: of the transfers
    :param giver, taker: accounts of the books: debited and credited
    :param currency, currency_to: ``res.currency`` of both sides
    :param subject: what was used, such as a service; None for money that came or went
    :param taxes: ``account.tax`` that are due on use; empty when they were due on the purchase
    :param gives, takes: whether that side is the customers' credit
    :param amount, amount_to: exact
    """

    kind: str
    giver: object
    taker: object
    currency: object
    currency_to: object
    subject: object
    taxes: object
    gives: bool
    takes: bool
    amount: Decimal = Decimal(0)
    amount_to: Decimal = Decimal(0)
    days: set = field(default_factory=set)
    transfers: int = 0

    def round(self):
        """Round both sides to what the books can hold; one currency stays balanced."""
        self.amount = _rounded(self.amount, self.currency)
        self.amount_to = _rounded(self.amount_to, self.currency_to)

    def correct(self, currency, cents):
        """Change the customers' credit in a currency by some cents, carried from other entries."""
        both = self.currency == self.currency_to
        if self.takes and self.currency_to == currency:
            self.amount_to += cents
            self.amount += cents if both else 0
        else:
            self.amount -= cents
            self.amount_to -= cents if both else 0


def _rounded(amount, currency):
    return amount.quantize(Decimal(1).scaleb(-currency.decimal_places), ROUND_HALF_UP)


class TierBooking(models.Model):
    _inherit = "tier.booking"

    @api.model
    def _create_entry(self, company, date, rows):
        """Post the journal entry of some rows, in the language of the environment.

        :param company: ``res.company`` record
        :param date: accounting ``date``
        :param rows: list of :class:`.tier_booking_line.Unbooked`
        :return: ``account.move`` record
        """
        exact, counts = defaultdict(Decimal), defaultdict(int)
        for row in rows:
            for currency_id, amount in row.inside:
                exact[currency_id] += amount
                counts[currency_id] += row.transfers
        flows = self._flows(company, rows)
        posted = self._round_flows(company, flows, exact)
        lines = [values for flow in flows for values in self._flow_lines(company, date, flow)]
        # A day of fractions alone has an entry of 0.00, that they be carried to the next.
        lines = self._tax_lines(company, date, lines) or self._flow_lines(company, date, flows[0], zero=True)
        self._realise(company, lines)
        difference = -sum(Decimal(repr(values["balance"])) for values in lines)
        lines += self._difference_line(company, _rounded(difference, company.currency_id))
        days = sorted({row.day for row in rows})
        move = (
            self.env["account.move"]
            # The lines are complete, taxes included.
            .with_context(skip_invoice_sync=True)
            .create(
                {
                    "move_type": "entry",
                    "company_id": company.id,
                    "journal_id": company.tier_journal_id.id,
                    "date": date,
                    "ref": self._reference(date, days),
                    "line_ids": [Command.create(values) for values in lines],
                }
            )
        )
        self.create(
            [
                {
                    "company_id": company.id,
                    "move_id": move.id,
                    "day_from": days[0],
                    "day_to": days[-1],
                    "currency_id": currency_id,
                    "amount": float(amount),
                    "posted": float(posted[currency_id]),
                    "transfer_count": counts[currency_id],
                }
                for currency_id, amount in exact.items()
            ]
        )
        move._post(soft=False)
        return move

    @api.model
    def _reference(self, date, days):
        """Tell what an entry is for.

        :param date: accounting ``date``
        :param days: sorted list of ``date`` of use
        :rtype: str
        """
        first, last = format_date(self.env, days[0]), format_date(self.env, days[-1])
        if days == [date]:
            return self.env._("Wallets of %s", first)
        if first == last:
            return self.env._("Wallets of %s, late", first)
        return self.env._("Wallets of %(first)s to %(last)s, in part late", first=first, last=last)

    # ------------------------------------------------------------------
    # Flows
    # ------------------------------------------------------------------

    @api.model
    def _flows(self, company, rows):
        """Group rows by what they mean to the books.

        :return: list of :class:`Flow`, exact
        """
        accounts = self.env["tier.account"].browse({key for row in rows for key in (row.from_account, row.to_account)})
        kinds = {account.id: account for account in accounts}
        Currency = self.env["res.currency"]
        none = self.env["account.tax"]
        flows = {}
        for row in rows:
            subject, taxes = None, none
            if row.kind in USED and (row.from_inside or row.to_inside):
                subject = self._subject(row)
                payer = kinds[row.from_account if row.from_inside else row.to_account].wallet_id
                taxes = self._taxes(company, subject, payer)
            giver = self._book_account(company, kinds[row.from_account], row.from_inside, row.kind, subject)
            taker = self._book_account(company, kinds[row.to_account], row.to_inside, row.kind, subject)
            key = (
                row.kind,
                giver.id,
                taker.id,
                row.currency_id,
                row.currency_to_id,
                subject and subject.id,
                tuple(taxes.ids),
            )
            if key not in flows:
                currency, currency_to = Currency.browse(row.currency_id), Currency.browse(row.currency_to_id)
                flows[key] = Flow(
                    row.kind, giver, taker, currency, currency_to, subject, taxes, row.from_inside, row.to_inside
                )
            flow = flows[key]
            flow.amount += row.amount
            flow.amount_to += row.amount_to
            flow.transfers += row.transfers
            flow.days.add(row.day)
        return list(flows.values())

    @api.model
    def _book_account(self, company, account, inside, kind, subject):
        """Return the account of the books for one side of a transfer.

        :param account: ``tier.account``
        :param bool inside: whether it is a customer's inside wallet
        :param str kind: of the transfer
        :param subject: what was used, or None
        :return: ``account.account``
        """
        if inside:
            return company.tier_credit_account_id
        if account.kind == WORLD:
            return company.tier_clearing_account_id
        if account.kind in (ROOT, OUTSIDE):
            return company.tier_grant_account_id
        if kind in USED:
            return self._revenue_account(company, subject)
        if kind == "expiry":
            return company.tier_expiry_account_id
        return company.tier_adjustment_account_id

    @api.model
    def _subject(self, row):
        """Return what was used: a record with a name, or None. For other add-ons.

        :param row: :class:`.tier_booking_line.Unbooked`
        """
        return

    @api.model
    def _product(self, subject):
        """Return the product that stands for what was used. For other add-ons.

        :param subject: what :meth:`_subject` returned
        :return: ``product.product``, may be empty
        """
        return self.env["product.product"]

    @api.model
    def _revenue_account(self, company, subject):
        """Return the income account of what was used.

        :return: ``account.account``: the one set on the product itself, or the company's
        """
        product = self._product(subject)
        return product.property_account_income_id or company.tier_revenue_account_id

    # ------------------------------------------------------------------
    # Amounts
    # ------------------------------------------------------------------

    @api.model
    def _round_flows(self, company, flows, exact):
        """Round flows to cents so that the customers' credit in the books follows the wallets'.

        Wallets may have fractions of a cent. What an entry leaves of them is carried to
        the next: in the books the credit never is a cent away from the wallets.

        :param flows: list of :class:`Flow`; changed
        :param exact: dict of currency id to the exact change of credit
        :return: dict of currency id to the change that is booked
        """
        for flow in flows:
            flow.round()
        posted = {}
        for currency_id, amount in exact.items():
            currency = self.env["res.currency"].browse(currency_id)
            self.env.cr.execute(
                SQL(
                    """SELECT COALESCE(sum(b.amount - b.posted), 0)::text FROM tier_booking b
                        WHERE b.company_id = %s AND b.currency_id = %s AND b.move_id IS NOT NULL""",
                    company.id,
                    currency_id,
                )
            )
            carried = Decimal(self.env.cr.fetchone()[0])
            posted[currency_id] = _rounded(amount + carried, currency)
            concerned = [
                flow
                for flow in flows
                if (flow.gives and flow.currency == currency) or (flow.takes and flow.currency_to == currency)
            ]
            found = sum(
                (flow.amount_to if flow.takes and flow.currency_to == currency else 0)
                - (flow.amount if flow.gives and flow.currency == currency else 0)
                for flow in concerned
            )
            if posted[currency_id] != found:
                largest = max(concerned, key=lambda flow: (flow.currency == flow.currency_to, abs(flow.amount)))
                largest.correct(currency, posted[currency_id] - found)
        return posted

    @api.model
    def _flow_lines(self, company, date, flow, zero=False):
        """Return the journal items of a flow, both sides; none where it rounded to nothing.

        :param bool zero: also where it rounded to nothing
        :return: list of dicts of values; ``tax_ids`` are records as yet
        """
        name = self._flow_name(flow, date)
        product = self._product(flow.subject) if flow.subject else None
        lines = []
        for account, currency, amount, is_credit in (
            (flow.giver, flow.currency, flow.amount, flow.gives),
            (flow.taker, flow.currency_to, -flow.amount_to, flow.takes),
        ):
            if not amount and not zero:
                continue
            values = self._line(company, date, account, currency, amount, name)
            if product and amount and not is_credit:
                values.update(product_id=product.id, tax_ids=flow.taxes)
            lines.append(values)
        return lines

    @api.model
    def _line(self, company, date, account, currency, amount, name):
        """Return the values of one journal item.

        :param Decimal amount: in ``currency``; positive is a debit
        """
        value = float(amount)
        return {
            "account_id": account.id,
            "name": name,
            "currency_id": currency.id,
            "amount_currency": value,
            "balance": currency._convert(value, company.currency_id, company, date),
        }

    @api.model
    def _flow_name(self, flow, date):
        """Tell an accountant what a journal item is.

        :rtype: str
        """
        env = self.env
        subject = flow.subject.display_name if flow.subject else None
        names = {
            "topup": env._("Credit paid for"),
            "allocation": env._("Credit granted"),
            "reclaim": env._("Credit reclaimed"),
            "usage": env._("Used: %s", subject) if subject else env._("Used"),
            "refund": env._("Refunded: %s", subject) if subject else env._("Refunded"),
            "rebate": env._("Price lowered: %s", subject) if subject else env._("Price lowered"),
            "adjustment": env._("Adjusted"),
            "expiry": env._("Expired"),
            "payout": env._("Paid out"),
        }
        if flow.takes and not flow.gives and flow.kind == "adjustment":
            names["adjustment"] = env._("Adjusted in favour of customers")
        name = names[flow.kind]
        late = sorted(day for day in flow.days if day != date)
        if late and flow.days == {late[0]}:
            return env._("%(name)s, on %(day)s", name=name, day=format_date(env, late[0]))
        if late:
            return env._(
                "%(name)s, %(first)s to %(last)s",
                name=name,
                first=format_date(env, min(flow.days)),
                last=format_date(env, max(flow.days)),
            )
        return name
