from decimal import Decimal

from odoo import fields, models
from odoo.exceptions import AccessError, MissingError, UserError

from .. import ledger


class TierWallet(models.Model):
    """What of a wallet may be paid out."""

    _inherit = "tier.wallet"

    payout_ids = fields.One2many("tier.payout", "wallet_id", "Payouts", groups="tier_billing.group_tier_auditor")
    payout_count = fields.Integer(
        "Number of payouts", compute="_compute_payout_count", groups="tier_billing.group_tier_auditor"
    )

    def _compute_payout_count(self):
        counts = dict(self.env["tier.payout"]._read_group([("wallet_id", "in", self.ids)], ["wallet_id"], ["__count"]))
        for wallet in self:
            wallet.payout_count = counts.get(wallet._origin, 0)

    def action_payouts(self):
        """Open the payouts of this wallet.

        :return: a window action
        """
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id("tier_billing.tier_payout_action")
        action["domain"] = [("wallet_id", "=", self.id)]
        action["context"] = {"default_wallet_id": self.id}
        return action

    def _own_funds(self):
        """Return what this wallet has and does not need for sessions in progress.

        :return: in its currency, below zero if it owes
        :rtype: Decimal
        """
        self.ensure_one()
        self.env.flush_all()
        account_id = self._origin.sudo().account_id.id
        states = ledger.writer.read_accounts(self.env.cr, [account_id] if account_id else [])
        return states[account_id].balance - states[account_id].held if states else Decimal(0)

    def _payouts_requested(self, but=None):
        """Return what waits for a decision.

        :param but: ``tier.payout`` records that do not count
        :rtype: Decimal
        """
        return self._sum_payouts([("decision", "=", "requested"), ("id", "not in", but.ids if but else [])])

    def _payouts_made(self):
        """Return what has left the wallet and has not come back.

        :rtype: Decimal
        """
        return self._sum_payouts([("decision", "=", "approved")])

    def _sum_payouts(self, domain):
        # sudo: a portal user asks for its own wallet, see _request_payout.
        payouts = self.env["tier.payout"].sudo().search([("wallet_id", "=", self._origin.id), *domain])
        return sum(map(self._to_decimal, payouts.mapped("amount")), Decimal(0))

    def _payout_margin(self):
        """Return what this wallet ever earned on customers with inside money.

        Usage tells, which is not known here: for whoever prices it to override.

        :return: None if it is not known
        :rtype: Decimal
        """
        return

    def _payout_margin_left(self):
        """Return how much of its margin this wallet has not been paid out yet.

        :return: None if the margin is not known
        :rtype: Decimal
        """
        margin = self._payout_margin()
        return None if margin is None else max(margin - self._payouts_made(), Decimal(0))

    def _payout_limit(self):
        """Return what the owner of this wallet may ask for now.

        Its margin, as far as the funds are there: credit that it bought is for use.

        :return: zero or more, in what the currency can pay
        :rtype: Decimal
        """
        self.ensure_one()
        if self.money == "outside" or not self.sudo().parent_id or self.state == "closed":
            return Decimal(0)
        limits = [self._own_funds()]
        margin = self._payout_margin_left()
        if margin is not None:
            limits.append(margin)
        left = max(min(limits) - self._payouts_requested(), Decimal(0))
        return left.quantize(Decimal(1).scaleb(-self.currency_id.decimal_places), "ROUND_DOWN")

    def _is_of_user(self):
        """Tell whether this is a wallet of the user's own partner.

        :rtype: bool
        """
        self.ensure_one()
        # sudo: of the partner, this one field.
        return self.sudo().partner_id.commercial_partner_id == self.env.user.sudo().commercial_partner_id

    def _check_is_of_user(self):
        self.check_access("read")
        if not self._is_of_user():
            raise AccessError(self.env._("Only its owner asks for payouts of %s here.", self.name))

    def _withdraw_payout_request(self, payout_id):
        """Take back a request of this wallet, as its owner; repeating it changes nothing.

        :param int payout_id: of a payout of this wallet
        :raise AccessError: it is not the user's wallet
        :raise MissingError: there is no such payout of this wallet
        :raise UserError: it is decided already
        """
        self.ensure_one()
        ledger.cursor.see_commits(self.env.cr)
        self._check_is_of_user()
        # sudo: as in _request_payout.
        payout = self.env["tier.payout"].sudo().search([("id", "=", payout_id), ("wallet_id", "=", self.id)])
        if not payout:
            raise MissingError(self.env._("There is no such payout."))
        for request in payout._claim("cancelled", ("requested",)):
            request._decide("cancelled")

    def _request_payout(self, amount, note, request_key):
        """Ask for a payout as the owner of this wallet.

        :param amount: in its currency, as typed
        :param str note: free text
        :param str request_key: names the form; sent twice it is one request
        :return: ``tier.payout`` record, with the rights of the system
        :raise AccessError: it is not the user's wallet
        :raise UserError: it is not an amount, or more than may be asked for
        """
        self.ensure_one()
        ledger.cursor.see_commits(self.env.cr)
        self._check_is_of_user()
        # sudo: an owner may ask and look, not decide; this wallet only.
        Payout = self.env["tier.payout"].sudo()
        # One request at a time of a wallet, so that two of them do not ask for the same money.
        self.env.cr.execute("SELECT id FROM tier_wallet WHERE id = %s FOR NO KEY UPDATE", [self.id])
        known = Payout.search([("request_key", "=", request_key), ("wallet_id", "=", self.id)])
        if known:
            return known
        amount = self._check_amount(amount)
        limit = self._payout_limit()
        if amount > limit:
            raise UserError(
                self.env._(
                    "At most %(limit)s %(currency)s can be paid out now.",
                    limit=f"{limit:f}",
                    currency=self.currency_id.name,
                )
            )
        # A page shows the error and goes on: what was refused leaves nothing behind.
        with self.env.cr.savepoint():
            return Payout.create(
                {"wallet_id": self.id, "amount": float(amount), "note": note or False, "request_key": request_key}
            )
