from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

from ..const import MONEY_DIGITS
from .ledger_link import LedgerLink

# Whose funds a wallet spends and where its payments land: derived, never set.
DERIVED_FIELDS = frozenset(("account_id", "payee_account_id", "grant_account_id", "tier"))
# What may be spent beyond what was paid in: for managers to set.
LIMIT_FIELDS = ("credit_limit", "overcommit_percent", "sell_below_cost", "max_concurrent_calls")


class TierWallet(models.Model):
    """The money that one partner has with its parent, in one currency."""

    _name = "tier.wallet"
    _description = "Wallet"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _parent_store = True
    _order = "parent_path, id"
    _check_company_auto = True

    name = fields.Char(required=True, tracking=True)
    active = fields.Boolean(default=True)
    partner_id = fields.Many2one(
        "res.partner", required=True, index=True, ondelete="restrict", check_company=True, tracking=True
    )
    parent_id = fields.Many2one(
        "tier.wallet",
        index=True,
        ondelete="restrict",
        tracking=True,
        help="Who this wallet buys from. Empty for the provider's own wallet.",
    )
    child_ids = fields.One2many("tier.wallet", "parent_id", "Customers")
    parent_path = fields.Char(index=True)
    tier = fields.Integer(
        compute="_compute_tier",
        store=True,
        recursive=True,
        help="Depth in the chain: the provider is 0, its resellers 1.",
    )
    company_id = fields.Many2one(
        "res.company",
        required=True,
        ondelete="restrict",
        default=lambda self: self.env.company,
        index=True,
    )
    currency_id = fields.Many2one(
        "res.currency",
        required=True,
        ondelete="restrict",
        default=lambda self: self.env.company.currency_id,
    )
    money = fields.Selection(
        [("inside", "Inside"), ("outside", "Outside")],
        required=True,
        default="inside",
        tracking=True,
        help="Inside: the money came through the provider's hands; what this wallet pays lands "
        "in its parent's wallet. Outside: the parent collects the money itself and grants "
        "credit; the parent pays its own parent from its own wallet.",
    )
    payment_mode = fields.Selection(
        [("prepaid", "Prepaid"), ("postpaid", "Postpaid")],
        required=True,
        default="prepaid",
        tracking=True,
    )
    state = fields.Selection(
        [("active", "Active"), ("suspended", "Suspended"), ("closed", "Closed")],
        required=True,
        default="active",
        tracking=True,
        help="A suspended wallet, or one below it, starts no session.",
    )
    account_id = fields.Many2one("tier.account", "Ledger account", readonly=True, copy=False, ondelete="restrict")
    payee_account_id = LedgerLink(
        "tier.account",
        "Pays into",
        readonly=True,
        copy=False,
        groups="base.group_user",
        help="Where usage of this wallet is paid to: the parent's wallet, its outside account, "
        "or the provider's earnings.",
    )
    grant_account_id = LedgerLink(
        "tier.account",
        "Funded from",
        readonly=True,
        copy=False,
        groups="base.group_user",
        help="Where credit from the parent comes from.",
    )
    credit_limit = fields.Float(
        digits=MONEY_DIGITS,
        compute="_compute_credit_limit",
        inverse="_inverse_credit_limit",
        help="How far below zero a postpaid wallet may go.",
    )
    overcommit_percent = fields.Float(
        "Overcommit (%)",
        digits=(6, 2),
        groups="base.group_user",
        help="How much credit may be granted to outside customers, as a percentage of this "
        "wallet's own available funds. Zero: no limit.",
    )
    max_concurrent_calls = fields.Integer(
        "Maximum concurrent sessions", help="Sessions open at once, this wallet and all below it. Zero: no limit."
    )
    sell_below_cost = fields.Boolean(
        groups="base.group_user",
        help="Let this wallet sell for less than it pays; it then needs the funds for the loss.",
    )
    low_balance_threshold = fields.Float(digits=MONEY_DIGITS)

    _max_concurrent_positive = models.Constraint(
        "CHECK (max_concurrent_calls >= 0)", "The maximum of concurrent sessions is zero or more."
    )

    # ------------------------------------------------------------------
    # Computed figures
    # ------------------------------------------------------------------

    @api.onchange("partner_id")
    def _onchange_partner_id(self):
        if self.partner_id and not self.name:
            self.name = self.partner_id.name

    @api.onchange("parent_id")
    def _onchange_parent_id(self):
        if self.parent_id:
            self.company_id = self.parent_id.company_id
            self.currency_id = self._origin.currency_id or self.parent_id.currency_id
            if self.parent_id.money == "outside":
                self.money = "outside"

    @api.depends("parent_id.tier")
    def _compute_tier(self):
        for wallet in self:
            wallet.tier = wallet.parent_id.tier + 1 if wallet.parent_id else 0

    @api.depends("account_id.credit_limit")
    def _compute_credit_limit(self):
        for wallet in self:
            wallet.credit_limit = wallet.sudo().account_id.credit_limit

    def _inverse_credit_limit(self):
        for wallet in self:
            if wallet.credit_limit and wallet.payment_mode == "prepaid":
                raise ValidationError(
                    self.env._("%s is prepaid: only a postpaid wallet has a credit limit.", wallet.name)
                )
            # The limit lives on the ledger account, under the same lock as the
            # balance that it is compared with.
            wallet.sudo().account_id.credit_limit = wallet.credit_limit

    # ------------------------------------------------------------------
    # Rules of the tree
    # ------------------------------------------------------------------

    @api.constrains("parent_id", "money", "company_id")
    def _check_tree(self):
        if self._has_cycle():
            raise ValidationError(self.env._("A wallet cannot be below itself."))
        for wallet in self:
            parent = wallet.parent_id
            if not parent:
                if wallet.money == "outside":
                    raise ValidationError(self.env._("The provider's wallet is inside."))
                continue
            if parent.company_id != wallet.company_id:
                raise ValidationError(
                    self.env._(
                        "%(wallet)s and its parent %(parent)s belong to different companies.",
                        wallet=wallet.name,
                        parent=parent.name,
                    )
                )
            if parent.money == "outside" and wallet.money == "inside":
                raise ValidationError(
                    self.env._(
                        "%(parent)s is outside, so everything below it is: set %(wallet)s to outside money.",
                        parent=parent.name,
                        wallet=wallet.name,
                    )
                )
            if not parent.parent_id and wallet.money == "outside":
                raise ValidationError(
                    self.env._(
                        "%s is a direct customer of the provider, so its money is inside.",
                        wallet.name,
                    )
                )

    @api.constrains("payment_mode")
    def _check_payment_mode(self):
        for wallet in self:
            if wallet.payment_mode == "prepaid" and wallet.credit_limit:
                raise ValidationError(
                    self.env._(
                        "%s has a credit limit: set it to zero before it becomes prepaid.",
                        wallet.name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        if any(vals.get(name) for vals in vals_list for name in LIMIT_FIELDS):
            self._check_sets_limits()
        vals_list = [{name: value for name, value in vals.items() if name not in DERIVED_FIELDS} for vals in vals_list]
        limits = [vals.pop("credit_limit", 0) for vals in vals_list]
        for vals in vals_list:
            if vals.get("parent_id"):
                parent = self.browse(vals["parent_id"])
                vals.setdefault("company_id", parent.company_id.id)
                vals.setdefault("currency_id", parent.currency_id.id)
                if parent.money == "outside":
                    vals.setdefault("money", "outside")
        wallets = super().create(vals_list)
        # Defaults may come from a request's context, or be a person's own.
        if any(wallet[name] for wallet in wallets for name in LIMIT_FIELDS if name != "credit_limit"):
            self._check_sets_limits()
        for wallet, limit in zip(wallets, limits, strict=True):
            wallet._open_accounts()
            if limit:
                wallet.credit_limit = limit
        return wallets

    def write(self, vals):
        self.check_access("write")
        if not self.env.su:
            if DERIVED_FIELDS & vals.keys():
                raise AccessError(
                    self.env._("Which ledger accounts a wallet uses follows from its place in the chain.")
                )
            if any(vals[name] != wallet[name] for wallet in self for name in LIMIT_FIELDS if name in vals):
                self._check_sets_limits()
        if {"currency_id", "company_id"} & vals.keys():
            for wallet in self:
                if vals.get("currency_id", wallet.currency_id.id) != wallet.currency_id.id or (
                    vals.get("company_id", wallet.company_id.id) != wallet.company_id.id
                ):
                    raise UserError(
                        self.env._(
                            "The currency and company of %s are fixed; open another wallet.",
                            wallet.name,
                        )
                    )
        if "money" in vals or "parent_id" in vals:
            self._check_may_change_place(vals)
        result = super().write(vals)
        if "money" in vals or "parent_id" in vals:
            # Where a customer's payments land depends on its parent's place.
            (self | self.child_ids)._link_accounts()
            self.child_ids._check_tree()
        return result

    def _check_sets_limits(self):
        """Refuse to set limits without the right to."""
        if not self.env.su and not self.env.user.has_group("tier_billing.group_tier_manager"):
            raise AccessError(self.env._("Only a billing manager sets the limits of a wallet."))

    def _has_transfers(self):
        """Tell whether money ever moved in any of these wallets.

        :rtype: bool
        """
        return bool(self.env["tier.transfer"].sudo().search_count(self._transfers_domain(), limit=1))

    def _transfers_domain(self):
        """Return what finds the transfers of these wallets, by the indexes on their accounts."""
        accounts = self.env["tier.account"].sudo().search([("wallet_id", "in", self.ids)])
        return ["|", ("from_account_id", "in", accounts.ids), ("to_account_id", "in", accounts.ids)]

    def _check_deletable(self):
        """Refuse to delete what money moved in, or what has customers.

        :raise UserError: naming the wallet
        """
        for wallet in self:
            if wallet._has_transfers():
                raise UserError(self.env._("%s has a history of money: close it instead.", wallet.name))
            if wallet.with_context(active_test=False).child_ids - self:
                raise UserError(self.env._("%s has customers: move or close them first.", wallet.name))

    def unlink(self):
        # Ahead of the accounts, which the database would not let go of either.
        self.check_access("unlink")
        self._check_deletable()
        accounts = self.env["tier.account"].sudo().search([("wallet_id", "in", self.ids)])
        # The two point at each other; an account's owner never changes, so
        # the wallet lets go first.
        self.sudo().account_id = False
        self.env.flush_all()
        accounts.unlink()
        return super().unlink()

    def _open_accounts(self):
        """Create the wallet's ledger accounts and the contra accounts it needs."""
        Account = self.env["tier.account"].sudo()
        for wallet in self:
            account = Account._get("wallet", wallet.company_id, wallet.currency_id, wallet)
            wallet.sudo().account_id = account
            Account._get("world", wallet.company_id, wallet.currency_id)
            Account._get("exchange", wallet.company_id, wallet.currency_id)
        self._link_accounts()

    def _link_accounts(self):
        """Set where usage of the wallet is paid to and where its credit comes from."""
        Account = self.env["tier.account"].sudo()
        for wallet in self.sudo():
            parent = wallet.parent_id
            if not parent:
                payee = Account._get("earnings", wallet.company_id, wallet.currency_id, wallet)
                grant = Account._get("world", wallet.company_id, wallet.currency_id)
            elif wallet.money == "outside":
                # In the child's currency: the memo of what was collected is
                # kept in the money that was collected.
                payee = Account._get("outside", parent.company_id, wallet.currency_id, parent)
                grant = payee
            elif parent.parent_id:
                payee = grant = parent.account_id
            else:
                payee = Account._get("earnings", parent.company_id, parent.currency_id, parent)
                grant = parent.account_id
            wallet.payee_account_id = payee
            wallet.grant_account_id = grant
            # Only a provider, which has nobody above it, spends without limit.
            wallet.account_id.unlimited = not parent

    # ------------------------------------------------------------------
    # Buttons
    # ------------------------------------------------------------------

    def action_suspend(self):
        """Stop new sessions of these wallets and of all below them."""
        self.write({"state": "suspended"})

    def action_activate(self):
        """Let these wallets start sessions again."""
        self.write({"state": "active"})

    def action_transfers(self):
        """Open the movements of this wallet.

        :return: a window action
        """
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id("tier_billing.tier_transfer_action")
        action["domain"] = self._transfers_domain()
        return action

    def action_holds(self):
        """Open the sessions that reserve funds of this wallet.

        :return: a window action
        """
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id("tier_billing.tier_hold_action")
        action["domain"] = [("wallet_id", "=", self.id)]
        return action

    def action_children(self):
        """Open the direct customers of this wallet.

        :return: a window action
        """
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id("tier_billing.tier_wallet_action")
        action["domain"] = [("parent_id", "=", self.id)]
        action["context"] = {"default_parent_id": self.id}
        return action
