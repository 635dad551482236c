from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools.sql import column_exists, create_column

from odoo.addons.tier_billing.const import MONEY_DIGITS


class SaleOrderLine(models.Model):
    """A line of calling credit, and its way into the wallet.

    The wallet gets the line's price without tax (``price_subtotal``), as far as
    the order is paid: an order of which half is paid gives half of its credit.
    The amount is converted into the wallet's currency by Odoo's rate of the day
    on which it is credited, and rounded once.
    """

    _inherit = "sale.order.line"

    tier_wallet_id = fields.Many2one(
        "tier.wallet",
        "Wallet",
        compute="_compute_tier_wallet_id",
        store=True,
        readonly=False,
        precompute=True,
        ondelete="restrict",
        index="btree_not_null",
        help="The wallet of the buyer that this line tops up once it is paid.",
    )
    tier_shop_credit_ids = fields.One2many(
        "tier.shop.credit", "line_id", "Credits", groups="tier_billing.group_tier_auditor"
    )
    tier_paid_credit_ids = fields.One2many(
        "tier.paid.credit", "sale_line_id", "Credits by invoice", groups="tier_billing.group_tier_auditor"
    )
    tier_credited = fields.Float(
        "Credited",
        digits=MONEY_DIGITS,
        compute="_compute_tier_credited",
        compute_sudo=True,
        help="How much of the price has gone to the wallet, in the currency of the order. Refunds do not lower it.",
    )

    def _auto_init(self):
        # No line names a wallet before this module is installed: computing
        # that for years of orders would take minutes for nothing.
        if not column_exists(self.env.cr, self._table, "tier_wallet_id"):
            create_column(self.env.cr, self._table, "tier_wallet_id", "int4")
        return super()._auto_init()

    @api.depends("tier_shop_credit_ids.amount", "tier_paid_credit_ids.amount")
    def _compute_tier_credited(self):
        for line in self:
            line.tier_credited = sum(
                [*line.tier_shop_credit_ids.mapped("amount"), *line.tier_paid_credit_ids.mapped("amount")]
            )

    @api.depends("product_id", "order_id.partner_id")
    def _compute_tier_wallet_id(self):
        for line in self:
            wallet = line.tier_wallet_id
            if not line.product_id.is_tier_credit and not line.tier_credited:
                wallet = False
            elif not line.tier_credited:
                wallets = line.order_id.partner_id._tier_shop_wallets(line.order_id.company_id)
                if wallet not in wallets:
                    wallet = wallets if len(wallets) == 1 else False
            line.tier_wallet_id = wallet

    @api.depends("tier_wallet_id")
    def _compute_name(self):
        return super()._compute_name()

    def _get_sale_order_line_multiline_description_sale(self):
        """Override of `sale` to name the wallet wherever the line is shown."""
        description = super()._get_sale_order_line_multiline_description_sale()
        if wallet := self.sudo().tier_wallet_id:
            description += "\n" + self.env._("Wallet: %s", wallet.name)
        return description

    @api.constrains("tier_wallet_id")
    def _check_tier_wallet(self):
        for line in self.sudo().filtered("tier_wallet_id"):
            wallet, order = line.tier_wallet_id, line.order_id
            if (
                wallet.partner_id.commercial_partner_id != order.partner_id.commercial_partner_id
                or wallet.company_id != order.company_id
            ):
                raise ValidationError(
                    self.env._(
                        "%(wallet)s is no wallet of %(partner)s with %(company)s: credit goes to "
                        "the buyer's own wallet.",
                        wallet=wallet.name,
                        partner=order.partner_id.display_name,
                        company=order.company_id.name,
                    )
                )

    def write(self, vals):
        if "tier_wallet_id" in vals:
            for line in self:
                if line.tier_credited and line.tier_wallet_id.id != vals["tier_wallet_id"]:
                    raise UserError(
                        self.env._(
                            "%(line)s has been credited to %(wallet)s already.",
                            line=line.display_name,
                            wallet=line.sudo().tier_wallet_id.name,
                        )
                    )
        result = super().write(vals)
        if vals.get("tier_wallet_id"):
            # Paid before anybody knew the wallet: the credit is overdue.
            self.order_id._tier_credit_paid()
            self.env["tier.paid.change"]._mark(self.order_id.filtered("invoice_ids"))
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_credited(self):
        for line in self:
            if line.tier_credited:
                raise UserError(
                    self.env._(
                        "%s has been credited to a wallet: refund its payment instead.",
                        line.display_name,
                    )
                )

    def _prepare_invoice_line(self, **optional_values):
        """Override of `sale` to name the wallet on the invoice."""
        values = super()._prepare_invoice_line(**optional_values)
        if self.tier_wallet_id and not self.display_type:
            values["tier_wallet_id"] = self.tier_wallet_id.id
        return values

    # ------------------------------------------------------------------
    # Money
    # ------------------------------------------------------------------

    def _tier_key(self, origin):
        """Return the source key of what one payment credits for this line.

        :param str origin: id of the payment transaction, or ``order`` for an
            order with nothing to pay
        :rtype: str
        """
        return f"shop:{self.id}:{origin}"

    def _tier_credit_up_to(self, share, origin, reason):
        """Credit the wallets until a share of the lines' price is credited.

        What earlier payments credited counts. Each origin credits a line once.

        :param Decimal share: of the order that is paid, 0 to 1
        :param str origin: see :meth:`_tier_key`
        :param str reason: free text
        """
        for line in self:
            wallet = line.tier_wallet_id
            key = line._tier_key(origin)
            if wallet._is_posted(key):
                continue
            price = wallet._to_decimal(line.price_subtotal)
            due = wallet._quantize(price * share, line.currency_id) - line._tier_given()
            rate = wallet._rate(line.currency_id, wallet.currency_id, fields.Date.context_today(wallet))
            amount = wallet._quantize(due * rate, wallet.currency_id)
            if amount <= 0:
                continue
            line.tier_shop_credit_ids.create({"line_id": line.id, "origin": origin, "amount": float(due)})
            wallet._note_by_system(
                self.env._(
                    "%(amount)s credited. %(reason)s",
                    amount=wallet.currency_id.format(float(amount)),
                    reason=reason,
                )
            )
            # Last: from here to the commit the accounts are locked.
            wallet._topup(amount, key, reason)

    def _tier_given(self):
        """Return which part of the price has gone to the wallet for payments that still stand.

        :return: an amount in the currency of the order
        :rtype: Decimal
        """
        self.ensure_one()
        given = sum((amount for _tx, amount in self._tier_shop_credits()), Decimal(0))
        return given + self.tier_paid_credit_ids._left()

    def _tier_shop_credits(self):
        """Return what payments in the shop that still stand have credited.

        :return: list of (``payment.transaction``, perhaps none, and Decimal in the
            currency of the order)
        """
        transactions = {str(tx.id): tx for tx in self.order_id._tier_transactions()}
        none = self.env["payment.transaction"]
        return [
            (tx, self.env["tier.wallet"]._to_decimal(credit.amount))
            for credit in self.tier_shop_credit_ids
            if not (tx := transactions.get(credit.origin, none)) or not tx._tier_is_undone()
        ]

    def _tier_settle_invoices(self, invoiced, reason):
        """Credit what the invoices of the order paid beyond the shop, or take back what they gave back.

        :param Decimal invoiced: see ``sale.order._tier_paid_by_invoices``
        :param str reason: free text
        """
        self.ensure_one()
        wallet, order = self.tier_wallet_id, self.order_id
        to_decimal = wallet._to_decimal
        in_shop = Decimal(0)
        for tx, amount in self._tier_shop_credits():
            refunded = min(tx._tier_refunded() / to_decimal(tx.amount), Decimal(1)) if tx.amount else Decimal(0)
            in_shop += amount * (1 - refunded)
        share = order._tier_share(order._tier_paid_in_shop(net=True) + invoiced) if invoiced else Decimal(0)
        target = wallet._quantize(to_decimal(self.price_subtotal) * share - in_shop, self.currency_id)
        if not invoiced or (target > 0) != (invoiced > 0):
            target = Decimal(0)
        self.env["tier.paid.credit"]._bring_to(
            f"sale.order.line:{self.id}", {(wallet, self.currency_id): target}, reason, sale_line_id=self.id
        )

    def _tier_transfers(self, *origins):
        """Return the transfers by which payments credited this line.

        Several for one payment if the wallet has outside money: the credit
        went down the chain.

        :param str origins: see :meth:`_tier_key`
        :return: ``tier.transfer`` records
        """
        self.ensure_one()
        chain = self.tier_wallet_id._outside_chain() if self.tier_wallet_id else []
        keys = []
        for key in map(self._tier_key, origins):
            keys += [key, *(f"{key}:{wallet.id}" for wallet in chain[1:])]
        return self.env["tier.transfer"].search([("source_key", "in", keys)])

    def _tier_take_back(self, share, origin, reason):
        """Take back a share of what one payment credited; see ``tier.transfer``.

        :param Decimal share: 0 to 1, in all
        :param str origin: see :meth:`_tier_key`
        :param str reason: free text
        """
        for line in self:
            wallet = line.tier_wallet_id
            moved = line._tier_transfers(origin)._take_back(min(share, Decimal(1)), reason)
            taken = sum(moved.filtered(lambda t, w=wallet: t.from_wallet_id == w).mapped("amount"))
            given = sum(moved.filtered(lambda t, w=wallet: t.to_wallet_id == w).mapped("amount_to"))
            if taken or given:
                wallet._note_by_system(
                    self.env._(
                        "%(amount)s taken back. %(reason)s",
                        amount=wallet.currency_id.format(taken - given),
                        reason=reason,
                    )
                )
