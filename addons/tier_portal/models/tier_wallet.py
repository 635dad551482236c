from odoo import api, models
from odoo.fields import Domain

from .. import formatting, period

NO_SALES = {"calls": 0, "attempts": 0, "sale": 0.0, "cost": 0.0, "margin": 0.0}


class TierWallet(models.Model):
    """What the portal shows of a wallet.

    Everything is read with the rights of the user who looks; where that is not
    possible the ``sudo()`` is limited to wallets whose access was checked.
    """

    _inherit = "tier.wallet"

    @api.model
    def _portal_own_domain(self):
        """Return what finds the wallets of the user's own partner.

        :rtype: Domain
        """
        partner = self.env.user.commercial_partner_id
        return Domain("partner_id.commercial_partner_id", "=", partner.id)

    def _portal_is_own(self):
        """Tell whether the user may look at this wallet as its owner does.

        Billing staff may look at every wallet that they may read.

        :rtype: bool
        """
        self.ensure_one()
        if not self.has_access("read"):
            return False
        return self.env.user._is_internal() or bool(self.filtered_domain(self._portal_own_domain()))

    def _portal_month(self):
        """Return the current month in the user's time zone.

        :rtype: period.Period
        """
        return period.Period(self._month_start())

    def _portal_figures(self):
        """Return the figures of each wallet: of now, and of the current month.

        Three grouped queries for any number of wallets.

        :return: dict of wallet id to a dict of balance, available, held,
            credit_limit, spent (usage less refunds), paid (top-ups and
            allocations) and calls (own, answered)
        """
        self.check_access("read")
        month = self._portal_month()
        figures = {}
        by_account = {}
        for wallet in self:
            account = wallet.sudo().account_id
            figures[wallet.id] = by_account[account.id] = {
                "balance": account.balance,
                "available": wallet.available,
                "held": account.held,
                "credit_limit": account.credit_limit,
                "spent": 0.0,
                "paid": 0.0,
                "calls": 0,
            }
        # A customer's top-up does not touch its reseller's wallet, yet the
        # reseller may know the sum: hence sudo, on these accounts only.
        Transfer = self.env["tier.transfer"].sudo()
        for account, total in Transfer._read_group(
            month.domain() & Domain("from_account_id", "in", list(by_account)) & Domain("kind", "=", "usage"),
            ["from_account_id"],
            ["amount:sum"],
        ):
            by_account[account.id]["spent"] += total
        for account, kind, total in Transfer._read_group(
            month.domain()
            & Domain("to_account_id", "in", list(by_account))
            & Domain("kind", "in", ("topup", "allocation", "refund", "rebate")),
            ["to_account_id", "kind"],
            ["amount_to:sum"],
        ):
            if kind in ("refund", "rebate"):
                by_account[account.id]["spent"] -= total
            else:
                by_account[account.id]["paid"] += total
        for wallet, count in self.env["tier.charge"]._read_group(
            month.domain()
            & Domain("wallet_id", "in", self.ids)
            & Domain("child_id", "=", False)
            & Domain("answered", "=", True)
            & Domain("reverses_id", "=", False),
            ["wallet_id"],
            ["__count"],
        ):
            figures[wallet.id]["calls"] = count
        return figures

    def _portal_sales(self, span, child=None):
        """Return what this wallet sold to its direct customers.

        From its own charges alone, so a customer's margin is no part of it.
        One grouped query for any number of customers.

        :param span: :class:`..period.Period`
        :param child: ``tier.wallet``, to ask for one customer only
        :return: dict of customer id to a dict of calls (answered), attempts,
            sale, cost and margin in this wallet's currency
        """
        self.ensure_one()
        sales = {}
        for customer, answered, count, refunds, sale, cost, margin in self.env["tier.charge"]._read_group(
            span.domain()
            & Domain("wallet_id", "=", self.id)
            & (Domain("child_id", "=", child.id) if child else Domain("child_id", "!=", False)),
            ["child_id", "answered"],
            ["__count", "reverses_id:count", "sale:sum", "cost:sum", "margin:sum"],
        ):
            # A refund takes its amounts back, but is no call.
            count -= refunds
            row = sales.setdefault(customer.id, dict(NO_SALES))
            row["attempts"] += count
            row["calls"] += count if answered else 0
            row["sale"] += sale
            row["cost"] += cost
            row["margin"] += margin
        return sales

    def _portal_customers(self, span, search="", order="name", offset=0, limit=None):
        """Return the direct customers of this wallet with what each brought it.

        The number of queries does not depend on the number of customers.

        :param span: :class:`..period.Period` of the sales
        :param str search: part of a customer's name
        :param str order: name, or a key of :meth:`_portal_sales` or balance, largest first
        :param int offset: customers to skip
        :param int limit: customers at most
        :return: tuple of a list of dicts (wallet, balance, available and those of
            :meth:`_portal_sales`), the dict of totals over all pages, and the
            number of customers
        """
        self.ensure_one()
        domain = Domain("parent_id", "=", self.id)
        if search:
            domain &= Domain("name", "ilike", search)
        sales = self._portal_sales(span)
        # Whoever was archived since still belongs to the sums of a time with sales.
        customers = (
            self.with_context(active_test=False)
            .search(domain, order="name, id")
            .filtered(lambda customer: customer.active or customer.id in sales)
        )
        found = [sales.get(customer.id, NO_SALES) for customer in customers]
        totals = {key: sum(row[key] for row in found) for key in NO_SALES}
        if order == "balance":
            customers = customers.sorted(lambda customer: -customer.balance)
        elif order in NO_SALES:
            customers = customers.sorted(lambda customer: -sales.get(customer.id, NO_SALES)[order])
        page = customers[offset : offset + limit] if limit else customers[offset:]
        rows = [
            {
                "wallet": customer,
                "balance": customer.balance,
                "available": customer.available,
                **sales.get(customer.id, NO_SALES),
            }
            for customer in page
        ]
        return rows, totals, len(customers)

    def _portal_money(self, amount, digits=None):
        """Return an amount in this wallet's currency as text.

        :param amount: in the wallet's currency
        :param int digits: decimals; the currency's by default
        :rtype: str
        """
        return formatting.money(self.env, amount, self.currency_id, digits)
