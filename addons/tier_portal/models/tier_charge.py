from odoo import api, models
from odoo.fields import Domain

from .. import formatting


class TierCharge(models.Model):
    """What the portal lists of calls."""

    _inherit = "tier.charge"

    # Own calls, newest first, among the many that customers made through a reseller's wallet.
    # The list of a customer's calls leans on the index on (customer, date).
    _portal_own = models.Index("(wallet_id, date) WHERE child_id IS NULL")

    @api.model
    def _portal_domain(self, wallet, child=None):
        """Return what finds the calls of a wallet, or those that a customer made through it.

        :param wallet: ``tier.wallet`` whose share is shown
        :param child: ``tier.wallet``, a direct customer
        :rtype: Domain
        """
        return Domain("wallet_id", "=", wallet.id) & Domain("child_id", "=", child.id if child else False)

    @api.model
    def _portal_search_domain(self, search_in, search):
        """Return what finds calls by what a person typed.

        :param str search_in: number or destination
        :param str search: a number in any way of writing, or part of a name
        :rtype: Domain
        """
        if not search:
            return Domain.TRUE
        if search_in == "destination":
            return Domain("destination_id.name", "ilike", search)
        digits = "".join(character for character in search if character in "0123456789")
        # Numbers are kept in international form: neither 0049 nor 030 is in them.
        digits = digits.lstrip("0")
        return Domain("number", "ilike", digits) if digits else Domain("number", "ilike", search)

    def _portal_rows(self):
        """Return these charges as the portal's tables show them.

        A fixed number of queries for any number of charges.

        :return: list of dicts of texts: day, time, number, caller, destination,
            quantity, billed, outcome (when nobody answered), sale, cost, margin;
            and the booleans answered, loss
        """
        outcomes = dict(self._fields["disposition"]._description_selection(self.env))
        # One precision for the columns of a table: they are compared across.
        digits = {
            currency: formatting.digits_for(
                currency,
                [
                    amount
                    for charge in self
                    if charge.currency_id == currency
                    for amount in (charge.sale, charge.cost, charge.margin)
                ],
            )
            for currency in self.currency_id
        }
        rows = []
        for charge in self:
            # Portal users have no access to services; these are of their own calls.
            service = charge.sudo().service_id
            day, time = formatting.moment(charge, charge.date)
            row = {
                "day": day,
                "time": time,
                "caller": charge.caller or "",
                "destination": charge.destination_id.name or "",
                "answered": charge.answered,
                "loss": charge.margin < 0,
                "outcome": outcomes.get(charge.disposition) or self.env._("Failed"),
            }
            if service.is_time:
                row["number"] = formatting.telephone(charge.number or "") or charge.callee or ""
                row["quantity"] = formatting.duration(charge.quantity)
                billed = formatting.duration(charge.billed_quantity)
            else:
                # A package has a name that people know, besides its code.
                row["number"] = (charge.callee if service.code == "fee" else charge.number) or service.name
                row["quantity"] = f"{charge.quantity:g} {service.unit}"
                billed = f"{charge.billed_quantity:g} {service.unit}"
            row["billed"] = self.env._("Billed: %s", billed)
            for name in ("sale", "cost", "margin"):
                row[name] = formatting.money(self.env, charge[name], charge.currency_id, digits[charge.currency_id])
            rows.append(row)
        return rows
