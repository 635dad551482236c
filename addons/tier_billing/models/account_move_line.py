from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools.sql import column_exists, create_column

# Where money is, or what the company owes: bad debts and discounts are neither.
MONEY_ACCOUNTS = ("asset_cash", "liability_credit_card", "liability_payable")


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    tier_wallet_id = fields.Many2one(
        "tier.wallet",
        "Wallet",
        compute="_compute_tier_wallet_id",
        store=True,
        readonly=False,
        precompute=True,
        ondelete="restrict",
        index="btree_not_null",
        help="The wallet that this line credits with its price without tax, as far as the invoice is paid.",
    )

    def _auto_init(self):
        # No line names a wallet before this module is installed: computing
        # that for years of journal items would take hours for nothing.
        if not column_exists(self.env.cr, self._table, "tier_wallet_id"):
            create_column(self.env.cr, self._table, "tier_wallet_id", "int4")
        return super()._auto_init()

    @api.depends("product_id", "partner_id")
    def _compute_tier_wallet_id(self):
        for line in self:
            wallet = line.tier_wallet_id
            if line.product_id.is_tier_credit and line.move_id.is_sale_document(include_receipts=True):
                wallets = line.partner_id._tier_own_wallets(line.company_id)
                if not wallet or not wallet._tier_is_of(line.partner_id):
                    wallet = wallets if len(wallets) == 1 else False
            elif wallet and not wallet.sudo()._tier_is_of(line.partner_id):
                wallet = False
            line.tier_wallet_id = wallet

    @api.constrains("tier_wallet_id")
    def _check_tier_wallet(self):
        # sudo: accountants need not have rights on wallets.
        for line in self.sudo().filtered("tier_wallet_id"):
            wallet, move = line.tier_wallet_id, line.move_id
            if not move.is_sale_document(include_receipts=True):
                raise ValidationError(self.env._("Only lines of customer invoices credit a wallet."))
            if wallet.company_id != move.company_id:
                raise ValidationError(
                    self.env._(
                        "%(wallet)s is no wallet of %(company)s.", wallet=wallet.name, company=move.company_id.name
                    )
                )
            if not wallet._tier_is_of(move.partner_id):
                raise ValidationError(
                    self.env._(
                        "%(wallet)s is neither a wallet of %(partner)s nor of one of its customers.",
                        wallet=wallet.name,
                        partner=move.partner_id.display_name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        """Override of `account`: a line may come with its wallet on a posted invoice."""
        lines = super().create(vals_list)
        lines.filtered("tier_wallet_id").move_id.filtered(lambda move: move.state == "posted")._tier_mark()
        return lines

    def write(self, vals):
        """Override of `account`: another wallet is to be credited."""
        result = super().write(vals)
        if "tier_wallet_id" in vals:
            self.move_id._tier_mark()
        return result

    def _tier_money_share(self):
        """Tell which part of this receivable was settled with money.

        A payment that writes off a difference settles more than it brings. An
        entry by hand counts as far as it moves money: writing off a bad debt
        pays nothing. Another invoice or credit note is worth what it says.

        :return: 0 to 1
        :rtype: Decimal
        """
        self.ensure_one()
        move = self.move_id
        if move.state != "posted":
            return Decimal(0)
        if move.is_sale_document(include_receipts=True):
            return Decimal(1)
        payment = move.origin_payment_id
        if payment and not payment._tier_is_money():
            return Decimal(0)
        liquidity = payment._get_valid_liquidity_accounts() if payment else move.journal_id.default_account_id
        money, settled = Decimal(0), Decimal(0)
        to_decimal = self.env["tier.wallet"]._to_decimal
        for line in move.line_ids:
            if line.account_type == self.account_type and (line.balance > 0) == (self.balance > 0):
                settled += to_decimal(line.balance)
            elif line.account_type in MONEY_ACCOUNTS or line.account_id in liquidity:
                money -= to_decimal(line.balance)
        return min(max(money / settled, Decimal(0)), Decimal(1)) if settled else Decimal(0)
