from decimal import Decimal

from markupsafe import Markup

from odoo import models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

# Names our advisory locks: any number that no other module uses ("tier").
LOCK = 0x74696572


class SaleOrder(models.Model):
    _inherit = "sale.order"

    # ------------------------------------------------------------------
    # Money
    # ------------------------------------------------------------------

    def _tier_credit_lines(self):
        """Return the lines that top up a wallet."""
        return self.order_line.filtered("tier_wallet_id")

    def _tier_is_credit(self):
        """Tell whether this order sells credit."""
        self.ensure_one()
        return any(line.tier_wallet_id or line.product_id.is_tier_credit for line in self.order_line)

    def _tier_root(self):
        """Return the documents that settle these orders: themselves; see ``tier.paid.change``."""
        return self

    def _tier_settle(self):
        """Bring the ledger to what the invoices of this order have paid beyond the shop."""
        self.ensure_one()
        invoiced = self._tier_paid_by_invoices()
        if invoiced > 0:
            self._tier_ask_for_wallet()
        names = ", ".join(self.invoice_ids.filtered(lambda move: move.state == "posted").mapped("name"))
        reason = self.env._("Order %(order)s, invoice %(invoice)s", order=self.name, invoice=names or "/")
        for line in self._tier_credit_lines():
            line._tier_settle_invoices(invoiced, reason)

    def _tier_lock(self):
        """Let one transaction at a time credit these orders, until it ends.

        An advisory lock, for the rows of orders are locked by others for long.
        """
        for order_id in sorted(self.ids):
            self.env.cr.execute(SQL("SELECT pg_advisory_xact_lock(%s, %s)", LOCK, order_id))

    def _tier_credit_paid(self):
        """Credit the wallets for every payment of these orders that is done.

        The state of the order does not matter, its payment does: an order
        confirmed by hand gives nothing, one cancelled after its payment keeps
        what it gave until the payment is refunded. Payments are taken in the
        order of their ids, whichever of them is processed first.
        """
        # sudo: neither buyers nor salespeople have rights on wallets.
        for order in self.sudo():
            payments = order._tier_payments()
            if not payments:
                continue
            order._tier_ask_for_wallet()
            for tx in payments:
                paid = order._tier_paid_in_shop(until=tx)
                order._tier_credit_lines()._tier_credit_up_to(
                    order._tier_share(paid),
                    str(tx.id),
                    self.env._(
                        "Order %(order)s, payment %(payment)s",
                        order=order.name,
                        payment=tx.reference,
                    ),
                )

    def _tier_transactions(self):
        """Return the transactions of this order, captures and refunds included."""
        self.ensure_one()
        return self.transaction_ids | self.transaction_ids.child_transaction_ids

    def _tier_payments(self):
        """Return the payments that brought money for this order, oldest first."""
        return self._tier_transactions().filtered(lambda tx: tx._tier_is_money()).sorted("id")

    def _tier_paid_in_shop(self, until=None, net=False):
        """Sum the payments of this order by transactions.

        :param until: the last one to count; all if none
        :param bool net: less what was given back
        :return: an amount with tax in the currency of the order
        :rtype: Decimal
        """
        to_decimal = self.env["tier.wallet"]._to_decimal
        paid = Decimal(0)
        for tx in self._tier_payments():
            amount = to_decimal(tx.amount) - (tx._tier_refunded() if net else 0)
            orders = tx._tier_orders()
            total = sum(map(to_decimal, orders.mapped("amount_total")), Decimal(0))
            if len(orders) > 1 and total:
                amount = amount * to_decimal(self.amount_total) / total
            paid += max(amount, Decimal(0))
            if tx == until:
                break
        return paid

    def _tier_share(self, paid):
        """Return which share of the order an amount pays.

        :param Decimal paid: in the currency of the order
        :return: 0 to 1
        :rtype: Decimal
        """
        total = self.env["tier.wallet"]._to_decimal(self.amount_total)
        return Decimal(1) if paid >= total else max(paid / total, Decimal(0))

    def _tier_paid_by_invoices(self):
        """Sum the money that paid the invoices of this order, down payments included.

        Less what was given back for credit notes; without what payments in the
        shop brought, for they credit the order themselves.

        :return: an amount with tax in the currency of the order
        :rtype: Decimal
        """
        Wallet = self.env["tier.wallet"].with_company(self.company_id)
        total = Decimal(0)
        for move, lines in self.order_line.invoice_lines.grouped("move_id").items():
            if move.state != "posted" or not move.amount_total:
                continue
            own = sum(map(Wallet._to_decimal, lines.mapped("price_total")), Decimal(0)) / move._tier_total()
            rate = Wallet._rate(move.currency_id, self.currency_id, move.invoice_date or move.date)
            sign = -1 if move.move_type == "out_refund" else 1
            total += sign * move._tier_money() * own * rate
        return total

    def _tier_ask_for_wallet(self):
        """Have somebody choose the wallet of credit that is paid and has none."""
        self.ensure_one()
        lines = self.order_line.filtered(lambda line: line.product_id.is_tier_credit and not line.tier_wallet_id)
        summary = self.env._("Choose the wallet of paid credit")
        if lines and summary not in self.activity_ids.mapped("summary"):
            self.activity_schedule(
                "mail.mail_activity_data_warning",
                summary=summary,
                note=self.env._(
                    "The order is paid, but it names no wallet of the buyer. Choose one on the "
                    "order line; it is credited at once."
                ),
                user_id=(self.user_id or self.env.ref("base.user_admin")).id,
            )

    def _validate_order(self):
        """Override of `sale`: the shop confirms an order with nothing (left) to pay."""
        result = super()._validate_order()
        for order in self.sudo().filtered(lambda order: order.state == "sale"):
            if order.currency_id.is_zero(order.amount_total):
                order._tier_lock()
                order._tier_credit_lines()._tier_credit_up_to(
                    Decimal(1), "order", self.env._("Order %s, nothing to pay", order.name)
                )
        return result

    def _tier_shop_news(self):
        """Tell the buyer on the confirmation page what became of the credit.

        :return: list of (whether it is credited, sentence), one for each wallet
        """
        self.ensure_one()
        origins = ["order", *map(str, self._tier_transactions().ids)]
        failed = self.get_portal_last_transaction()._tier_is_undone()
        news = []
        for wallet, lines in self._tier_credit_lines().grouped("tier_wallet_id").items():
            transfers = self.env["tier.transfer"].union(*(line._tier_transfers(*origins) for line in lines))
            arrived = transfers.filtered(lambda t, w=wallet: t.to_wallet_id == w)
            amounts = {
                name: Markup("<strong>%s</strong>") % wallet.currency_id.format(amount)
                for name, amount in (("credit", sum(arrived.mapped("amount_to"))), ("balance", wallet.balance))
            }
            if arrived:
                sentence = self.env._(
                    "%(credit)s was credited to wallet %(wallet)s; your balance is %(balance)s.",
                    wallet=wallet.name,
                    **amounts,
                )
            elif failed:
                sentence = self.env._("Nothing was credited to wallet %s: the payment did not go through.", wallet.name)
            else:
                sentence = self.env._("Wallet %s is credited as soon as your payment has arrived.", wallet.name)
            news.append((bool(arrived), sentence))
        return news

    # ------------------------------------------------------------------
    # Cart
    # ------------------------------------------------------------------

    def _tier_choose_wallet(self, choice=None):
        """Return the wallet for new credit in this cart, or why there is none.

        :param choice: id of a wallet as the browser sent it, checked here
        :return: ``tier.wallet`` (one or none) and a sentence for the buyer
        :rtype: tuple
        """
        wallets, problem = self.partner_id._tier_shop_wallets_or_problem(self.company_id)
        if problem:
            return wallets, problem
        if choice:
            wallets = wallets.filtered(lambda wallet: str(wallet.id) == str(choice))
            if not wallets:
                return wallets, self.env._("This wallet cannot be topped up by you: choose an active one of your own.")
        if len(wallets) > 1:
            return wallets.browse(), self.env._("You have several wallets: choose one on the page of the product.")
        return wallets, ""

    def _verify_updated_quantity(self, order_line, product_id, new_qty, uom_id, **kwargs):
        """Override of `website_sale` to refuse credit that no wallet could receive."""
        if self.env["product.product"].browse(product_id).is_tier_credit:
            choice = order_line.tier_wallet_id.id or kwargs.get("tier_wallet_id")
            wallet, problem = self._tier_choose_wallet(choice)
            if not wallet:
                return order_line.product_uom_qty, problem
        return super()._verify_updated_quantity(order_line, product_id, new_qty, uom_id, **kwargs)

    def _cart_find_product_line(
        self, product_id, uom_id, linked_line_id=False, no_variant_attribute_value_ids=None, **kwargs
    ):
        """Override of `website_sale`: credit of two wallets stays on two lines."""
        lines = super()._cart_find_product_line(
            product_id, uom_id, linked_line_id, no_variant_attribute_value_ids, **kwargs
        )
        if self.env["product.product"].browse(product_id).is_tier_credit:
            wallet = self._tier_choose_wallet(kwargs.get("tier_wallet_id"))[0]
            lines = lines.filtered(lambda line: line.tier_wallet_id == wallet)
        return lines

    def _prepare_order_line_values(self, product_id, quantity, uom_id, **kwargs):
        """Override of `website_sale` to keep the chosen wallet on the line."""
        values = super()._prepare_order_line_values(product_id, quantity, uom_id, **kwargs)
        if self.env["product.product"].browse(values["product_id"]).is_tier_credit:
            values["tier_wallet_id"] = self._tier_choose_wallet(kwargs.get("tier_wallet_id"))[0].id
        return values

    def _tier_cart_problem(self):
        """Return why the credit in this cart cannot be paid, for the buyer.

        A cart may be old: its wallet is suspended since, or another user has
        signed in.

        :return: a sentence, empty if all is well
        :rtype: str
        """
        self.ensure_one()
        wallets = self.partner_id._tier_shop_wallets(self.company_id)
        for line in self.order_line.filtered("product_id.is_tier_credit"):
            if line.tier_wallet_id not in wallets:
                return self.env._(
                    "The wallet that %s would top up is not active or not yours. Remove it from "
                    "your cart, then choose a wallet on the page of the product.",
                    line.name_short,
                )
        return ""

    def _check_cart_is_ready_to_be_paid(self):
        """Override of `website_sale` to check the wallets once more."""
        if problem := self._tier_cart_problem():
            raise ValidationError(problem)
        return super()._check_cart_is_ready_to_be_paid()
