from odoo import models


class TierWallet(models.Model):
    """Money that accounting has seen come in or go out again."""

    _inherit = "tier.wallet"

    def _take_out_movements(self, amount, source_key, reason=None):
        """Build what takes money out that was given back outside of the system.

        The way of a top-up backwards: with outside money every reseller in
        between takes its credit back. It may overdraw the wallet, for the
        money is gone.

        :param Decimal amount: in the wallet's currency
        :param str source_key: names the cause
        :param str reason: free text
        :return: list of :class:`..ledger.writer.Movement`, that with the key last
        """
        self.ensure_one()
        amount = self._check_amount(amount)
        ancestor, *chain = self._outside_chain()
        world = self.env["tier.account"].sudo()._get("world", self.company_id, self.currency_id)
        movements = [
            self._movement(
                "adjustment", wallet.account_id, wallet.grant_account_id, amount, f"{source_key}:{wallet.id}", reason
            )
            for wallet in reversed(chain)
        ]
        return [*movements, self._movement("adjustment", ancestor.account_id, world, amount, source_key, reason)]

    def _note_by_system(self, body):
        """Write a note on the wallet, by the system: who pays may be a visitor.

        :param str body: text
        """
        self.ensure_one()
        self.with_user(self.env.ref("base.user_root")).message_post(body=body)

    def _ask_about_debt(self):
        """Have somebody look at prepaid wallets that owe money, as they spent what was taken back."""
        managers = self.env.ref("tier_billing.group_tier_manager").all_user_ids
        for wallet in self.filtered(lambda wallet: wallet.payment_mode == "prepaid" and wallet.balance < 0):
            summary = self.env._("Credit was taken back that is spent already")
            responsible = managers.filtered(lambda user, wallet=wallet: wallet.company_id in user.company_ids)
            if not responsible or summary in wallet.activity_ids.mapped("summary"):
                continue
            wallet.activity_schedule(
                "mail.mail_activity_data_warning",
                summary=summary,
                note=self.env._("%(wallet)s owes money: ask for it, or adjust the balance.", wallet=wallet.name),
                user_id=(responsible.filtered(lambda user: user == self.env.user) or responsible[0]).id,
            )

    def _tier_is_of(self, partner):
        """Tell whether a partner may pay for this wallet: it is its own, or that of a customer below.

        :param partner: ``res.partner`` that pays
        :rtype: bool
        """
        self.ensure_one()
        wallet, payer = self.sudo(), partner.sudo().commercial_partner_id
        while wallet.parent_id:
            if wallet.partner_id.commercial_partner_id == payer:
                return True
            wallet = wallet.parent_id
        return False
