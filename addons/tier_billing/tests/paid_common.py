"""Invoices of credit and their payments, in a company with books."""

from unittest.mock import patch

from odoo import Command

from .test_booking import BookingCase


class PaidCase(BookingCase):
    """A customer with a wallet, and what an accountant does with its invoices."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.top = cls.new_wallet("Provider", currency_id=cls.dollar.id, company_id=cls.company.id)
        cls.wallet = cls.new_wallet("Ada", cls.top)
        cls.partner = cls.wallet.partner_id
        cls.credit_product = cls.env["product.product"].create(
            {"name": "Credit", "type": "service", "is_tier_credit": True, "taxes_id": [Command.clear()]}
        )
        cls.goods = cls.env["product.product"].create(
            {"name": "Telephone", "type": "service", "taxes_id": [Command.clear()]}
        )
        cls.bank = cls.env["account.journal"].search(
            [("type", "=", "bank"), ("company_id", "=", cls.company.id)], limit=1
        )
        cls.general = cls.company.tier_journal_id
        cls.receivable = cls.partner.with_company(cls.company).property_account_receivable_id

    def line(self, amount, product=None, taxes=None, **values):
        """Return the command of an invoice line; one of credit unless told otherwise."""
        return Command.create(
            {
                "product_id": (product or self.credit_product).id,
                "price_unit": amount,
                "tax_ids": [Command.set(taxes.ids if taxes else [])],
                **values,
            }
        )

    def invoice(self, *lines, move_type="out_invoice", post=True, partner=None, **values):
        """Create and post an invoice.

        :param lines: amounts of credit, or commands of :meth:`line`
        """
        move = self.env["account.move"].create(
            {
                "move_type": move_type,
                "partner_id": (partner or self.partner).id,
                "invoice_date": "2026-11-20",
                "invoice_line_ids": [line if isinstance(line, tuple) else self.line(line) for line in lines],
                **values,
            }
        )
        if post:
            move.action_post()
        return move

    def pay(self, moves, amount=None, **values):
        """Register a payment of invoices, or the refund of credit notes.

        :return: the ``account.payment``
        """
        wizard = self.env["account.payment.register"].with_context(active_model="account.move", active_ids=moves.ids)
        values = {"journal_id": self.bank.id, **({"amount": amount} if amount else {}), **values}
        payment = wizard.create(values)._create_payments()
        self.settle()
        return payment

    def reverse(self, move, amount=None, settle=True):
        """Make a credit note of an invoice, of a part of its credit if an amount is given."""
        wizard = self.env["account.move.reversal"].with_context(active_model="account.move", active_ids=move.ids)
        wizard = wizard.create({"journal_id": move.journal_id.id, "date": move.date})
        wizard.refund_moves()
        refund = wizard.new_move_ids
        if amount:
            refund.invoice_line_ids = [Command.clear(), self.line(amount)]
        refund.action_post()
        if settle:
            self.settle()
        return refund

    def receivables(self, moves):
        return moves.line_ids.filtered(lambda line: line.account_type == "asset_receivable")

    def reconcile(self, *moves):
        """Reconcile the receivables of journal entries."""
        lines = self.env["account.move.line"].union(*map(self.receivables, moves))
        lines.filtered(lambda line: not line.reconciled).reconcile()
        self.settle()

    def unreconcile(self, moves):
        self.receivables(moves).remove_move_reconcile()
        self.settle()

    def entry(self, debit, credit, amount, partner=None):
        """Post an entry by hand.

        :param debit, credit: ``account.account`` records
        """
        move = self.env["account.move"].create(
            {
                "journal_id": self.general.id,
                "line_ids": [
                    Command.create(
                        {
                            "account_id": account.id,
                            "partner_id": (partner or self.partner).id,
                            "debit": amount if account == debit else 0,
                            "credit": amount if account == credit else 0,
                        }
                    )
                    for account in (debit, credit)
                ],
            }
        )
        move.action_post()
        return move

    def settle(self):
        """Do what happens after the commit of a request."""
        self.env.flush_all()
        with self.enter_registry_test_mode():
            self.env.cr.postcommit.run()
        self.env.invalidate_all()
        self.assertFalse(self.env["tier.paid.change"].sudo().search([]), "not settled")

    def run_cron(self):
        """Settle by the scheduled action."""
        self.env.flush_all()
        with self.enter_registry_test_mode(), patch.object(self.env.cr, "commit"):
            self.env["tier.paid.change"]._settle_left()
        self.env.invalidate_all()

    def topups(self, wallet=None):
        return self.env["tier.transfer"].search(
            [("kind", "=", "topup"), ("to_wallet_id", "=", (wallet or self.wallet).id)]
        )

    def notes(self, wallet=None):
        """Return the notes of a wallet as text, the newest first."""
        return (wallet or self.wallet).message_ids.mapped("preview")
