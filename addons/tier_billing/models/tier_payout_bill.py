from odoo import Command, fields, models
from odoo.exceptions import UserError

from ..ledger.writer import Movement


class TierPayout(models.Model):
    """The bill of a payout, and its money on the way out and back."""

    _inherit = "tier.payout"

    def action_bill(self):
        """Open the vendor bill.

        :return: a window action
        """
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "account.move",
            "res_id": self.move_id.id,
            "view_mode": "form",
        }

    def _create_bill(self):
        """Create the vendor bill of what is paid out, as a draft.

        :return: ``account.move`` record
        :raise UserError: when the company's accounts are not set up
        """
        self.ensure_one()
        account = self.company_id.sudo().tier_clearing_account_id
        if not account:
            raise UserError(self.env._("Set the account of sold credit first: Settings, Tier Billing, Accounts."))
        wallet = self.wallet_id
        # sudo: a billing manager need not be an accountant; the bill says no more than the payout.
        return (
            self.env["account.move"]
            .sudo()
            .with_company(self.company_id)
            .create(
                {
                    "move_type": "in_invoice",
                    "company_id": self.company_id.id,
                    "partner_id": wallet.partner_id.id,
                    "currency_id": wallet.currency_id.id,
                    "invoice_date": fields.Date.context_today(self),
                    "ref": self.name,
                    "invoice_origin": self.name,
                    "invoice_line_ids": [
                        Command.create(
                            {
                                "name": self.env._("Payout %(name)s of %(wallet)s", name=self.name, wallet=wallet.name),
                                "quantity": 1,
                                "price_unit": self.amount,
                                "account_id": account.id,
                                # Of what the reseller has to invoice with tax, an accountant adds it.
                                "tax_ids": [Command.clear()],
                            }
                        )
                    ],
                }
            )
        )

    def _check_bill(self):
        """Refuse to post a bill that does not pay out what left the wallet.

        :raise UserError: naming both
        """
        for payout in self:
            bill = payout.move_id
            if payout.decision != "approved":
                raise UserError(
                    self.env._(
                        "%s was called off and its money returned to the wallet: request a new payout.", payout.name
                    )
                )
            account = payout.company_id.tier_clearing_account_id
            lines = bill.invoice_line_ids.filtered(lambda line, account=account: line.account_id == account)
            if bill.currency_id != payout.currency_id or bill.currency_id.compare_amounts(
                sum(lines.mapped("price_subtotal")), payout.amount
            ):
                raise UserError(
                    self.env._(
                        "%(name)s took %(amount)s %(currency)s out of the wallet: the bill has to have as much on the "
                        "account %(account)s.",
                        name=payout.name,
                        amount=f"{payout.amount:.{payout.currency_id.decimal_places}f}",
                        currency=payout.currency_id.name,
                        account=account.display_name,
                    )
                )

    # ------------------------------------------------------------------
    # The ledger
    # ------------------------------------------------------------------

    def _source_key(self):
        """Return what names this payout in the ledger."""
        return f"payout:{self.id}"

    def _reason(self):
        """Return what the ledger says of this payout."""
        return self.env._("Payout %s", self.name)

    def _give_back(self):
        """Bring the money back into the wallet; repeating it changes nothing."""
        payout = self.sudo()
        if not payout.transfer_id or payout.return_id:
            return
        out = payout.transfer_id
        amount = payout.wallet_id._to_decimal(out.amount)
        back = Movement(
            f"{payout._source_key()}:back",
            "payout",
            out.to_account_id.id,
            out.from_account_id.id,
            amount,
            amount,
            date=fields.Datetime.now(),
            reason=self.env._("Payout %s was called off", payout.name),
            reverses=out.id,
        )
        payout._move({"return_id": payout.env["tier.transfer"]._post([back]).id})

    # Of documents that are settled after the commit; see tier.paid.change.

    def _tier_root(self):
        return self

    def _tier_lock(self):
        self._lock_rows()

    def _tier_settle(self):
        """Bring the money back if the bill came to nothing."""
        self.ensure_one()
        bill = self.move_id
        if self.decision == "approved" and (not bill or bill.state == "cancel" or bill.payment_state == "reversed"):
            self._decide("cancelled")
        if self.decision == "cancelled":
            self._give_back()
