from odoo import models
from odoo.exceptions import UserError

from .. import explaining, ratesheet


class TierWallet(models.Model):
    """What a wallet pays, for its owner and its seller to read; see :mod:`..ratesheet`."""

    _inherit = "tier.wallet"

    def _rate_sheet_list(self):
        """Return the price list that the wallet buys by, empty if it has none.

        What the provider pays its carriers is on no customer's sheet.

        :return: ``tier.price.list``, for what was checked to be read
        :raise AccessError: the user may not read this wallet
        """
        self.ensure_one()
        self.check_access("read")
        # sudo: the customer's own prices only, of which the list itself is not handed out.
        wallet = self.sudo()
        return wallet.price_list_id if wallet.parent_id else wallet.price_list_id.browse()

    def _rate_sheet(self, service, day=None, currency=None):
        """Return the sheet of what this wallet pays for a service on a day.

        :param service: ``tier.service``
        :param date day: today by default, where the brand is
        :param currency: ``res.currency``; the wallet's by default
        :rtype: ..ratesheet.effective.Sheet
        :raise AccessError: the user may not read this wallet
        :raise UserError: it has no price list
        """
        price_list = self._rate_sheet_list()
        if not price_list:
            raise UserError(self.env._("%s has no price list.", self.sudo().name))
        day = day or price_list._rate_sheet_today()
        return ratesheet.effective.Sheet(self.env, price_list, service, day, currency or self.currency_id, wallet=self)

    def _explain_own_price(self, sheet, number, at, quantity):
        """Return what this wallet would pay for something, and why; nothing of who sells to it.

        :param sheet: of :meth:`_rate_sheet`
        :param str number: normalised, or a resource code
        :param datetime at: naive UTC moment
        :param Decimal quantity: seconds or units, above zero
        :rtype: ..explaining.own.Answer
        :raise AccessError: the user may not read this wallet
        """
        self.ensure_one()
        self.check_access("read")
        row = sheet.price_of(number)
        question = explaining.prices.of_wallet(self.env, self, sheet.service, number, at, quantity)
        return explaining.own.OwnWording(self.env, question, row.prefix if row else "").answer()

    def action_rate_sheet(self):
        """Open what this wallet pays.

        :return: a window action
        """
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.actions"]._for_xml_id("tier_rating.tier_rate_sheet_action")
        action["context"] = {"default_wallet_id": self.id}
        return action
