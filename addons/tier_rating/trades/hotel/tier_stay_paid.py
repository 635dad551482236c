from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from odoo.addons.tier_billing.const import MONEY_DIGITS


class TierStay(models.Model):
    """A guest who pays by invoice: its wallet closes with the payment, and opens again if that is undone."""

    _inherit = "tier.stay"

    owed = fields.Float("Owes", digits=MONEY_DIGITS, compute="_compute_owed")

    @api.depends("state", "wallet_id.state")
    def _compute_awaits_payment(self):
        for stay in self:
            stay.awaits_payment = stay.state == "out" and stay.sudo().wallet_id.state == "suspended"

    def _search_awaits_payment(self, operator, value):
        if operator != "in":
            return NotImplemented
        waits = fields.Domain("state", "=", "out") & fields.Domain("wallet_id.state", "=", "suspended")
        return waits if True in value else ~waits

    @api.depends("balance")
    def _compute_owed(self):
        for stay in self:
            stay.owed = max(-stay.balance, 0)

    def action_invoice_paid(self):
        """Open the dialog that puts what the guest has paid to the house on its wallet.

        :return: a window action
        """
        self.ensure_one()
        if not self.awaits_payment or not self.bill_id:
            raise UserError(self.env._("No invoice of the house is waiting to be paid."))
        action = self.action_payment()
        action["context"] |= {
            "default_amount": self.owed,
            "default_reason": self.env._("Invoice %s", self.bill_id.name),
        }
        return action

    @api.model
    def _follow_payments(self, account_ids):
        """Close the wallets of guests who have left and paid; open those whose payment was undone.

        Called in the transaction that moves the money, which has these accounts locked: what is
        decided and what was moved are kept or lost together.

        :param account_ids: ids of ledger accounts whose balance may have changed
        """
        self.env.flush_all()
        # From the accounts by primary keys, and the index on the wallet of a stay.
        self.env.cr.execute(
            SQL(
                """
                SELECT s.id, a.balance::text
                  FROM tier_account a
                  JOIN tier_wallet w ON w.id = a.wallet_id AND w.account_id = a.id
                  JOIN tier_stay s ON s.wallet_id = w.id
                 WHERE a.id = ANY(%s) AND s.state = 'out'
                   AND (w.state = 'suspended' OR (w.state = 'closed' AND a.balance < 0))
                 ORDER BY s.id""",
                list(account_ids),
            )
        )
        for stay_id, balance in self.env.cr.fetchall():
            # sudo: who takes or reconciles a payment need have no rights on stays.
            self.sudo().browse(stay_id)._follow_payment(Decimal(balance))

    def _follow_payment(self, balance):
        """See :meth:`_follow_payments`.

        :param Decimal balance: of the guest's wallet, which is suspended, or closed with a debt
        """
        self.ensure_one()
        undone = self.env._("The payment of the invoice was undone")
        too_much = self.env._("The guest has paid too much")
        wallet = self.wallet_id
        asked = self.activity_ids.filtered(lambda activity: activity.summary in (undone, too_much))
        if not balance:
            asked.unlink()
            wallet.state = "closed"
            self._say(self.env._("The invoice is paid, the wallet is closed."))
            return
        if wallet.state == "closed":
            wallet.state = "suspended"
            self._ask(
                undone, self.env._("The guest owes again what the invoice said: the wallet is open until it pays.")
            )
        elif balance > 0 and not asked:
            self._ask(too_much, self.env._("Return what is left on the wallet with Move funds, then close it."))

    def _say(self, text):
        """Note something on the stay, by the system."""
        self.with_user(self.env.ref("base.user_root")).message_post(body=text)

    def _ask(self, summary, note):
        """Have who checked the guest in look at it."""
        user = self.create_uid
        self.activity_schedule(
            "mail.mail_activity_data_warning",
            summary=summary,
            note=note,
            user_id=(user if user.active and not user.share else self.env.ref("base.user_admin")).id,
        )
