"""A shop's orders of calling credit and their payments."""

from unittest.mock import patch

from odoo import Command
from odoo.tests import tagged

from odoo.addons.account_payment.tests.common import AccountPaymentCommon
from odoo.addons.tier_billing.tests.common import ChainBuilder


@tagged("post_install", "-at_install")
class ShopCase(ChainBuilder, AccountPaymentCommon):
    """A company with accounting of its own, a wallet, and payments that post for real."""

    @classmethod
    def get_default_groups(cls):
        return (
            super().get_default_groups()
            | cls.quick_ref("sales_team.group_sale_manager")
            | cls.quick_ref("tier_billing.group_tier_manager")
        )

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.currency = cls.company.currency_id
        cls.top = cls.new_wallet("Provider", currency_id=cls.currency.id)
        cls.wallet = cls.new_wallet("Ada", cls.top)
        cls.partner = cls.buyer = cls.wallet.partner_id
        credit = cls.env.ref("tier_ecommerce.product_credit")
        cls.credit20 = credit.product_variant_ids.filtered(lambda p: p.lst_price == 20)
        cls.goods = cls.env["product.product"].create(
            {"name": "Telephone", "type": "service", "taxes_id": [Command.clear()]}
        )

    def setUp(self):
        super().setUp()
        # Each would render a document, and take longer than all the rest.
        for name in ("_send_order_confirmation_mail", "_send_payment_succeeded_for_order_mail"):
            self.startPatcher(patch.object(self.registry["sale.order"], name, lambda order: None))

    def order(self, *lines, partner=None, **values):
        """Create an order of one piece each.

        :param lines: (product, price) or dicts of a line's values; one credit of 20 if none
        """
        commands = [
            Command.create(
                line
                if isinstance(line, dict)
                else {"product_id": line[0].id, "price_unit": line[1], "product_uom_qty": 1}
            )
            for line in lines or [(self.credit20, 20)]
        ]
        return self.env["sale.order"].create(
            {"partner_id": (partner or self.buyer).id, "order_line": commands, **values}
        )

    def pay(self, orders, amount=None, state="done", process=True, **values):
        """Pay orders; all of their total unless told otherwise.

        :param str state: state that the payment reaches
        :param bool process: whether it is post-processed
        :return: the ``payment.transaction``
        """
        tx = self._create_transaction(
            "redirect",
            amount=sum(orders.mapped("amount_total")) if amount is None else amount,
            currency_id=orders.currency_id.id,
            reference=f"{orders[0].name}-{len(orders.transaction_ids)}",
            sale_order_ids=[Command.set(orders.ids)],
            **values,
        )
        self.reach(tx, state)
        if process:
            tx._post_process()
            self.settle_money()
        return tx

    def reach(self, tx, state):
        """Have the provider of a payment report its state."""
        tx.provider_id.support_manual_capture = "partial"
        # From any state: some providers take back what they had reported as done.
        steps = {
            "pending": tx._set_pending,
            "authorized": tx._set_authorized,
            "done": tx._set_done,
            "cancel": lambda: tx._set_canceled(extra_allowed_states=("done",)),
            "error": lambda: tx._set_error("no", extra_allowed_states=("done",)),
        }
        steps[state]()

    def refund(self, tx, amount=None, process=True):
        """Refund a payment; all of it unless told otherwise.

        :return: the refund's ``payment.transaction``
        """
        refund = tx._refund(amount)
        refund._set_done()
        if process:
            refund._post_process()
            self.settle_money()
        return refund

    def run_cron(self):
        """Post-process by the scheduled action, in this very transaction."""
        with patch.object(self.env.cr, "commit"):
            self.env["payment.transaction"].sudo()._cron_post_process()

    def settle_money(self):
        """Settle the documents whose payments changed, as it happens after a commit."""
        self.env["tier.paid.change"].sudo()._settle_here()

    def topups(self, wallet=None):
        """Return the top-ups of a wallet."""
        return self.env["tier.transfer"].search(
            [("kind", "=", "topup"), ("to_wallet_id", "=", (wallet or self.wallet).id)]
        )

    def notes(self, wallet=None):
        """Return the notes of a wallet as text, the newest first."""
        return (wallet or self.wallet).message_ids.mapped("preview")
