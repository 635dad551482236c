from odoo import fields, models
from odoo.exceptions import UserError

from odoo.addons.tier_billing import ledger


class TierStay(models.Model):
    """What moves a guest's money: all through the wallet's own methods, each with a key of the stay."""

    _inherit = "tier.stay"

    def _claim(self, state):
        """Lock the stay for a step; the charging path waits for it, and for no other.

        :param str state: in which it may be taken
        :return: whether it is in that state
        :rtype: bool
        """
        self.ensure_one()
        self.check_access("write")
        self.env.flush_all()
        self.env.cr.execute("SELECT id FROM tier_stay WHERE id = %s FOR UPDATE", [self.id])
        self.invalidate_recordset()
        return self.state == state

    # ------------------------------------------------------------------
    # In
    # ------------------------------------------------------------------

    def action_check_in(self):
        """Let guests in: each gets a wallet, and pays for its room from then on. Twice is once."""
        ledger.cursor.see_commits(self.env.cr)
        for stay in self.sorted("id"):
            if stay._claim("booked"):
                stay._check_in()

    def _check_in(self):
        """Open the wallet and take the deposit, all of it or nothing."""
        hotel, room = self.hotel_id, self.room_id
        now = fields.Datetime.now()
        if self.check_in > now:
            raise UserError(self.env._("The check-in is in the future: set it to the moment when the guest came."))
        if room.stay_id:
            raise UserError(self.env._("%(guest)s is in room %(room)s.", guest=room.guest_id.name, room=room.name))
        self._check_free(room, self.check_in)
        if self.payment == "deposit" and not self.deposit and not hotel.credit_limit:
            raise UserError(self.env._("The house gives no credit: take a deposit first."))
        # sudo: the house's manager has set the limit; who works at the desk may open a wallet with it.
        wallet = self.env["tier.wallet"].sudo().create(self._wallet_values())
        wallet = wallet.sudo(False)
        self._set({"state": "in", "wallet_id": wallet.id})
        self._enter(room, self.check_in)
        if self.deposit:
            self._take(self.deposit, f"stay:{self.id}:in", self.env._("Deposit, room %s", room.name))

    def _check_free(self, room, moment):
        """Refuse a guest at a time at which the room had another."""
        left = [("room_id", "=", room.id), ("date_to", "!=", False)]
        last = self.env["tier.stay.room"].search(left, order="date_to desc", limit=1).date_to
        if last and moment < last:
            raise UserError(
                self.env._(
                    "The guest before left room %(room)s at %(moment)s UTC: check in from then on.",
                    room=room.name,
                    moment=last,
                )
            )

    def _wallet_values(self):
        """Return the values of the guest's wallet."""
        hotel = self.hotel_id
        on_account = self.payment == "account"
        return {
            "name": self.env._("Room %(room)s: %(guest)s", room=self.room_id.name, guest=self.partner_id.name),
            "partner_id": self.partner_id.id,
            "parent_id": hotel.wallet_id.id,
            "money": hotel.guest_money,
            "payment_mode": "postpaid" if on_account else "prepaid",
            "credit_limit": hotel.credit_limit if on_account else 0,
            "price_list_id": hotel.price_list_id.id,
            # A stay is invoiced at check-out, not by the month.
            "invoice_interval": "manual",
        }

    def _enter(self, room, moment):
        self.env["tier.stay.room"].sudo().create({"stay_id": self.id, "room_id": room.id, "date_from": moment})

    def _leave(self, moment):
        self.occupancy_ids.filtered(lambda occupancy: not occupancy.date_to).sudo().date_to = moment

    def _move_to(self, room):
        """Move the guest into another room; the folio goes along.

        :param room: ``tier.room`` of the same house, without a guest
        """
        ledger.cursor.see_commits(self.env.cr)
        if not self._claim("in"):
            raise UserError(self.env._("%s is not in the house.", self.partner_id.name))
        if room == self.room_id:
            return
        if room.hotel_id != self.hotel_id:
            raise UserError(self.env._("%s is in another house.", room.name))
        if room.stay_id:
            raise UserError(self.env._("%(guest)s is in room %(room)s.", guest=room.guest_id.name, room=room.name))
        now = fields.Datetime.now()
        self._check_free(room, now)
        self._leave(now)
        self._enter(room, now)
        self._set({"room_id": room.id})

    # ------------------------------------------------------------------
    # Money at the desk
    # ------------------------------------------------------------------

    def _take(self, amount, source_key, reason):
        """Credit what the guest paid at the desk.

        :param amount: in the currency of the wallet
        :param str source_key: names the payment
        :param str reason: free text
        """
        wallet = self.wallet_id
        total = wallet._in_company_currency({wallet.currency_id: wallet._to_decimal(amount)}, wallet.company_id)
        if wallet.company_id._tier_needs_approval(total) and not wallet._is_posted(source_key):
            raise UserError(
                self.env._(
                    "%s is above the company's limit: a second person approves it. Use Move funds on the wallet.",
                    amount,
                )
            )
        if wallet.money == "inside":
            wallet._topup(amount, source_key, reason)
        else:
            wallet._allocate(amount, source_key, reason)

    def _give_back(self, amount, source_key, reason):
        """Pay out what is left of the guest's money.

        :param Decimal amount: in the currency of the wallet
        :param str source_key: names the payment
        :param str reason: free text
        """
        wallet = self.wallet_id
        if wallet.money == "inside":
            wallet._withdraw(amount, source_key, reason)
        else:
            wallet._reclaim(amount, source_key, reason)

    # ------------------------------------------------------------------
    # Out
    # ------------------------------------------------------------------

    def _check_out(self, expected, invoice=False):
        """End the stay: settle the folio at the desk and close the wallet, or have it invoiced.

        From here on the room's calls are the house's, also those that the guest made and
        whose records come later.

        :param Decimal expected: the balance that the guest was told
        :param bool invoice: leave the debt open, to be paid by the invoice
        :return: whether it was checked out now
        :rtype: bool
        :raise UserError: with calls in progress, or when more was used since the guest was told
        """
        ledger.cursor.see_commits(self.env.cr)
        if not self._claim("in"):
            return False
        wallet = self.wallet_id
        account = wallet.sudo().account_id
        accounts = (account | wallet.sudo().grant_account_id).ids
        state = ledger.writer.lock_accounts(self.env.cr, accounts)[account.id]
        if state.open_sessions or state.held:
            raise UserError(self.env._("A call is in progress: check out when it has ended."))
        if state.balance != expected:
            raise UserError(self.env._("Something was put on the folio in this moment: look at it again."))
        now = fields.Datetime.now()
        key, reason = f"stay:{self.id}:out", self.env._("Check-out, room %s", self.room_id.name)
        self._set({"state": "out", "check_out": now})
        self._leave(now)
        self.occupancy_ids.sudo().staying = False
        if state.balance < 0 and invoice:
            self._invoice(now)
            wallet.sudo().state = "suspended"
            return True
        if state.balance > 0:
            self._give_back(state.balance, key, reason)
        elif state.balance < 0:
            self._take(-state.balance, key, reason)
        wallet.write({"state": "closed"})
        return True

    def _invoice(self, moment):
        """Make the invoice of a guest who pays later.

        Where the provider collects it is a draft in Invoicing, else the house's own.

        :param datetime moment: of the check-out
        """
        wallet = self.wallet_id
        first, last = (
            fields.Datetime.context_timestamp(self.with_context(tz=wallet._statement_tz()), at).date()
            for at in (self.check_in, moment)
        )
        if wallet._invoiced_by_usage():
            # sudo: who works at the desk need have no rights on invoices, and a draft binds nobody.
            self._set({"invoice_id": wallet.sudo()._invoice_usage(first, last)[:1].id})
            return
        bill = self.env["tier.bill"].create(
            {
                "wallet_id": wallet.parent_id.id,
                "child_id": wallet.id,
                "date_from": first,
                "date_to": last,
            }
        )
        bill.action_issue()
        self._set({"bill_id": bill.id})
