from odoo import models
from odoo.exceptions import UserError
from odoo.tools import SQL

from .. import ledger
from .tier_wallet_control import plain

# In the context of a move. An object of this process: no request can bring it along.
MOVING = object()


class TierWallet(models.Model):
    """A wallet's place in the chain, before and after money has moved in it."""

    _inherit = "tier.wallet"

    def _check_may_change_place(self, vals):
        """Refuse to change where a wallet's money goes once money has moved.

        :param dict vals: values about to be written
        """
        moving = self.filtered(lambda wallet: wallet._leaves_parent(vals))
        if moving:
            moving._lock_places(self.browse(vals["parent_id"] or []))
        if self.env.context.get("tier_moving") is MOVING and "money" not in vals:
            return
        for wallet in self:
            moves = wallet._leaves_parent(vals)
            changes = moves or ("money" in vals and wallet.money != vals["money"])
            concerned = wallet
            if moves and not (wallet.parent_id and vals["parent_id"]):
                # What customers of the provider pay is earned, what others pay
                # is their parent's: theirs would land elsewhere as well.
                concerned |= wallet.with_context(active_test=False).child_ids
            if changes and concerned._has_transfers():
                raise UserError(
                    self.env._(
                        "Money has moved in %s already: a manager may move it below another parent by “Change parent”; "
                        "its kind of money is fixed.",
                        wallet.name,
                    )
                )

    def _leaves_parent(self, vals):
        """Tell whether these values put the wallet below another parent."""
        return "parent_id" in vals and self.parent_id.id != (vals["parent_id"] or False)

    def _lock_places(self, parent):
        """Lock wallets that move and all above their new parent, in the order of their ids.

        Else two that move at once, each below the other, would both see no loop.

        :param parent: ``tier.wallet``, may be empty
        """
        above = [int(step) for step in (parent.sudo().parent_path or "").split("/") if step]
        self.env.flush_all()
        self.env.cr.execute(
            SQL("SELECT id FROM tier_wallet WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [*self.ids, *above])
        )
        self.invalidate_model(["parent_id", "parent_path", "state", "money", "grant_account_id"], flush=False)

    # ------------------------------------------------------------------
    # With history
    # ------------------------------------------------------------------

    def _move_below(self, parent, source_key, reason):
        """Put this wallet, and all below it, below another parent; its history stays.

        Inside money stays in the wallet. Credit that the old parent granted of its own is
        handed back to it, and the new one grants the same.

        :param parent: ``tier.wallet`` of the same company
        :param str source_key: names the move
        :param str reason: why; mandatory, and noted in the chatter
        :return: whether it moved; not when it is there already
        :rtype: bool
        """
        self.ensure_one()
        if not (reason or "").strip():
            raise UserError(self.env._("A move needs a reason."))
        if not self.parent_id or not parent:
            raise UserError(self.env._("A provider's own wallet stays at the top."))
        self._lock_places(parent)
        old = self.parent_id
        if old == parent:
            return False
        self._check_movable(parent)
        wallet = self.sudo()
        credit = wallet._lock_to_move(parent)
        keys = f"{source_key}:back", f"{source_key}:grant"
        if credit:
            back = wallet._movement("reclaim", wallet.account_id, wallet.grant_account_id, credit, keys[0], reason)
            self.env["tier.transfer"].sudo()._post([back])
        self.with_context(tier_moving=MOVING).write({"parent_id": parent.id})
        if credit:
            self.env.flush_all()
            grant = wallet._movement("allocation", wallet.grant_account_id, wallet.account_id, credit, keys[1], reason)
            wallet._check_overcommit(grant)
            self.env["tier.transfer"].sudo()._post([grant])
        self.message_post(
            body=self.env._(
                "Moved from %(old)s to %(new)s: %(reason)s", old=old.sudo().name, new=parent.name, reason=reason
            )
        )
        return True

    def _check_movable(self, parent):
        """Refuse a move that makes no sense."""
        if parent.company_id != self.company_id:
            raise UserError(
                self.env._(
                    "%(wallet)s and %(parent)s belong to different companies.", wallet=self.name, parent=parent.name
                )
            )
        if f"/{self.id}/" in f"/{parent.parent_path}":
            raise UserError(self.env._("%(parent)s is below %(wallet)s.", wallet=self.name, parent=parent.name))
        for wallet in self | parent:
            wallet._check_open()

    def _lock_to_move(self, parent):
        """Lock the accounts of all that moves, and check that no session is in progress there.

        :param parent: ``tier.wallet``, the new one
        :return: outside credit that the old parent gets back and the new one grants
        :rtype: Decimal, None for inside money
        """
        below = self.with_context(active_test=False).search([("id", "child_of", self.id)])
        accounts = below.account_id | parent.sudo().account_id | self.grant_account_id
        if self.money == "outside":
            accounts |= self.env["tier.account"].sudo()._get("outside", self.company_id, self.currency_id, parent)
        self.env.flush_all()
        states = ledger.writer.lock_accounts(self.env.cr, accounts.ids)
        for wallet in below:
            state = states[wallet.account_id.id]
            if state.open_sessions or state.held:
                raise UserError(
                    self.env._(
                        "%(wallet)s has %(count)s sessions in progress: move %(moved)s when they have ended.",
                        wallet=wallet.name,
                        count=state.open_sessions,
                        moved=self.name,
                    )
                )
        if self.money == "inside":
            return None
        balance = states[self.account_id.id].balance
        if balance < 0:
            raise UserError(
                self.env._(
                    "%(wallet)s owes %(amount)s %(currency)s to %(parent)s: have that settled, then move it.",
                    wallet=self.name,
                    amount=plain(-balance),
                    currency=self.currency_id.name,
                    parent=self.parent_id.name,
                )
            )
        return balance
